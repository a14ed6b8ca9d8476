//! Turns bits in stored objects, and makes them unreadable, for the tests of those who must not pass them on.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::{ObjectId, Spool};

/// Makes the disk fail at an object's file, and at no other.
pub(crate) fn make_unreadable(spool: &Spool, object: ObjectId) {
    let path = spool.shared.places.object(object);
    spool.remove(&[object]).expect("removed");
    // It opens, and every read of it fails.
    std::fs::create_dir_all(&path).expect("made");
}

/// Turns one bit of an object's file: in its head, its data set or its footer, in turn; `n` says where.
pub(crate) fn turn_a_bit(spool: &Spool, object: ObjectId, n: u64) {
    let data = spool.object(object).expect("intact so far").data();
    let file = File::options().read(true).write(true).open(spool.shared.places.object(object));
    let file = file.expect("opens");
    let size = file.metadata().expect("there").len();
    let part = match n % 3 {
        0 => 0..data.start,
        1 => data,
        _ => data.end..size,
    };
    let place = blake3::hash(&n.to_le_bytes());
    let place = u64::from_le_bytes(*place.as_bytes().first_chunk().expect("32 bytes"));
    let at = part.start + place % (part.end - part.start);
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    byte[0] ^= 1 << (place >> 61);
    file.write_all_at(&byte, at).expect("written");
}
