//! Who operated the equipment, as far as the image says and the site's registry knows.

use jiff::civil::Date;

use crate::dicom::tags;
use crate::expression::{Environment as _, Kind, Value};
use crate::standard::personnel::OperatorRow;
use crate::standard::subject::Subject;

use super::codes::{codes_in, items};
use super::{Fact, about, dates, fact};

/// The operators. Without a registry, all but their number are unknown.
pub(super) const FACTS: &[Fact] = &[
    fact(
        "operators",
        Kind::Number,
        about(
            "影像所写操作者的人数，按操作者标识序列或操作者姓名",
            "operators that the image names, by Operator Identification Sequence or Operators' Name",
        ),
        |s| (operators(s).len() as i64).into(),
    ),
    fact(
        "operators_known",
        Kind::Number,
        about(
            "其中在检查当日见于本院登记的人数，按工号，否则按姓名",
            "operators that the site's registry knows on the date of the examination, by staff code, else by name",
        ),
        |s| known(s).map_or(Value::Unknown, |known| (known.len() as i64).into()),
    ),
    fact(
        "operator_grade",
        Kind::Number,
        about(
            "已登记操作者的最高职称：1（技士）至 5（主任技师）",
            "the highest grade among the known operators: 1 (技士) to 5 (主任技师)",
        ),
        |s| grade(s, |ranks| ranks.max()),
    ),
    fact(
        "operator_grade_least",
        Kind::Number,
        about("已登记操作者的最低职称", "the lowest grade among the known operators"),
        |s| grade(s, |ranks| ranks.min()),
    ),
    fact(
        "operator_grade_trained",
        Kind::Number,
        about(
            "培训齐全的已登记操作者的最高职称；均不齐全时为 0",
            "the highest grade among the known operators who lack no training; 0 when all lack one",
        ),
        trained,
    ),
    fact(
        "training_missing",
        Kind::Texts,
        about(
            "已登记操作者中培训最全者在检查当日所缺的培训：radiation_protection（放射防护）、critical_value（危急值）、first_aid（急救）、device（设备）",
            "trainings that the best trained of the known operators lacks on the date of the examination: radiation_protection, critical_value, first_aid, device",
        ),
        missing,
    ),
];

/// An operator as an image names one.
struct Named {
    codes: Vec<String>,
    name: Option<String>,
}

/// Operator Identification Sequence (0008,1072), whose items go with the values of Operators' Name (0008,1070) where they are as
/// many (PS3.3 C.7.3.1).
fn operators(subject: &Subject<'_>) -> Vec<Named> {
    let names = match subject.attribute(tags::OPERATORS_NAME) {
        Value::Text(name) => vec![name.as_ref().to_owned()],
        Value::List(names) => names.iter().filter_map(Value::as_text).map(str::to_owned).collect(),
        Value::Unknown | Value::Bool(_) | Value::Int(_) | Value::Double(_) => Vec::new(),
    };
    let coded: Vec<Vec<String>> = items(subject, tags::OPERATOR_IDENTIFICATION_SEQUENCE)
        .map(|item| {
            let codes = codes_in(subject, item, tags::PERSON_IDENTIFICATION_CODE_SEQUENCE);
            codes.map(|code| code.value).collect()
        })
        .collect();
    if coded.is_empty() {
        return names
            .into_iter()
            .map(|name| Named { codes: Vec::new(), name: Some(name) })
            .collect();
    }
    let named = coded.len() == names.len();
    let mut names = names.into_iter().map(Some).filter(|_| named);
    coded.into_iter().map(|codes| Named { codes, name: names.next().flatten() }).collect()
}

/// The operators that the registry knows, with the day that counts.
fn known_on<'a>(subject: &Subject<'a>) -> Option<(Vec<&'a OperatorRow>, Date)> {
    let registry = subject.arrival().personnel.filter(|registry| !registry.is_empty())?;
    let day = dates::exam_date(subject)?;
    let found = operators(subject).into_iter().filter_map(|operator| {
        let by_code = operator.codes.iter().find_map(|code| registry.of_code(code, day));
        by_code.or_else(|| registry.of_name(operator.name.as_deref()?, day))
    });
    Some((found.collect(), day))
}

fn known<'a>(subject: &Subject<'a>) -> Option<Vec<&'a OperatorRow>> {
    known_on(subject).map(|(known, _)| known)
}

fn grade(
    subject: &Subject<'_>,
    choose: impl Fn(&mut dyn Iterator<Item = i64>) -> Option<i64>,
) -> Value {
    let rank =
        known(subject).and_then(|known| choose(&mut known.iter().map(|row| row.grade.rank())));
    rank.map_or(Value::Unknown, Value::from)
}

fn trained(subject: &Subject<'_>) -> Value {
    let model = subject.text(tags::MANUFACTURER_MODEL_NAME);
    match known_on(subject) {
        Some((known, day)) if !known.is_empty() => {
            let trained = known.iter().filter(|row| row.lacks(day, model.as_deref()).is_empty());
            trained.map(|row| row.grade.rank()).max().unwrap_or(0).into()
        }
        Some(_) | None => Value::Unknown,
    }
}

fn missing(subject: &Subject<'_>) -> Value {
    let model = subject.text(tags::MANUFACTURER_MODEL_NAME);
    let least = known_on(subject).and_then(|(known, day)| {
        known.iter().map(|row| row.lacks(day, model.as_deref())).min_by_key(Vec::len)
    });
    least.map_or(Value::Unknown, |lacks| {
        lacks.iter().map(|training| Value::from(training.as_str())).collect::<Vec<_>>().into()
    })
}
