//! Transfer syntaxes: how a data set's bytes are laid out, and what its pixel data has gone through.

use dicom_dictionary_std::uids;

/// How the elements of a data set are encoded (PS3.5 annex A).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// Implicit VR, little endian.
    ImplicitLittle,
    /// Explicit VR, little endian.
    ExplicitLittle,
    /// Explicit VR, big endian (retired).
    ExplicitBig,
}

impl Encoding {
    /// Whether numbers are written with the most significant byte first.
    #[must_use]
    pub fn is_big_endian(self) -> bool {
        matches!(self, Self::ExplicitBig)
    }

    /// Whether elements carry their VR.
    #[must_use]
    pub fn is_explicit(self) -> bool {
        !matches!(self, Self::ImplicitLittle)
    }
}

/// What the pixel data of a transfer syntax has gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PixelCoding {
    /// Not compressed; the data set can be written in any native syntax.
    Native,
    /// Compressed reversibly.
    Lossless,
    /// Compressed, reversibly or not: the syntax allows both.
    MaybeLossy,
    /// Compressed irreversibly, or video.
    Lossy,
    /// A syntax that this edition does not list.
    Unknown,
}

/// What is known of a transfer syntax.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TransferSyntax {
    /// How its elements are laid out.
    pub encoding: Encoding,
    /// Whether the whole data set is a deflate stream (PS3.5 §A.5).
    pub deflated: bool,
    /// What its pixel data has gone through.
    pub pixels: PixelCoding,
}

impl TransferSyntax {
    /// Looks a UID up. A UID that is not listed is taken for an encapsulated one: since PS3.5 §A.4 all those are
    /// Explicit VR Little Endian.
    #[must_use]
    pub fn of(uid: &str) -> Self {
        let (encoding, deflated) = match uid {
            uids::IMPLICIT_VR_LITTLE_ENDIAN => (Encoding::ImplicitLittle, false),
            EXPLICIT_VR_BIG_ENDIAN => (Encoding::ExplicitBig, false),
            uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN => (Encoding::ExplicitLittle, true),
            _ => (Encoding::ExplicitLittle, false),
        };
        let pixels = listed(uid).map_or(PixelCoding::Unknown, |(_, _, pixels)| *pixels);
        Self { encoding, deflated, pixels }
    }

    /// Whether the data set can be rewritten in Implicit or Explicit VR Little Endian without a codec.
    #[must_use]
    pub fn is_native(self) -> bool {
        matches!(self.pixels, PixelCoding::Native)
    }
}

/// Explicit VR Big Endian, retired in 2006 and still met.
pub const EXPLICIT_VR_BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";

/// The transfer syntaxes of PS3.6 table A-1, retired ones included: UID, name, what the pixels have gone through.
pub const LISTED: &[(&str, &str, PixelCoding)] = &[
    ("1.2.840.10008.1.2", "Implicit VR Little Endian", PixelCoding::Native),
    ("1.2.840.10008.1.2.1", "Explicit VR Little Endian", PixelCoding::Native),
    (
        "1.2.840.10008.1.2.1.98",
        "Encapsulated Uncompressed Explicit VR Little Endian",
        PixelCoding::Lossless,
    ),
    ("1.2.840.10008.1.2.1.99", "Deflated Explicit VR Little Endian", PixelCoding::Native),
    ("1.2.840.10008.1.2.2", "Explicit VR Big Endian", PixelCoding::Native),
    ("1.2.840.10008.1.2.4.50", "JPEG Baseline (Process 1)", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.51", "JPEG Extended (Process 2)", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.52", "JPEG Extended (Process 3)", PixelCoding::Lossy),
    (
        "1.2.840.10008.1.2.4.53",
        "JPEG Spectral Selection, Non-Hierarchical (Process 6)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.54",
        "JPEG Spectral Selection, Non-Hierarchical (Process 7)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.55",
        "JPEG Full Progression, Non-Hierarchical (Process 10)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.56",
        "JPEG Full Progression, Non-Hierarchical (Process 11)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.57",
        "JPEG Lossless, Non-Hierarchical (Process 14)",
        PixelCoding::Lossless,
    ),
    (
        "1.2.840.10008.1.2.4.58",
        "JPEG Lossless, Non-Hierarchical (Process 15)",
        PixelCoding::Lossless,
    ),
    ("1.2.840.10008.1.2.4.59", "JPEG Extended, Hierarchical (Process 16)", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.60", "JPEG Extended, Hierarchical (Process 17)", PixelCoding::Lossy),
    (
        "1.2.840.10008.1.2.4.61",
        "JPEG Spectral Selection, Hierarchical (Process 20)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.62",
        "JPEG Spectral Selection, Hierarchical (Process 21)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.63",
        "JPEG Full Progression, Hierarchical (Process 24)",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.64",
        "JPEG Full Progression, Hierarchical (Process 25)",
        PixelCoding::Lossy,
    ),
    ("1.2.840.10008.1.2.4.65", "JPEG Lossless, Hierarchical (Process 28)", PixelCoding::Lossless),
    ("1.2.840.10008.1.2.4.66", "JPEG Lossless, Hierarchical (Process 29)", PixelCoding::Lossless),
    (
        "1.2.840.10008.1.2.4.70",
        "JPEG Lossless, Non-Hierarchical, First-Order Prediction (Process 14 [Selection Value 1])",
        PixelCoding::Lossless,
    ),
    ("1.2.840.10008.1.2.4.80", "JPEG-LS Lossless Image Compression", PixelCoding::Lossless),
    (
        "1.2.840.10008.1.2.4.81",
        "JPEG-LS Lossy (Near-Lossless) Image Compression",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.90",
        "JPEG 2000 Image Compression (Lossless Only)",
        PixelCoding::Lossless,
    ),
    ("1.2.840.10008.1.2.4.91", "JPEG 2000 Image Compression", PixelCoding::MaybeLossy),
    (
        "1.2.840.10008.1.2.4.92",
        "JPEG 2000 Part 2 Multi-component Image Compression (Lossless Only)",
        PixelCoding::Lossless,
    ),
    (
        "1.2.840.10008.1.2.4.93",
        "JPEG 2000 Part 2 Multi-component Image Compression",
        PixelCoding::MaybeLossy,
    ),
    ("1.2.840.10008.1.2.4.94", "JPIP Referenced", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.95", "JPIP Referenced Deflate", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.100", "MPEG2 Main Profile / Main Level", PixelCoding::Lossy),
    (
        "1.2.840.10008.1.2.4.100.1",
        "Fragmentable MPEG2 Main Profile / Main Level",
        PixelCoding::Lossy,
    ),
    ("1.2.840.10008.1.2.4.101", "MPEG2 Main Profile / High Level", PixelCoding::Lossy),
    (
        "1.2.840.10008.1.2.4.101.1",
        "Fragmentable MPEG2 Main Profile / High Level",
        PixelCoding::Lossy,
    ),
    ("1.2.840.10008.1.2.4.102", "MPEG-4 AVC/H.264 High Profile / Level 4.1", PixelCoding::Lossy),
    (
        "1.2.840.10008.1.2.4.102.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.1",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.103",
        "MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.103.1",
        "Fragmentable MPEG-4 AVC/H.264 BD-compatible High Profile / Level 4.1",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.104",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.104.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 2D Video",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.105",
        "MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.105.1",
        "Fragmentable MPEG-4 AVC/H.264 High Profile / Level 4.2 For 3D Video",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.106",
        "MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.4.106.1",
        "Fragmentable MPEG-4 AVC/H.264 Stereo High Profile / Level 4.2",
        PixelCoding::Lossy,
    ),
    ("1.2.840.10008.1.2.4.107", "HEVC/H.265 Main Profile / Level 5.1", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.108", "HEVC/H.265 Main 10 Profile / Level 5.1", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.110", "JPEG XL Lossless", PixelCoding::Lossless),
    ("1.2.840.10008.1.2.4.111", "JPEG XL JPEG Recompression", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.112", "JPEG XL", PixelCoding::MaybeLossy),
    (
        "1.2.840.10008.1.2.4.201",
        "High-Throughput JPEG 2000 Image Compression (Lossless Only)",
        PixelCoding::Lossless,
    ),
    (
        "1.2.840.10008.1.2.4.202",
        "High-Throughput JPEG 2000 with RPCL Options Image Compression (Lossless Only)",
        PixelCoding::Lossless,
    ),
    (
        "1.2.840.10008.1.2.4.203",
        "High-Throughput JPEG 2000 Image Compression",
        PixelCoding::MaybeLossy,
    ),
    ("1.2.840.10008.1.2.4.204", "JPIP HTJ2K Referenced", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.4.205", "JPIP HTJ2K Referenced Deflate", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.5", "RLE Lossless", PixelCoding::Lossless),
    ("1.2.840.10008.1.2.6.1", "RFC 2557 MIME encapsulation", PixelCoding::Unknown),
    ("1.2.840.10008.1.2.6.2", "XML Encoding", PixelCoding::Unknown),
    (
        "1.2.840.10008.1.2.7.1",
        "SMPTE ST 2110-20 Uncompressed Progressive Active Video",
        PixelCoding::Lossy,
    ),
    (
        "1.2.840.10008.1.2.7.2",
        "SMPTE ST 2110-20 Uncompressed Interlaced Active Video",
        PixelCoding::Lossy,
    ),
    ("1.2.840.10008.1.2.7.3", "SMPTE ST 2110-30 PCM Digital Audio", PixelCoding::Lossy),
    ("1.2.840.10008.1.2.8.1", "Deflated Image Frame Compression", PixelCoding::Lossless),
];

fn listed(uid: &str) -> Option<&'static (&'static str, &'static str, PixelCoding)> {
    LISTED.iter().find(|(listed, _, _)| *listed == uid)
}

/// The standard's name of a transfer syntax, or the UID itself.
#[must_use]
pub fn name(uid: &str) -> &str {
    listed(uid).map_or(uid, |(_, name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(uid: &str, encoding: Encoding, deflated: bool, pixels: PixelCoding) {
        assert_eq!(TransferSyntax::of(uid), TransferSyntax { encoding, deflated, pixels }, "{uid}");
    }

    #[test]
    fn native_syntaxes_differ_in_their_encoding() {
        check("1.2.840.10008.1.2", Encoding::ImplicitLittle, false, PixelCoding::Native);
        check("1.2.840.10008.1.2.1", Encoding::ExplicitLittle, false, PixelCoding::Native);
        check("1.2.840.10008.1.2.2", Encoding::ExplicitBig, false, PixelCoding::Native);
        check("1.2.840.10008.1.2.1.99", Encoding::ExplicitLittle, true, PixelCoding::Native);
    }

    #[test]
    fn compressed_syntaxes_say_whether_they_lose_anything() {
        check("1.2.840.10008.1.2.4.50", Encoding::ExplicitLittle, false, PixelCoding::Lossy);
        check("1.2.840.10008.1.2.4.70", Encoding::ExplicitLittle, false, PixelCoding::Lossless);
        check("1.2.840.10008.1.2.4.91", Encoding::ExplicitLittle, false, PixelCoding::MaybeLossy);
        check("1.2.840.10008.1.2.4.103", Encoding::ExplicitLittle, false, PixelCoding::Lossy);
        check("1.2.3.4", Encoding::ExplicitLittle, false, PixelCoding::Unknown);
    }

    #[test]
    fn names_come_from_the_standard() {
        assert_eq!(name("1.2.840.10008.1.2.5"), "RLE Lossless");
        assert_eq!(name("1.2.3.4"), "1.2.3.4");
    }
}
