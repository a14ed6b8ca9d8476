//! CT.

use super::*;
use crate::phantom::Value::Doubles;

fn chest() -> Examination {
    Examination::chest_ct()
}

/// A value in all of its images.
fn every(study: Examination, tag: Tag, text: &str) -> Examination {
    study.every(|one| one.text(tag, text))
}

pub(super) fn cases() -> Vec<Case> {
    [stacks(), coverage(), windows(), contrast()].into_iter().flatten().collect()
}

fn stacks() -> Vec<Case> {
    let gap = || chest().less(50..51);
    let in_part = || gap().beside(|beside| beside.in_part = true);
    let moved = |at: &str| {
        let at = format!("-153.125\\-153.125\\{at}");
        move |one: One| one.text(tags::IMAGE_POSITION_PATIENT, &at)
    };
    let one_more = |at: &str| moved(at)(One::small(Kind::Ct, 2, 171));
    let numbered = |number: &'static str| {
        chest().change(170, move |one| one.text(tags::INSTANCE_NUMBER, number))
    };
    let rejected = || chest().and([selection("113001", &chest().all[80])]);
    let thin = || every(chest(), tags::SLICE_THICKNESS, "0.6");
    let single = || Examination::small(Kind::Ct);
    vec![
        Case::of("IMG-CT-010")
            .passes(chest())
            .fails(
                Warn,
                chest().change(9, |one| {
                    one.text(tags::IMAGE_ORIENTATION_PATIENT, "1\\0\\0\\0\\0.98\\0.199")
                }),
            )
            .not_applicable(Examination::head_mr()),
        Case::of("IMG-CT-011")
            .passes(chest())
            .passes(numbered("500"))
            // A slice that was rejected is missed unless another stands in its place.
            .passes(rejected().and([one_more("-198.75")]))
            .fails(Block, rejected())
            .fails(Block, gap())
            .fails(Warn, chest().change(50, moved("-161.05")))
            // What may only not have been seen is not missed.
            .passes(in_part())
            .not_applicable(Examination::head_mr()),
        Case::of("IMG-CT-012")
            .passes(chest())
            .passes(rejected().and([one_more("-198.75")]))
            .fails(Warn, chest().and([one_more("-160")]))
            .not_applicable(Examination::head_mr()),
        Case::of("IMG-CT-013")
            .passes(chest())
            .fails(Warn, thin())
            .not_applicable(every(thin(), tags::BODY_PART_EXAMINED, "IAC"))
            .not_applicable(single()),
        Case::of("IMG-CT-014")
            .passes(chest())
            .fails(Block, gap())
            .fails(Warn, numbered("500"))
            .fails(Warn, numbered("169"))
            .not_applicable(in_part()),
        Case::of("PIX-008")
            .passes(chest())
            .fails(Block, chest().change(90, |one| one.showing(Some(&chest().all[7]))))
            .not_applicable(chest().every(|one| one.showing(None))),
    ]
}

fn coverage() -> Vec<Case> {
    let thick = || every(chest(), tags::SLICE_THICKNESS, "5");
    // Thin slices of a part of the range do not make it complete.
    let thin_in_part = (1..=40).map(|number| One::small(Kind::Ct, 3, number));
    let short = || chest().less(100..171);
    let untold = || chest().every(|one| one.without(tags::CTD_IVOL));
    let told = || {
        let dose = |one: One| {
            one.change(|specimen| specimen.set(tags::CTD_IVOL, VR::FD, Doubles(vec![8.5])))
        };
        untold().every(dose)
    };
    vec![
        Case::of("IMG-CT-004")
            .passes(chest())
            .fails(Warn, thick())
            .fails(Warn, thick().and(thin_in_part))
            .not_applicable(every(thick(), tags::BODY_PART_EXAMINED, "HEAD")),
        Case::of("IMG-CT-007")
            .passes(told())
            .passes(untold().and([One::small(Kind::DoseReport, 1, 1)]))
            .fails(Warn, untold())
            .not_applicable(radiographs()),
        Case::of("IMG-CT-022")
            .passes(chest())
            .fails(Warn, chest().less(0..1))
            .not_applicable(radiographs()),
        Case::of("IMG-CT-028")
            .passes(chest())
            .fails(Warn, short())
            .fails(Warn, every(chest().less(80..171), tags::BODY_PART_EXAMINED, "HEAD"))
            .fails(Warn, every(short(), tags::BODY_PART_EXAMINED, "ABDOMEN"))
            .not_applicable(every(short(), tags::PATIENT_BIRTH_DATE, "20200101")),
    ]
}

fn windows() -> Vec<Case> {
    let shown = |study: Examination| {
        Example::from(study).where_parameter("viewer_presets", false).named("no presets in viewers")
    };
    let soft = || {
        let study = every(chest(), tags::WINDOW_CENTER, "40");
        every(study, tags::WINDOW_WIDTH, "400")
    };
    let injured = || {
        let study = every(soft(), tags::BODY_PART_EXAMINED, "HEAD");
        every(study, tags::STUDY_DESCRIPTION, "头颅外伤CT")
    };
    vec![
        Case::of("IMG-CT-017")
            .passes(shown(chest()))
            .fails(Warn, shown(soft()))
            .not_applicable(soft()),
        Case::of("IMG-CT-018")
            .passes(every(injured(), tags::CONVOLUTION_KERNEL, "BONE"))
            .fails(Warn, injured())
            .not_applicable(soft()),
    ]
}

fn contrast() -> Vec<Case> {
    let asked = || every(chest(), tags::STUDY_DESCRIPTION, "胸部CT增强");
    let agent = |study| every(study, tags::CONTRAST_BOLUS_AGENT, "Iohexol");
    let two_phases = |one: One| one.text(tags::STUDY_DESCRIPTION, "胸部CT双期增强");
    let phase = |number, words: &str| {
        two_phases(One::small(Kind::Ct, number, 1)).text(tags::SERIES_DESCRIPTION, words)
    };
    vec![
        Case::of("IMG-CT-020.study")
            .passes(chest())
            .passes(agent(asked()))
            .fails(Warn, asked())
            .fails(Warn, agent(chest()))
            .not_applicable(every(chest(), tags::STUDY_DESCRIPTION, "复查")),
        Case::of("IMG-CT-021")
            .passes(chest().every(two_phases).and([phase(4, "动脉期"), phase(5, "静脉期")]))
            .fails(Warn, chest().every(two_phases))
            .not_applicable(chest()),
    ]
}
