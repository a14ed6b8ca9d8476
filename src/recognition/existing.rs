//! Reads an institution's name that may bear a mark already.
//!
//! Marks were written in many ways before there was a standard: joined or apart, with hyphens of every width, in brackets,
//! in full-width letters, in Chinese, or as the `-GX` of the sharing pilot of 2017. All are compared in
//! Unicode's compatibility form (NFKC), while what is left of the name keeps the characters it came with.

use unicode_normalization::UnicodeNormalization as _;

use super::code::ScopeCode;

/// Chinese forms of the mark, none of which DB11/T 2505-2025 knows any more.
const CHINESE_FORMS: [&str; 3] = ["北京HR", "京津冀HR", "全国HR"];
/// The suffix of the sharing pilot of 2017; it counts only where something sets it apart from the name.
const SHARING: &str = "GX";
/// Hyphens and dashes in their compatibility form, and the underscore.
const JOINERS: [char; 9] = ['-', '_', '\u{2010}', '‑', '‒', '–', '—', '―', '−'];
/// Characters that a mark with its separator can have: eight letters, `HR`, a bracket or joiner at each end, some space.
const LONGEST: usize = 18;
/// Marks one behind the other that are taken apart.
const MOST_MARKS: usize = 3;
/// Characters beyond which a text is no name worth taking apart; VR LO has at most 64.
const LONGEST_NAME: usize = 256;

/// A mark found behind a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrittenMark {
    /// The name without it, as it was written.
    pub stem: String,
    /// The mark with its separator, as it was written.
    pub written: String,
    /// What it says.
    pub kind: MarkKind,
}

/// What a mark that an object came with says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MarkKind {
    /// A scope of this registry.
    Scope(ScopeCode),
    /// Of the form of a mark, for a scope that this registry does not have.
    Unknown,
    /// The `-GX` of the sharing pilot, or a Chinese form.
    Legacy,
    /// Several marks.
    Several,
}

/// What a name turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadName {
    /// Whether the name, its mark taken off, is one that `owns` knows, or nothing is left of it.
    pub own: bool,
    /// The mark behind it.
    pub mark: Option<WrittenMark>,
}

/// Takes a name apart. `owns` tells the names that the institution has; `scopes` are those of the registry.
///
/// A name that `owns` knows as it stands bears no mark, whatever its last letters look like.
pub fn read_name(text: &str, scopes: &[ScopeCode], owns: impl Fn(&str) -> bool) -> ReadName {
    let text = text.trim_matches([' ', '\0', '\u{3000}']);
    if text.is_empty() || owns(text) {
        return ReadName { own: true, mark: None };
    }
    if text.chars().nth(LONGEST_NAME).is_some() {
        return ReadName { own: false, mark: None };
    }
    let mut found: Option<WrittenMark> = None;
    let mut stems = vec![text];
    for marks in 1..=MOST_MARKS {
        let splits: Vec<(&str, MarkKind)> =
            stems.iter().flat_map(|stem| splits(stem, scopes)).collect();
        let own = splits.iter().find(|(stem, _)| stem.is_empty() || owns(stem));
        let mark = |(stem, kind): &(&str, MarkKind)| WrittenMark {
            stem: (*stem).to_owned(),
            written: text.get(stem.len()..).unwrap_or_default().to_owned(),
            kind: if marks == 1 { kind.clone() } else { MarkKind::Several },
        };
        if let Some(split) = own {
            return ReadName { own: true, mark: Some(mark(split)) };
        }
        // Of a name that is not ours, the reading of most sense is told: a known scope, else the longest mark.
        let known = splits.iter().find(|(_, kind)| matches!(kind, MarkKind::Scope(_)));
        found = found.or_else(|| known.or(splits.first()).map(mark));
        stems = splits.into_iter().map(|(stem, _)| stem).collect();
    }
    ReadName { own: false, mark: found }
}

/// Every way to read the end of a text as a mark, the longest first, with what stands before it.
fn splits<'t>(text: &'t str, scopes: &[ScopeCode]) -> Vec<(&'t str, MarkKind)> {
    let mut starts: Vec<usize> =
        text.char_indices().rev().take(LONGEST).map(|(start, _)| start).collect();
    starts.reverse();
    let split = |start: usize| {
        let (stem, tail) = text.split_at_checked(start)?;
        Some((stem.trim_end(), kind_of(&tail.nfkc().collect::<String>(), scopes)?))
    };
    starts.into_iter().filter_map(split).collect()
}

/// What a text in compatibility form says, when it is a mark with its separator and nothing else.
fn kind_of(tail: &str, scopes: &[ScopeCode]) -> Option<MarkKind> {
    let tail = tail.trim();
    let bracketed = tail.strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let joined = tail.strip_prefix(JOINERS);
    let is_apart = bracketed.is_some() || joined.is_some();
    let mark = bracketed.or(joined).unwrap_or(tail).trim().to_ascii_uppercase();
    if let Some(scope) = scopes.iter().find(|scope| scope.as_str() == mark) {
        return Some(MarkKind::Scope(scope.clone()));
    }
    if CHINESE_FORMS.contains(&mark.as_str()) || (is_apart && mark == SHARING) {
        return Some(MarkKind::Legacy);
    }
    ScopeCode::is_well_formed(&mark).then_some(MarkKind::Unknown)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAME: &str = "北京友谊医院";

    fn scopes() -> Vec<ScopeCode> {
        vec![ScopeCode::new("JJJHR"), ScopeCode::new("BJHR")]
    }

    #[track_caller]
    fn check(text: &str, own: bool, want: Option<(&str, &str, MarkKind)>) {
        let mark = want.map(|(stem, written, kind)| WrittenMark {
            stem: stem.to_owned(),
            written: written.to_owned(),
            kind,
        });
        let names = [NAME, "BEIJING HOSPITAL"];
        let read = read_name(text, &scopes(), |stem| names.contains(&stem));
        assert_eq!(read, ReadName { own, mark }, "{text:?}");
    }

    fn jjj() -> MarkKind {
        MarkKind::Scope(ScopeCode::new("JJJHR"))
    }

    #[test]
    fn a_mark_is_known_by_any_separator() {
        for written in [
            "JJJHR",
            " JJJHR",
            "-JJJHR",
            "－JJJHR",
            "—JJJHR",
            "_JJJHR",
            "＿JJJHR",
            "(JJJHR)",
            "（JJJHR）",
            " （ JJJHR ）",
            " - JJJHR",
            "ＪＪＪＨＲ",
            "－ＪＪＪＨＲ",
            "-jjjhr",
        ] {
            let stem_end = written.trim_start().len();
            let tail = &written[written.len() - stem_end..];
            let read = read_name(&format!("{NAME}{written}"), &scopes(), |stem| stem == NAME);
            let mark = read.mark.expect(written);
            assert!(read.own, "{written}");
            assert_eq!((mark.stem.as_str(), mark.kind), (NAME, jjj()), "{written}");
            assert!(mark.written.ends_with(tail), "{written}");
        }
    }

    #[test]
    fn a_name_without_a_mark_has_none() {
        check(NAME, true, None);
        check("  北京友谊医院\u{3000}", true, None);
        check("", true, None);
        check("上海瑞金医院", false, None);
    }

    #[test]
    fn older_forms_are_legacy() {
        check("北京友谊医院-GX", true, Some((NAME, "-GX", MarkKind::Legacy)));
        check("北京友谊医院－ＧＸ", true, Some((NAME, "－ＧＸ", MarkKind::Legacy)));
        check("北京友谊医院京津冀HR", true, Some((NAME, "京津冀HR", MarkKind::Legacy)));
        check("北京友谊医院（全国HR）", true, Some((NAME, "（全国HR）", MarkKind::Legacy)));
        check("北京友谊医院 北京HR", true, Some((NAME, " 北京HR", MarkKind::Legacy)));
        check("北京友谊医院GX", false, None);
    }

    #[test]
    fn marks_of_other_scopes_are_known_by_their_form() {
        check("北京友谊医院-SDHR", true, Some((NAME, "-SDHR", MarkKind::Unknown)));
        check("上海瑞金医院-SHHR", false, Some(("上海瑞金医院", "-SHHR", MarkKind::Unknown)));
    }

    #[test]
    fn several_marks_are_taken_off_together() {
        let want = Some((NAME, "-BJHR-JJJHR", MarkKind::Several));
        check("北京友谊医院-BJHR-JJJHR", true, want);
        let want = Some((NAME, "-GX（JJJHR）", MarkKind::Several));
        check("北京友谊医院-GX（JJJHR）", true, want);
    }

    #[test]
    fn letters_of_a_latin_name_are_not_taken_for_the_mark() {
        check(
            "BEIJING HOSPITALBJHR",
            true,
            Some(("BEIJING HOSPITAL", "BJHR", MarkKind::Scope(ScopeCode::new("BJHR")))),
        );
        check("SOME CLINIC-JJJHR", false, Some(("SOME CLINIC", "-JJJHR", jjj())));
    }

    #[test]
    fn a_mark_with_no_name_is_still_a_mark() {
        check("-JJJHR", true, Some(("", "-JJJHR", jjj())));
    }

    #[test]
    fn an_own_name_that_ends_like_a_mark_bears_none() {
        let read = read_name("CENTRE SDHR", &scopes(), |stem| stem == "CENTRE SDHR");
        assert_eq!(read, ReadName { own: true, mark: None });
    }

    #[test]
    fn a_text_that_is_too_long_for_a_name_is_not_taken_apart() {
        check(&"-BJHR".repeat(4096), false, None);
    }
}
