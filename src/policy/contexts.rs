//! Which presentation contexts to accept from a modality, and in which syntax to hand an object on.
//!
//! The gate accepts what some destination takes, or what can be converted for it, or anything while nothing is known
//! of a destination yet: an object that no one downstream could take is best refused where its sender notices.

use std::collections::{HashMap, HashSet};

use dicom_dictionary_std::uids::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};

use crate::dicom::transfer_syntax::TransferSyntax;

/// What is known of one destination's willingness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Willingness {
    /// It takes everything: a folder.
    Everything,
    /// Some of its answers are known; of what it was not asked, nothing is.
    Answers(Answers),
}

impl Default for Willingness {
    fn default() -> Self {
        Self::Answers(Answers::default())
    }
}

/// A destination's answers to proposed contexts, by SOP class.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answers {
    classes: HashMap<String, ClassAnswers>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct ClassAnswers {
    accepted: HashSet<String>,
    refused: HashSet<String>,
}

/// How many SOP classes are remembered of one destination; beyond, new ones stay unknown.
const CLASSES_REMEMBERED: usize = 1024;

impl Answers {
    /// Remembers one answer; a later one for the same pair replaces it.
    pub fn learn(&mut self, sop_class: &str, transfer_syntax: &str, accepted: bool) {
        if !self.classes.contains_key(sop_class) && self.classes.len() >= CLASSES_REMEMBERED {
            return;
        }
        let class = self.classes.entry(sop_class.to_owned()).or_default();
        let (into, from) = if accepted {
            (&mut class.accepted, &mut class.refused)
        } else {
            (&mut class.refused, &mut class.accepted)
        };
        from.remove(transfer_syntax);
        into.insert(transfer_syntax.to_owned());
    }

    /// Whether the destination takes the class in the syntax; `None` when it was not asked.
    #[must_use]
    pub fn accepts(&self, sop_class: &str, transfer_syntax: &str) -> Option<bool> {
        let class = self.classes.get(sop_class)?;
        if class.accepted.contains(transfer_syntax) {
            return Some(true);
        }
        class.refused.contains(transfer_syntax).then_some(false)
    }

    /// Forgets every refusal, so that those pairs count as not asked.
    pub fn forget_refusals(&mut self) {
        self.classes.retain(|_, answers| {
            answers.refused.clear();
            !answers.accepted.is_empty()
        });
    }
}

/// How an object can reach a destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// In the transfer syntax in which it came.
    AsItCame,
    /// Rewritten in this native transfer syntax.
    Converted(&'static str),
    /// The destination takes neither its syntax nor one that it can be rewritten in.
    None,
    /// The destination was not asked yet.
    Unknown,
}

/// The native syntaxes that a native object can be rewritten in, the richer one first.
const NATIVE: [&str; 2] = [EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN];

/// The syntaxes to propose for an object: its own, then those it can be rewritten in.
#[must_use]
pub fn proposals(transfer_syntax: &str) -> Vec<&str> {
    let mut proposed = vec![transfer_syntax];
    if TransferSyntax::of(transfer_syntax).is_native() {
        proposed.extend(NATIVE.into_iter().filter(|native| *native != transfer_syntax));
    }
    proposed
}

/// How an object of `sop_class` in `transfer_syntax` can reach a destination.
#[must_use]
pub fn way(sop_class: &str, transfer_syntax: &str, willingness: &Willingness) -> Way {
    let answers = match willingness {
        Willingness::Everything => return Way::AsItCame,
        Willingness::Answers(answers) => answers,
    };
    match answers.accepts(sop_class, transfer_syntax) {
        Some(true) => return Way::AsItCame,
        None => return Way::Unknown,
        Some(false) => {}
    }
    if !TransferSyntax::of(transfer_syntax).is_native() {
        return Way::None;
    }
    let mut asked_all = true;
    for native in NATIVE.into_iter().filter(|native| *native != transfer_syntax) {
        match answers.accepts(sop_class, native) {
            Some(true) => return Way::Converted(native),
            Some(false) => {}
            None => asked_all = false,
        }
    }
    if asked_all { Way::None } else { Way::Unknown }
}

/// The transfer syntax to accept of those that a modality proposes for `sop_class`, in the modality's order of
/// preference: one that a destination takes as it comes, else one that can be converted, else one of which nothing is
/// known. `None`: no destination can take the class in any of them.
#[must_use]
pub fn accept<'p>(
    sop_class: &str,
    proposed: &[&'p str],
    destinations: &[Willingness],
) -> Option<&'p str> {
    let rank = |syntax: &str| {
        destinations
            .iter()
            .filter_map(|destination| match way(sop_class, syntax, destination) {
                Way::AsItCame => Some(0),
                Way::Converted(_) => Some(1),
                Way::Unknown => Some(2),
                Way::None => None,
            })
            .min()
    };
    proposed
        .iter()
        .filter_map(|syntax| rank(syntax).map(|rank| (rank, *syntax)))
        .min_by_key(|(rank, _)| *rank)
        .map(|(_, syntax)| syntax)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CT: &str = "1.2.840.10008.5.1.4.1.1.2";
    const JPEG: &str = "1.2.840.10008.1.2.4.70";
    const BIG: &str = "1.2.840.10008.1.2.2";

    fn answers(pairs: &[(&str, bool)]) -> Willingness {
        let mut answers = Answers::default();
        for (syntax, accepted) in pairs {
            answers.learn(CT, syntax, *accepted);
        }
        Willingness::Answers(answers)
    }

    #[test]
    fn the_syntax_in_which_it_came_is_kept_where_it_is_taken() {
        assert_eq!(way(CT, JPEG, &answers(&[(JPEG, true)])), Way::AsItCame);
        assert_eq!(way(CT, JPEG, &Willingness::Everything), Way::AsItCame);
    }

    #[test]
    fn a_native_object_is_rewritten_where_its_syntax_is_refused() {
        let only_implicit = answers(&[
            (BIG, false),
            (EXPLICIT_VR_LITTLE_ENDIAN, false),
            (IMPLICIT_VR_LITTLE_ENDIAN, true),
        ]);
        assert_eq!(way(CT, BIG, &only_implicit), Way::Converted(IMPLICIT_VR_LITTLE_ENDIAN));
        assert_eq!(
            way(CT, EXPLICIT_VR_LITTLE_ENDIAN, &only_implicit),
            Way::Converted(IMPLICIT_VR_LITTLE_ENDIAN)
        );
    }

    #[test]
    fn a_compressed_object_has_no_other_way() {
        assert_eq!(
            way(CT, JPEG, &answers(&[(JPEG, false), (EXPLICIT_VR_LITTLE_ENDIAN, true)])),
            Way::None
        );
    }

    #[test]
    fn what_was_not_asked_is_unknown() {
        assert_eq!(way(CT, JPEG, &Willingness::default()), Way::Unknown);
        assert_eq!(way(CT, BIG, &answers(&[(BIG, false)])), Way::Unknown);
    }

    #[test]
    fn a_later_answer_replaces_the_earlier() {
        let mut known = Answers::default();
        known.learn(CT, JPEG, false);
        known.learn(CT, JPEG, true);
        assert_eq!(known.accepts(CT, JPEG), Some(true));
    }

    #[test]
    fn the_best_way_is_accepted_and_the_modality_s_order_breaks_ties() {
        let pacs = answers(&[
            (JPEG, false),
            (EXPLICIT_VR_LITTLE_ENDIAN, true),
            (IMPLICIT_VR_LITTLE_ENDIAN, true),
        ]);
        let proposed = [JPEG, IMPLICIT_VR_LITTLE_ENDIAN, EXPLICIT_VR_LITTLE_ENDIAN];
        assert_eq!(
            accept(CT, &proposed, std::slice::from_ref(&pacs)),
            Some(IMPLICIT_VR_LITTLE_ENDIAN)
        );
        assert_eq!(accept(CT, &[JPEG], std::slice::from_ref(&pacs)), None);
        assert_eq!(accept(CT, &[JPEG], &[pacs, Willingness::Everything]), Some(JPEG));
        assert_eq!(accept(CT, &[JPEG], &[Willingness::default()]), Some(JPEG));
        assert_eq!(accept(CT, &[JPEG], &[]), None);
    }
}
