//! What evaluating a condition costs: nanoseconds for each of some typical ones.
//!
//! `cargo bench --bench expression`. The figures are printed, never asserted: machines differ.

use std::collections::HashMap;
use std::hint::black_box;
use std::time::{Duration, Instant};

use markgate::dicom::attribute::tag_of;
use markgate::dicom::{Tag, tags};
use markgate::expression::{Declarations, Environment, Expression, Kind, Value};

/// An environment that has its values at hand, as one that caches them has after the first look.
struct Table(HashMap<Tag, Value>);

impl Environment for Table {
    fn attribute(&self, tag: Tag) -> Value {
        self.0.get(&tag).cloned().unwrap_or(Value::Unknown)
    }

    fn variable(&self, name: &str) -> Value {
        match name {
            "calling_aet" => "CT01".into(),
            "fact.urgent" => Value::Bool(false),
            _ => Value::Unknown,
        }
    }
}

const CONDITIONS: &[(&str, &str)] = &[
    ("one comparison", "dcm.Modality == 'CT'"),
    ("an examination item", "dcm.Modality == 'CT' && dcm.BodyPartExamined in ['CHEST', 'THORAX']"),
    ("a route", "calling_aet == 'CT01'"),
    (
        "a limit",
        "has(dcm.SliceThickness) && dcm.SliceThickness > 0 && dcm.SliceThickness <= param.limit",
    ),
    ("dates", "dcm.StudyDate >= '20260401' && dcm.PatientBirthDate <= dcm.StudyDate"),
    ("a pattern", "dcm.PatientID.matches('^[A-Z]?[0-9]{6,10}$')"),
    (
        "values of a list",
        "size(values(dcm.ImageType)) >= 2 && dcm.ImageType[0] in ['ORIGINAL', 'DERIVED']",
    ),
    ("a condition over a list", "dcm.PixelSpacing.all(v, v > 0.01 && v < 2)"),
    (
        "arithmetic",
        "abs(dcm.DeviationIndex - 10 * log10(dcm.ExposureIndex / dcm.TargetExposureIndex)) <= 0.2",
    ),
    (
        "absent operands",
        "dcm.Laterality in ['L', 'R'] || dcm.ImageLaterality in ['L', 'R', 'B'] || fact.urgent",
    ),
];

fn table() -> Table {
    let text =
        |keyword: &str, value: &str| (tag_of(keyword).unwrap_or(tags::MODALITY), value.into());
    let mut values: HashMap<Tag, Value> = HashMap::from([
        text("Modality", "CT"),
        text("BodyPartExamined", "THORAX"),
        text("StudyDate", "20260402"),
        text("PatientBirthDate", "19620317"),
        text("PatientID", "A0012345"),
    ]);
    values.insert(tags::SLICE_THICKNESS, Value::Double(1.25));
    values.insert(tags::EXPOSURE_INDEX, Value::Double(420.0));
    values.insert(tags::TARGET_EXPOSURE_INDEX, Value::Double(400.0));
    values.insert(tags::DEVIATION_INDEX, Value::Double(0.2));
    values.insert(tags::PIXEL_SPACING, vec![0.7.into(), 0.7.into()].into());
    values.insert(
        tags::IMAGE_TYPE,
        ["ORIGINAL", "PRIMARY", "AXIAL"].map(Value::from).to_vec().into(),
    );
    Table(values)
}

/// The best of several rounds: what disturbs a round only ever makes it slower.
fn nanoseconds(mut work: impl FnMut()) -> f64 {
    const ROUNDS: u32 = 15;
    const TIMES: u32 = 20_000;
    let mut best = Duration::MAX;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..TIMES {
            work();
        }
        best = best.min(start.elapsed());
    }
    best.as_secs_f64() * 1e9 / f64::from(TIMES)
}

#[allow(clippy::print_stdout)]
fn main() {
    let declarations = Declarations::object()
        .with_variable("fact.urgent", Kind::Bool)
        .with_parameter("limit", Value::Double(5.0));
    let table = table();
    println!("{:>9}  {:>9}  condition", "ns", "ns");
    println!("{:>9}  {:>9}", "evaluate", "compile");
    for (name, source) in CONDITIONS {
        let expression = match Expression::compile(source, &declarations) {
            Ok(expression) => expression,
            Err(error) => {
                println!("{source}: {error}");
                std::process::exit(1);
            }
        };
        let evaluate = nanoseconds(|| {
            black_box(black_box(&expression).holds(black_box(&table)));
        });
        let start = Instant::now();
        for _ in 0..100 {
            let _compiled =
                black_box(Expression::compile(black_box(source), &declarations).is_ok());
        }
        let compile = start.elapsed().as_secs_f64() * 1e9 / 100.0;
        println!("{evaluate:>9.0}  {compile:>9.0}  {name}: {source}");
    }
}
