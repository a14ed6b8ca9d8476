//! What free text and codes say of a part of the body: which regions, whether it is one of a pair, which side, and whose sex
//! it belongs to.
//!
//! Chinese is matched by the longest word at each character, Latin script by whole words, so that 手术 is no hand and `SPINE` no
//! pin. A word that the lexicon does not have says nothing: there is no contradiction where there is no word.

mod codes;
mod han;
mod latin;
mod term;

pub use term::{Regions, Sex};

use term::Term;

/// Words that are one term when they stand side by side: `LOWER LEG`, `CHEST ABD PELVIS`.
const LONGEST_TERM: usize = 3;

/// A side of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Left.
    Left,
    /// Right.
    Right,
    /// Both.
    Both,
}

/// What was found in a text or a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reading {
    /// The regions of all its words.
    pub regions: Regions,
    /// Whether it names a structure of which there are two, and none else.
    pub paired: bool,
    /// The side it names; both where it names both.
    pub side: Option<Side>,
    /// The sex that alone has it. `None` where words of both sexes stand together.
    pub sex: Option<Sex>,
}

impl Reading {
    /// Reads free text: a description, the name of a protocol.
    #[must_use]
    pub fn of_text(text: &str) -> Self {
        let mut words = Found::default();
        read_latin(text, &mut words);
        if !text.is_ascii() {
            read_han(text, &mut words);
        }
        words.reading()
    }

    /// Reads a value of Body Part Examined (0018,0015): a Defined Term however it is spaced, else whatever it says.
    #[must_use]
    pub fn of_body_part(value: &str) -> Self {
        let term: String = value
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .map(|c| c.to_ascii_uppercase())
            .collect();
        match find(latin::TERMS, &term).or_else(|| find(latin::WORDS, &term)) {
            Some(found) if value.is_ascii() => {
                let mut words = Found::default();
                words.add(found);
                words.reading()
            }
            Some(_) | None => Self::of_text(value),
        }
    }

    /// Reads the value of a code of SNOMED CT or SNOMED RT.
    #[must_use]
    pub fn of_code(value: &str) -> Option<Self> {
        let mut words = Found::default();
        words.add(find(codes::CODES, value)?);
        Some(words.reading())
    }

    /// Both together.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        if other.regions.is_empty() {
            return Self { side: merge(self.side, other.side), ..self };
        }
        Self {
            regions: self.regions | other.regions,
            paired: other.paired && (self.paired || self.regions.is_empty()),
            side: merge(self.side, other.side),
            sex: self.sex.or(other.sex),
        }
    }
}

fn merge(one: Option<Side>, other: Option<Side>) -> Option<Side> {
    match (one, other) {
        (Some(one), Some(other)) if one != other => Some(Side::Both),
        (one, other) => one.or(other),
    }
}

/// The words found so far.
#[derive(Default)]
struct Found {
    regions: Regions,
    unpaired: bool,
    female: bool,
    male: bool,
    left: bool,
    right: bool,
}

impl Found {
    fn add(&mut self, term: Term) {
        self.regions = self.regions | term.regions;
        self.unpaired |= !term.paired && !term.regions.is_empty();
        match term.sex {
            Some(Sex::Female) => self.female = true,
            Some(Sex::Male) => self.male = true,
            None => {}
        }
    }

    fn side(&mut self, side: Side) {
        self.left |= side != Side::Right;
        self.right |= side != Side::Left;
    }

    fn reading(&self) -> Reading {
        Reading {
            regions: self.regions,
            paired: !self.regions.is_empty() && !self.unpaired,
            side: match (self.left, self.right) {
                (true, true) => Some(Side::Both),
                (true, false) => Some(Side::Left),
                (false, true) => Some(Side::Right),
                (false, false) => None,
            },
            sex: match (self.female, self.male) {
                (true, false) => Some(Sex::Female),
                (false, true) => Some(Sex::Male),
                (true, true) | (false, false) => None,
            },
        }
    }
}

fn find(table: &[(&str, Term)], word: &str) -> Option<Term> {
    let at = table.binary_search_by_key(&word, |(own, _)| own).ok()?;
    table.get(at).map(|(_, term)| *term)
}

/// A run of Latin letters.
#[derive(Clone, Copy)]
struct Word {
    /// Where it begins among all letters of the text.
    start: usize,
    end: usize,
    /// Whether it is of a structure of which there are two.
    paired: bool,
}

/// Descriptions hold at most 64 characters, so that there are fewer words than this; what comes behind is passed over.
const MOST_WORDS: usize = 64;

/// The letters of a text in capitals, without what stands between them, and its words.
fn words_of(text: &str) -> (String, Vec<Word>) {
    let mut letters = String::with_capacity(text.len());
    let mut words: Vec<Word> = Vec::new();
    let mut inside = false;
    for character in text.chars() {
        let letter = narrow(character).filter(char::is_ascii_alphabetic);
        match letter {
            Some(letter) => {
                let start = letters.len();
                letters.push(letter.to_ascii_uppercase());
                if !inside {
                    if words.len() == MOST_WORDS {
                        return (letters, words);
                    }
                    words.push(Word { start, end: start, paired: false });
                }
                if let Some(word) = words.last_mut() {
                    word.end = letters.len();
                }
                inside = true;
            }
            None => inside = false,
        }
    }
    (letters, words)
}

/// A character of the full-width forms (U+FF01 to U+FF5E) as the ASCII one it stands for.
fn narrow(character: char) -> Option<char> {
    match character {
        '\u{FF01}'..='\u{FF5E}' => char::from_u32(u32::from(character) - 0xFEE0),
        _ => Some(character),
    }
}

fn read_latin(text: &str, found: &mut Found) {
    let (letters, mut words) = words_of(text);
    let mut at = 0;
    while at < words.len() {
        let longest = LONGEST_TERM.min(words.len() - at);
        let term = (1..=longest).rev().find_map(|count| {
            let (first, last) = (words.get(at)?, words.get(at + count - 1)?);
            Some((count, find(latin::WORDS, letters.get(first.start..last.end)?)?))
        });
        let Some((count, term)) = term else {
            at += 1;
            continue;
        };
        found.add(term);
        for word in words.iter_mut().skip(at).take(count) {
            word.paired = term.paired;
        }
        at += count;
    }
    for (at, word) in words.iter().enumerate() {
        let next = words.get(at + 1);
        let before = at.checked_sub(1).and_then(|before| words.get(before));
        let text = |word: &Word| letters.get(word.start..word.end).unwrap_or_default();
        if let Some(side) = side_of(text(word), next.map(text)) {
            found.side(side);
        } else if let Some(side) = letter_of_side(text(word)) {
            // A single letter may be anything (`L SPINE`); beside a paired structure or a view of the breast it is a side.
            let tells = |word: Option<&Word>| {
                word.is_some_and(|word| word.paired || BREAST_VIEWS.contains(&text(word)))
            };
            if tells(before) || tells(next) {
                found.side(side);
            }
        }
    }
}

const BREAST_VIEWS: [&str; 6] = ["CC", "MLO", "ML", "LM", "LMO", "XCCL"];

/// Words behind `LEFT` that make it a direction of the beam, a position of the patient, or a part of a single organ.
const NO_SIDE: [&str; 14] = [
    "LATERAL",
    "LAT",
    "ANTERIOR",
    "ANT",
    "POSTERIOR",
    "POST",
    "OBLIQUE",
    "OBL",
    "DECUBITUS",
    "DECUB",
    "VENTRICLE",
    "VENTRICULAR",
    "ATRIUM",
    "CORONARY",
];

fn side_of(word: &str, next: Option<&str>) -> Option<Side> {
    let side = match word {
        "LEFT" | "LT" => Side::Left,
        "RIGHT" | "RT" => Side::Right,
        "BILATERAL" | "BILAT" | "BIL" | "BOTH" => return Some(Side::Both),
        _ => {
            let view = word.get(1..).filter(|view| BREAST_VIEWS.contains(view))?;
            // `LM` and `LMO` are views themselves, `LML` is the left one of `ML`.
            let is_view = BREAST_VIEWS.contains(&word) || view.is_empty();
            return letter_of_side(word.get(..1)?).filter(|_| !is_view);
        }
    };
    let is_other = next.is_some_and(|next| NO_SIDE.contains(&next));
    (!is_other).then_some(side)
}

fn letter_of_side(word: &str) -> Option<Side> {
    match word {
        "L" => Some(Side::Left),
        "R" => Some(Side::Right),
        _ => None,
    }
}

/// What follows 左 or 右 where it is no side of the body: directions of the beam, positions, parts of the heart.
const NO_SIDE_HAN: [&str; 12] =
    ["前斜", "后斜", "斜位", "侧位", "侧卧", "侧斜", "心", "冠", "房", "室", "主干", "前降"];
/// What follows 双 where it is not both sides: dual source, energy, phase, echo, contrast and so on.
const NO_PAIR_HAN: [&str; 14] = [
    "源", "能", "期", "时相", "相", "斜", "平面", "回波", "反转", "翻转", "参", "低", "对比", "探",
];

fn read_han(text: &str, found: &mut Found) {
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let behind = rest.get(first.len_utf8()..).unwrap_or_default();
        let follows = |words: &[&str]| words.iter().any(|word| behind.starts_with(word));
        rest = match longest(rest, first) {
            Some((word, term)) => {
                found.add(term);
                rest.get(word.len()..).unwrap_or_default()
            }
            None => {
                match first {
                    '左' if !follows(&NO_SIDE_HAN) => found.side(Side::Left),
                    '右' if !follows(&NO_SIDE_HAN) => found.side(Side::Right),
                    '双' if !follows(&NO_PAIR_HAN) => found.side(Side::Both),
                    '两' if behind.starts_with('侧') => found.side(Side::Both),
                    _ => {}
                }
                behind
            }
        };
    }
}

/// The longest word that a text begins with.
fn longest(text: &str, first: char) -> Option<(&'static str, Term)> {
    if first.is_ascii() {
        return None;
    }
    let begin = han::WORDS.partition_point(|(word, _)| word.chars().next() < Some(first));
    let same = han::WORDS.get(begin..).unwrap_or_default().iter();
    same.take_while(|(word, _)| word.starts_with(first))
        .filter(|(word, _)| text.starts_with(word))
        .max_by_key(|(word, _)| word.len())
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, want: &[&str]) {
        let found: Vec<&str> = Reading::of_text(text).regions.names().collect();
        assert_eq!(found, want, "{text}");
    }

    #[test]
    fn tables_are_sorted_and_name_a_word_once() {
        for table in [codes::CODES, han::WORDS, latin::TERMS, latin::WORDS] {
            assert!(table.is_sorted_by(|(one, _), (next, _)| one < next));
        }
        let both = |(word, _): &&(&str, Term)| find(latin::WORDS, word).is_some();
        assert_eq!(latin::TERMS.iter().filter(both).count(), 0);
        let plain = |word: &str| word.bytes().all(|byte| byte.is_ascii_uppercase());
        assert!(latin::WORDS.iter().chain(latin::TERMS).all(|(word, _)| plain(word)));
    }

    #[test]
    fn regions_are_found_in_both_scripts() {
        check("胸部CT平扫", &["CHEST"]);
        check("Chest CT plain", &["CHEST"]);
        check("XR C Spine Comp Min 4 Views", &["NECK"]);
        check("头颈CTA", &["HEAD", "NECK"]);
        check("胸腹部增强", &["CHEST", "ABDOMEN"]);
        check("CT CHEST/ABD/PELVIS", &["CHEST", "ABDOMEN", "PELVIS"]);
        check("左膝关节正侧位", &["KNEE"]);
        check("腰椎正侧位", &["ABDOMEN"]);
        check("MRI-Brain", &["HEAD"]);
        check("ＣＨＥＳＴ", &["CHEST"]);
        check("lower-leg", &["KNEE", "LOWER LEG", "ANKLE"]);
    }

    #[test]
    fn a_part_of_a_longer_word_is_no_word() {
        for text in [
            "术前手术定位",
            "冠状位重建",
            "电脑断层",
            "CT 5/5mm",
            "头先进",
            "FEET FIRST",
            "aaaaaaaaa.",
            "C-ARM",
            "HEADER",
            "",
            "双期增强 动脉期",
        ] {
            check(text, &[]);
        }
        check("股骨颈", &["PELVIS", "HIP"]);
        check("宫颈", &["PELVIS"]);
        check("乳突", &["HEAD"]);
        check("CT SPINE", &["NECK", "CHEST", "ABDOMEN", "PELVIS"]);
    }

    #[test]
    fn defined_terms_are_known_however_they_are_spaced() {
        let check = |value: &str, want: &[&str]| {
            let found: Vec<&str> = Reading::of_body_part(value).regions.names().collect();
            assert_eq!(found, want, "{value}");
        };
        check("CSPINE", &["NECK"]);
        check("C-SPINE", &["NECK"]);
        check("CTSPINE", &["NECK", "CHEST"]);
        check("LUNG", &["CHEST"]);
        check("UPPER_EXTREMITY", &["SHOULDER", "UPPER ARM", "ELBOW", "FOREARM", "WRIST", "HAND"]);
        check("Brain", &["HEAD"]);
        check("胸部", &["CHEST"]);
        check("CHEST_TO_PELVIS", &["CHEST", "PELVIS", "HIP"]);
        for nonsense in ["", "ANNOON", "\\", "JPEG 2000", "²"] {
            check(nonsense, &[]);
        }
    }

    #[test]
    fn codes_of_either_snomed_name_the_same() {
        for (new, old) in
            [("69536005", "T-D1100"), ("72696002", "T-D9200"), ("76752008", "T-04000")]
        {
            assert_eq!(Reading::of_code(new), Reading::of_code(old));
            assert!(Reading::of_code(new).is_some());
        }
        assert_eq!(Reading::of_code("51185008"), Reading::of_code("816094009"));
        assert_eq!(Reading::of_code("T-00000"), None);
        assert_eq!(Reading::of_code(""), None);
    }

    #[test]
    fn structures_of_which_there_are_two_are_known() {
        let paired = |text: &str| Reading::of_text(text).paired;
        assert!(paired("膝关节") && paired("HAND") && paired("乳腺") && paired("Lt foot AP"));
        assert!(!paired("胸部") && !paired("PELVIS") && !paired("骨盆 髋关节") && !paired(""));
    }

    #[test]
    fn sides_are_told_from_directions() {
        let check = |text: &str, want: Option<Side>| {
            assert_eq!(Reading::of_text(text).side, want, "{text}");
        };
        use Side::{Both, Left, Right};
        for text in
            ["左膝", "LEFT KNEE", "Knee LT", "L KNEE", "KNEE_L", "LMLO", "L-MLO", "左侧乳腺"]
        {
            check(text, Some(Left));
        }
        for text in ["右手正位", "R MLO", "RCC", "RT HAND LAT", "右前臂"] {
            check(text, Some(Right));
        }
        for text in ["双膝", "双侧髋关节", "两侧", "BILAT HIPS", "左右手", "L AND R KNEE R HAND L"]
        {
            check(text, Some(Both));
        }
        for text in [
            "左前斜位",
            "右侧位",
            "左侧卧位",
            "左心室",
            "LEFT LATERAL",
            "LAO",
            "L SPINE",
            "L5",
            "双源CT",
            "双能量",
            "LM",
            "MLO",
            "R-L",
        ] {
            check(text, None);
        }
    }

    #[test]
    fn organs_of_one_sex_are_known() {
        let sex = |text: &str| Reading::of_text(text).sex;
        assert_eq!(sex("子宫输卵管造影"), Some(Sex::Female));
        assert_eq!(sex("FETAL MRI"), Some(Sex::Female));
        assert_eq!(sex("前列腺MR平扫"), Some(Sex::Male));
        assert_eq!(sex("前列腺/子宫"), None);
        assert_eq!(sex("盆腔"), None);
        assert_eq!(Reading::of_code("T-92000").and_then(|reading| reading.sex), Some(Sex::Male));
    }
}
