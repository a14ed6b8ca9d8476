//! The language, sentence by sentence.

use std::collections::BTreeMap;

use super::*;
use crate::dicom::attribute::{AttributePath, tag_of};
use crate::dicom::{Tag, tags};

/// Attributes and variables by name; whatever is not listed is absent.
#[derive(Default)]
struct Table {
    attributes: BTreeMap<Tag, Value>,
    variables: BTreeMap<String, Value>,
}

impl Table {
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        match name.strip_prefix("dcm.") {
            Some(keyword) => {
                let tag = tag_of(keyword).expect("a keyword of the dictionary");
                self.attributes.insert(tag, value.into());
            }
            None => {
                self.variables.insert(name.to_owned(), value.into());
            }
        }
        self
    }
}

impl Environment for Table {
    fn attribute(&self, tag: Tag) -> Value {
        self.attributes.get(&tag).cloned().unwrap_or(Value::Unknown)
    }

    fn variable(&self, name: &str) -> Value {
        self.variables.get(name).cloned().unwrap_or(Value::Unknown)
    }

    fn nested(&self, path: &AttributePath) -> Value {
        let view = AttributePath::within(tags::VIEW_CODE_SEQUENCE, 0, tags::CODE_VALUE);
        if *path == view { "399162004".into() } else { Value::Unknown }
    }
}

fn declarations() -> Declarations {
    Declarations::object()
        .with_variable("fact.exam_date", Kind::Text)
        .with_variable("fact.dose_limits", Kind::Numbers)
        .with_variable("fact.urgent", Kind::Bool)
        .with_parameter("max_thickness", Value::Double(5.0))
        .with_parameter("id_pattern", "^[0-9]{6}$".into())
        .with_parameter("unset", Value::Unknown)
        .with_parameter("placeholders", vec!["TEST".into(), "无名".into()].into())
}

/// A chest CT without Patient ID, with a few oddities.
fn chest() -> Table {
    Table::default()
        .with("dcm.Modality", "CT")
        .with("dcm.BodyPartExamined", "CHEST")
        .with("dcm.ImageType", vec!["ORIGINAL".into(), "PRIMARY".into(), "AXIAL".into()])
        .with("dcm.SliceThickness", 1.25)
        .with("dcm.Rows", 512_i64)
        .with("dcm.PixelSpacing", vec![0.7.into(), 0.7.into()])
        .with("dcm.StudyDate", "20260401")
        .with("dcm.PatientName", "张^三丰")
        .with("dcm.WindowWidth", vec![400_i64.into(), Value::Unknown])
        .with("dcm.KVP", 120.0)
        .with("calling_aet", "CT01")
        .with("fact.exam_date", "20260401")
        .with("fact.dose_limits", vec![1_i64.into(), 2.5.into()])
}

#[track_caller]
fn check(source: &str, want: Truth) {
    let expression = Expression::compile(source, &declarations()).expect("an expression");
    assert_eq!(expression.holds(&chest()), want, "{source}");
}

#[track_caller]
fn check_all(want: Truth, sources: &[&str]) {
    for source in sources {
        check(source, want);
    }
}

#[track_caller]
fn check_fault(source: &str, column: usize, want: &str) {
    check_fault_with(source, &declarations(), column, want);
}

#[track_caller]
fn check_fault_with(source: &str, declarations: &Declarations, column: usize, want: &str) {
    let error = Expression::compile(source, declarations).expect_err("a mistake");
    assert_eq!((error.column, error.fault.to_string().as_str()), (column, want), "{source}");
}

#[test]
fn attributes_compare_by_their_values() {
    check_all(
        Truth::True,
        &[
            "dcm.Modality == 'CT'",
            "dcm.Modality == 'CT' && dcm.BodyPartExamined in ['CHEST', 'THORAX']",
            "dcm.Modality != 'MR'",
            "dcm.SliceThickness == 1.25",
            "dcm.Rows == 512.0",
            "dcm.Rows > 511.5 && dcm.Rows < 512.5",
            "dcm.StudyDate >= '20260401'",
            "calling_aet == 'CT01'",
            "fact.exam_date == dcm.StudyDate",
            "dcm.PatientName.contains('三')",
            "true",
        ],
    );
    check_all(
        Truth::False,
        &["dcm.Modality == 'MR'", "dcm.Rows < 512", "dcm.StudyDate > '20260401'"],
    );
}

#[test]
fn what_is_absent_is_unknown_and_stays_so() {
    check_all(
        Truth::Unknown,
        &[
            "dcm.PatientID == '1'",
            "dcm.PatientID != '1'",
            "!(dcm.PatientID == '1')",
            "dcm.Columns > 1",
            "dcm.Columns + 1 > 1",
            "dcm.PatientID in ['1', '2']",
            "dcm.PatientID.startsWith('1')",
            "size(dcm.PatientID) > 3",
            "dcm.PatientID == dcm.PatientID",
            "dcm.PatientID == '1' ? true : true",
            "fact.urgent",
            "called_aet == 'X'",
        ],
    );
}

#[test]
fn and_and_or_are_kleene_s() {
    let unknown = "dcm.PatientID == '1'";
    for (left, right, and, or) in [
        ("true", "true", Truth::True, Truth::True),
        ("true", "false", Truth::False, Truth::True),
        ("false", "false", Truth::False, Truth::False),
        (unknown, "true", Truth::Unknown, Truth::True),
        (unknown, "false", Truth::False, Truth::Unknown),
        (unknown, unknown, Truth::Unknown, Truth::Unknown),
    ] {
        check(&format!("{left} && {right}"), and);
        check(&format!("{right} && {left}"), and);
        check(&format!("{left} || {right}"), or);
        check(&format!("{right} || {left}"), or);
    }
    check("true && (false || true) && !false && true", Truth::True);
}

#[test]
fn presence_is_never_unknown() {
    check_all(Truth::True, &["has(dcm.Modality)", "!has(dcm.PatientID)", "has(fact.exam_date)"]);
    check_all(Truth::False, &["has(dcm.PatientID)", "has(dcm.ImageType[7])", "has(fact.urgent)"]);
}

#[test]
fn a_single_value_is_a_list_of_one() {
    check_all(
        Truth::True,
        &[
            "'PRIMARY' in dcm.ImageType",
            "'CT' in dcm.Modality",
            "dcm.ImageType[2] == 'AXIAL'",
            "dcm.Modality[0] == 'CT'",
            "size(values(dcm.Modality)) == 1",
            "size(values(dcm.ImageType)) == 3",
            "size(dcm.ImageType) == 3",
            "size(dcm.Modality) == 2",
            "dcm.Modality.exists(v, v == 'CT')",
            "dcm.PixelSpacing[0] == dcm.PixelSpacing[1]",
            "dcm.PixelSpacing == [0.7, 0.7]",
        ],
    );
    check("dcm.ImageType == 'ORIGINAL'", Truth::Unknown);
    check("dcm.ImageType[3] == 'X'", Truth::Unknown);
    check("dcm.ImageType[-1] == 'X'", Truth::Unknown);
}

#[test]
fn lists_are_looked_through_with_a_condition() {
    check_all(
        Truth::True,
        &[
            "dcm.PixelSpacing.all(v, v > 0)",
            "dcm.ImageType.exists(v, v.startsWith('AX'))",
            "dcm.ImageType.exists_one(v, v == 'AXIAL')",
            "size(dcm.ImageType.filter(v, v != 'AXIAL')) == 2",
            "dcm.PixelSpacing.map(v, v * 10.0)[0] == 7.0",
            "[[1, 2], [3]].all(row, row.exists(v, v > 1))",
            "dcm.PixelSpacing.all(row, dcm.PixelSpacing.all(column, row == column))",
            "dcm.WindowWidth.exists(w, w == 400)",
            "fact.dose_limits.all(v, v >= 1)",
            "!(dcm.Modality in param.placeholders)",
        ],
    );
    check_all(
        Truth::False,
        &["dcm.WindowWidth.all(w, w < 400)", "dcm.PixelSpacing.exists_one(v, v == 0.7)"],
    );
    check_all(
        Truth::Unknown,
        &[
            "dcm.WindowWidth.all(w, w == 400)",
            "dcm.WindowWidth.exists_one(w, w == 400)",
            "size(dcm.WindowWidth.filter(w, w > 1)) == 1",
            "dcm.WindowCenter.all(w, w == 400)",
            "399 in dcm.WindowWidth",
        ],
    );
}

#[test]
fn numbers_of_any_kind_compute_with_each_other() {
    check_all(
        Truth::True,
        &[
            "1 + 2 * 3 == 7",
            "7 / 2 == 3 && 7.0 / 2 == 3.5 && 7 % 2 == 1",
            "-dcm.Rows == -512",
            "abs(-3) == 3 && abs(-2.5) == 2.5",
            "log10(100) == 2",
            "dcm.SliceThickness <= param.max_thickness",
            "dcm.SliceThickness <= param('max_thickness')",
            "1 == 1.0 && 1u == 1",
            "9007199254740993 > 9007199254740992.0",
            "'a' + 'b' == 'ab'",
            "dcm.Rows > 500 ? dcm.Rows < 600 : false",
        ],
    );
}

#[test]
fn what_has_no_result_is_unknown() {
    check_all(
        Truth::Unknown,
        &[
            "1 / 0 == 1",
            "1.0 / 0 == 1.0",
            "1 % 0 == 1",
            "9223372036854775807 + 1 > 0",
            "log10(0) == 0",
            "log10(-1) == 0",
            "dcm.PixelSpacing < 1",
            "dcm.SliceThickness == param.unset",
            "'X'.matches(param.unset)",
        ],
    );
}

#[test]
fn texts_are_searched() {
    check_all(
        Truth::True,
        &[
            "dcm.PatientName.startsWith('张')",
            "dcm.PatientName.endsWith('丰')",
            "dcm.PatientName.matches('[一-龥]')",
            "'123456'.matches(param.id_pattern)",
            "dcm.Modality.lowerAscii() == 'ct' && 'ct'.upperAscii() == dcm.Modality",
            "size('体模') == 2",
        ],
    );
    check("'12345'.matches(param.id_pattern)", Truth::False);
}

#[test]
fn attributes_in_items_are_reached_by_position() {
    check("dcm.ViewCodeSequence[0].CodeValue == '399162004'", Truth::True);
    check("dcm.ViewCodeSequence[1].CodeValue == '399162004'", Truth::Unknown);
    check("has(dcm.ViewCodeSequence[0].CodeMeaning)", Truth::False);
    let nested = "dcm.SharedFunctionalGroupsSequence[0].FrameAnatomySequence[0].FrameLaterality";
    let expression = Expression::compile(&format!("{nested} == 'L'"), &declarations());
    let expression = expression.expect("an expression");
    assert_eq!(expression.attributes(), [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE]);
    let seen = expression.explain(&chest()).seen;
    assert_eq!(seen, [Seen { operand: nested.to_owned(), value: Value::Unknown.into() }]);
}

#[test]
fn an_explanation_tells_what_was_looked_at() {
    let source =
        "dcm.Modality == 'MR' && dcm.Rows > 1 || dcm.Modality == 'CT' && calling_aet == 'X'";
    let expression = Expression::compile(source, &declarations()).expect("an expression");
    let seen = |operand: &str, value: &str| Seen {
        operand: operand.to_owned(),
        value: Value::from(value).into(),
    };
    assert_eq!(
        expression.explain(&chest()),
        Explanation {
            truth: Truth::False,
            seen: vec![seen("dcm.Modality", "CT"), seen("calling_aet", "CT01")],
        }
    );
    assert_eq!(expression.attributes(), [tags::MODALITY, tags::ROWS]);
    assert_eq!(expression.variables().collect::<Vec<_>>(), ["calling_aet"]);
    assert_eq!(
        format!("{:?}", seen("dcm.PatientName", "张三")),
        "Seen { operand: \"dcm.PatientName\", value: ‹phi› }"
    );
}

#[test]
fn an_unknown_name_is_told_with_what_was_likely_meant() {
    check_fault(
        "true && dcm.Modalty == 'CT'",
        9,
        "`Modalty` is no keyword of the DICOM dictionary; did you mean `Modality`?",
    );
    check_fault(
        "dcm.patientid == ''",
        1,
        "`patientid` is no keyword of the DICOM dictionary; did you mean `PatientID`?",
    );
    check_fault("dcm.Qwertyuiop == ''", 1, "`Qwertyuiop` is no keyword of the DICOM dictionary");
    check_fault("Modality == 'CT'", 1, "unknown name `Modality`; did you mean `dcm.Modality`?");
    check_fault("calling_ae == 'X'", 1, "unknown name `calling_ae`; did you mean `calling_aet`?");
    check_fault(
        "fact.examdate == ''",
        1,
        "unknown name `fact.examdate`; did you mean `fact.exam_date`?",
    );
    check_fault(
        "1 < param.max_thicknes",
        5,
        "unknown parameter `max_thicknes`; did you mean `max_thickness`?",
    );
    check_fault(
        "dcm.Modality.startswith('C')",
        1,
        "unknown function `startswith`; did you mean `startsWith`?",
    );
    check_fault("true && frob(1)", 9, "unknown function `frob`");
    check_fault("dcm.ImageType.all(v, w == '')", 22, "unknown name `w`; did you mean `v`?");
}

#[test]
fn attributes_are_refused_where_only_the_association_is_known() {
    check_fault_with(
        "calling_aet == 'A' || dcm.Modality == 'CT'",
        &Declarations::association(),
        23,
        "`dcm.Modality` cannot be used here: the object has not been read yet, only the association is known",
    );
}

#[test]
fn what_can_never_be_true_is_refused() {
    check_fault("dcm.Rows == 'CT'", 1, "a number cannot be compared with a text");
    check_fault("dcm.Modality == 3", 1, "a text cannot be compared with a number");
    check_fault("dcm.Modality", 1, "a condition must be true or false, this is a text");
    check_fault("dcm.Rows + 1", 1, "a condition must be true or false, this is a number");
    check_fault("dcm.Modality in [1, 2]", 17, "a text cannot be compared with a list of numbers");
    check_fault("dcm.Modality && true", 1, "`&&` needs a truth, this is a text");
    check_fault("!dcm.Rows", 2, "`!` needs a truth, this is a number");
    check_fault("dcm.Modality - 1 == 2", 1, "`-` needs a number, this is a text");
    check_fault("dcm.Modality + 1 == 2", 1, "a text cannot be compared with a number");
    check_fault("log10(dcm.Modality) > 1", 7, "`log10` needs a number, this is a text");
    check_fault(
        "true < false",
        1,
        "an order (`<`, `<=`, `>`, `>=`) needs a number or a text, this is a truth",
    );
    check_fault("dcm.Rows.startsWith('5')", 1, "`startsWith` needs a text, this is a number");
    check_fault(
        "dcm.PixelData == 'x'",
        1,
        "the value of a sequence or of bytes cannot be used here; ask with `has`, or read an attribute in its items: `dcm.X[0].Y`",
    );
    check_fault(
        "dcm.Modality[0].CodeValue == ''",
        1,
        "`Modality` is no sequence, so nothing can be read from its items",
    );
}

#[test]
fn a_function_is_told_how_it_is_written() {
    check_fault("has()", 1, "`has` is written `has(dcm.KEYWORD)`");
    check_fault("size(dcm.Modality, 1) == 1", 1, "`size` is written `size(x)`");
    check_fault(
        "startsWith(dcm.Modality, 'C')",
        1,
        "`startsWith` is written `text.startsWith(text)`",
    );
    check_fault("dcm.ImageType.all(v)", 1, "`all` is written `list.all(v, condition)`");
    check_fault("param(dcm.Modality) == 1", 1, "`param` is written `param('NAME')`");
    check_fault(
        "dcm.Modality.matches('[')",
        22,
        "the pattern is no regular expression: unclosed character class",
    );
    check_fault(
        "dcm.Modality.matches(dcm.Modality)",
        22,
        "a computed pattern cannot be used here; write it as a text or as a parameter",
    );
}

#[test]
fn parts_of_cel_that_are_left_out_say_what_to_write() {
    check_fault(
        "dcm.PatientID == null",
        18,
        "`null` cannot be used here; ask with `has(dcm.KEYWORD)` whether there is a value",
    );
    check_fault("{'a': 1} == {'a': 1}", 1, "a map cannot be used here; use a list in brackets");
    check_fault("b'x' == b'x'", 1, "a byte string cannot be used here; leave out the b");
    check_fault(
        "dcm.?Modality == 'CT'",
        1,
        "this operator cannot be used here; see the list of operators",
    );
}

#[test]
fn what_does_not_parse_is_told_in_plain_words() {
    check_fault("", 1, "the expression is empty; write `true` for a condition that always holds");
    check_fault(
        " \n ",
        1,
        "the expression is empty; write `true` for a condition that always holds",
    );
    check_fault("dcm.Modality == ", 17, "the expression ends where a value should follow");
    check_fault("dcm.Modality = 'CT'", 14, "`=` cannot be read; equality is written `==`");
    check_fault("'张三' == 'x' y", 13, "`y` is out of place here");
    check_fault(
        "dcm.Modality == 'CT",
        17,
        "`'CT` cannot be read; a text ends with the quote it begins with, and a backslash in it is written twice",
    );
    check_fault(&"x".repeat(5000), 4097, "the expression has 5000 bytes, at most 4096 are allowed");
}

#[test]
fn a_mistake_has_its_line_column_and_byte() {
    let source = "dcm.PatientName == '张三' &&\n  dcm.Rowz > 1";
    let error = Expression::compile(source, &declarations()).expect_err("a mistake");
    assert_eq!(
        (error.line, error.column, error.offset),
        (2, 3, source.find("dcm.Rowz").expect("it"))
    );
    assert_eq!(
        error.to_string(),
        "line 2, column 3: `Rowz` is no keyword of the DICOM dictionary; did you mean `Rows`?"
    );
}

#[test]
fn nesting_is_bounded_however_it_is_written() {
    let deep = |open: &str, close: &str| {
        let source = format!("{}true{}", open.repeat(900), close.repeat(900));
        let error = Expression::compile(&source, &declarations()).expect_err("a mistake");
        assert!(!error.fault.to_string().is_empty());
    };
    deep("(", ")");
    deep("!(", ")");
    deep("[", "]");
    deep("true?", ":true");
    deep("true==", "");
    deep("size(", ")");
    let chain = vec!["true"; 400].join(" && ");
    check(&chain, Truth::True);
}

#[test]
fn evaluation_gives_up_in_the_end() {
    let list = Value::from(vec![Value::Int(1); 1000]);
    let table = Table::default().with("dcm.PixelSpacing", list);
    let source =
        "dcm.PixelSpacing.all(a, dcm.PixelSpacing.all(b, dcm.PixelSpacing.all(c, a == b)))";
    let expression = Expression::compile(source, &declarations()).expect("an expression");
    assert_eq!(expression.holds(&table), Truth::Unknown);
    let once = Expression::compile("dcm.PixelSpacing.all(a, a == 1)", &declarations());
    assert_eq!(once.expect("an expression").holds(&table), Truth::True);
}

mod anything {
    use super::*;
    use proptest::prelude::*;

    fn piece() -> impl Strategy<Value = &'static str> {
        proptest::sample::select(vec![
            "dcm.Modality",
            "dcm.Rows",
            "dcm.ImageType",
            "dcm.ViewCodeSequence[0].CodeValue",
            "fact.urgent",
            "param.max_thickness",
            "'CT'",
            "1",
            "2.5",
            "true",
            "==",
            "!=",
            "<",
            "&&",
            "||",
            "!",
            "+",
            "-",
            "/",
            "%",
            "?",
            ":",
            "(",
            ")",
            "[",
            "]",
            ",",
            ".",
            "in",
            "has(",
            "size(",
            "values(",
            ".all(v, ",
            ".map(v, ",
            ".matches(",
            "v",
            "'\\u4e00'",
            "{",
            "}",
            "null",
            "\n",
            "x",
            "1u",
            "b'a'",
            "-9223372036854775808",
            "'",
            "\\",
            "张",
            "?.",
        ])
    }

    proptest! {
        /// Whatever is written, it is refused or can be evaluated.
        #[test]
        fn compiles_or_is_refused(pieces in prop::collection::vec(piece(), 0..14)) {
            let source = pieces.join(" ");
            match Expression::compile(&source, &declarations()) {
                Ok(expression) => {
                    let truth = expression.holds(&chest());
                    prop_assert_eq!(expression.explain(&chest()).truth, truth);
                }
                Err(error) => {
                    prop_assert!(error.offset <= source.len());
                    prop_assert!(!error.to_string().is_empty());
                }
            }
        }
    }
}
