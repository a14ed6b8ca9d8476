//! The file of an object, as the spool and as other DICOM programs read it.

use std::fs::File;
use std::io::{IoSliceMut, Read};
use std::os::unix::fs::{FileExt, PermissionsExt};

use proptest::prelude::*;
use rustix::fs::{Advice, fadvise};
use rustix::io::{ReadWriteFlags, preadv2};

use super::*;
use crate::dicom::IMPLEMENTATION_CLASS_UID;

#[track_caller]
fn read_all(object: &StoredObject) -> Vec<u8> {
    let mut data = Vec::new();
    object.reader().read_to_end(&mut data).expect("read");
    data
}

/// Whether the first byte lies in memory: it is read without waiting for the disk.
fn is_at_hand(file: &File) -> bool {
    let mut byte = [0];
    let buffers = &mut [IoSliceMut::new(&mut byte)];
    preadv2(file, buffers, 0, ReadWriteFlags::NOWAIT).is_ok()
}

#[test]
fn what_is_put_by_leaves_memory_and_can_be_read() {
    let fixture = Fixture::new();
    let data = vec![7; 1 << 20];
    let receipts = [0, 1].map(|_| fixture.store(&data));
    let [one, other] = receipts.map(|receipt| fixture.spool.object(receipt.id()).expect("there"));
    // What the file system does at the advice: one in memory keeps all.
    let advised = fadvise(one.file(), 0, None, Advice::DontNeed);
    let stays = advised.map(|()| is_at_hand(one.file()));
    fixture.spool.put_by(other.id());
    assert_eq!(Ok(is_at_hand(other.file())), stays);
    assert_eq!(read_all(&other), data);
}

#[test]
fn an_object_is_read_as_it_was_written() {
    for syntax in [
        "1.2.840.10008.1.2",
        EXPLICIT,
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.4.50",
        "1.2.3",
    ] {
        let fixture = Fixture::new();
        let envelope = envelope(syntax);
        let mut draft = fixture.spool.draft(&envelope).expect("admitted");
        let data: Vec<u8> =
            (0..300_001_u32).map(|n| u8::try_from(n % 251).expect("small")).collect();
        for chunk in data.chunks(70_000) {
            draft.write(chunk).expect("written");
        }
        let receipt = draft.commit_blocking().expect("committed");
        let object = fixture.spool.object(receipt.id()).expect("stored");
        assert_eq!(object.envelope(), &envelope);
        assert_eq!((object.id(), object.length()), (receipt.id(), 300_001));
        assert_eq!((object.hash(), receipt.hash()), (blake3::hash(&data), blake3::hash(&data)));
        assert!(read_all(&object) == data, "{syntax}: the data set differs");
        object.verify().expect("intact");
        let mode = object.file().metadata().expect("metadata").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn an_unknown_object_is_missing() {
    let id = ObjectId::from_u128(1);
    assert!(matches!(Fixture::new().spool.object(id), Err(ReadFault::Missing(it)) if it == id));
}

/// Changes one stored file and says what is then found.
#[track_caller]
fn check_damage(change: impl Fn(&File, &StoredObject), want: Damage) {
    let fixture = Fixture::new();
    let receipt = fixture.store(b"the data set");
    let object = fixture.spool.object(receipt.id()).expect("stored");
    let path = fixture.spool.shared.places.object(receipt.id());
    let file = File::options().write(true).open(path).expect("opens");
    change(&file, &object);
    let found = fixture.spool.object(receipt.id()).and_then(|object| object.verify());
    match found {
        Err(ReadFault::Damaged { id, damage }) => assert_eq!((id, damage), (receipt.id(), want)),
        other => panic!("{other:?} instead of {want:?}"),
    }
}

#[test]
fn every_kind_of_damage_has_a_name() {
    let size = |file: &File| file.metadata().expect("metadata").len();
    check_damage(|file, _| file.set_len(size(file) - 1).expect("cut"), Damage::NoEndMark);
    check_damage(|file, _| file.set_len(0).expect("cut"), Damage::NoEndMark);
    check_damage(|file, _| file.write_all_at(b"X", 130).expect("written"), Damage::Head);
    check_damage(|file, _| file.write_all_at(b"X", 0).expect("written"), Damage::HeadChanged);
    check_damage(
        |file, object| file.write_all_at(b"X", object.data().start).expect("written"),
        Damage::DataChanged,
    );
    check_damage(
        |file, object| file.write_all_at(b"X", object.data().end + 5).expect("written"),
        Damage::FooterChanged,
    );
    check_damage(
        |file, object| file.write_all_at(&[9], object.data().end + 12).expect("written"),
        Damage::Length { says: 9, has: 12 },
    );
}

#[test]
fn a_file_under_another_object_s_name_is_refused() {
    let fixture = Fixture::new();
    let (first, second) = (fixture.store(b"first"), fixture.store(b"second"));
    let places = &fixture.spool.shared.places;
    std::fs::copy(places.object(first.id()), places.object(second.id())).expect("copied");
    match fixture.spool.object(second.id()) {
        Err(ReadFault::Damaged { damage, .. }) => {
            assert_eq!(damage, Damage::OtherObject(first.id()));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn other_programs_find_the_data_set_where_dicom_says() {
    let fixture = Fixture::new();
    // Patient's Sex (0010,0040) CS "O ".
    let receipt = fixture.store(b"\x10\0\x40\0CS\x02\0O ");
    let path = fixture.spool.shared.places.object(receipt.id());
    let object = dicom_object::open_file(path).expect("a DICOM file");
    assert_eq!(object.meta().media_storage_sop_instance_uid(), "1.2.3.4");
    assert_eq!(object.meta().implementation_class_uid(), IMPLEMENTATION_CLASS_UID);
    assert_eq!(object.meta().source_application_entity_title.as_deref(), Some("CT01"));
    let sex = object.element(crate::dicom::tags::PATIENT_SEX).expect("there");
    assert_eq!(sex.to_str().expect("text"), "O");
}

#[test]
fn a_refused_object_is_cut_and_put_aside() {
    let fixture = Fixture::new();
    let mut draft = fixture.draft(&[1; 100_000]);
    for _ in 0..20 {
        draft.write(&vec![2; 1 << 20]).expect("written");
    }
    let id = draft.id();
    draft.set_aside().expect("put aside");
    assert_eq!(fixture.files("refused"), [format!("{id}.dcm")]);
    assert_eq!(fixture.files("tmp"), [""; 0]);
    let length = std::fs::metadata(fixture.spool.shared.places.refused(id)).expect("there").len();
    assert_eq!(length, 16 << 20);
}

#[test]
fn only_the_newest_hundred_refused_objects_are_kept() {
    let fixture = Fixture::new();
    let ids: Vec<ObjectId> = (0..103)
        .map(|_| {
            let draft = fixture.draft(b"data");
            let id = draft.id();
            draft.set_aside().expect("put aside");
            id
        })
        .collect();
    let want: Vec<String> = ids.iter().skip(3).map(|id| format!("{id}.dcm")).collect();
    assert_eq!(fixture.files("refused"), want);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn however_an_object_is_cut_into_writes_it_is_the_same(
        sizes in proptest::collection::vec(0_usize..150_000, 0..6),
    ) {
        let fixture = Fixture::new();
        let mut draft = fixture.spool.draft(&envelope(EXPLICIT)).expect("admitted");
        let mut data = Vec::new();
        for (n, size) in sizes.into_iter().enumerate() {
            let chunk = vec![u8::try_from(n).expect("small"); size];
            draft.write(&chunk).expect("written");
            data.extend_from_slice(&chunk);
        }
        let receipt = draft.commit_blocking().expect("committed");
        let object = fixture.spool.object(receipt.id()).expect("stored");
        prop_assert!(read_all(&object) == data);
        object.verify().expect("intact");
    }
}

#[test]
fn a_uid_that_breaks_its_rules_is_kept_whole_in_the_envelope() {
    let fixture = Fixture::new();
    let mut envelope = envelope(EXPLICIT);
    envelope.sop_instance = crate::dicom::uid::Uid::new(&"1.影".repeat(50));
    let mut draft = fixture.spool.draft(&envelope).expect("admitted");
    draft.write(b"\x10\0\x40\0CS\x02\0O ").expect("written");
    let receipt = draft.commit_blocking().expect("committed");
    let object = fixture.spool.object(receipt.id()).expect("stored");
    assert_eq!(object.envelope(), &envelope);
    dicom_object::open_file(fixture.spool.shared.places.object(receipt.id())).expect("DICOM");
}
