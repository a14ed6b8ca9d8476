use super::*;
use crate::recognition::{Outcome, Reason, ScopeCode};

const UTF8: &str = "ISO_IR 192";

fn ours() -> Object {
    Object::new(EXPLICIT, image(UTF8, Some(NAME.as_bytes())))
}

fn block() -> Vec<String> {
    ["(0077,0010)", "(0077,1001)", "(0077,1002)", "(0077,1003)", "(0077,1004)", "(0077,1005)"]
        .into_iter()
        .chain(["(0077,1006)", "(0077,1007)", "(0077,1008)", "(0077,1009)"])
        .map(str::to_owned)
        .collect()
}

/// The tags that a marked object differs in.
fn tagged(first: &[&str]) -> Vec<String> {
    let first = first.iter().map(|tag| (*tag).to_owned());
    let sequences = ["(0018,A001)".to_owned()];
    let last = ["(0400,0561)".to_owned()];
    first.chain(sequences).chain(block()).chain(last).collect()
}

#[test]
fn a_marked_object_differs_in_exactly_the_elements_that_are_promised() {
    for syntax in [EXPLICIT, IMPLICIT, BIG, DEFLATED] {
        let object = Object::new(syntax, image(UTF8, Some(NAME.as_bytes())));
        let marked = setting().stamped(&object);
        assert_eq!(name_of(&marked), "北京友谊医院-JJJHR");
        assert_eq!(differences(&object, &marked), tagged(&["(0008,0080)"]), "{syntax}");
    }
}

#[test]
fn the_change_is_recorded_in_full() {
    let marked = setting().stamped(&ours());
    assert_eq!(
        outline(&marked, tags::ORIGINAL_ATTRIBUTES_SEQUENCE),
        [
            "(0400,0561) SQ",
            ".(0400,0550) SQ",
            "..(0008,0080) LO \"北京友谊医院\"",
            ".(0400,0562) DT \"20260501100304.500000+0800\"",
            ".(0400,0563) LO \"markgate 0.1.0 MARKGATE\"",
            ".(0400,0564) LO \"CT01\"",
            ".(0400,0565) CS \"COERCE\"",
        ]
    );
    assert_eq!(
        outline(&marked, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE),
        [
            "(0018,A001) SQ",
            ".(0008,0070) LO \"markgate\"",
            ".(0008,0080) LO \"北京友谊医院\"",
            ".(0008,1010) SH \"MARKGATE\"",
            ".(0008,1090) LO \"markgate\"",
            ".(0018,1020) LO \"0.1.0\"",
            ".(0018,A002) DT \"20260501100304.500000+0800\"",
            ".(0018,A003) ST \"Mutual recognition mark JJJHR put to Institution Name\"",
            ".(0040,A170) SQ",
            "..(0008,0100) SH \"109103\"",
            "..(0008,0102) SH \"DCM\"",
            "..(0008,0104) LO \"Modifying Equipment\"",
        ]
    );
    let values: Vec<String> = block()
        .iter()
        .zip([0x10, 0x1001, 0x1002, 0x1003, 0x1004, 0x1005, 0x1006, 0x1007, 0x1008, 0x1009])
        .flat_map(|(_, element)| outline(&marked, Tag(GROUP, element)))
        .collect();
    assert_eq!(
        values,
        [
            "(0077,0010) LO \"MARKGATE 1.0\"",
            "(0077,1001) CS \"JJJHR\"",
            "(0077,1002) LO \"JJJHR\"",
            "(0077,1003) LO \"CT-胸部\"",
            "(0077,1004) LO \"bfh/JJJHR/2026-04-01\"",
            "(0077,1005) DA \"20270331\"",
            "(0077,1006) CS \"MARK\"",
            "(0077,1007) LO \"b3:0123456789abcdef\"",
            "(0077,1008) DT \"20260501100304.500000+0800\"",
            "(0077,1009) CS \"TAG\"",
        ]
    );
}

#[test]
fn stamping_twice_is_stamping_once() {
    let marked = setting().stamped(&ours());
    let later = Setting { now: "2026-06-01T00:00:00Z", ..setting() };
    let again = later.stamp(&marked).expect("no obstacle");
    assert!(again.plan.is_empty());
}

#[test]
fn the_same_stamp_gives_the_same_bytes() {
    assert_eq!(setting().stamped(&ours()), setting().stamped(&ours()));
}

#[test]
fn an_absent_or_empty_name_is_supplied() {
    for name in [None, Some(&b""[..]), Some(b"  ")] {
        let object = Object::new(EXPLICIT, image(UTF8, name));
        let marked = setting().stamped(&object);
        assert_eq!(name_of(&marked), "北京友谊医院-JJJHR");
        let lines = outline(&marked, tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
        assert_eq!(lines[2], "..(0008,0080) LO \"\"");
        assert_eq!(lines.last().map(String::as_str), Some(".(0400,0565) CS \"CORRECT\""));
    }
}

#[test]
fn an_alias_becomes_the_name() {
    let marked = setting().stamped(&Object::new(EXPLICIT, image(UTF8, Some(b"friendship"))));
    assert_eq!(name_of(&marked), "北京友谊医院-JJJHR");
}

#[test]
fn items_of_others_stay_in_front() {
    let item = |tag, value: &str| vec![NewElement::new(tag, VR::LO, value)];
    let mut elements = image(UTF8, Some(NAME.as_bytes()));
    elements.extend([
        NewElement::sequence(
            tags::ORIGINAL_ATTRIBUTES_SEQUENCE,
            vec![item(tags::MODIFYING_SYSTEM, "first"), item(tags::MODIFYING_SYSTEM, "second")],
        ),
        NewElement::sequence(
            tags::CONTRIBUTING_EQUIPMENT_SEQUENCE,
            vec![item(tags::MANUFACTURER, "gateway")],
        ),
    ]);
    let marked = setting().stamped(&Object::new(IMPLICIT, elements));
    let lines = outline(&marked, tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
    assert_eq!(lines[1..3], [".(0400,0563) LO \"first\"", ".(0400,0563) LO \"second\""]);
    assert_eq!(lines.len(), 9);
    let lines = outline(&marked, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE);
    assert_eq!(lines[1], ".(0008,0070) LO \"gateway\"");
    assert_eq!(lines.len(), 13);
}

#[test]
fn the_private_block_takes_the_first_free_place() {
    let mut elements = image(UTF8, Some(NAME.as_bytes()));
    elements.extend([
        NewElement::new(Tag(GROUP, 0x0010), VR::LO, "OTHER 1.0"),
        NewElement::new(Tag(GROUP, 0x1001), VR::LO, "theirs"),
        // Elements without a creator claim their block all the same.
        NewElement::new(Tag(GROUP, 0x1101), VR::LO, "whose?"),
    ]);
    let marked = setting().stamped(&Object::new(EXPLICIT, elements));
    assert_eq!(outline(&marked, Tag(GROUP, 0x0012)), ["(0077,0012) LO \"MARKGATE 1.0\""]);
    assert_eq!(outline(&marked, Tag(GROUP, 0x1201)), ["(0077,1201) CS \"JJJHR\""]);
    assert_eq!(outline(&marked, Tag(GROUP, 0x1001)), ["(0077,1001) LO \"theirs\""]);
}

#[test]
fn without_a_free_block_there_is_an_obstacle() {
    let mut elements = image(UTF8, Some(NAME.as_bytes()));
    let creators = (0x10..=0xFF).map(|n| NewElement::new(Tag(GROUP, n), VR::LO, "OTHER"));
    elements.extend(creators);
    let stamp = setting().stamp(&Object::new(EXPLICIT, elements));
    assert_eq!(stamp, Err(Obstacle::NoPrivateBlock));
}

#[test]
fn a_narrower_mark_of_our_own_gives_way_and_the_block_is_used_again() {
    let narrow = Setting { due: Some("BJHR"), ..setting() }.stamped(&ours());
    let wide = setting().stamped(&narrow);
    assert_eq!(name_of(&wide), "北京友谊医院-JJJHR");
    assert_eq!(outline(&wide, Tag(GROUP, 0x1001)), ["(0077,1001) CS \"JJJHR\""]);
    assert_eq!(outline(&wide, Tag(GROUP, 0x0011)), [""; 0]);
    let lines = outline(&wide, tags::ORIGINAL_ATTRIBUTES_SEQUENCE);
    let second = &lines[7..];
    assert_eq!(
        second[..4],
        [
            ".(0400,0550) SQ",
            "..(0008,0080) LO \"北京友谊医院-BJHR\"",
            "..(0077,0010) LO \"MARKGATE 1.0\"",
            "..(0077,1001) CS \"BJHR\"",
        ]
    );
    assert_eq!(second.last().map(String::as_str), Some(".(0400,0565) CS \"CORRECT\""));
}

#[test]
fn a_mark_that_is_not_due_is_taken_off_and_the_bytes_before_it_stay() {
    let undue = Setting { due: None, ..setting() };
    let object = Object::new(EXPLICIT, image(UTF8, Some("Friendship（JJJHR）".as_bytes())));
    let clean = undue.stamped(&object);
    assert_eq!(name_of(&clean), "Friendship");
    assert_eq!(differences(&object, &clean), tagged(&["(0008,0080)"]));
    assert_eq!(outline(&clean, Tag(GROUP, 0x1001)), ["(0077,1001) CS \"\""]);
    assert_eq!(outline(&clean, Tag(GROUP, 0x1006)), ["(0077,1006) CS \"NONE\""]);
    let equipment = outline(&clean, tags::CONTRIBUTING_EQUIPMENT_SEQUENCE);
    let text = ".(0018,A003) ST \"Mutual recognition mark taken off Institution Name: NO_SCOPE\"";
    assert!(equipment.contains(&text.to_owned()), "{equipment:?}");
    assert!(undue.stamp(&clean).expect("no obstacle").plan.is_empty());
}

#[test]
fn what_needs_no_mark_and_bears_none_is_not_touched() {
    let undue = Setting { due: None, ..setting() };
    let stamp = undue.stamp(&ours()).expect("no obstacle");
    assert_eq!(stamp, Stamp::none());
    let foreign = Object::new(EXPLICIT, image(UTF8, Some("上海瑞金医院-JJJHR".as_bytes())));
    assert!(setting().stamp(&foreign).expect("no obstacle").plan.is_empty());
}

#[test]
fn a_signed_object_is_not_changed() {
    for tag in [tags::DIGITAL_SIGNATURES_SEQUENCE, tags::MAC_PARAMETERS_SEQUENCE] {
        let mut elements = image(UTF8, Some(NAME.as_bytes()));
        elements.push(NewElement::sequence(tag, vec![vec![]]));
        let object = Object::new(EXPLICIT, elements);
        let obstacle = setting().stamp(&object).expect_err("an obstacle");
        assert_eq!(obstacle, Obstacle::Signed);
        // Nothing to change is no obstacle.
        let undue = Setting { due: None, ..setting() };
        assert!(undue.stamp(&object).expect("no obstacle").plan.is_empty());
    }
}

#[test]
fn a_name_that_does_not_fit_is_an_obstacle() {
    let mut long = setting();
    long.names.name = "院".repeat(59);
    let object = Object::new(EXPLICIT, image(UTF8, None));
    assert_eq!(long.stamp(&object), Err(Obstacle::NameTooLong { characters: 65 }));
    long.names.short_name = Some(NAME.to_owned());
    assert_eq!(name_of(&long.stamped(&object)), "北京友谊医院-JJJHR");
}

#[test]
fn a_name_that_stands_twice_is_not_guessed_at() {
    let mut elements = image(UTF8, Some(NAME.as_bytes()));
    elements.push(NewElement::new(tags::INSTITUTION_NAME, VR::LO, "Friendship"));
    let obstacle = setting().stamp(&Object::new(EXPLICIT, elements)).expect_err("an obstacle");
    assert!(matches!(obstacle, Obstacle::Edit(_)), "{obstacle:?}");
    assert_eq!(obstacle.reason(), Reason::Unchecked);
}

#[test]
fn what_cannot_be_drawn_falls_to_the_tag_and_says_why() {
    let view = ours().view();
    let set = view.charset();
    let mut decision = Decision::without_judgement(Reason::Unchecked);
    decision.outcome = Outcome::Mark(ScopeCode::new("BJHR"));
    let names = Names { full: NAME.to_owned(), short: None, latin: None };
    let provenance = Provenance {
        ae: AeTitle::parse("MARKGATE").expect("a title"),
        source: None,
        version: "0.1.0".to_owned(),
        rules: String::new(),
    };
    let job = Job {
        view: &view,
        read_as: &set,
        decision: &decision,
        names: &names,
        policy: &StampPolicy::default(),
        provenance: &provenance,
        now: Timestamp::UNIX_EPOCH,
        sop_class: "1.2.840.10008.5.1.4.1.1.2",
        transfer_syntax: EXPLICIT,
        workshop: None,
        preferred: &[],
        other_version: false,
    };
    let stamped = stamp(&[StampMode::BurnIn, StampMode::Overlay], &job).expect("no obstacle");
    assert_eq!(stamped.modes, [StampMode::Tag]);
    assert_eq!(
        stamped.fallen_back,
        [
            (StampMode::BurnIn, Obstacle::NoPixels),
            (StampMode::Strip, Obstacle::NoPixels),
            (StampMode::Overlay, Obstacle::Contradiction(tags::ROWS)),
            (StampMode::PresentationState, Obstacle::NotShownAlike),
        ]
    );
}
