//! Rules on pixels: of phantoms as they are, of phantoms with one thing wrong, of those whose pixels are not to be had.

use super::in_memory::InMemory;
use super::*;
use crate::phantom::{Kind, Retouch, Specimen};
use crate::stamp::ImagePixels;

/// What became of the rules on pixels that apply.
fn outcomes(specimen: &Specimen) -> Vec<(String, Outcome)> {
    let bytes = specimen.data_set();
    let syntax = specimen.transfer_syntax();
    let scan =
        scan_reader(bytes.as_slice(), TransferSyntax::of(syntax.as_str()), Limits::default());
    let scan = scan.expect("memory can be read");
    let memory = InMemory(&bytes);
    let pixels = ImagePixels::new(&scan.header, syntax.as_str(), &memory);
    // Debug builds are slow, and time is not what is tested here.
    let looking = without_hurry(built_in().looking());
    let arrival = Arrival { end: Some(scan.end), ..arrival() };
    let subject = Subject::new(&scan.header, arrival).with_pixels(&pixels, looking);
    let is_pixel = |id: &str| {
        let rule = built_in().rules().iter().find(|rule| rule.id == id);
        rule.is_some_and(|rule| rule.level == Level::Pixel)
    };
    let traces = built_in().explain(&subject).into_iter();
    let of_pixels = traces.filter(|trace| is_pixel(&trace.rule));
    let applying = of_pixels.filter(|trace| trace.outcome != Outcome::NotApplicable);
    applying.map(|trace| (trace.rule, trace.outcome)).collect()
}

fn failed(specimen: &Specimen) -> Vec<(String, Severity)> {
    let failed = outcomes(specimen).into_iter().filter_map(|(rule, outcome)| match outcome {
        Outcome::NotMet(severity) => Some((rule, severity)),
        Outcome::Off | Outcome::NotApplicable | Outcome::Undecided | Outcome::Met => None,
    });
    failed.collect()
}

fn small(kind: Kind) -> Specimen {
    let specimen = Specimen::new(kind, 3).size(256, 256);
    if kind.is_multi_frame() { specimen.frames(3) } else { specimen }
}

#[test]
fn pictures_of_phantoms_are_in_order() {
    for kind in Kind::ALL {
        let outcomes = outcomes(&small(kind));
        assert!(
            outcomes.iter().all(|(_, outcome)| *outcome == Outcome::Met),
            "{kind:?}: {outcomes:?}"
        );
        assert!(kind == Kind::DoseReport || outcomes.len() > 4, "{kind:?}: {outcomes:?}");
    }
}

#[test]
fn very_small_pictures_are_not_blocked() {
    for kind in Kind::ALL {
        for side in [8, 31] {
            let failed = failed(&small(kind).size(side, side));
            let blocked: Vec<_> =
                failed.iter().filter(|(_, severity)| *severity > Severity::Warn).collect();
            assert!(blocked.is_empty(), "{kind:?} of {side}: {blocked:?}");
        }
    }
}

#[track_caller]
fn check(kind: Kind, retouch: Retouch, rule: &str, severity: Severity) {
    let failed = failed(&small(kind).retouch(retouch));
    assert!(failed.contains(&(rule.to_owned(), severity)), "{kind:?}, {retouch:?}: {failed:?}");
}

#[test]
fn one_thing_wrong_with_a_picture_is_found() {
    check(Kind::Ct, Retouch::Blank(7), "PIX-001", Severity::Block);
    check(Kind::Mr, Retouch::Flat, "PIX-003", Severity::Warn);
    check(Kind::Dx, Retouch::Clipped, "PIX-004", Severity::Warn);
    check(Kind::Ct, Retouch::StrayBits, "PIX-005", Severity::Warn);
    check(Kind::Ct, Retouch::LostRows, "PIX-006", Severity::Block);
    check(Kind::Dx, Retouch::LostColumns, "PIX-006", Severity::Block);
    check(Kind::Dx, Retouch::Interrupted, "PIX-006", Severity::Block);
    check(Kind::Ct, Retouch::Interrupted, "PIX-006", Severity::Block);
    check(Kind::Mr, Retouch::Noise, "PIX-011", Severity::Warn);
    check(Kind::Mr, Retouch::Bare, "PIX-011", Severity::Warn);
    check(Kind::Mg, Retouch::Inverted, "PIX-013", Severity::Warn);
    check(Kind::Xa, Retouch::Still, "PIX-014", Severity::Warn);
}

#[test]
fn a_codestream_that_cannot_be_decoded_forbids_a_mark() {
    let rle = small(Kind::Ct).transfer_syntax_of("1.2.840.10008.1.2.5");
    assert_eq!(failed(&rle), []);
    let damaged = rle.retouch(Retouch::Undecodable);
    assert_eq!(failed(&damaged), [("IMG-PIX-004".to_owned(), Severity::Block)]);
    // No decoder knows it: that is no fault of the object.
    let unknown = small(Kind::Ct).transfer_syntax_of("1.2.840.10008.1.2.4.102");
    assert_eq!(outcomes(&unknown), []);
}

#[test]
fn without_pixels_no_rule_on_pixels_applies_and_the_reason_is_told() {
    Image::chest_ct().look(|subject| {
        let traces = built_in().explain(subject);
        let of_pixels: Vec<&RuleTrace> =
            traces.iter().filter(|trace| trace.rule.starts_with("PIX-")).collect();
        assert!(of_pixels.len() > 10);
        for trace in of_pixels {
            assert_eq!(trace.outcome, Outcome::NotApplicable, "{}", trace.rule);
            assert!(trace.seen.is_empty(), "{}", trace.rule);
        }
        let blank = traces.iter().find(|trace| trace.rule == "PIX-001");
        let why = blank.and_then(|trace| trace.unseen);
        assert_eq!(why, Some(pixels::PixelFault::NotLookedAt));
        assert!(built_in().assess(subject).undecided.iter().all(|rule| !rule.starts_with("PIX-")));
    });
}
