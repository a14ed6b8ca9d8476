//! Bits that turn in the spool while an object waits: none of them leaves.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use super::*;
use crate::base::figure::{figure, scale};

/// Turns one bit of an object's file: in its head, its data set or its footer, in turn.
fn turn_a_bit(custody: &Custody, object: ObjectId, n: u64) {
    let data = custody.spool.object(object).expect("intact so far").data();
    let id = object.to_string();
    let shard = id.get(..7).expect("long enough");
    let path = custody.dir.path().join("spool/objects").join(shard).join(format!("{id}.dcm"));
    let size = fs::metadata(&path).expect("there").len();
    let place = blake3::hash(&n.to_be_bytes());
    let place = u64::from_le_bytes(*place.as_bytes().first_chunk().expect("32 bytes"));
    let part = match n % 3 {
        0 => 0..data.start,
        1 => data.clone(),
        _ => data.end..size,
    };
    let at = part.start + place % (part.end - part.start);
    let file = File::options().read(true).write(true).open(path).expect("opens");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("read");
    byte[0] ^= 1 << (place >> 61);
    file.write_all_at(&byte, at).expect("written");
}

#[tokio::test]
async fn no_object_leaves_in_which_a_bit_has_turned() {
    let count = scale(60, 1_000);
    let custody = Custody::new();
    let mut damaged = Vec::new();
    for n in 1..=count {
        let object = custody.take(&ct(n), Vec::new()).await;
        turn_a_bit(&custody, object, u64::from(n));
        damaged.push(object);
    }
    let sound = custody.take(&ct(count + 1), Vec::new()).await;
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    custody.until_state(sound, ObjectState::Delivered).await;
    for object in damaged {
        let found = custody.until_state(object, ObjectState::Held).await;
        assert_eq!(found.reasons, ["SPOOL_DAMAGED"]);
    }
    assert_eq!(pacs.instances(), [uid(&ct(count + 1))]);
    end(lanes).await;
    figure(
        "R17",
        "bitrot_1000",
        format_args!(
            "before sending: {count} bits turned in head, data set or footer, {count} found and held, 0 sent"
        ),
    );
}

#[tokio::test]
async fn an_object_without_its_file_is_lost_and_holds_nobody_up() {
    let custody = Custody::new();
    let lost = custody.take(&ct(1), Vec::new()).await;
    let sound = custody.take(&ct(2), Vec::new()).await;
    custody.spool.remove(&[lost]).expect("removed");
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    custody.until_state(sound, ObjectState::Delivered).await;
    custody.until_state(lost, ObjectState::Lost).await;
    assert_eq!(pacs.instances(), [uid(&ct(2))]);
    end(lanes).await;
}
