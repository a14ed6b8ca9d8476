//! Transfer syntaxes as codecs see them.

/// How the frames of a transfer syntax are coded (PS3.5 annex A.4, section 8.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Syntax {
    /// Not at all: native, in the byte order that `big_endian` tells. Bytes of Pixel Data, or Encapsulated Uncompressed.
    Native {
        /// Most significant byte first.
        big_endian: bool,
    },
    /// 1.2.840.10008.1.2.5.
    RleLossless,
    /// 1.2.840.10008.1.2.4.50.
    JpegBaseline,
    /// 1.2.840.10008.1.2.4.51.
    JpegExtended,
    /// 1.2.840.10008.1.2.4.57: Process 14, any predictor.
    JpegLossless,
    /// 1.2.840.10008.1.2.4.70: Process 14, predictor 1.
    JpegLosslessSv1,
    /// 1.2.840.10008.1.2.4.80.
    JpegLsLossless,
    /// 1.2.840.10008.1.2.4.81.
    JpegLsNearLossless,
    /// 1.2.840.10008.1.2.4.90.
    Jpeg2000Lossless,
    /// 1.2.840.10008.1.2.4.91.
    Jpeg2000,
    /// 1.2.840.10008.1.2.4.201.
    Htj2kLossless,
    /// 1.2.840.10008.1.2.4.202: resolution first, so that a viewer can stop early.
    Htj2kLosslessRpcl,
    /// 1.2.840.10008.1.2.4.203.
    Htj2k,
    /// 1.2.840.10008.1.2.4.110.
    JpegXlLossless,
    /// 1.2.840.10008.1.2.4.111: a JPEG, losslessly recompressed.
    JpegXlRecompression,
    /// 1.2.840.10008.1.2.4.112.
    JpegXl,
    /// 1.2.840.10008.1.2.8.1: each frame a deflate stream.
    DeflatedImageFrame,
}

/// What may be done to the pixels of a transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// Samples stand in the data set as they are.
    Native,
    /// Decoded and encoded again without loss.
    Lossless,
    /// Edited in the blocks that are touched.
    Blocks,
    /// Not touched: encoding it again would lose.
    Lossy,
}

impl Syntax {
    /// Looks a Transfer Syntax UID up; `None` for video, for syntaxes without pixels and for those nobody can decode here.
    #[must_use]
    pub fn of(uid: &str) -> Option<Self> {
        Some(match uid {
            "1.2.840.10008.1.2"
            | "1.2.840.10008.1.2.1"
            | "1.2.840.10008.1.2.1.98"
            | "1.2.840.10008.1.2.1.99" => Self::Native { big_endian: false },
            "1.2.840.10008.1.2.2" => Self::Native { big_endian: true },
            "1.2.840.10008.1.2.5" => Self::RleLossless,
            "1.2.840.10008.1.2.4.50" => Self::JpegBaseline,
            "1.2.840.10008.1.2.4.51" => Self::JpegExtended,
            "1.2.840.10008.1.2.4.57" => Self::JpegLossless,
            "1.2.840.10008.1.2.4.70" => Self::JpegLosslessSv1,
            "1.2.840.10008.1.2.4.80" => Self::JpegLsLossless,
            "1.2.840.10008.1.2.4.81" => Self::JpegLsNearLossless,
            "1.2.840.10008.1.2.4.90" => Self::Jpeg2000Lossless,
            "1.2.840.10008.1.2.4.91" => Self::Jpeg2000,
            "1.2.840.10008.1.2.4.201" => Self::Htj2kLossless,
            "1.2.840.10008.1.2.4.202" => Self::Htj2kLosslessRpcl,
            "1.2.840.10008.1.2.4.203" => Self::Htj2k,
            "1.2.840.10008.1.2.4.110" => Self::JpegXlLossless,
            "1.2.840.10008.1.2.4.111" => Self::JpegXlRecompression,
            "1.2.840.10008.1.2.4.112" => Self::JpegXl,
            "1.2.840.10008.1.2.8.1" => Self::DeflatedImageFrame,
            _ => return None,
        })
    }

    /// What may be done to its pixels. A stream of a syntax that allows both is taken for lossy.
    #[must_use]
    pub fn coding(self) -> Coding {
        match self {
            Self::Native { .. } => Coding::Native,
            Self::RleLossless
            | Self::JpegLossless
            | Self::JpegLosslessSv1
            | Self::JpegLsLossless
            | Self::Jpeg2000Lossless
            | Self::Htj2kLossless
            | Self::Htj2kLosslessRpcl
            | Self::JpegXlLossless
            | Self::DeflatedImageFrame => Coding::Lossless,
            Self::JpegBaseline | Self::JpegExtended => Coding::Blocks,
            Self::JpegLsNearLossless
            | Self::Jpeg2000
            | Self::Htj2k
            | Self::JpegXlRecompression
            | Self::JpegXl => Coding::Lossy,
        }
    }
}
