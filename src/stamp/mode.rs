//! The ways of showing a mark, and which objects get which.

use std::fmt;

use crate::expression::{CompileError, Declarations, Environment, Expression, Truth};

/// A way of showing a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StampMode {
    /// In Institution Name (0008,0080), which viewers and film printers draw.
    Tag,
    /// Drawn into the pixels.
    BurnIn,
    /// In a strip added below the image.
    Strip,
    /// In an overlay plane.
    Overlay,
    /// In a presentation state beside the images.
    PresentationState,
}

impl StampMode {
    /// Every mode, the strongest first: one that cannot be had falls to the next. With the word that stands for it in a
    /// configuration.
    pub const WORDS: [(&'static str, Self); 5] = [
        ("burn-in", Self::BurnIn),
        ("strip", Self::Strip),
        ("overlay", Self::Overlay),
        ("presentation-state", Self::PresentationState),
        ("tag", Self::Tag),
    ];

    /// The mode that a word stands for.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, mode)| mode)
    }

    /// This mode, and those that it falls to, one after the other.
    pub(super) fn and_weaker(self) -> impl Iterator<Item = Self> {
        let all = Self::WORDS.into_iter().map(|(_, mode)| mode);
        all.skip_while(move |mode| *mode != self)
    }

    /// Whether an object that shows the mark in this mode need not show it in the other: text stands in the pixels once.
    pub(super) fn stands_for(self, other: Self) -> bool {
        let in_pixels = |mode| matches!(mode, Self::BurnIn | Self::Strip);
        self == other || (in_pixels(self) && in_pixels(other))
    }

    /// The word in the private block: VR CS knows no small letters and no hyphens.
    pub(super) fn as_code(self) -> String {
        self.as_str().to_ascii_uppercase().replace('-', "_")
    }

    /// The word that stands for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Tag => "tag",
            Self::BurnIn => "burn-in",
            Self::Strip => "strip",
            Self::Overlay => "overlay",
            Self::PresentationState => "presentation-state",
        }
    }
}

impl fmt::Display for StampMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which modes some objects get, as a person writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampRow {
    /// The condition; without one every object matches.
    pub when: Option<String>,
    /// The modes, all of which are applied.
    pub modes: Vec<StampMode>,
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("stamp {}: {error}", row + 1)]
pub struct StampFault {
    /// Its place among the rows, counted from 0.
    pub row: usize,
    /// Why its condition cannot be compiled.
    pub error: CompileError,
}

/// Which modes which objects get, compiled.
#[derive(Debug, Clone)]
pub struct StampRows {
    rows: Vec<(Option<Expression>, Vec<StampMode>)>,
    otherwise: Vec<StampMode>,
}

impl StampRows {
    /// Compiles rows; `otherwise` is what an object gets that none of them matches.
    ///
    /// # Errors
    /// Every condition that cannot be compiled.
    pub fn build(
        rows: Vec<StampRow>,
        otherwise: Vec<StampMode>,
        declarations: &Declarations,
    ) -> Result<Self, Vec<StampFault>> {
        let mut faults = Vec::new();
        let mut compiled = Vec::with_capacity(rows.len());
        for (row, StampRow { when, modes }) in rows.into_iter().enumerate() {
            match when.map(|when| Expression::compile(&when, declarations)).transpose() {
                Ok(when) => compiled.push((when, modes)),
                Err(error) => faults.push(StampFault { row, error }),
            }
        }
        if faults.is_empty() { Ok(Self { rows: compiled, otherwise }) } else { Err(faults) }
    }

    /// Whether some object may get this mode.
    #[must_use]
    pub fn include(&self, mode: StampMode) -> bool {
        let rows = self.rows.iter().map(|(_, modes)| modes);
        rows.chain([&self.otherwise]).any(|modes| modes.contains(&mode))
    }

    /// The modes of an object: those of the first row whose condition holds.
    #[must_use]
    pub fn modes(&self, environment: &dyn Environment) -> &[StampMode] {
        let holds = |when: &Option<Expression>| {
            when.as_ref().is_none_or(|when| when.holds(environment) == Truth::True)
        };
        let row = self.rows.iter().find(|(when, _)| holds(when));
        row.map_or(&self.otherwise, |(_, modes)| modes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::Tag;
    use crate::expression::Value;

    struct Modality(&'static str);

    impl Environment for Modality {
        fn attribute(&self, _tag: Tag) -> Value {
            Value::present(self.0)
        }

        fn variable(&self, _name: &str) -> Value {
            Value::Unknown
        }
    }

    #[test]
    fn every_mode_has_a_word() {
        for (word, mode) in StampMode::WORDS {
            assert_eq!((StampMode::from_word(word), mode.as_str()), (Some(mode), word));
        }
        assert_eq!(StampMode::from_word("burnin"), None);
    }

    #[test]
    fn the_first_row_that_matches_counts() {
        let row = |when: Option<&str>, mode| StampRow {
            when: when.map(str::to_owned),
            modes: vec![mode],
        };
        let rows = vec![
            row(Some("dcm.Modality == 'DX'"), StampMode::BurnIn),
            row(Some("dcm.Modality == 'CR'"), StampMode::Overlay),
        ];
        let rows = StampRows::build(rows, vec![StampMode::Tag], &Declarations::object());
        let rows = rows.expect("rows without fault");
        let modes = |modality| rows.modes(&Modality(modality)).to_vec();
        assert_eq!(modes("DX"), [StampMode::BurnIn]);
        assert_eq!(modes("CR"), [StampMode::Overlay]);
        assert_eq!(modes("CT"), [StampMode::Tag]);
        assert_eq!(modes(""), [StampMode::Tag]);
    }

    #[test]
    fn a_condition_that_does_not_compile_is_told_with_its_row() {
        let rows = vec![
            StampRow { when: None, modes: vec![StampMode::Tag] },
            StampRow { when: Some("modality ?".to_owned()), modes: vec![StampMode::Tag] },
        ];
        let faults = StampRows::build(rows, vec![], &Declarations::object()).expect_err("a fault");
        let rows: Vec<usize> = faults.iter().map(|fault| fault.row).collect();
        assert_eq!(rows, [1]);
    }
}
