//! Photometric Interpretation (0028,0004): what the samples of a pixel mean (PS3.3 C.7.6.3.1.2).

/// A Photometric Interpretation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Photometric {
    /// One sample; the lowest value is white.
    Monochrome1,
    /// One sample; the lowest value is black.
    Monochrome2,
    /// One sample, an index into red, green and blue lookup tables.
    PaletteColor,
    /// Red, green, blue.
    Rgb,
    /// Luminance and two chrominances, full range.
    YbrFull,
    /// As [`YbrFull`](Self::YbrFull), chrominances at every second column.
    YbrFull422,
    /// Luminance and two chrominances at every second row and column, partial range.
    YbrPartial420,
    /// What the irreversible transform of JPEG 2000 makes of RGB.
    YbrIct,
    /// What the reversible transform of JPEG 2000 makes of RGB.
    YbrRct,
    /// The colours of JPEG XL.
    Xyb,
}

impl Photometric {
    /// Reads a Defined Term; `None` for one that is retired or not known.
    #[must_use]
    pub fn parse(term: &str) -> Option<Self> {
        Some(match term {
            "MONOCHROME1" => Self::Monochrome1,
            "MONOCHROME2" => Self::Monochrome2,
            "PALETTE COLOR" => Self::PaletteColor,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_PARTIAL_420" => Self::YbrPartial420,
            "YBR_ICT" => Self::YbrIct,
            "YBR_RCT" => Self::YbrRct,
            "XYB" => Self::Xyb,
            _ => return None,
        })
    }

    /// Whether a pixel is a grey value.
    #[must_use]
    pub fn is_monochrome(self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }

    /// The Defined Term.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Monochrome1 => "MONOCHROME1",
            Self::Monochrome2 => "MONOCHROME2",
            Self::PaletteColor => "PALETTE COLOR",
            Self::Rgb => "RGB",
            Self::YbrFull => "YBR_FULL",
            Self::YbrFull422 => "YBR_FULL_422",
            Self::YbrPartial420 => "YBR_PARTIAL_420",
            Self::YbrIct => "YBR_ICT",
            Self::YbrRct => "YBR_RCT",
            Self::Xyb => "XYB",
        }
    }

    /// Samples per Pixel (0028,0002) that it goes with.
    #[must_use]
    pub fn samples(self) -> u8 {
        match self {
            Self::Monochrome1 | Self::Monochrome2 | Self::PaletteColor => 1,
            Self::Rgb
            | Self::YbrFull
            | Self::YbrFull422
            | Self::YbrPartial420
            | Self::YbrIct
            | Self::YbrRct
            | Self::Xyb => 3,
        }
    }

    /// Whether the first of three samples is a luminance.
    #[must_use]
    pub fn is_luminance(self) -> bool {
        matches!(
            self,
            Self::YbrFull | Self::YbrFull422 | Self::YbrPartial420 | Self::YbrIct | Self::YbrRct
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn terms_are_read_as_they_are_written() {
        let terms = [
            "MONOCHROME1",
            "MONOCHROME2",
            "PALETTE COLOR",
            "RGB",
            "YBR_FULL",
            "YBR_FULL_422",
            "YBR_PARTIAL_420",
            "YBR_ICT",
            "YBR_RCT",
            "XYB",
        ];
        for term in terms {
            assert_eq!(Photometric::parse(term).map(Photometric::as_str), Some(term));
        }
        assert_eq!(Photometric::parse("ARGB"), None);
    }
}
