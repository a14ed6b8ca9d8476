//! What is made for an object: durable before anything speaks of it, found again by its hash, gone with the object.

use std::io::Read as _;

use super::super::disk::faulty::{Act, Verb};
use super::*;
use crate::object::edit::Made;
use crate::object::edit::{EditPlan, Filling};
use crate::object::splice::{MadeBytes, Spliced};

/// Makes something for an object.
fn make(fixture: &Fixture, id: ObjectId, bytes: &[u8]) -> Made {
    let mut making = fixture.spool.making(id);
    for part in bytes.chunks(3) {
        making.write(part).expect("room");
    }
    let made = making.made();
    making.commit().expect("a disk that works");
    made
}

fn read(made: Made, bytes: MadeBytes) -> Vec<u8> {
    let fill = vec![Filling { at: 0, remove: 0, made: 0..made.length }];
    let plan = EditPlan::none().filled(made, fill).expect("a plan");
    let mut out = Vec::new();
    Spliced::new(&b""[..], plan).filled_from(bytes).read_to_end(&mut out).expect("whole");
    out
}

#[test]
fn what_was_made_is_durable_and_found_again() {
    let fixture = Fixture::new();
    let id = fixture.store(b"data").id();
    fixture.disk.take_acts();
    let made = make(&fixture, id, b"frames");
    let acts = fixture.disk.take_acts();
    let verbs: Vec<Verb> = acts.iter().map(|Act(verb, _)| *verb).collect();
    let order = [Verb::SyncFile, Verb::CreateDirectory, Verb::SyncDirectory, Verb::Rename];
    let places: Vec<usize> = order
        .iter()
        .map(|verb| verbs.iter().position(|done| done == verb).expect("done"))
        .collect();
    assert!(places.is_sorted(), "{acts:?}");
    assert_eq!(verbs.last(), Some(&Verb::SyncDirectory), "the name is made durable last");
    assert_eq!(read(made, fixture.spool.made(id, &made).expect("made")), b"frames");
    assert_eq!(fixture.files("tmp"), [""; 0]);
}

#[test]
fn a_new_version_leaves_the_one_before() {
    let fixture = Fixture::new();
    let id = fixture.store(b"data").id();
    let (first, second) = (make(&fixture, id, b"first"), make(&fixture, id, b"second"));
    assert_eq!(read(first, fixture.spool.made(id, &first).expect("made")), b"first");
    assert_eq!(read(second, fixture.spool.made(id, &second).expect("made")), b"second");
}

#[test]
fn what_has_changed_or_gone_is_not_given() {
    let fixture = Fixture::new();
    let id = fixture.store(b"data").id();
    let made = make(&fixture, id, b"frames");
    let path = fixture.spool.shared.places.made(id, &made);
    std::fs::write(&path, b"framed").expect("written");
    assert!(matches!(fixture.spool.made(id, &made), Err(MadeFault::Changed(of)) if of == id));
    fixture.disk.remove(&path).expect("removed");
    assert!(matches!(fixture.spool.made(id, &made), Err(MadeFault::Gone(of)) if of == id));
}

#[test]
fn it_goes_with_its_object_and_no_other() {
    let fixture = Fixture::new();
    let (one, other) = (fixture.store(b"one").id(), fixture.store(b"other").id());
    make(&fixture, one, b"first");
    make(&fixture, one, b"second");
    let kept = make(&fixture, other, b"third");
    fixture.spool.remove(&[one]).expect("removed");
    assert_eq!(fixture.files("made").len(), 1);
    assert!(fixture.spool.made(other, &kept).is_ok());
    fixture.spool.remove(&[other]).expect("removed");
    assert_eq!(fixture.files("made"), [""; 0]);
}

#[test]
fn what_is_given_up_leaves_nothing() {
    let fixture = Fixture::new();
    let id = fixture.store(b"data").id();
    let mut making = fixture.spool.making(id);
    making.write(b"frames").expect("room");
    drop(making);
    fixture.disk.fail(Verb::SyncFile, 5, 1);
    let mut making = fixture.spool.making(id);
    making.write(b"frames").expect("room");
    assert!(matches!(making.commit(), Err(StoreFault::Sync { .. })));
    assert_eq!((fixture.files("tmp"), fixture.files("made")), (vec![], vec![]));
}
