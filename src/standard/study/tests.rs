//! Every rule on series and studies: a study that passes, and the same with one change that does not.

mod explaining;
mod fate;
mod ways;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use super::*;
use crate::base::limits::Limits;
use crate::base::time::parse_offset;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::dicom::{Tag, VR, tags};
use crate::expression::Value;
use crate::object::scan_reader;
use crate::phantom::Value::{Doubles, Items};
use crate::phantom::{DataSet, Kind, Specimen};
use crate::standard::Severity::{Block, Info, Quarantine, SelfCheck, Warn};
use crate::standard::{Announced, Arrival, Changes, Pack, RuleSets, Severity, Subject, Way};

fn keys() -> Keys {
    Keys::new([9; 32])
}

fn built_in() -> &'static RuleSets {
    static RULES: LazyLock<RuleSets> = LazyLock::new(|| with_parameters(&[]));
    &RULES
}

fn with_parameters(parameters: &[(&str, Value)]) -> RuleSets {
    let pack = Pack::built_in("db11t2505-2025").expect("the built-in pack");
    let parameters =
        parameters.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let changes = Changes { parameters, ..Changes::default() };
    RuleSets::build(&[pack], &changes).expect("rules that compile")
}

/// An instance, with what is said of it beside.
#[derive(Clone)]
struct One {
    specimen: Specimen,
    institution: Option<&'static str>,
    mark: Option<&'static str>,
    pixels: Option<Vec<u8>>,
    way: Way,
}

impl One {
    fn new(specimen: Specimen) -> Self {
        // Each image has pixels of its own.
        let pixels = specimen.sop_instance().as_str().as_bytes().to_vec();
        Self {
            specimen,
            institution: Some("here"),
            mark: Some("BJHR"),
            pixels: Some(pixels),
            way: Way::default(),
        }
    }

    fn text(self, tag: Tag, text: &str) -> Self {
        Self { specimen: self.specimen.text(tag, text), ..self }
    }

    fn without(self, tag: Tag) -> Self {
        Self { specimen: self.specimen.without(tag), ..self }
    }

    fn part(&self) -> Part {
        let bytes = self.specimen.data_set();
        let syntax = self.specimen.transfer_syntax();
        let scan =
            scan_reader(bytes.as_slice(), TransferSyntax::of(syntax.as_str()), Limits::default());
        let scan = scan.expect("memory can be read");
        let arrival = Arrival {
            calling_aet: "CT01",
            called_aet: "MARKGATE",
            peer: "127.0.0.1",
            transfer_syntax: syntax.as_str(),
            charset: None,
            end: Some(scan.end),
            announced: Announced::default(),
            institution: None,
            personnel: None,
            now: "2026-06-01T06:00:00Z".parse().expect("a timestamp"),
            offset: parse_offset("+08:00").expect("an offset"),
        };
        let said = Said {
            way: self.way.clone(),
            institution: self.institution,
            mark: self.mark,
            blocked: Vec::new(),
            pixels: self.pixels.as_deref(),
        };
        Part::of(&Subject::new(&scan.header, arrival), said, &keys()).expect("a part")
    }
}

fn small(kind: Kind, series: u32, instance: u32) -> One {
    One::new(Specimen::new(kind, 5).size(8, 8).series(series).instance(instance))
}

/// A chest CT: a localizer and 170 slices of 1.25 mm.
fn chest_ct() -> Vec<One> {
    let localizer = small(Kind::Ct, 1, 1)
        .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\LOCALIZER")
        .text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0\\-1");
    let slices = (1..=170).map(|number| small(Kind::Ct, 2, number));
    [localizer].into_iter().chain(slices).collect()
}

/// A head MR: four weightings in axial planes, one of them sagittal too; diffusion with two b-values.
fn head_mr() -> Vec<One> {
    let series = [("T1", 1), ("T2", 2), ("FLAIR", 3), ("DWI", 4), ("T2", 5)];
    let mut all = Vec::new();
    for (words, number) in series {
        for instance in 1..=4 {
            let mut one = small(Kind::Mr, number, instance)
                .text(tags::SERIES_DESCRIPTION, words)
                .text(tags::PROTOCOL_NAME, words)
                .text(tags::SEQUENCE_NAME, "se");
            if words == "DWI" {
                let b_value = if instance <= 2 { 0.0 } else { 1000.0 };
                one.specimen =
                    one.specimen.set(tags::DIFFUSION_B_VALUE, VR::FD, Doubles(vec![b_value]));
            }
            if number == 5 {
                one = one
                    .text(tags::IMAGE_ORIENTATION_PATIENT, "0\\1\\0\\0\\0\\-1")
                    .text(tags::IMAGE_POSITION_PATIENT, &format!("{}\\-100\\60", 6 * instance));
            }
            all.push(one);
        }
    }
    all
}

/// A mammography: two views of either breast.
fn breasts() -> Vec<One> {
    let views = [("R", "CC"), ("L", "CC"), ("R", "MLO"), ("L", "MLO")];
    (1..)
        .zip(views)
        .map(|(number, (side, view))| {
            small(Kind::Mg, 1, number)
                .text(tags::IMAGE_LATERALITY, side)
                .text(tags::VIEW_POSITION, view)
                .without(tags::VIEW_CODE_SEQUENCE)
                .text(tags::STUDY_DESCRIPTION, "双乳摄影")
        })
        .collect()
}

fn chest_x_ray() -> Vec<One> {
    vec![small(Kind::Dx, 1, 1)]
}

/// What changes one instance of a study.
fn change(mut all: Vec<One>, index: usize, how: impl FnOnce(One) -> One) -> Vec<One> {
    let one = all.remove(index);
    all.insert(index, how(one));
    all
}

/// What changes all of them.
fn every(all: Vec<One>, how: impl FnMut(One) -> One) -> Vec<One> {
    all.into_iter().map(how).collect()
}

fn fold(all: &[One]) -> Study {
    let mut parts = all.iter().map(One::part);
    let mut study = Study::begun_by(&parts.next().expect("an instance"));
    parts.for_each(|part| study.add(&part));
    study
}

fn found(rules: &RuleSets, all: &[One], beside: &Beside) -> StudyAssessment {
    rules.assess_study(&Look::at(&fold(all), beside))
}

#[track_caller]
fn check_by(rules: &RuleSets, rule: &str, all: &[One], beside: &Beside, want: Option<Severity>) {
    assert!(rules.site().rules().iter().any(|known| known.id == rule), "no rule {rule}");
    let assessment = found(rules, all, beside);
    assert!(!assessment.undecided.iter().any(|id| id == rule), "{rule} is undecided");
    let severity = assessment
        .findings
        .iter()
        .filter(|found| found.finding.rule == rule)
        .map(|found| found.finding.severity)
        .max();
    assert_eq!(severity, want, "{rule}");
}

#[track_caller]
fn check(rule: &str, all: &[One], want: Option<Severity>) {
    check_by(built_in(), rule, all, &Beside::default(), want);
}

#[test]
fn good_studies_have_no_finding_and_nothing_is_undecided() {
    for (what, all) in [
        ("CT", chest_ct()),
        ("MR", head_mr()),
        ("MG", breasts()),
        ("DX", chest_x_ray()),
        ("CR", vec![small(Kind::Cr, 1, 1)]),
        ("US", vec![small(Kind::Us, 1, 1)]),
        ("XA", vec![small(Kind::Xa, 1, 1)]),
        ("SR", vec![small(Kind::DoseReport, 1, 1)]),
    ] {
        let assessment = found(built_in(), &all, &Beside::default());
        let rules: Vec<&str> =
            assessment.findings.iter().map(|found| found.finding.rule.as_str()).collect();
        assert_eq!(rules, Vec::<&str>::new(), "{what}");
        assert_eq!(assessment.undecided, Vec::<String>::new(), "{what}");
    }
}

#[test]
fn img_pat_009_one_study_is_of_one_patient() {
    let study = || vec![small(Kind::Dx, 1, 1), small(Kind::Dx, 1, 2)];
    check("IMG-PAT-009", &study(), None);
    for (tag, other) in [
        (tags::PATIENT_ID, "OTHER"),
        (tags::PATIENT_NAME, "Else^Somebody"),
        (tags::PATIENT_BIRTH_DATE, "19500101"),
        (tags::PATIENT_SEX, "O"),
    ] {
        check("IMG-PAT-009", &change(study(), 1, |one| one.text(tag, other)), Some(Quarantine));
        check("IMG-PAT-009", &change(study(), 1, |one| one.without(tag)), None);
    }
    let named = |first: &str, second: &str| {
        let all = change(study(), 0, |one| one.text(tags::PATIENT_NAME, first));
        change(all, 1, |one| one.text(tags::PATIENT_NAME, second))
    };
    check("IMG-PAT-009", &named("ZHANG^SAN=张^三", "李^四"), Some(Quarantine));
    check("IMG-PAT-009", &named("ZHANG^SAN=张^三", "张^三"), None);
    check("IMG-PAT-009", &named("ZHANG^SAN=张^三", "Zhang^San^^"), None);
}

#[test]
fn img_pat_010_pix_009_and_stu_con_004_compare_with_other_studies() {
    let all = chest_x_ray();
    let otherwise = |known| Beside { known_otherwise: known, ..Beside::default() };
    let check = |rule, beside: &Beside, want| check_by(built_in(), rule, &all, beside, want);
    check("IMG-PAT-010", &otherwise(None), None);
    check("IMG-PAT-010", &otherwise(Some(false)), None);
    check("IMG-PAT-010", &otherwise(Some(true)), Some(Warn));
    check("PIX-009", &Beside { pixels_elsewhere: 1, ..Beside::default() }, Some(Warn));
    check("PIX-009", &Beside::default(), None);
    let minutes = |minutes| Beside { minutes_to_other: Some(minutes), ..Beside::default() };
    check("STU-CON-004", &minutes(4.0), Some(Warn));
    check("STU-CON-004", &minutes(90.0), None);
    check("STU-CON-004", &Beside::default(), None);
}

#[test]
fn img_stu_020_a_series_is_of_one_study_patient_and_modality() {
    let study = || vec![small(Kind::Dx, 1, 1), small(Kind::Dx, 1, 2)];
    check("IMG-STU-020", &study(), None);
    let other = change(study(), 1, |one| one.text(tags::MODALITY, "CR"));
    check("IMG-STU-020", &other, Some(Quarantine));
    let other = change(study(), 1, |one| one.text(tags::PATIENT_ID, "OTHER"));
    check("IMG-STU-020", &other, Some(Quarantine));
    let series = keys().of("series", study()[0].specimen.series_instance().as_str());
    let elsewhere = Beside { series_elsewhere: BTreeSet::from([series]), ..Beside::default() };
    check_by(built_in(), "IMG-STU-020", &study(), &elsewhere, Some(Quarantine));
}

#[test]
fn img_stu_021_an_instance_has_one_set_of_pixels() {
    let twice = || vec![small(Kind::Dx, 1, 1), small(Kind::Dx, 1, 1)];
    check("IMG-STU-021", &twice(), None);
    check("IMG-STU-021", &change(twice(), 1, |one| one.text(tags::STATION_NAME, "B")), None);
    let other = change(twice(), 1, |one| One { pixels: Some(vec![1]), ..one });
    check("IMG-STU-021", &other, Some(Quarantine));
}

/// A Key Object Selection with a title, of one image.
fn selection(title: &'static str, of: &One) -> One {
    let mut image = DataSet::default();
    image.text(tags::REFERENCED_SOP_INSTANCE_UID, of.specimen.sop_instance().as_str());
    let mut series = DataSet::default();
    series.items(tags::REFERENCED_SOP_SEQUENCE, vec![image]);
    let mut study = DataSet::default();
    study.items(tags::REFERENCED_SERIES_SEQUENCE, vec![series]);
    let mut code = DataSet::default();
    code.text(tags::CODE_VALUE, title)
        .text(tags::CODING_SCHEME_DESIGNATOR, "DCM")
        .text(tags::CODE_MEANING, "Title");
    let one = small(Kind::DoseReport, 7, 1)
        .text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.88.59")
        .text(tags::MODALITY, "KO");
    let evidence = tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE;
    let specimen = one.specimen.set(evidence, VR::SQ, Items(vec![study])).set(
        tags::CONCEPT_NAME_CODE_SEQUENCE,
        VR::SQ,
        Items(vec![code]),
    );
    One { specimen, pixels: None, ..one }
}

#[test]
fn img_stu_022_a_rejected_image_bears_no_mark_and_the_others_do() {
    let mut all = vec![small(Kind::Dx, 1, 1), small(Kind::Dx, 1, 2)];
    all.push(selection("113000", &all[0]));
    check("IMG-STU-022.series", &all, None);
    for title in ["113001", "113037", "113038"] {
        all[2] = selection(title, &all[0]);
        check("IMG-STU-022.series", &all, Some(Block));
    }
    let assessment = found(built_in(), &all, &Beside::default());
    let on = |one: &One| {
        let found = assessment.on(one.part().instance());
        found.findings.iter().any(|finding| finding.rule == "IMG-STU-022.series")
    };
    assert_eq!((on(&all[0]), on(&all[1])), (true, false));
}

#[test]
fn a_rejected_slice_is_missed_unless_another_stands_in_its_place() {
    let mut all = chest_ct();
    all.push(selection("113001", &all[80]));
    check("IMG-CT-011", &all, Some(Block));
    let place = "-153.125\\-153.125\\-198.75";
    all.push(small(Kind::Ct, 2, 171).text(tags::IMAGE_POSITION_PATIENT, place));
    check("IMG-CT-011", &all, None);
    check("IMG-CT-012", &all, None);
}

#[test]
fn img_dr_016_views_of_the_region() {
    let view = |view: &str| {
        every(chest_x_ray(), |one| {
            one.without(tags::VIEW_CODE_SEQUENCE).text(tags::VIEW_POSITION, view)
        })
    };
    check("IMG-DR-016", &view("PA"), None);
    check("IMG-DR-016", &view("AP"), None);
    check("IMG-DR-016", &view("LL"), Some(Block));
    let hand = |view: &str, number| {
        small(Kind::Dx, 1, number)
            .without(tags::VIEW_CODE_SEQUENCE)
            .without(tags::ANATOMIC_REGION_SEQUENCE)
            .text(tags::BODY_PART_EXAMINED, "HAND")
            .text(tags::VIEW_POSITION, view)
    };
    check("IMG-DR-016", &[hand("AP", 1), hand("LL", 2)], None);
    check("IMG-DR-016", &[hand("AP", 1), hand("AP", 2)], Some(Block));
}

#[test]
fn img_ct_004_thin_slices_of_the_whole_range() {
    check("IMG-CT-004", &chest_ct(), None);
    let thick = every(chest_ct(), |one| one.text(tags::SLICE_THICKNESS, "5"));
    check("IMG-CT-004", &thick, Some(Warn));
    // Thin slices of a part of it do not make it complete.
    let part = (1..=40).map(|number| small(Kind::Ct, 3, number));
    let mixed: Vec<One> = thick.clone().into_iter().chain(part).collect();
    check("IMG-CT-004", &mixed, Some(Warn));
    check("IMG-CT-004", &every(thick, |one| one.text(tags::BODY_PART_EXAMINED, "HEAD")), None);
}

#[test]
fn img_ct_010_one_orientation() {
    check("IMG-CT-010", &chest_ct(), None);
    let tilted = |one: One| one.text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0.98\\0.199");
    check("IMG-CT-010", &change(chest_ct(), 9, tilted), Some(Warn));
}

#[test]
fn img_ct_011_and_014_no_slice_is_missing() {
    check("IMG-CT-011", &chest_ct(), None);
    check("IMG-CT-014", &chest_ct(), None);
    let mut gap = chest_ct();
    gap.remove(50);
    check("IMG-CT-011", &gap, Some(Block));
    check("IMG-CT-014", &gap, Some(Block));
    let in_part = Beside { in_part: true, ..Beside::default() };
    check_by(built_in(), "IMG-CT-011", &gap, &in_part, None);
    check_by(built_in(), "IMG-CT-014", &gap, &in_part, None);
    let uneven = change(chest_ct(), 50, |one| {
        one.text(tags::IMAGE_POSITION_PATIENT, "-153.125\\-153.125\\-161.05")
    });
    check("IMG-CT-011", &uneven, Some(Warn));
    let renumbered = change(chest_ct(), 170, |one| one.text(tags::INSTANCE_NUMBER, "500"));
    check("IMG-CT-011", &renumbered, None);
    check("IMG-CT-014", &renumbered, Some(Warn));
    let repeated = change(chest_ct(), 170, |one| one.text(tags::INSTANCE_NUMBER, "169"));
    check("IMG-CT-014", &repeated, Some(Warn));
    check("IMG-CT-011", &head_mr(), None);
}

#[test]
fn img_ct_012_one_image_a_position() {
    check("IMG-CT-012", &chest_ct(), None);
    let mut again = chest_ct();
    let mut copy = small(Kind::Ct, 2, 171);
    copy.specimen = copy.specimen.text(tags::IMAGE_POSITION_PATIENT, "-153.125\\-153.125\\-160");
    again.push(copy);
    check("IMG-CT-012", &again, Some(Warn));
}

#[test]
fn img_ct_013_no_tissue_between_slices() {
    check("IMG-CT-013", &chest_ct(), None);
    let thin = every(chest_ct(), |one| one.text(tags::SLICE_THICKNESS, "0.6"));
    check("IMG-CT-013", &thin, Some(Warn));
    let ear = |one: One| one.text(tags::BODY_PART_EXAMINED, "IAC");
    check("IMG-CT-013", &every(thin, ear), None);
}

#[test]
fn img_ct_017_and_018_windows_for_what_is_looked_for() {
    let rules = with_parameters(&[("viewer_presets", Value::Bool(false))]);
    let check = |rule, all: &[One], want| check_by(&rules, rule, all, &Beside::default(), want);
    check("IMG-CT-017", &chest_ct(), None);
    let one_window = |one: One| one.text(tags::WINDOW_CENTER, "40").text(tags::WINDOW_WIDTH, "400");
    let soft = || every(chest_ct(), one_window);
    check("IMG-CT-017", &soft(), Some(Warn));
    check_by(built_in(), "IMG-CT-017", &soft(), &Beside::default(), None);
    let injured = |one: One| {
        one.text(tags::BODY_PART_EXAMINED, "HEAD").text(tags::STUDY_DESCRIPTION, "头颅外伤CT")
    };
    check("IMG-CT-018", &every(soft(), injured), Some(Warn));
    let sharp = |one: One| injured(one).text(tags::CONVOLUTION_KERNEL, "BONE");
    check("IMG-CT-018", &every(soft(), sharp), None);
    check("IMG-CT-018", &soft(), None);
}

#[test]
fn img_ct_020_contrast_that_was_asked_for_was_given_and_no_other() {
    const RULE: &str = "IMG-CT-020.study";
    let asked = |one: One| one.text(tags::STUDY_DESCRIPTION, "胸部CT增强");
    let agent = |one: One| one.text(tags::CONTRAST_BOLUS_AGENT, "Iohexol");
    check(RULE, &chest_ct(), None);
    check(RULE, &every(chest_ct(), asked), Some(Warn));
    check(RULE, &every(every(chest_ct(), asked), agent), None);
    check(RULE, &every(chest_ct(), agent), Some(Warn));
    check(RULE, &every(chest_ct(), |one| one.text(tags::STUDY_DESCRIPTION, "复查")), None);
}

#[test]
fn img_ct_021_phases_that_were_asked_for() {
    let asked = |one: One| one.text(tags::STUDY_DESCRIPTION, "胸部CT双期增强");
    let all = || every(chest_ct(), asked);
    check("IMG-CT-021", &chest_ct(), None);
    check("IMG-CT-021", &all(), Some(Warn));
    let phase = |number, words: &str| {
        asked(small(Kind::Ct, number, 1)).text(tags::SERIES_DESCRIPTION, words)
    };
    let both = [all(), vec![phase(4, "动脉期"), phase(5, "静脉期")]].concat();
    check("IMG-CT-021", &both, None);
}

#[test]
fn img_ct_007_the_dose_is_told() {
    let untold = || every(chest_ct(), |one| one.without(tags::CTD_IVOL));
    let told = every(untold(), |one| One {
        specimen: one.specimen.set(tags::CTD_IVOL, VR::FD, Doubles(vec![8.5])),
        ..one
    });
    check("IMG-CT-007", &told, None);
    check("IMG-CT-007", &untold(), Some(Warn));
    let report = One::new(Specimen::new(Kind::DoseReport, 5));
    check("IMG-CT-007", &[untold(), vec![report]].concat(), None);
    check("IMG-CT-007", &chest_x_ray(), None);
}

#[test]
fn img_ct_022_and_028_localizer_and_length() {
    check("IMG-CT-022", &chest_ct(), None);
    check("IMG-CT-022", &chest_ct()[1..], Some(Warn));
    check("IMG-CT-022", &chest_x_ray(), None);
    check("IMG-CT-028", &chest_ct(), None);
    check("IMG-CT-028", &chest_ct()[..100], Some(Warn));
    let child = |one: One| one.text(tags::PATIENT_BIRTH_DATE, "20200101");
    check("IMG-CT-028", &every(chest_ct()[..100].to_vec(), child), None);
}

#[test]
fn img_mr_002_gaps_between_slices() {
    check("IMG-MR-002.series", &head_mr(), None);
    let thin = every(head_mr(), |one| one.text(tags::SLICE_THICKNESS, "4"));
    check("IMG-MR-002.series", &thin, Some(Warn));
    let nowhere = every(head_mr(), |one| one.without(tags::IMAGE_POSITION_PATIENT));
    check("IMG-MR-002.series", &nowhere, Some(Warn));
    let volume = every(thin, |one| one.text(tags::MR_ACQUISITION_TYPE, "3D"));
    check("IMG-MR-002.series", &volume, None);
}

#[test]
fn img_mr_012_and_013_sequences_of_the_region() {
    check("IMG-MR-012", &head_mr(), None);
    check("IMG-MR-013.study", &head_mr(), None);
    check("IMG-MR-012", &head_mr()[..16], Some(Warn));
    check("IMG-MR-012", &head_mr()[4..], Some(Warn));
    check("IMG-MR-013.study", &head_mr()[..14], Some(Warn));
    check("IMG-MR-013.study", &head_mr()[..12], None);
    let spine = |one: One| one.text(tags::BODY_PART_EXAMINED, "LSPINE");
    check("IMG-MR-012", &every(head_mr(), spine), Some(Warn));
    let knee = |one: One| one.text(tags::BODY_PART_EXAMINED, "KNEE");
    check("IMG-MR-012", &every(head_mr(), knee), Some(Warn));
}

#[test]
fn img_mr_018_positions_of_a_stack() {
    check("IMG-MR-018", &head_mr(), None);
    let mut gap = head_mr();
    gap.remove(1);
    gap.push(small(Kind::Mr, 1, 5).text(tags::SERIES_DESCRIPTION, "T1"));
    gap.push(small(Kind::Mr, 1, 6).text(tags::SERIES_DESCRIPTION, "T1"));
    check("IMG-MR-018", &gap, Some(Warn));
    let mut twice = head_mr();
    twice.push(small(Kind::Mr, 1, 9).text(tags::IMAGE_POSITION_PATIENT, "-100.625\\-100.625\\60"));
    check("IMG-MR-018", &twice, Some(Warn));
}

#[test]
fn img_mg_003_both_views_of_both_breasts() {
    check("IMG-MG-003", &breasts(), None);
    check("IMG-MG-003", &breasts()[..3], Some(Block));
    let one_side = |one: One| one.text(tags::STUDY_DESCRIPTION, "右乳摄影");
    check("IMG-MG-003", &every(breasts()[..3].to_vec(), one_side), None);
}

#[test]
fn pix_008_every_slice_has_its_own_pixels() {
    check("PIX-008", &chest_ct(), None);
    let pixels = chest_ct()[7].pixels.clone();
    let copied = change(chest_ct(), 90, |one| One { pixels, ..one });
    check("PIX-008", &copied, Some(Block));
    let unseen = every(chest_ct(), |one| One { pixels: None, ..one });
    check("PIX-008", &unseen, None);
}

#[test]
fn stu_cmp_001_images_that_an_acquisition_promises() {
    let promise = |count: &'static str| {
        every(chest_ct(), move |one| one.text(tags::IMAGES_IN_ACQUISITION, count))
    };
    check("STU-CMP-001", &chest_ct(), None);
    check("STU-CMP-001", &promise("170"), None);
    check("STU-CMP-001", &promise("200"), Some(Warn));
}

#[test]
fn stu_cmp_002_regions_that_were_asked_for() {
    let asked = |words: &'static str| {
        every(chest_x_ray(), move |one| one.text(tags::REQUESTED_PROCEDURE_DESCRIPTION, words))
    };
    check("STU-CMP-002", &chest_x_ray(), None);
    check("STU-CMP-002", &asked("胸部正位"), None);
    check("STU-CMP-002", &asked("胸部正位+腹部平片"), Some(Block));
}

#[test]
fn stu_cmp_003_and_004_more_than_localizers_and_a_region() {
    check("STU-CMP-003", &chest_ct(), None);
    check("STU-CMP-003", &chest_ct()[..1], Some(Warn));
    let rules = with_parameters(&[("localizer_series", Value::Bool(false))]);
    check_by(&rules, "STU-CMP-003", &chest_ct(), &Beside::default(), Some(Warn));
    check("STU-CMP-004", &chest_ct(), None);
    let nowhere =
        |one: One| one.without(tags::BODY_PART_EXAMINED).without(tags::ANATOMIC_REGION_SEQUENCE);
    check("STU-CMP-004", &every(chest_x_ray(), nowhere), Some(Info));
}

#[test]
fn stu_con_001_to_003_one_institution_order_description_and_mark() {
    let study = || vec![small(Kind::Dx, 1, 1), small(Kind::Dx, 1, 2)];
    for rule in ["STU-CON-001", "STU-CON-002", "STU-CON-003"] {
        check(rule, &study(), None);
    }
    let elsewhere = change(study(), 1, |one| One { institution: Some("there"), ..one });
    check("STU-CON-001", &elsewhere, Some(Quarantine));
    let other = |tag, text: &'static str| change(study(), 1, move |one| one.text(tag, text));
    check("STU-CON-001", &other(tags::INSTITUTION_NAME, "Another Hospital"), Some(Warn));
    check("STU-CON-001", &other(tags::ACCESSION_NUMBER, "X1"), Some(Warn));
    check("STU-CON-002", &other(tags::STUDY_DESCRIPTION, "Else"), Some(Warn));
    let marked = change(study(), 1, |one| One { mark: Some("JJJHR"), ..one });
    check("STU-CON-003", &marked, Some(SelfCheck));
    check("STU-CON-003", &change(study(), 1, |one| One { mark: None, ..one }), None);
}

#[test]
fn stu_tim_001_and_002_time() {
    let study = || vec![small(Kind::Dx, 1, 1), small(Kind::Dx, 1, 2)];
    check("STU-TIM-001", &study(), None);
    let late = change(study(), 1, |one| one.text(tags::ACQUISITION_TIME, "210000"));
    check("STU-TIM-001", &late, Some(Info));
    let report = |date: &'static str| {
        let one = small(Kind::DoseReport, 3, 1)
            .text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.88.11")
            .text(tags::MODALITY, "SR")
            .text(tags::CONTENT_DATE, date)
            .text(tags::CONTENT_TIME, "100000");
        [study(), vec![one]].concat()
    };
    check("STU-TIM-002", &study(), None);
    check("STU-TIM-002", &report("20260506"), None);
    check("STU-TIM-002", &report("20260510"), Some(Info));
}

#[test]
fn messages_name_what_was_found_and_nobody() {
    let mut gap = chest_ct();
    gap.remove(50);
    let assessment = found(built_in(), &gap, &Beside::default());
    let missing = assessment.findings.iter().find(|found| found.finding.rule == "IMG-CT-011");
    let missing = missing.expect("a finding");
    assert_eq!(
        missing.finding.message_en,
        "1 slices of a CT series are missing by Image Position (0020,0032); 0 are expected"
    );
    assert!(missing.finding.message_zh.contains("缺少 1 层"));
    assert_eq!(missing.series.as_ref(), Some(&gap[5].specimen.series_instance()));
}

#[test]
fn the_order_of_arrival_does_not_change_what_is_found() {
    let mut all = head_mr();
    all.remove(2);
    all.push(small(Kind::Dx, 1, 1).text(tags::PATIENT_SEX, "O"));
    let mut parts: Vec<Part> = all.iter().map(One::part).collect();
    let assess = |parts: &[Part]| {
        let mut study = Study::begun_by(&parts[0]);
        parts.iter().for_each(|part| study.add(part));
        let beside = Beside::default();
        built_in().assess_study(&Look::at(&study, &beside))
    };
    let first = assess(&parts);
    assert!(first.findings.len() > 2);
    for turn in 1..parts.len() {
        parts.rotate_left(turn);
        assert_eq!(assess(&parts), first);
        parts.reverse();
        assert_eq!(assess(&parts), first);
    }
}
