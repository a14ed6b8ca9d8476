//! The names by which rows of the registry refer to each other.

use std::fmt;
use std::sync::Arc;

macro_rules! code {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The text without surrounding space. That such a row exists is the registry's promise, not this type's.
            #[must_use]
            pub fn new(text: &str) -> Self {
                Self(text.trim().into())
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

code! {
    /// The id of an institution, as the site's registry calls it.
    InstitutionId
}

code! {
    /// The code of an examination item of the recognition lists.
    ItemCode
}

code! {
    /// The code of a scope of recognition, which is also its mark: `BJHR`, `JJJHR`.
    ScopeCode
}

impl ScopeCode {
    /// Beijing.
    pub const BEIJING: &'static str = "BJHR";
    /// Beijing, Tianjin and Hebei.
    pub const BEIJING_TIANJIN_HEBEI: &'static str = "JJJHR";

    /// Whether a text has the form of a mark: two to eight capital letters, then `HR`.
    #[must_use]
    pub fn is_well_formed(text: &str) -> bool {
        text.strip_suffix("HR").is_some_and(|stem| {
            (2..=8).contains(&stem.len()) && stem.bytes().all(|byte| byte.is_ascii_uppercase())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_capital_letters_before_hr() {
        for good in ["BJHR", "JJJHR", "ABCDEFGHHR", "HRHR"] {
            assert!(ScopeCode::is_well_formed(good), "{good}");
        }
        for bad in ["HR", "AHR", "ABCDEFGHIHR", "bjhr", "BJ-HR", "北京HR", "BJHR ", ""] {
            assert!(!ScopeCode::is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn surrounding_space_is_no_part_of_a_code() {
        assert_eq!(InstitutionId::new(" bfh "), InstitutionId::new("bfh"));
        assert_eq!(
            format!("{} {:?}", ItemCode::new("CT-CHEST"), ScopeCode::new("BJHR")),
            "CT-CHEST BJHR"
        );
    }
}
