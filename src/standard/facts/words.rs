//! Words in the short texts that people and devices write about a series or a study, in Chinese and Latin letters.

use crate::dicom::tags;
use crate::standard::subject::Subject;

/// Whether a text in capitals has a word: anywhere if it is Chinese, else not as a part of a longer word or number. A
/// word that ends with a hyphen is not the beginning of another: `C-` is not in `C-SPINE`.
#[must_use]
pub fn has_word(text: &str, word: &str) -> bool {
    let is_letter = |character: char| character.is_ascii_alphanumeric();
    let begins = word.chars().next().is_some_and(is_letter);
    let ends = word.chars().next_back().is_some_and(|last| is_letter(last) || last == '-');
    text.match_indices(word).any(|(at, found)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        let after = text.get(at + found.len()..).and_then(|after| after.chars().next());
        !(begins && before.is_some_and(is_letter) || ends && after.is_some_and(is_letter))
    })
}

/// Whether a text in capitals has one of some words.
#[must_use]
pub fn has_any(text: &str, words: &[&str]) -> bool {
    words.iter().any(|word| has_word(text, word))
}

/// What is written about the series, in capitals: Series Description (0008,103E) and Protocol Name (0018,1030).
#[must_use]
pub fn of_series(subject: &Subject<'_>) -> String {
    joined(subject, &[tags::SERIES_DESCRIPTION, tags::PROTOCOL_NAME])
}

/// What is written about the study, in capitals: Study Description (0008,1030), Requested Procedure Description (0032,1060) and
/// Performed Procedure Step Description (0040,0254).
#[must_use]
pub fn of_study(subject: &Subject<'_>) -> String {
    joined(
        subject,
        &[
            tags::STUDY_DESCRIPTION,
            tags::REQUESTED_PROCEDURE_DESCRIPTION,
            tags::PERFORMED_PROCEDURE_STEP_DESCRIPTION,
        ],
    )
}

fn joined(subject: &Subject<'_>, tags: &[crate::dicom::Tag]) -> String {
    let texts: Vec<String> = tags.iter().filter_map(|tag| subject.text(*tag)).collect();
    texts.join(" ").to_uppercase()
}
