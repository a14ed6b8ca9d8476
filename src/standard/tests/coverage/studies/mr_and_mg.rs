//! MR and mammography.

use super::*;

fn head() -> Examination {
    Examination::head_mr()
}

fn every(study: Examination, tag: Tag, text: &str) -> Examination {
    study.every(|one| one.text(tag, text))
}

pub(super) fn cases() -> Vec<Case> {
    let thin = || every(head(), tags::SLICE_THICKNESS, "4");
    let t1 = |number| One::small(Kind::Mr, 1, number).text(tags::SERIES_DESCRIPTION, "T1");
    let again = t1(9).text(tags::IMAGE_POSITION_PATIENT, "-100.625\\-100.625\\60");
    let three = || Examination::breasts().less(3..4);
    vec![
        Case::of("IMG-MR-002.series")
            .passes(head())
            .fails(Warn, thin())
            .fails(Warn, head().every(|one| one.without(tags::IMAGE_POSITION_PATIENT)))
            .not_applicable(every(thin(), tags::MR_ACQUISITION_TYPE, "3D")),
        Case::of("IMG-MR-012")
            .passes(head())
            .fails(Warn, head().less(16..20))
            .fails(Warn, head().less(0..4))
            .fails(Warn, every(head(), tags::BODY_PART_EXAMINED, "LSPINE"))
            .fails(Warn, every(head(), tags::BODY_PART_EXAMINED, "KNEE"))
            .not_applicable(head().less(0..4).beside(|beside| beside.early = true)),
        Case::of("IMG-MR-013.study")
            .passes(head())
            .fails(Warn, head().less(14..20))
            .not_applicable(head().less(12..20)),
        Case::of("IMG-MR-018")
            .passes(head())
            .fails(Warn, head().less(1..2).and([t1(5), t1(6)]))
            .fails(Warn, head().and([again]))
            .not_applicable(Examination::chest_ct()),
        Case::of("IMG-MG-003")
            .passes(Examination::breasts())
            .fails(Block, three())
            .not_applicable(every(three(), tags::STUDY_DESCRIPTION, "右乳摄影")),
    ]
}
