//! What a later program has written is refused, and not a byte of it is touched.

use super::*;

/// Every file with its bytes, but for the lock.
fn bytes(dir: &TempDir) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![dir.path().join("spool")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let content = std::fs::read(&path).expect("read");
                found.push((path, content));
            }
        }
    }
    found.sort();
    found
}

fn replace(path: &Path, from: &[u8], to: &[u8]) {
    let mut content = std::fs::read(path).expect("read");
    let at = content.windows(from.len()).position(|window| window == from).expect("there");
    content.get_mut(at..at + to.len()).expect("as long").copy_from_slice(to);
    std::fs::write(path, content).expect("written");
}

/// A spool as this program writes it, with an object, a record, and a draft of a run that was killed.
fn spool() -> (TempDir, ObjectId) {
    let fixture = Fixture::new();
    let id = fixture.store(b"data").id();
    fixture.spool.journal().append(&[b"record".to_vec()]).expect("appended");
    let Fixture { dir, spool, disk: _ } = fixture;
    drop(spool);
    std::fs::write(dir.path().join("spool/tmp/left.part"), b"half").expect("written");
    (dir, id)
}

#[track_caller]
fn check_refused(dir: &TempDir, what: &str) {
    let before = bytes(dir);
    match Spool::open(&config(dir), now()) {
        Err(fault @ SpoolFault::TooNew { .. }) => {
            let text = fault.to_string();
            assert!(text.contains(what) && text.contains("UPGRADING.md"), "{text}");
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{what} is of a later version and was opened"),
    }
    assert!(bytes(dir) == before, "something was changed");
}

#[test]
fn a_later_spool_is_refused_untouched() {
    let (dir, _id) = spool();
    let path = dir.path().join("spool/version");
    assert_eq!(std::fs::read_to_string(&path).expect("read"), "markgate spool version 1\n");
    std::fs::write(&path, "markgate spool version 2\n").expect("written");
    check_refused(&dir, "spool/version is of version 2");
}

#[test]
fn a_later_journal_is_refused_untouched() {
    let (dir, _id) = spool();
    let segment = dir.path().join("spool/journal/0000000000000001.log");
    replace(&segment, b"MGJRNL01", b"MGJRNL07");
    check_refused(&dir, "0000000000000001.log is of version 7");
}

#[test]
fn a_version_that_cannot_be_read_is_refused() {
    let (dir, _id) = spool();
    std::fs::write(dir.path().join("spool/version"), "").expect("written");
    assert!(matches!(Spool::open(&config(&dir), now()), Err(SpoolFault::NotReadable { .. })));
}

#[test]
fn a_spool_of_before_there_were_versions_is_of_version_1() {
    let (dir, id) = spool();
    RealDisk.remove(&dir.path().join("spool/version")).expect("removed");
    let (spool, _) = Spool::open(&config(&dir), now()).expect("opens");
    spool.object(id).expect("there").verify().expect("intact");
    assert!(dir.path().join("spool/version").exists());
}

#[test]
fn an_object_of_a_later_version_is_refused_and_stays_where_it_is() {
    for (from, to) in [
        (&b"MARKGATE-END-01"[..], &b"MARKGATE-END-02"[..]),
        (&b"\"version\":1"[..], &b"\"version\":2"[..]),
    ] {
        let (dir, id) = spool();
        let shard = ids::shard(id);
        let path = dir.path().join("spool/objects").join(shard).join(format!("{id}.dcm"));
        replace(&path, from, to);
        if from.starts_with(b"\"") {
            // Its head was written like that.
            let mut content = std::fs::read(&path).expect("read");
            let data = content.windows(4).rposition(|window| window == b"data").expect("there");
            let check = blake3::hash(content.get(..data).expect("a head"));
            let at = content.len() - 24;
            let place = content.get_mut(at..at + 8).expect("a footer");
            place.copy_from_slice(check.as_bytes().first_chunk::<8>().expect("long enough"));
            std::fs::write(&path, content).expect("written");
        }
        let (spool, _) = Spool::open(&config(&dir), now()).expect("opens");
        let compared = spool.reconcile(&std::collections::BTreeSet::new(), |leftover| {
            panic!("{leftover:?}");
        });
        match compared {
            Err(SpoolFault::TooNew { path: named, found, known: 1 }) => {
                assert_eq!((named, found.as_str()), (path.clone(), "2"));
            }
            other => panic!("{other:?}"),
        }
        assert!(path.exists());
        assert_eq!(files(&dir, "corrupt"), [""; 0]);
    }
}
