//! What the gate finds when it looks at its own output, shown on stamps that were tampered with.

use super::*;
use crate::dicom::uid::Uid;
use crate::object::edit::{Edit, Patch, Run, RunKind};

const LOSSY: Tag = tags::LOSSY_IMAGE_COMPRESSION;

fn object() -> Object {
    let mut elements = image("ISO_IR 192", Some(NAME.as_bytes()));
    elements.push(NewElement::new(LOSSY, VR::CS, "01"));
    Object::new(EXPLICIT, elements)
}

fn scopes() -> Vec<ScopeCode> {
    ["BJHR", "JJJHR"].map(ScopeCode::new).to_vec()
}

/// What is found once a job or its stamp is no more what it was.
#[track_caller]
fn check_job(tamper: impl FnOnce(&mut Job<'_>, &mut Stamp), want: Result<(), Broken>) {
    let found = setting().with_job(&object(), |job| {
        let mut stamp = stamp(&[StampMode::Tag], job).expect("no obstacle");
        assert!(!stamp.plan.is_empty());
        let mut job = *job;
        tamper(&mut job, &mut stamp);
        self_check(&job, &stamp, &scopes())
    });
    assert_eq!(found, want);
}

#[track_caller]
fn check(tamper: impl FnOnce(&mut Stamp), want: Result<(), Broken>) {
    check_job(|_, stamp| tamper(stamp), want);
}

/// Puts other bytes of the same length in the place of the first ones that are found in what a plan puts in, from the edit of this
/// place on.
fn other_bytes(stamp: &mut Stamp, from: usize, old: &str, new: &str) {
    let mut edits = stamp.plan.edits().to_vec();
    let found = edits.iter_mut().skip(from).find_map(|edit| {
        let at = edit.insert.windows(old.len()).position(|bytes| bytes == old.as_bytes())?;
        Some(edit.insert.splice(at..at + old.len(), new.bytes()).count())
    });
    assert_eq!((found, old.len()), (Some(old.len()), new.len()), "{old}");
    stamp.plan = EditPlan::new(edits).expect("edits in order");
}

/// An edit that takes the value of an element away and puts as many other bytes there.
fn overwrite(view: &HeaderView, tag: Tag) -> Edit {
    let element = view.find(tag).expect("an element");
    let (at, remove) = (element.value.start, element.length());
    Edit { at, remove, insert: vec![b'0'; remove as usize] }
}

#[test]
fn a_stamp_as_it_is_made_keeps_every_promise() {
    check(|_| {}, Ok(()));
}

#[test]
fn a_name_without_the_mark_that_is_due_is_found() {
    check(|stamp| other_bytes(stamp, 0, "-JJJHR", "JJJJHR"), Err(Broken::Name));
    check(|stamp| other_bytes(stamp, 0, "-JJJHR", "-JJJXX"), Err(Broken::Name));
    // The name is to stay where the mark is not shown in it.
    check(|stamp| stamp.modes.clear(), Err(Broken::Name));
    assert_eq!(Broken::Name.rule(), "MRK-001");
}

#[test]
fn a_mark_that_is_left_where_none_is_due_is_found() {
    let undue = Setting { due: None, ..setting() };
    let marked = Object::new(EXPLICIT, image("ISO_IR 192", Some("Friendship-JJJHR".as_bytes())));
    let found = undue.with_job(&marked, |job| {
        let mut stamp = stamp(&[StampMode::Tag], job).expect("no obstacle");
        other_bytes(&mut stamp, 0, "Friendship", "Friends-HR");
        self_check(job, &stamp, &scopes())
    });
    assert_eq!(found, Err(Broken::Name));
}

#[test]
fn a_mark_of_a_scope_that_is_not_in_use_or_was_not_decided_on_is_found() {
    let found = setting().with_job(&object(), |job| {
        let stamp = stamp(&[StampMode::Tag], job).expect("no obstacle");
        self_check(job, &stamp, &[ScopeCode::new("BJHR")])
    });
    assert_eq!(found, Err(Broken::Scope));
    let narrow = |decision: &Decision| Decision {
        scopes: vec![ScopeCode::new("BJHR"), ScopeCode::new("JJJHR")],
        ..decision.clone()
    };
    setting().with_job(&object(), |job| {
        let stamp = stamp(&[StampMode::Tag], job).expect("no obstacle");
        let decision = narrow(job.decision);
        let job = Job { decision: &decision, ..*job };
        assert_eq!(self_check(&job, &stamp, &scopes()), Err(Broken::Scope));
    });
    assert_eq!(Broken::Scope.rule(), "MRK-002");
}

#[test]
fn marks_that_differ_are_found() {
    // Behind the name come what was done by whom, and the private block.
    check(|stamp| other_bytes(stamp, 1, "JJJHR", "BJJHR"), Err(Broken::Wording));
    check(|stamp| other_bytes(stamp, 2, "JJJHR", "BJJHR"), Err(Broken::Wording));
    let drawn = |text: &str| {
        let text = Some(format!("{NAME}-{text}"));
        move |stamp: &mut Stamp| stamp.text = text
    };
    check(drawn("JJJHR"), Ok(()));
    check(drawn("BJHR"), Err(Broken::Wording));
    assert_eq!(Broken::Wording.rule(), "MRK-003");
}

#[test]
fn a_change_that_is_not_recorded_in_full_is_found() {
    setting().with_job(&object(), |job| {
        let stamp = stamp(&[StampMode::Tag], job).expect("no obstacle");
        let without = |change: fn(&mut Decision)| {
            let mut decision = job.decision.clone();
            change(&mut decision);
            let job = Job { decision: &decision, ..*job };
            self_check(&job, &stamp, &scopes())
        };
        assert_eq!(without(|_| {}), Ok(()));
        assert_eq!(without(|decision| decision.exam_date = None), Err(Broken::Record));
        assert_eq!(without(|decision| decision.accreditation = None), Err(Broken::Record));
        let provenance = Provenance { rules: String::new(), ..job.provenance.clone() };
        let job = Job { provenance: &provenance, ..*job };
        assert_eq!(self_check(&job, &stamp, &scopes()), Err(Broken::Record));
    });
    // The value before is in the last edit, that of the Original Attributes Sequence.
    let last = |stamp: &Stamp| stamp.plan.edits().len() - 1;
    check(|stamp| other_bytes(stamp, last(stamp), NAME, "北京友谊医馆"), Err(Broken::Record));
    assert_eq!(Broken::Record.rule(), "MRK-011");
}

#[test]
fn a_change_that_was_not_promised_is_found() {
    let also = |tag: Tag| {
        move |stamp: &mut Stamp| {
            let edit = overwrite(&object().view(), tag);
            stamp.plan = stamp.plan.clone().edited(vec![edit]).expect("no overlap");
        }
    };
    check(also(tags::PATIENT_NAME), Err(Broken::Element(tags::PATIENT_NAME)));
    check(also(Tag(0x0019, 0x1001)), Err(Broken::Element(Tag(0x0019, 0x1001))));
    check(also(tags::PIXEL_DATA), Err(Broken::Element(tags::PIXEL_DATA)));
    check(also(LOSSY), Err(Broken::Lossy));
    let patched = |stamp: &mut Stamp| {
        let at = object().view().find(tags::PIXEL_DATA).expect("pixels").value.start;
        let run = Run { at: 0, bytes: vec![0xFF, 0xFF], kind: RunKind::Over };
        let patch = Patch::new(at, 64, 1, vec![run]).expect("a patch");
        stamp.plan = stamp.plan.clone().patched(vec![patch]).expect("no overlap");
    };
    check(patched, Err(Broken::Element(tags::PIXEL_DATA)));
    let rules = [Broken::Element(tags::PATIENT_NAME), Broken::Lossy].map(Broken::rule);
    assert_eq!(rules, ["STP-003", "IMG-CMPR-004"]);
}

#[test]
fn text_that_says_something_else_in_another_character_set_is_found() {
    let item = |text: &'static [u8]| {
        let scheme = NewElement::new(tags::CODING_SCHEME_DESIGNATOR, VR::SH, "99BFH ");
        vec![NewElement::new(tags::CODE_MEANING, VR::LO, text), scheme]
    };
    let own_set = NewElement::new(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 144");
    let own = [vec![own_set], item(b"\xBF\xE0")].concat();
    let mut elements = image("ISO_IR 100", Some(b"Friendship"));
    let items = vec![item(b"caf\xE9"), own];
    elements.push(NewElement::sequence(tags::PROCEDURE_CODE_SEQUENCE, items));
    elements.push(NewElement::new(tags::STUDY_DESCRIPTION, VR::LO, b"T\xEAte".as_slice()));
    let object = Object::new(EXPLICIT, elements);
    let mut setting = setting();
    setting.policy.charset = CharsetPolicy::Utf8;
    let check = |tamper: &dyn Fn(&mut Stamp), want| {
        let found = setting.with_job(&object, |job| {
            let mut stamp = stamp(&[StampMode::Tag], job).expect("no obstacle");
            tamper(&mut stamp);
            self_check(job, &stamp, &scopes())
        });
        assert_eq!(found, want);
    };
    let changed = |tag: Tag| Err(Broken::Element(tag));
    check(&|_| {}, Ok(()));
    check(&|stamp| other_bytes(stamp, 0, "Tête", "Fête"), changed(tags::STUDY_DESCRIPTION));
    let sequence = changed(tags::PROCEDURE_CODE_SEQUENCE);
    check(&|stamp| other_bytes(stamp, 0, "café", "cafè"), sequence);
    // What stands beside it in its item, and in an item with a set of its own.
    for text in [b"99BFH ".as_slice(), b"\xBF\xE0"] {
        let also = |stamp: &mut Stamp| {
            let bytes = object.plain();
            let at = bytes.windows(text.len()).rposition(|bytes| bytes == text).expect("there");
            let edit = Edit { at: at as u64, remove: 2, insert: b"00".to_vec() };
            stamp.plan = stamp.plan.clone().edited(vec![edit]).expect("no overlap");
        };
        check(&also, sequence);
    }
}

#[test]
fn what_cannot_be_read_back_is_found() {
    check(
        |stamp| {
            let mut edits = stamp.plan.edits().to_vec();
            edits[0].insert.pop();
            stamp.plan = EditPlan::new(edits).expect("edits in order");
        },
        Err(Broken::Unreadable),
    );
}

#[test]
fn uids_that_are_not_as_the_site_asks_are_found() {
    let renamed = |stamp: &mut Stamp| stamp.plan = stamp.plan.clone().renamed(Uid::new("1.2.4"));
    check(renamed, Err(Broken::Instance));
    let also = |tag: Tag| {
        move |stamp: &mut Stamp| {
            let edit = overwrite(&object().view(), tag);
            stamp.plan = stamp.plan.clone().edited(vec![edit]).expect("no overlap");
        }
    };
    check(also(tags::SOP_INSTANCE_UID), Err(Broken::Element(tags::SOP_INSTANCE_UID)));
    assert_eq!(Broken::Instance.rule(), "STP-006");
}
