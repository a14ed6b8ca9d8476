//! In which character set a phantom speaks.

use crate::dicom::VR;
use crate::dicom::charset::CharacterSet;

/// The character set of a phantom's text: what (0008,0005) says, and what is really there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Characters {
    /// GB18030, what most Chinese modalities write.
    #[default]
    Gb18030,
    /// GBK.
    Gbk,
    /// ISO_IR 192, UTF-8.
    Utf8,
    /// ISO_IR 100; names stand in Latin letters only.
    Latin1,
    /// `\ISO 2022 IR 58`: GB 2312 behind escape sequences.
    Gb2312Extension,
    /// No (0008,0005); names stand in Latin letters only.
    Undeclared,
    /// GBK bytes under ISO_IR 100, the commonest wrong declaration.
    GbkAsLatin1,
    /// GBK bytes without (0008,0005).
    GbkUndeclared,
}

impl Characters {
    /// The value of Specific Character Set (0008,0005); `None` when it is absent.
    #[must_use]
    pub fn declaration(self) -> Option<&'static str> {
        match self {
            Self::Gb18030 => Some("GB18030"),
            Self::Gbk => Some("GBK"),
            Self::Utf8 => Some("ISO_IR 192"),
            Self::Latin1 | Self::GbkAsLatin1 => Some("ISO_IR 100"),
            Self::Gb2312Extension => Some("\\ISO 2022 IR 58"),
            Self::Undeclared | Self::GbkUndeclared => None,
        }
    }

    /// Whether Chinese can be written.
    #[must_use]
    pub fn has_chinese(self) -> bool {
        match self {
            Self::Gb18030
            | Self::Gbk
            | Self::Utf8
            | Self::Gb2312Extension
            | Self::GbkAsLatin1
            | Self::GbkUndeclared => true,
            Self::Latin1 | Self::Undeclared => false,
        }
    }

    /// The set that the bytes are really in.
    #[must_use]
    pub fn real(self) -> CharacterSet {
        match self {
            Self::GbkAsLatin1 | Self::GbkUndeclared => CharacterSet::declared("GBK"),
            Self::Gb18030
            | Self::Gbk
            | Self::Utf8
            | Self::Latin1
            | Self::Gb2312Extension
            | Self::Undeclared => CharacterSet::declared(self.declaration().unwrap_or_default()),
        }
    }

    /// The bytes of one or several values; a question mark where the set lacks a character.
    pub(super) fn encode(self, text: &str, vr: VR) -> Vec<u8> {
        let set = self.real();
        if matches!(vr, VR::ST | VR::LT | VR::UT | VR::UR) {
            return encode_value(&set, text, vr);
        }
        let values: Vec<_> = text.split('\\').map(|value| encode_value(&set, value, vr)).collect();
        values.join(&b'\\')
    }
}

fn encode_value(set: &CharacterSet, text: &str, vr: VR) -> Vec<u8> {
    set.encode(text, vr).unwrap_or_else(|_| {
        let known = |character: &char| set.encode(&character.to_string(), vr).is_ok();
        let text: String =
            text.chars().map(|character| if known(&character) { character } else { '?' }).collect();
        set.encode(&text, vr).unwrap_or_default()
    })
}
