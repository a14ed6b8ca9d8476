//! What rules are for.

use super::*;
use crate::standard::applies::ClassGroup as G;

#[track_caller]
fn check(class: &str, want: &[ClassGroup]) {
    let found: Vec<ClassGroup> = ClassGroups::of_class(class).iter().collect();
    assert_eq!(found, want, "{class}");
}

#[test]
fn classes_are_in_the_groups_that_packs_speak_of() {
    const ROOT: &str = "1.2.840.10008.5.1.4.1.1";
    let rows: &[(&str, &[ClassGroup])] = &[
        ("1", &[G::Cr, G::Radiography, G::Projection]),
        ("1.1", &[G::Dx, G::Radiography, G::Projection]),
        ("1.1.1", &[G::Dx, G::Radiography, G::Projection]),
        ("1.2", &[G::Mg, G::Projection]),
        ("1.2.1", &[G::Mg, G::Projection]),
        ("13.1.3", &[G::Tomosynthesis]),
        ("13.1.4", &[G::Tomosynthesis]),
        ("2", &[G::Ct, G::CrossSection]),
        ("2.1", &[G::EnhancedCt, G::CrossSection]),
        ("2.2", &[G::CrossSection]),
        ("4", &[G::Mr, G::CrossSection]),
        ("4.1", &[G::EnhancedMr, G::CrossSection]),
        ("4.4", &[G::CrossSection]),
        ("12.1", &[G::Projection, G::Xa]),
        ("12.1.1", &[G::Projection, G::Xa]),
        ("12.2", &[G::Projection, G::Rf]),
        ("6.1", &[G::Us]),
        ("3.1", &[G::Us]),
        ("3", &[G::Us]),
        ("20", &[G::Nm]),
        ("128", &[G::CrossSection, G::Pt]),
        ("130", &[G::CrossSection, G::Pt]),
        ("128.1", &[G::CrossSection, G::Pt]),
        ("7", &[G::Sc]),
        ("7.4", &[G::Sc]),
        ("88.11", &[G::Sr]),
        ("88.67", &[G::Sr, G::DoseReport]),
        ("88.59", &[G::KeyObjects]),
        ("11.1", &[G::PresentationState]),
        ("66.4", &[G::Segmentation]),
        ("66.1", &[G::Registration]),
        ("481.3", &[G::Radiotherapy]),
        ("9.1.1", &[G::Waveform]),
        ("104.1", &[G::Document]),
        ("66", &[]),
    ];
    for (class, want) in rows {
        check(&format!("{ROOT}.{class}"), want);
    }
    check("1.2.3", &[]);
    check("", &[]);
}

#[test]
fn images_are_images_by_class_or_by_pixels() {
    let is_image = |image: &Image| image.look(|subject| subject.groups().meet(G::Images.into()));
    assert!(is_image(&Image::chest_ct()));
    assert!(is_image(&Image::empty().with("PixelData", vec![0, 0])));
    assert!(!is_image(&Image::empty().with("SOPClassUID", "1.2.840.10008.5.1.4.1.1.88.11")));
}

fn pack(keys: &str) -> String {
    format!(
        "format = 1\nid = \"own\"\nversion = \"1\"\ntitle = {{ zh = \"本院\", en = \"our own\" }}\n\
         [[rule]]\nid = \"A-1\"\nprinciple = \"accuracy\"\nauthority = \"judgement\"\nsource = \"us\"\n\
         severity = \"warn\"\nrequire = \"false\"\nzh = \"错\"\nen = \"wrong\"\n{keys}\n"
    )
}

#[track_caller]
fn outcome(keys: &str, image: &Image, want: Outcome) {
    let pack = Pack::parse(&pack(keys)).expect("a pack");
    let rules = RuleSet::build(&[pack], &Changes::default()).expect("a rule set");
    let traces = image.look(|subject| rules.explain(subject));
    assert_eq!(traces.first().map(|trace| trace.outcome), Some(want), "{keys}");
}

#[test]
fn a_rule_applies_to_the_classes_it_lists() {
    let failed = Outcome::NotMet(Severity::Warn);
    let ct = Image::chest_ct();
    outcome("", &ct, failed);
    outcome("applies = [\"MR\", \"CT\"]", &ct, failed);
    outcome("applies = [\"MR\"]", &ct, Outcome::NotApplicable);
    outcome("applies = [\"CT\"]\nwhen = \"dcm.Modality == 'MR'\"", &ct, Outcome::NotApplicable);
    outcome("applies = [\"CT\"]", &Image::empty(), Outcome::NotApplicable);
    outcome("applies = [\"CT\"]", &ct.cut_by(3), Outcome::Undecided);
}

#[test]
fn a_rule_is_looked_at_on_its_level() {
    let on = |level: &str| {
        let pack = Pack::parse(&pack(&format!("level = \"{level}\""))).expect("a pack");
        RuleSet::build(&[pack], &Changes::default()).expect("a rule set")
    };
    Image::chest_ct().look(|subject| {
        let of_studies = on("study");
        assert_eq!(of_studies.assess(subject), Assessment::default());
        assert_eq!(of_studies.explain(subject), []);
        assert_eq!(of_studies.assess_at(Level::Study, subject).findings.len(), 1);
        // Its pixels are not looked at here.
        let of_pixels = on("pixel");
        assert_eq!(of_pixels.assess(subject), Assessment::default());
        let outcomes: Vec<_> = of_pixels.explain(subject).iter().map(|t| t.outcome).collect();
        assert_eq!(outcomes, [Outcome::NotApplicable]);
    });
}

#[test]
fn words_that_there_are_not_are_mistakes() {
    let faults = |keys: &str| -> Vec<String> {
        let faults = Pack::parse(&pack(keys)).expect_err("mistakes");
        faults.iter().map(ToString::to_string).collect()
    };
    let known = ClassGroup::WORDS.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    assert_eq!(
        faults("applies = [\"CT\", \"XRAY\"]"),
        [format!("line 14, rule A-1: `applies = \"XRAY\"`: one of {known} is wanted")]
    );
    assert_eq!(
        faults("applies = []"),
        ["line 14, rule A-1: `applies` lists nothing; left out, it means everything"]
    );
    assert_eq!(
        faults("applies = \"CT\""),
        ["line 14, rule A-1: `applies` must be a list of words for SOP classes"]
    );
    assert_eq!(
        faults("level = \"frame\""),
        ["line 14, rule A-1: `level = \"frame\"`: one of instance, pixel, series, study is wanted"]
    );
}
