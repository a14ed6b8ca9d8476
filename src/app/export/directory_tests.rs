use super::*;
use crate::dicom::transfer_syntax::TransferSyntax;
use crate::object::part10::FileMeta;

const SYNTAX: &str = "1.2.840.10008.1.2.1";

/// A record: its type, what comes after it and below it (places from 1, 0 none), its File ID, and keys.
type Record<'a> = (&'a str, usize, usize, &'a str, &'a [(Tag, VR, &'a str)]);

/// A DICOMDIR, made by hand; its first record is the first of the root.
fn directory(records: &[Record<'_>]) -> Vec<u8> {
    let meta = FileMeta {
        sop_class: Uid::new("1.2.840.10008.1.3.10"),
        sop_instance: Uid::new("1.2.9"),
        transfer_syntax: Uid::new(SYNTAX),
        ..FileMeta::default()
    };
    let offset = |tag, to: u32| NewElement::new(tag, VR::UL, to.to_le_bytes());
    let lay = |places: &[u32]| {
        let place = |to: usize| if to == 0 { 0 } else { places.get(to - 1).copied().unwrap_or(0) };
        let mut out = meta.to_bytes().expect("a head");
        let mut items = Vec::new();
        for (kind, next, lower, file, keys) in records {
            let mut item = vec![
                offset(FIELDS[0], place(*next)),
                NewElement::new(tags::RECORD_IN_USE_FLAG, VR::US, [0xFF, 0xFF]),
                offset(FIELDS[1], place(*lower)),
                NewElement::new(tags::DIRECTORY_RECORD_TYPE, VR::CS, *kind),
            ];
            if !file.is_empty() {
                item.push(NewElement::new(tags::REFERENCED_FILE_ID, VR::CS, *file));
            }
            item.extend(keys.iter().map(|(tag, vr, value)| NewElement::new(*tag, *vr, *value)));
            items.push(item);
        }
        let elements = [
            offset(ROOT[0], place(1)),
            offset(ROOT[1], place(1)),
            NewElement::sequence(tags::DIRECTORY_RECORD_SEQUENCE, items),
        ];
        for element in &elements {
            element.encode(Encoding::ExplicitLittle, &mut out).expect("short values");
        }
        out
    };
    let first = lay(&[]);
    lay(&places(&first))
}

/// Where records begin.
fn places(file: &[u8]) -> Vec<u32> {
    let head = parse_head(file, true).expect("a head").expect("whole");
    let data_set = &file[head.data_set as usize..];
    let scan = scan_reader(data_set, TransferSyntax::of(SYNTAX), LIMITS).expect("bytes");
    assert_eq!(scan.end, End::Complete);
    let sequence = scan.header.find(tags::DIRECTORY_RECORD_SEQUENCE).expect("records");
    let items = scan.header.items(sequence);
    items.map(|item| (head.data_set + item.element().start) as u32).collect()
}

const NAME: Tag = tags::INSTITUTION_NAME;
const UID_IN_FILE: Tag = tags::REFERENCED_SOP_INSTANCE_UID_IN_FILE;

/// One patient, one series, two images.
fn two_images() -> Vec<u8> {
    directory(&[
        ("PATIENT", 0, 2, "", &[(tags::PATIENT_ID, VR::LO, "P1")]),
        ("STUDY", 0, 3, "", &[(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3")]),
        ("SERIES", 0, 4, "", &[(NAME, VR::LO, "A"), (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.4")]),
        ("IMAGE", 5, 0, "DICOM\\IM1", &[(UID_IN_FILE, VR::UI, "1.2.5")]),
        ("IMAGE", 0, 0, "DICOM\\IM2", &[(UID_IN_FILE, VR::UI, "1.2.6")]),
    ])
}

fn member(instance: &str, changes: &[(Tag, VR, &str, &str)]) -> Member {
    let change = |(tag, vr, before, after): &(Tag, VR, &str, &str)| {
        let after = Some(NewElement::new(*tag, *vr, *after));
        (*tag, Change { before: before.as_bytes().to_vec(), after })
    };
    Member { instance: Uid::new(instance), changes: changes.iter().map(change).collect() }
}

fn members(one: Member, other: Member) -> HashMap<String, Member> {
    let names = ["dicom/im1.;1", "DICOM/IM2"].map(|path| file_id(path.split('/')));
    names.into_iter().zip([one, other]).collect()
}

/// Values of a tag in the records, and whether offsets still lead where they led.
fn read(file: &[u8], tag: Tag) -> Vec<Option<String>> {
    let head = parse_head(file, true).expect("a head").expect("whole");
    let data_set = &file[head.data_set as usize..];
    let scan = scan_reader(data_set, TransferSyntax::of(SYNTAX), LIMITS).expect("bytes");
    let tree = Tree::of(&scan.header, head.data_set).expect("a tree");
    let wanted = Tree::of(&scan.header, head.data_set).expect("a tree").links;
    assert_eq!(wanted.root, [Some(0), Some(0)]);
    assert_eq!(wanted.lower[..3], [Some(1), Some(2), Some(3)]);
    assert_eq!(wanted.next[3], Some(4));
    tree.records.iter().map(|record| record.string(tag)).collect()
}

#[test]
fn keys_follow_the_files_and_offsets_follow_the_keys() {
    let before = two_images();
    let named = (NAME, VR::LO, "A", "A much longer name-JJJHR");
    let files = members(member("1.2.5", &[named]), member("1.2.6", &[named]));
    let (after, _) = updated(&before, &files, &[]).expect("updated");
    assert_eq!(read(&after, NAME)[2].as_deref(), Some("A much longer name-JJJHR"));
    assert_ne!(places(&after)[3], places(&before)[3]);
}

#[test]
fn a_key_on_which_files_differ_stays_and_an_identity_is_a_fault() {
    let before = two_images();
    let named = (NAME, VR::LO, "A", "A-JJJHR");
    let files = members(member("1.2.5", &[named]), member("1.2.6", &[]));
    let (after, _) = updated(&before, &files, &[]).expect("updated");
    assert!(after == before, "the series is of both");
    let series = (tags::SERIES_INSTANCE_UID, VR::UI, "1.2.4", "2.25.1");
    let files = members(member("1.2.5", &[series]), member("1.2.6", &[]));
    let fault = updated(&before, &files, &[]).expect_err("a series in two");
    assert!(matches!(fault, DirectoryFault::Split { record: 3, .. }), "{fault}");
}

#[test]
fn a_renamed_file_is_listed_by_its_new_name() {
    let uid = (tags::SOP_INSTANCE_UID, VR::UI, "1.2.6", "2.25.77");
    let files = members(member("1.2.5", &[]), member("1.2.6", &[uid]));
    let (after, _) = updated(&two_images(), &files, &[]).expect("updated");
    let uids = read(&after, UID_IN_FILE);
    assert_eq!(uids[3..], [Some("1.2.5".to_owned()), Some("2.25.77".to_owned())]);
}

#[test]
fn what_does_not_fit_the_files_is_a_fault() {
    let files = members(member("1.2.5", &[]), member("1.2.7", &[]));
    let fault = updated(&two_images(), &files, &[]).expect_err("another object");
    assert!(matches!(fault, DirectoryFault::OtherObject { record: 5 }), "{fault}");
    let fault = updated(&two_images(), &HashMap::new(), &[]).expect_err("no files");
    assert!(matches!(fault, DirectoryFault::NoSuchFile { record: 4 }), "{fault}");
    let circle = directory(&[("PATIENT", 2, 0, "", &[]), ("PATIENT", 1, 0, "", &[])]);
    let fault = updated(&circle, &HashMap::new(), &[]).expect_err("a circle");
    assert!(matches!(fault, DirectoryFault::Offset { .. }), "{fault}");
    let cut = two_images();
    assert!(updated(&cut[..cut.len() - 9], &files, &[]).is_err());
}
