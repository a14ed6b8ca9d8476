//! The view of a projection: from where to where the beam goes through the patient.
//!
//! A view is told in words that PS3.3 C.8.1.1 and C.8.11 use where they can: `AP`, `PA`, `LAT`, `OBL`, `AXIAL`, `TAN`,
//! `FRONTAL` where it is not said which way, `DECUB` for what is taken of a patient lying on a side; and of the breast
//! (PS3.16 CID 4014) `CC`, `FB`, `MLO`, `LMO`, `ML`, `LM`, `SIO`, `ISO`, `XCCL`, `XCCM`, `SPECIMEN`.

use crate::dicom::tags;
use crate::standard::subject::Subject;

use super::codes::{codes, codes_in, items};

/// A view in a word, and the side that it names, if it names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct View {
    /// One of the words above.
    pub word: &'static str,
    /// `L` or `R`: the side that lies next to the detector, or that the oblique view is named after.
    pub side: Option<char>,
}

const fn view_of(word: &'static str) -> View {
    View { word, side: None }
}

const fn left(word: &'static str) -> View {
    View { word, side: Some('L') }
}

const fn right(word: &'static str) -> View {
    View { word, side: Some('R') }
}

/// Words for the views of the breast in CID 4014.
pub const OF_THE_BREAST: [&str; 11] =
    ["CC", "FB", "MLO", "LMO", "ML", "LM", "SIO", "ISO", "XCCL", "XCCM", "SPECIMEN"];

/// Values of View Position, in capitals, without spaces and marks: the Defined Terms of PS3.3 C.8.1.1 and C.8.11.5, and what
/// else is met.
const POSITIONS: &[(&str, View)] = &[
    ("AP", view_of("AP")),
    ("ANTEROPOSTERIOR", view_of("AP")),
    ("前后位", view_of("AP")),
    ("PA", view_of("PA")),
    ("POSTEROANTERIOR", view_of("PA")),
    ("后前位", view_of("PA")),
    ("FRONTAL", view_of("FRONTAL")),
    ("DP", view_of("FRONTAL")),
    ("正位", view_of("FRONTAL")),
    ("LAT", view_of("LAT")),
    ("LATERAL", view_of("LAT")),
    ("侧位", view_of("LAT")),
    ("LL", left("LAT")),
    ("LLAT", left("LAT")),
    ("LLATERAL", left("LAT")),
    ("LTLAT", left("LAT")),
    ("LEFTLATERAL", left("LAT")),
    ("左侧位", left("LAT")),
    ("RL", right("LAT")),
    ("RLAT", right("LAT")),
    ("RLATERAL", right("LAT")),
    ("RTLAT", right("LAT")),
    ("RIGHTLATERAL", right("LAT")),
    ("右侧位", right("LAT")),
    ("LLD", left("DECUB")),
    ("RLD", right("DECUB")),
    ("DECUB", view_of("DECUB")),
    ("DECUBITUS", view_of("DECUB")),
    ("OBL", view_of("OBL")),
    ("OBLIQUE", view_of("OBL")),
    ("斜位", view_of("OBL")),
    ("LLO", left("OBL")),
    ("LAO", left("OBL")),
    ("LPO", left("OBL")),
    ("LOBL", left("OBL")),
    ("左斜位", left("OBL")),
    ("RLO", right("OBL")),
    ("RAO", right("OBL")),
    ("RPO", right("OBL")),
    ("ROBL", right("OBL")),
    ("右斜位", right("OBL")),
    ("AX", view_of("AXIAL")),
    ("AXIAL", view_of("AXIAL")),
    ("轴位", view_of("AXIAL")),
    ("TAN", view_of("TAN")),
    ("TANGENTIAL", view_of("TAN")),
    ("切线位", view_of("TAN")),
    ("CC", view_of("CC")),
    ("FB", view_of("FB")),
    ("MLO", view_of("MLO")),
    ("LMO", view_of("LMO")),
    ("ML", view_of("ML")),
    ("LM", view_of("LM")),
    ("SIO", view_of("SIO")),
    ("ISO", view_of("ISO")),
    ("XCC", view_of("XCCL")),
    ("XCCL", view_of("XCCL")),
    ("XCCM", view_of("XCCM")),
    // The side belongs to Image Laterality.
    ("LCC", left("CC")),
    ("RCC", right("CC")),
    ("LMLO", left("MLO")),
    ("RMLO", right("MLO")),
    ("LXCCL", left("XCCL")),
    ("RXCCL", right("XCCL")),
];

/// The number that a view has in SNOMED CT, those that it had before, and the view: PS3.16 CID 4010 and CID 4014.
const CODES: &[(&str, &[&str], View)] = &[
    ("399348003", &["R-10206"], view_of("AP")),
    ("399335002", &["R-102C4"], view_of("AP")),
    ("272479007", &["R-10214", "R-40888"], view_of("PA")),
    ("399071006", &["R-102C3"], view_of("PA")),
    ("399033003", &["R-10202"], view_of("FRONTAL")),
    ("399067008", &["R-102CD"], view_of("LAT")),
    ("30730003", &["G-A145"], view_of("LAT")),
    ("399173006", &["R-10236"], left("LAT")),
    ("399198007", &["R-10232"], right("LAT")),
    ("399182000", &["R-102C1"], view_of("OBL")),
    ("399160007", &["R-10204"], view_of("OBL")),
    ("399312000", &["R-10208"], view_of("OBL")),
    ("399059000", &["R-10216"], view_of("OBL")),
    ("260426006", &["R-40782"], view_of("OBL")),
    ("260427002", &["R-40783"], view_of("OBL")),
    ("399184004", &["R-10238"], left("OBL")),
    ("399135007", &["R-10220"], left("OBL")),
    ("399006002", &["R-10212"], left("OBL")),
    ("399236003", &["R-10234"], right("OBL")),
    ("399356000", &["R-40985", "R-10218"], right("OBL")),
    ("399038007", &["R-10210"], right("OBL")),
    ("399061009", &["R-10241"], view_of("AXIAL")),
    ("399004004", &["R-10246"], view_of("AXIAL")),
    ("399132005", &["R-10252"], view_of("AXIAL")),
    ("399325008", &["R-10254"], view_of("AXIAL")),
    ("399288005", &["R-10248"], view_of("AXIAL")),
    ("399225005", &["R-10250"], view_of("AXIAL")),
    ("399255003", &["R-10256"], view_of("AXIAL")),
    ("399360002", &["R-10257"], view_of("AXIAL")),
    ("399272005", &["R-102C5"], view_of("PA")),
    ("399242004", &["R-102C6"], view_of("AP")),
    ("399351005", &["R-102C7"], view_of("AXIAL")),
    ("399316002", &["R-102C8"], view_of("AXIAL")),
    ("260499007", &["R-40810"], view_of("AXIAL")),
    ("399110001", &["R-102C2"], view_of("TAN")),
    ("119376003", &["G-8300"], view_of("SPECIMEN")),
    ("127457009", &["G-8310"], view_of("SPECIMEN")),
    ("399162004", &["R-10242"], view_of("CC")),
    ("399196006", &["R-10244"], view_of("FB")),
    ("399368009", &["R-10226"], view_of("MLO")),
    ("399099002", &["R-10230"], view_of("LMO")),
    ("399260004", &["R-10224"], view_of("ML")),
    ("399352003", &["R-10228"], view_of("LM")),
    ("399188001", &["R-102D0"], view_of("SIO")),
    ("441555000", &["R-40AAA"], view_of("ISO")),
    ("399192008", &["R-1024A"], view_of("XCCL")),
    ("399101009", &["R-1024B"], view_of("XCCM")),
];

/// The view that View Position (0018,5101) names.
#[must_use]
pub fn by_position(subject: &Subject<'_>) -> Option<View> {
    let raw = subject.text(tags::VIEW_POSITION)?.to_uppercase();
    let word: String = raw.chars().filter(|character| character.is_alphanumeric()).collect();
    POSITIONS.iter().find(|(known, _)| *known == word).map(|(_, view)| *view)
}

/// The view that the first item of View Code Sequence (0054,0220) names, in today's codes or those before them.
#[must_use]
pub fn by_code(subject: &Subject<'_>) -> Option<View> {
    let code = codes(subject, tags::VIEW_CODE_SEQUENCE).next()?;
    let number = code.snomed()?;
    let is_it = |known: &&(&str, &[&str], View)| known.0 == number || known.1.contains(&number);
    CODES.iter().find(is_it).map(|(_, _, view)| *view)
}

/// The view: what its code says, else what View Position says.
#[must_use]
pub fn view(subject: &Subject<'_>) -> Option<View> {
    by_code(subject).or_else(|| by_position(subject))
}

/// Whether View Position and View Code Sequence mean the same; `None` where one of them is absent or not understood.
#[must_use]
pub fn positions_agree(subject: &Subject<'_>) -> Option<bool> {
    let (position, code) = (by_position(subject)?, by_code(subject)?);
    let sides = match (position.side, code.side) {
        (Some(one), Some(other)) => one == other,
        (Some(_) | None, _) => true,
    };
    let words = [position.word, code.word];
    let either = |word: &str, others: &[&str]| {
        words.contains(&word) && words.iter().any(|other| others.contains(other))
    };
    Some(if position.word == code.word {
        sides
    } else {
        // Which way the beam goes is told by one and not by the other, or how the patient lies.
        either("FRONTAL", &["AP", "PA"])
            || either("LAT", &["ML", "LM"])
            || either("DECUB", &["AP", "PA", "FRONTAL", "LAT"])
    })
}

/// Whether the chest is what was examined: Body Part Examined, or the first code of Anatomic Region Sequence.
#[must_use]
pub fn is_chest(subject: &Subject<'_>) -> bool {
    // Thorax, thoracic cavity, lung.
    const REGIONS: [&str; 6] =
        ["51185008", "T-D3000", "43799004", "T-D3300", "39607008", "T-28000"];
    let part = subject.text(tags::BODY_PART_EXAMINED).unwrap_or_default().to_uppercase();
    let words = ["CHEST", "THORAX", "LUNG", "LUNGS", "胸", "胸部", "胸片", "肺"];
    words.contains(&part.as_str())
        || codes(subject, tags::ANATOMIC_REGION_SEQUENCE)
            .next()
            .is_some_and(|code| code.snomed().is_some_and(|number| REGIONS.contains(&number)))
}

/// Whether the patient stood or sat upright: as Patient Orientation Code Sequence (0054,0410) says, else as the view does: a
/// chest from back to front is taken upright. `None` where neither tells.
#[must_use]
pub fn is_upright(subject: &Subject<'_>) -> Option<bool> {
    const ERECT: [&str; 2] = ["10904000", "F-10440"];
    const LYING: [&str; 4] = ["102538003", "F-10450", "102539006", "F-10460"];
    let code = codes(subject, tags::PATIENT_ORIENTATION_CODE_SEQUENCE).next();
    if let Some(number) = code.as_ref().and_then(|code| code.snomed())
        && (ERECT.contains(&number) || LYING.contains(&number))
    {
        return Some(ERECT.contains(&number));
    }
    (is_chest(subject) && view(subject)?.word == "PA").then_some(true)
}

/// Whether the view is one with the implant pushed out of it: View Modifier Code Sequence (0054,0222), PS3.16 CID 4015.
#[must_use]
pub fn is_implant_displaced(subject: &Subject<'_>) -> bool {
    const DISPLACED: [&str; 2] = ["399209000", "R-102D5"];
    items(subject, tags::VIEW_CODE_SEQUENCE)
        .flat_map(|view| codes_in(subject, view, tags::VIEW_MODIFIER_CODE_SEQUENCE))
        .any(|code| code.snomed().is_some_and(|number| DISPLACED.contains(&number)))
}
