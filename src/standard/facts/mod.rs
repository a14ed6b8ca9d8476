//! What can be computed from one header. Rules, items, routes and stamps read a fact as `fact.NAME`.
//!
//! A fact judges nothing: it says what is there. Where that cannot be told, it is unknown. Lists of faults are empty, not
//! unknown, when there is none.

pub mod dates;
pub mod encoding;
pub mod identity;
pub mod image;

use crate::expression::{Kind, Value};

use super::subject::Subject;

/// A fact that conditions may use.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// Its name, after `fact.`.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it says, in a line for the manual.
    pub about: &'static str,
    /// Whether it can be told from a data set that could only be looked at in part.
    pub partial: bool,
    /// Computes it. Never fails: what cannot be told is [`Value::Unknown`].
    pub compute: fn(&Subject<'_>) -> Value,
}

const fn fact(
    name: &'static str,
    kind: Kind,
    about: &'static str,
    compute: fn(&Subject<'_>) -> Value,
) -> Fact {
    Fact { name, kind, about, partial: false, compute }
}

const fn partial(fact: Fact) -> Fact {
    Fact { partial: true, ..fact }
}

/// Every fact.
pub const FACTS: &[Fact] = &[
    // Dates.
    fact(
        "exam_date",
        Kind::Text,
        "the date of the examination, YYYYMMDD: the first given of Acquisition Date, Acquisition DateTime, Frame Acquisition DateTime of frame 1, Series Date, Study Date",
        |s| text(dates::exam_date(s).map(dates::da)),
    ),
    fact("study_date", Kind::Text, "Study Date, if it is a calendar date", |s| {
        text(dates::study_date(s).map(dates::da))
    }),
    fact("study_time", Kind::Text, "Study Time as HHMMSS, if it is a time of day", |s| {
        text(dates::study_time(s))
    }),
    fact("birth_date", Kind::Text, "Patient's Birth Date, if it is a calendar date", |s| {
        text(dates::birth_date(s).map(dates::da))
    }),
    fact(
        "age",
        Kind::Number,
        "the patient's age at the study in whole years, from the birth date; negative before birth",
        |s| dates::age(s).into(),
    ),
    fact("age_unit", Kind::Text, "the unit of Patient's Age: D, W, M or Y", |s| {
        text(dates::stated_age(s).map(|age| age.unit.to_string()))
    }),
    fact(
        "age_deviation",
        Kind::Number,
        "how far Patient's Age and the age from the birth date are apart, in the unit of the former",
        |s| dates::age_deviation(s).map(|deviation| deviation.units).into(),
    ),
    fact("age_deviation_years", Kind::Number, "the same in years", |s| {
        dates::age_deviation(s).map(|deviation| deviation.years).into()
    }),
    fact(
        "future_dates",
        Kind::Texts,
        "keywords of study, series, acquisition and content dates that lie more than 10 minutes ahead",
        |s| names(dates::future_dates(s)),
    ),
    fact("today", Kind::Text, "the site's date, YYYYMMDD", |s| dates::da(dates::today(s)).into()),
    // Identity.
    fact(
        "patient_name",
        Kind::Text,
        "Patient's Name, its components with single spaces between",
        |s| text(identity::patient_name(s)),
    ),
    fact("institution_name", Kind::Text, "Institution Name, decoded", |s| {
        text(identity::institution_name(s))
    }),
    fact(
        "test_patient",
        Kind::Bool,
        "whether name or ID are those of a test, a phantom or nobody",
        |s| identity::is_test_patient(s).into(),
    ),
    fact(
        "clinical",
        Kind::Bool,
        "whether it is of a patient: no quality control image, not de-identified, no test patient",
        |s| identity::is_clinical(s).into(),
    ),
    fact(
        "imported",
        Kind::Bool,
        "whether it was imported from elsewhere (Instance Origin Status)",
        |s| identity::is_imported(s).into(),
    ),
    // Encoding.
    partial(fact(
        "walked",
        Kind::Bool,
        "whether the data set ends where it says and could be walked to there",
        |s| encoding::is_walked(s).into(),
    )),
    partial(fact(
        "order_faults",
        Kind::Number,
        "elements whose tag does not rise, or that come twice",
        |s| encoding::order_faults(s).into(),
    )),
    partial(fact("transfer_syntax", Kind::Text, "the UID of the transfer syntax", |s| {
        Value::present(s.arrival().transfer_syntax)
    })),
    fact(
        "charset",
        Kind::Text,
        "Specific Character Set as declared, in capitals, its values separated by backslashes; '' when absent",
        |s| encoding::charset(s).into(),
    ),
    fact(
        "charset_overridden",
        Kind::Bool,
        "whether the source's setting replaces the declared character set",
        |s| s.arrival().charset.is_some().into(),
    ),
    fact(
        "undeclared_text",
        Kind::Texts,
        "keywords of text beyond ASCII in a data set that declares no character set",
        |s| names(s.survey().undeclared.clone()),
    ),
    fact(
        "undecodable_text",
        Kind::Texts,
        "keywords of text with bytes that the character set does not have",
        |s| names(s.survey().undecodable.clone()),
    ),
    fact(
        "misdeclared_charset",
        Kind::Text,
        "the character set that the text seems to be in, where a Latin one or none is declared and it looks Chinese",
        |s| text(s.survey().misdeclared.map(str::to_owned)),
    ),
    fact(
        "malformed_values",
        Kind::Texts,
        "keywords of attributes whose value breaks the length or format of its VR",
        |s| names(s.survey().malformed.clone()),
    ),
    fact("faulty_uids", Kind::Texts, "keywords of UIDs that break PS3.5 section 9", |s| {
        names(s.survey().faulty_uids.clone())
    }),
    fact("signed", Kind::Bool, "whether it bears a digital signature", |s| {
        encoding::is_signed(s).into()
    }),
    // The image.
    fact(
        "is_image",
        Kind::Bool,
        "whether it is an image, by its SOP class or because it has pixel data",
        |s| image::is_image(s).into(),
    ),
    fact(
        "lossy_syntax",
        Kind::Bool,
        "whether the transfer syntax is a lossy one; unknown where it may be either",
        |s| image::has_lossy_syntax(s).into(),
    ),
    fact(
        "lossy",
        Kind::Bool,
        "whether the image has undergone lossy compression, by attribute or transfer syntax",
        |s| image::is_lossy(s).into(),
    ),
    fact(
        "modality_expected",
        Kind::Bool,
        "whether Modality is one that the SOP class is for; unknown for classes of any modality",
        |s| image::is_modality_expected(s).into(),
    ),
    fact("modality_impossible", Kind::Bool, "whether Modality contradicts the SOP class", |s| {
        image::is_modality_impossible(s).into()
    }),
    fact(
        "body_region",
        Kind::Text,
        "Body Part Examined, or what the anatomic region sequences say",
        |s| text(image::body_region(s)),
    ),
    fact(
        "laterality",
        Kind::Text,
        "Image Laterality, Frame Laterality of a single-frame anatomy, or Laterality",
        |s| text(image::laterality(s)),
    ),
    fact(
        "orientation_valid",
        Kind::Bool,
        "whether Image Orientation (Patient) is two unit vectors at a right angle",
        |s| image::is_orientation_valid(s).into(),
    ),
];

fn text(text: Option<String>) -> Value {
    text.map_or(Value::Unknown, |text| Value::present(&text))
}

fn names(names: Vec<String>) -> Value {
    names.into_iter().map(Value::from).collect::<Vec<Value>>().into()
}
