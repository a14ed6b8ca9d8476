//! What findings say.

use super::*;

fn pack(attribute: &str, zh: &str, en: &str) -> String {
    format!(
        "format = 1\nid = \"own\"\nversion = \"1\"\ntitle = {{ zh = \"本院\", en = \"our own\" }}\n\
         [parameters]\nthin = 1.25\nrooms = [\"CT01\", \"CT02\"]\n\
         [[rule]]\nid = \"A-1\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\nsource = \"us\"\n\
         {attribute}\nseverity = \"warn\"\nrequire = \"false\"\nzh = '{zh}'\nen = '{en}'\n"
    )
}

/// What the rule says of an image, in both languages.
#[track_caller]
fn check(attribute: &str, text: &str, image: &Image, zh: &str, en: &str) {
    let attribute = format!("attribute = \"{attribute}\"");
    let pack = Pack::parse(&pack(&attribute, text, text)).expect("a pack");
    let rules = RuleSet::build(&[pack], &Changes::default()).expect("a rule set");
    let findings = image.look(|subject| rules.assess(subject).findings);
    let said = findings.first().map(|said| (said.message_zh.as_str(), said.message_en.as_str()));
    assert_eq!(said, Some((zh, en)), "{text}");
}

#[track_caller]
fn check_fault(attribute: &str, text: &str, want: &str) {
    let faults = Pack::parse(&pack(attribute, "错", text)).expect_err("a mistake");
    let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(found, [want], "{text}");
}

#[test]
fn a_message_shows_the_values_it_names() {
    let image =
        Image::chest_ct().with("SliceThickness", "5").with("PixelSpacing", "0.7\\0.7031249");
    let say = |text: &str, want: &str| check("SliceThickness", text, &image, want, want);
    say("no values", "no values");
    say("{value} mm, at most {param.thin} mm", "5 mm, at most 1.25 mm");
    say("{dcm.Modality} {dcm.Rows} { fact.exam_date }", "CT 2 20260520");
    say("{dcm.PixelSpacing} of {param.rooms}", "0.7, 0.7031 of CT01, CT02");
    say("{{{value}}}", "{5}");
    check("SliceThickness", "{dcm.DistanceSourceToPatient}", &image, "(无)", "(none)");
    check("SliceThickness", "{fact.future_dates}", &image, "(无)", "(none)");
    check("SliceThickness", "{fact.is_image}", &image, "是", "yes");
    check("SliceThickness", "{fact.lossy}", &image, "否", "no");
}

#[test]
fn a_value_is_short_and_steers_no_terminal() {
    let long = "A".repeat(63) + "中文";
    let image = Image::chest_ct()
        .with("StudyDescription", gb(&long))
        .with("SeriesDescription", "a\u{1b}[31mb")
        .with("ImageType", ["X"; 12].join("\\").as_str());
    let say = |text: &str, want: &str| check("StudyDescription", text, &image, want, want);
    say("{value}", &(long.chars().take(64).collect::<String>() + "…"));
    say("{dcm.SeriesDescription}", "a\\u{1b}[31mb");
    say("{dcm.ImageType}", "X, X, X, X, X, X, X, X, …");
}

#[test]
fn a_site_s_parameter_is_the_one_that_is_shown() {
    let pack = Pack::parse(&pack("", "{param.thin}", "{param.thin}")).expect("a pack");
    let parameters = [("thin".to_owned(), 2.5.into())].into();
    let changes = Changes { parameters, ..Changes::default() };
    let rules = RuleSet::build(&[pack], &changes).expect("a rule set");
    let findings = Image::chest_ct().look(|subject| rules.assess(subject).findings);
    assert_eq!(findings.first().map(|finding| finding.message_en.as_str()), Some("2.5"));
}

#[test]
fn a_message_without_its_object_has_gaps() {
    let pack = Pack::parse(&pack("", "{dcm.Rows}行", "{dcm.Rows} rows")).expect("a pack");
    let rules = RuleSet::build(&[pack], &Changes::default()).expect("a rule set");
    let check = rules.rules().first().and_then(|rule| rule.checks.first()).expect("a check");
    assert_eq!(check.en.source(), "{dcm.Rows} rows");
    assert_eq!(
        (check.zh.without_values(), check.en.without_values()),
        ("…行".into(), "… rows".into())
    );
}

#[test]
fn mistakes_in_messages_are_told_with_line_and_column() {
    let attribute = "attribute = \"SliceThickness\"";
    let own = |problem: &str| format!("line 17, column {problem}");
    check_fault(
        attribute,
        "a {value",
        &own("9, rule A-1: `en`: `{` is not closed; a brace itself is written `{{`"),
    );
    check_fault(
        attribute,
        "a } b",
        &own("9, rule A-1: `en`: `}` closes nothing; a brace itself is written `}}`"),
    );
    for name in ["dcm.SliceThicknes", "fact.nothing", "param.thick", "values", ""] {
        let want = "7, rule A-1: `en`: unknown name `{NAME}`; there are value, dcm.KEYWORD, fact.NAME and param.NAME";
        check_fault(
            attribute,
            &format!("{{{name}}}"),
            &own(&want.replace("NAME}`", &format!("{name}}}`"))),
        );
    }
    check_fault(
        "",
        "{value}",
        &own(
            "7, rule A-1: `en`: `{value}` stands for the value of the rule's `attribute`, and it has none",
        ),
    );
    check_fault(
        attribute,
        "{dcm.ViewCodeSequence}",
        &own(
            "7, rule A-1: `en`: `{dcm.ViewCodeSequence}` is a sequence or bytes, which have no value that can be shown",
        ),
    );
}

#[test]
fn who_the_patient_is_cannot_stand_in_a_message() {
    for name in [
        "dcm.PatientName",
        "dcm.PatientID",
        "dcm.PatientBirthDate",
        "dcm.OtherPatientIDsSequence",
        "dcm.AccessionNumber",
        "dcm.AdmissionID",
        "dcm.OperatorsName",
        "dcm.ImageComments",
        "fact.patient_name",
        "fact.birth_date",
    ] {
        let want = format!(
            "line 17, column 7, rule A-1: `en`: `{{{name}}}` may tell who the patient is, and messages go to logs"
        );
        check_fault("", &format!("{{{name}}}"), &want);
    }
    check_fault(
        "attribute = \"PatientSex\"",
        "{value}",
        "line 17, column 7, rule A-1: `en`: `{value}` may tell who the patient is, and messages go to logs",
    );
}
