//! Rules on series and studies.

mod ct;
mod mr_and_mg;

use super::*;
use crate::dicom::tags;
use crate::standard::tests::studies::{Examination, One, keys, selection};
use Severity::{Block, Info, Quarantine, SelfCheck, Warn};

pub(super) fn cases() -> Vec<Case> {
    [identity(), beside(), whole(), agreement(), time(), ct::cases(), mr_and_mg::cases()]
        .into_iter()
        .flatten()
        .collect()
}

fn radiographs() -> Examination {
    Examination::two_radiographs()
}

/// Two radiographs, the second with another value.
fn other(tag: Tag, text: &str) -> Examination {
    radiographs().change(1, |one| one.text(tag, text))
}

fn report() -> Examination {
    Examination::small(Kind::DoseReport)
}

/// Whose images they are.
fn identity() -> Vec<Case> {
    let named = |first: &str, second: &str| {
        let name = |name: &str| {
            let name = name.to_owned();
            move |one: One| one.text(tags::PATIENT_NAME, &name)
        };
        radiographs().change(0, name(first)).change(1, name(second))
    };
    let of_person = [
        (tags::PATIENT_ID, "OTHER"),
        (tags::PATIENT_NAME, "Else^Somebody"),
        (tags::PATIENT_BIRTH_DATE, "19500101"),
        (tags::PATIENT_SEX, "O"),
    ];
    let case = Case::of("IMG-PAT-009")
        .passes(radiographs())
        .passes(named("ZHANG^SAN=张^三", "张^三"))
        .passes(named("ZHANG^SAN=张^三", "Zhang^San^^"))
        .fails(Quarantine, named("ZHANG^SAN=张^三", "李^四"));
    let case = of_person.into_iter().fold(case, |case, (tag, text)| {
        case.fails(Quarantine, other(tag, text))
            .passes(radiographs().change(1, |one| one.without(tag)))
    });
    let elsewhere = radiographs().beside(|beside| {
        let series = One::small(Kind::Dx, 1, 1).specimen().series_instance();
        beside.series_elsewhere = [keys().of("series", series.as_str())].into();
    });
    let again = |how: fn(One) -> One| {
        let first = radiographs().all.remove(0);
        radiographs().and([how(first)])
    };
    vec![
        case,
        Case::of("IMG-STU-020")
            .passes(radiographs())
            .fails(Quarantine, other(tags::MODALITY, "CR"))
            .fails(Quarantine, other(tags::PATIENT_ID, "OTHER"))
            .fails(Quarantine, elsewhere)
            .not_applicable(report()),
        Case::of("IMG-STU-021")
            .passes(radiographs())
            .passes(again(|one| one))
            .passes(again(|one| one.text(tags::STATION_NAME, "B")))
            .fails(Quarantine, again(|one| one.showing(Some(&One::small(Kind::Dx, 3, 3))))),
        ["113001", "113037", "113038"].into_iter().fold(
            Case::of("IMG-STU-022.series")
                .passes(radiographs())
                .passes(radiographs().and([selection("113000", &radiographs().all[0])]))
                .not_applicable(report()),
            |case, title| {
                let rejecting = selection(title, &radiographs().all[0]);
                case.fails(Block, radiographs().and([rejecting]))
            },
        ),
    ]
}

/// What is known of other studies.
fn beside() -> Vec<Case> {
    let known = |known| radiographs().beside(|beside| beside.known_otherwise = known);
    let seen = |images| radiographs().beside(|beside| beside.pixels_elsewhere = images);
    let apart = |minutes| radiographs().beside(|beside| beside.minutes_to_other = Some(minutes));
    vec![
        Case::of("IMG-PAT-010")
            .passes(known(Some(false)))
            .fails(Warn, known(Some(true)))
            .not_applicable(radiographs()),
        Case::of("PIX-009")
            .passes(seen(Some(0)))
            .fails(Warn, seen(Some(1)))
            .not_applicable(radiographs()),
        Case::of("STU-CON-004")
            .passes(apart(90.0))
            .fails(Warn, apart(4.0))
            .not_applicable(radiographs()),
    ]
}

/// Whether everything is there.
fn whole() -> Vec<Case> {
    let view = |view: &str| {
        Examination::small(Kind::Dx)
            .change(0, |one| one.without(tags::VIEW_CODE_SEQUENCE).text(tags::VIEW_POSITION, view))
    };
    let hand = |view: &str, number| {
        One::small(Kind::Dx, 1, number)
            .without(tags::VIEW_CODE_SEQUENCE)
            .without(tags::ANATOMIC_REGION_SEQUENCE)
            .text(tags::BODY_PART_EXAMINED, "HAND")
            .text(tags::VIEW_POSITION, view)
    };
    let asked = |words: &str| {
        let words = words.to_owned();
        radiographs().every(move |one| one.text(tags::REQUESTED_PROCEDURE_DESCRIPTION, &words))
    };
    let promise = |count: &str| {
        let count = count.to_owned();
        Examination::chest_ct().every(move |one| one.text(tags::IMAGES_IN_ACQUISITION, &count))
    };
    let localizers = || Examination::chest_ct().less(1..171);
    let nowhere =
        |one: One| one.without(tags::BODY_PART_EXAMINED).without(tags::ANATOMIC_REGION_SEQUENCE);
    vec![
        Case::of("IMG-DR-016")
            .passes(view("PA"))
            .passes(view("AP"))
            .passes(Examination::of(vec![hand("AP", 1), hand("LL", 2)]))
            .fails(Block, view("LL"))
            .fails(Block, Examination::of(vec![hand("AP", 1), hand("AP", 2)]))
            .not_applicable(view("LL").beside(|beside| beside.early = true)),
        Case::of("STU-CMP-001")
            .passes(promise("170"))
            .fails(Warn, promise("200"))
            .not_applicable(Examination::chest_ct()),
        Case::of("STU-CMP-002")
            .passes(asked("胸部正位"))
            .fails(Block, asked("胸部正位+腹部平片"))
            .not_applicable(radiographs()),
        Case::of("STU-CMP-003")
            .passes(Examination::chest_ct())
            .passes(radiographs())
            .fails(Warn, localizers())
            .fails(
                Warn,
                Example::from(Examination::chest_ct()).where_parameter("localizer_series", false),
            ),
        Case::of("STU-CMP-004")
            .passes(radiographs())
            .fails(Info, radiographs().every(nowhere))
            .not_applicable(localizers()),
    ]
}

/// Whether its images say the same.
fn agreement() -> Vec<Case> {
    vec![
        Case::of("STU-CON-001")
            .passes(radiographs())
            .fails(Quarantine, radiographs().change(1, |one| one.of_institution("there")))
            .fails(Warn, other(tags::INSTITUTION_NAME, "Another Hospital"))
            .fails(Warn, other(tags::ACCESSION_NUMBER, "X1")),
        Case::of("STU-CON-002")
            .passes(radiographs())
            .fails(Warn, other(tags::STUDY_DESCRIPTION, "Else")),
        Case::of("STU-CON-003")
            .passes(radiographs())
            .passes(radiographs().change(1, |one| one.marked(None)))
            .fails(SelfCheck, radiographs().change(1, |one| one.marked(Some("JJJHR")))),
    ]
}

fn time() -> Vec<Case> {
    let reported = |date: &str| {
        let report = One::small(Kind::DoseReport, 3, 1)
            .text(tags::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.88.11")
            .text(tags::MODALITY, "SR")
            .text(tags::CONTENT_DATE, date)
            .text(tags::CONTENT_TIME, "100000");
        radiographs().and([report])
    };
    vec![
        Case::of("STU-TIM-001")
            .passes(radiographs())
            .fails(Info, other(tags::ACQUISITION_TIME, "210000"))
            .not_applicable(report()),
        Case::of("STU-TIM-002")
            .passes(reported("20260506"))
            .fails(Info, reported("20260510"))
            .not_applicable(radiographs()),
    ]
}
