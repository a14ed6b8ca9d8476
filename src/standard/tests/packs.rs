//! How packs are read, changed and told apart.

use super::*;
use crate::expression::Value;

const HEAD: &str =
    "format = 1\nid = \"own\"\nversion = \"1\"\ntitle = { zh = \"本院\", en = \"our own\" }\n";

fn rule(id: &str, rest: &str) -> String {
    format!(
        "[[rule]]\nid = \"{id}\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\nsource = \"us\"\n{rest}\n"
    )
}

fn simple(id: &str, require: &str) -> String {
    rule(id, &format!("severity = \"warn\"\nrequire = \"{require}\"\nzh = \"错\"\nen = \"wrong\""))
}

#[track_caller]
fn check_faults(text: &str, want: &[&str]) {
    let faults = Pack::parse(text).expect_err("mistakes");
    let found: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(found, want);
}

#[test]
fn the_built_in_packs_are_without_fault() {
    for (name, text) in BUILT_IN {
        assert_eq!(Pack::parse(text).err(), None, "{name}");
        assert_eq!(Pack::built_in(name).map(|pack| pack.id().to_owned()).as_deref(), Some(*name));
    }
    assert_eq!(Pack::built_in("nothing"), None);
    assert!(built_in().rules().len() >= 30);
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = format!(
        "{HEAD}colour = 1\n{}{}{}",
        simple("A-1", "dcm.Modalty == 'CT'"),
        rule(
            "A-1",
            "severity = \"fatal\"\nattribute = \"Nothing\"\nrequire = \"true\"\nen = \"x\""
        ),
        simple("A 2", "param.limit > 1"),
    );
    check_faults(
        &text,
        &[
            "line 5: unknown key `colour`; known are format, id, version, title, parameters, rule",
            "line 12, column 12, rule A-1: `require`: `Modalty` is no keyword of the DICOM dictionary; did you mean `Modality`?",
            "line 15, rule A-1: `zh` is missing",
            "line 20, rule A-1: `severity = \"fatal\"`: one of info, warn, block, quarantine, self_check is wanted",
            "line 21, rule A-1: `attribute = \"Nothing\"` is no keyword of the DICOM dictionary",
            "line 25, rule A 2: `A 2` is no identifier: letters, digits, `-`, `_` and `.` make one",
        ],
    );
}

#[test]
fn what_is_missing_or_twice_is_told() {
    check_faults(
        "",
        &[
            "line 1: `format` is missing",
            "line 1: `id` is missing",
            "line 1: `version` is missing",
            "line 1: `title` is missing",
            "line 1: `rule` is missing",
        ],
    );
    let twice = format!("{HEAD}{}{}", simple("A-1", "true"), simple("A-1", "true"));
    check_faults(&twice, &["line 14, rule A-1: the identifier was given before, on line 5"]);
    let later = format!("{}{}", HEAD.replace("format = 1", "format = 2"), simple("A-1", "true"));
    check_faults(&later, &["line 1: `format = 2` is not known, this program reads `format = 1`"]);
}

#[test]
fn a_rule_is_written_in_one_of_two_forms() {
    let grade = |severity: &str| {
        format!(
            "[[rule.check]]\nseverity = \"{severity}\"\nrequire = \"true\"\nzh = \"错\"\nen = \"wrong\"\n"
        )
    };
    let both = format!("{HEAD}{}{}", simple("A-1", "true"), grade("warn"));
    check_faults(
        &both,
        &[
            "line 5, rule A-1: a rule has either `severity`, `require`, `zh` and `en`, or [[rule.check]] tables with these",
        ],
    );
    let disorder = format!("{HEAD}{}{}{}", rule("A-1", ""), grade("warn"), grade("block"));
    check_faults(&disorder, &["line 16, rule A-1: checks are written the gravest first"]);
}

#[test]
fn a_mistake_in_a_condition_of_several_lines_has_its_own_line() {
    let text = format!(
        "{HEAD}{}",
        rule(
            "A-1",
            "severity = \"warn\"\nrequire = '''\n  has(dcm.PatientID)\n  && dcm.Modalty == 'CT\\\\'\n'''\nzh = \"错\"\nen = \"wrong\""
        )
    );
    let faults = Pack::parse(&text).expect_err("a mistake");
    let places: Vec<_> = faults.iter().map(|fault| (fault.line, fault.column)).collect();
    assert_eq!(places, [(13, Some(6))]);
    let line = text.lines().nth(12).expect("the line");
    assert!(line.get(5..).is_some_and(|line| line.starts_with("dcm.Modalty")), "{line}");
}

#[test]
fn a_mistake_behind_escapes_has_its_own_column() {
    let condition = |require: &str| {
        format!(
            "{HEAD}{}",
            rule(
                "A-1",
                &format!("severity = \"warn\"\nrequire = {require}\nzh = \"错\"\nen = \"wrong\"")
            )
        )
    };
    for require in [
        r#""dcm.PatientID != 'a\\\\b\"' && WRONG""#,
        r#""\u0064cm.PatientID != '' && WRONG""#,
        "\"\"\"\n  has(dcm.PatientID) \\\n    && WRONG\"\"\"",
        "'''\r\n  has(dcm.PatientID)\r\n  && WRONG'''",
        "'   WRONG'",
    ] {
        let text = condition(require);
        let faults = Pack::parse(&text).expect_err("a mistake");
        let [fault] = faults.as_slice() else { panic!("one mistake, not {faults:?}") };
        let (line, before) = text
            .lines()
            .enumerate()
            .find_map(|(index, line)| Some((index + 1, line.split_once("WRONG")?.0)))
            .expect("the mistake");
        let want = (line, Some(before.chars().count() + 1));
        assert_eq!((fault.line, fault.column), want, "{require}");
    }
}

#[test]
fn what_is_no_toml_is_told() {
    let faults = Pack::parse("format = 1\nid = \n").expect_err("mistakes");
    assert!(
        faults
            .iter()
            .any(|fault| fault.line == 2 && matches!(fault.problem, PackProblem::Syntax(_)))
    );
}

#[test]
fn a_pack_of_any_bytes_is_read_or_refused() {
    for text in [
        "[[rule]]",
        "rule = 3",
        "rule = [3]",
        "parameters = 3",
        "title = 3",
        "format = 1.5",
        "[parameters]\na = 1979-05-27",
        "[[rule]]\ncheck = 3",
        "[[rule]]\n[[rule.check]]",
    ] {
        assert!(Pack::parse(text).is_err(), "{text}");
    }
}

fn own(rules: &str) -> Pack {
    let parameters = "[parameters]\nlimit = 5\nnames = [\"A\"]\n";
    Pack::parse(&format!("{HEAD}{parameters}{rules}")).expect("a pack")
}

fn change(rule: &str, change: Change) -> Changes {
    Changes { rules: [(rule.to_owned(), change)].into(), ..Changes::default() }
}

fn found(packs: &[Pack], changes: &Changes) -> Vec<(String, Severity)> {
    let rules = RuleSet::build(packs, changes).expect("a rule set");
    let assessment = Image::chest_ct().look(|subject| rules.assess(subject));
    assessment.findings.into_iter().map(|finding| (finding.rule, finding.severity)).collect()
}

#[test]
fn a_site_changes_severity_parameters_and_whether_a_rule_counts() {
    let packs = [own(&simple("A-1", "dcm.Rows > param.limit"))];
    let none = Changes::default();
    assert_eq!(found(&packs, &none), [("A-1".to_owned(), Severity::Warn)]);
    let graver = change("A-1", Change { severity: Some(Severity::Block), ..Change::default() });
    assert_eq!(found(&packs, &graver), [("A-1".to_owned(), Severity::Block)]);
    let off = change("A-1", Change { off: Some(true), ..Change::default() });
    assert_eq!(found(&packs, &off), []);
    let parameters = [("limit".to_owned(), Value::Double(1.5))].into();
    assert_eq!(found(&packs, &Changes { parameters, ..Changes::default() }), []);
    let shadow = change("A-1", Change { shadow: Some(true), ..Change::default() });
    let rules = RuleSet::build(&packs, &shadow).expect("a rule set");
    let assessment = Image::chest_ct().look(|subject| rules.assess(subject));
    assert_eq!((assessment.findings.len(), assessment.shadow.len()), (0, 1));
    assert!(!assessment.blocks());
}

#[test]
fn changes_to_what_there_is_not_are_mistakes() {
    let packs = [own(&simple("A-1", "dcm.Rows > param.limit"))];
    let mut changes = change("A-9", Change::default());
    changes.parameters.insert("limt".to_owned(), Value::Int(3));
    changes.parameters.insert("names".to_owned(), Value::Int(3));
    let faults = RuleSet::build(&packs, &changes).expect_err("mistakes");
    let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert_eq!(
        faults,
        [
            "no pack has a parameter `limt`; there are limit, names",
            "parameter `names` must be a list of texts, like its default",
            "no pack has a rule A-9",
        ]
    );
    let twice = RuleSet::build(&[packs[0].clone(), packs[0].clone()], &Changes::default());
    assert!(matches!(twice.expect_err("a mistake").as_slice(), [RuleSetFault::Twice { .. }]));
}

#[test]
fn a_parameter_says_what_it_is_and_counts_in() {
    let text = format!(
        "{HEAD}[parameters]\nrooms = [\"CT01\"]\n[parameters.thin]\nvalue = 1.25\nunit = \"mm\"\nzh = \"薄\"\nen = \"thin\"\n{}",
        simple("A-1", "dcm.SliceThickness <= param.thin")
    );
    let pack = Pack::parse(&text).expect("a pack");
    let thin = Parameter {
        value: Value::Double(1.25),
        unit: Some("mm".to_owned()),
        about: Some(Messages { zh: "薄".to_owned(), en: "thin".to_owned() }),
    };
    assert_eq!(pack.parameters().get("thin"), Some(&thin));
    let rooms = pack.parameters().get("rooms").expect("a parameter");
    assert_eq!((rooms.unit.as_ref(), rooms.about.as_ref()), (None, None));
    let faults =
        |table: &str| format!("{HEAD}[parameters]\nx = {table}\n{}", simple("A-1", "true"));
    check_faults(
        &faults("{ unit = \"mm\", zh = \"薄\", colour = 1 }"),
        &[
            "line 6: unknown key `colour`; known are value, unit, zh, en",
            "line 6: `en` is missing",
            "line 6: `value` is missing",
        ],
    );
    check_faults(
        &faults("{ value = [1, \"a\"], zh = \"薄\", en = \"thin\" }"),
        &["line 6: `x` must be a number, a text, true or false, or a list of numbers or texts"],
    );
}

#[test]
fn every_parameter_of_the_built_in_pack_says_what_it_is() {
    let pack = Pack::built_in("db11t2505-2025").expect("the built-in pack");
    let silent = pack.parameters().iter().filter(|(_, parameter)| parameter.about.is_none());
    assert_eq!(silent.map(|(name, _)| name.as_str()).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn a_changed_pattern_that_is_none_is_a_mistake() {
    let text = format!(
        "{HEAD}[parameters]\nid = \".\"\n{}",
        simple("A-1", "dcm.PatientID.matches(param.id)")
    );
    let pack = Pack::parse(&text).expect("a pack");
    let parameters = [("id".to_owned(), Value::from("["))].into();
    // Nor is a change to the rule said to be one to no rule.
    let changes = Changes { parameters, ..change("A-1", Change::default()) };
    let faults = RuleSet::build(&[pack], &changes);
    assert!(matches!(faults.expect_err("a mistake").as_slice(), [RuleSetFault::Condition { .. }]));
}

#[test]
fn a_rule_set_has_a_hash_of_its_own() {
    let packs = [own(&simple("A-1", "true"))];
    let hash =
        |changes: &Changes| RuleSet::build(&packs, changes).expect("a rule set").hash().to_owned();
    let plain = hash(&Changes::default());
    assert_eq!(plain.len(), 32);
    assert_eq!(plain, hash(&Changes::default()));
    assert_ne!(plain, hash(&change("A-1", Change { off: Some(true), ..Change::default() })));
    assert_ne!(
        plain,
        hash(&change("A-1", Change { severity: Some(Severity::Info), ..Change::default() }))
    );
    let parameters = [("limit".to_owned(), Value::Int(6))].into();
    assert_ne!(plain, hash(&Changes { parameters, ..Changes::default() }));
    assert_ne!(plain, built_in().hash());
}

#[test]
fn what_cannot_be_told_is_undecided_and_has_no_effect() {
    let packs =
        [
            own(&(simple("A-1", "dcm.DistanceSourceToPatient > 10")
                + &simple("A-2", "dcm.Rows > 1"))),
        ];
    let rules = RuleSet::build(&packs, &Changes::default()).expect("a rule set");
    let assessment = Image::chest_ct().look(|subject| rules.assess(subject));
    assert_eq!((assessment.findings.len(), assessment.undecided), (0, vec!["A-1".to_owned()]));
}

#[test]
fn a_data_set_that_was_looked_at_in_part_lacks_nothing() {
    let cut = Image::chest_ct().without("PatientID").cut_by(3);
    let assessment = cut.look(|subject| built_in().assess(subject));
    let found: Vec<&str> =
        assessment.findings.iter().map(|finding| finding.rule.as_str()).collect();
    assert_eq!(found, ["IMG-ENC-001"]);
    assert!(assessment.undecided.contains(&"IMG-PAT-003".to_owned()));
}

#[test]
fn a_finding_shows_its_value_and_prints_no_patient() {
    let image = Image::chest_ct()
        .with("PatientSex", "U")
        .with("PatientName", gb("测试^一"))
        .with("Modality", "OT");
    let findings = image.look(|subject| built_in().assess(subject).findings);
    let of = |rule: &str| findings.iter().find(|finding| finding.rule == rule).expect("a finding");
    let name = of("IMG-PAT-002").value.clone().expect("a value");
    assert_eq!((name.for_eyes(), name.unless_identifying()), ("测试^一", None));
    let modality = of("IMG-STU-009").value.clone().expect("a value");
    assert_eq!((modality.for_eyes(), modality.unless_identifying()), ("OT", Some("OT")));
    assert!(!format!("{findings:?}").contains("测试^一"));
    assert_eq!(of("IMG-STU-009").attribute.as_deref(), Some("Modality"));
}

#[test]
fn an_explanation_has_a_line_for_each_rule_with_what_it_saw() {
    let rules = built_in();
    let traces = Image::chest_ct().with("Modality", "MR").look(|subject| rules.explain(subject));
    let of_one_object = [Level::Instance, Level::Pixel];
    let of_one_object = rules.rules().iter().filter(|rule| of_one_object.contains(&rule.level));
    assert_eq!(traces.len(), of_one_object.count());
    let of = |rule: &str| traces.iter().find(|trace| trace.rule == rule).expect("a trace");
    assert_eq!(of("IMG-DR-003").outcome, Outcome::NotApplicable);
    assert_eq!(of("IMG-PAT-007").outcome, Outcome::Met);
    assert_eq!(of("IMG-STU-009").outcome, Outcome::NotMet(Severity::Quarantine));
    let seen: Vec<&str> = of("IMG-PAT-007").seen.iter().map(|seen| seen.operand.as_str()).collect();
    assert_eq!(seen, ["dcm.PatientSex"]);
}
