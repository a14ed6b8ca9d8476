//! Why an object bears no mark.

use std::fmt;

/// Why an object bears no mark. The code is what reports, the ledger and the console show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The SOP class is no radiological examination image.
    UnsupportedSop,
    /// A phantom or quality-control image, a test patient, or de-identified data.
    NotClinical,
    /// The source is mapped to no institution.
    NoInstitution,
    /// The image came from another institution; its own mark, if any, stays.
    Foreign,
    /// The day of the examination is not known.
    NoExamDate,
    /// The examination was made before the standard came into force.
    PreStandard,
    /// The examination is none of the listed items.
    NoItem,
    /// No accreditation of the institution covers the item for any scope.
    NoScope,
    /// An accreditation or a scope begins later, or is not granted as yet.
    NotYetValid,
    /// An accreditation has ended.
    Expired,
    /// An accreditation is suspended or revoked.
    Suspended,
    /// A finding of severity block or above.
    QualityBlock,
    /// The institution's name with the mark passes 64 characters, and there is no shorter name.
    NameTooLong,
    /// The object's character set cannot hold the name, and there is no way round.
    NotEncodable,
    /// The object is digitally signed; to change it would break the signature.
    Signed,
    /// What would have gone out does not keep what the gate promises of it: a fault of its own.
    SelfCheck,
    /// The gate was in bypass.
    Bypass,
    /// The gate could not judge the object, by a fault of its own or because the object is beyond its limits.
    Unchecked,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 18] = [
        Self::UnsupportedSop,
        Self::NotClinical,
        Self::NoInstitution,
        Self::Foreign,
        Self::NoExamDate,
        Self::PreStandard,
        Self::NoItem,
        Self::NoScope,
        Self::NotYetValid,
        Self::Expired,
        Self::Suspended,
        Self::QualityBlock,
        Self::NameTooLong,
        Self::NotEncodable,
        Self::Signed,
        Self::SelfCheck,
        Self::Bypass,
        Self::Unchecked,
    ];

    /// The reason's code, such as `NO_ITEM`; at most 16 characters of VR CS.
    #[must_use]
    pub fn as_code(self) -> &'static str {
        match self {
            Self::UnsupportedSop => "UNSUPPORTED_SOP",
            Self::NotClinical => "NOT_CLINICAL",
            Self::NoInstitution => "NO_INSTITUTION",
            Self::Foreign => "FOREIGN",
            Self::NoExamDate => "NO_EXAM_DATE",
            Self::PreStandard => "PRE_STANDARD",
            Self::NoItem => "NO_ITEM",
            Self::NoScope => "NO_SCOPE",
            Self::NotYetValid => "NOT_YET_VALID",
            Self::Expired => "EXPIRED",
            Self::Suspended => "SUSPENDED",
            Self::QualityBlock => "QUALITY_BLOCK",
            Self::NameTooLong => "NAME_TOO_LONG",
            Self::NotEncodable => "NOT_ENCODABLE",
            Self::Signed => "SIGNED",
            Self::SelfCheck => "SELF_CHECK",
            Self::Bypass => "BYPASS",
            Self::Unchecked => "UNCHECKED",
        }
    }

    /// The reason that a code stands for.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_code() == code)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_has_a_code_of_its_own_that_fits_a_code_string() {
        for reason in Reason::ALL {
            let code = reason.as_code();
            assert_eq!(Reason::from_code(code), Some(reason));
            assert!(code.len() <= 16, "{code}");
            assert!(code.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'), "{code}");
        }
        assert_eq!(Reason::from_code("no_item"), None);
    }
}
