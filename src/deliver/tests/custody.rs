//! Order, restarts, damage, and people who decide meanwhile.

use std::path::{Path, PathBuf};

use super::*;
use crate::ledger::DeliveryState;
use crate::object::part10;

#[tokio::test]
async fn objects_go_in_their_order_and_byte_for_byte() {
    let custody = Custody::new();
    let pacs = Pacs::willing();
    let mut last = None;
    for instance in 1..=20 {
        last = Some(custody.take(&ct(instance), Vec::new()).await);
    }
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    custody.until_state(last.expect("twenty"), ObjectState::Delivered).await;
    let want: Vec<_> = (1..=20).map(|n| (uid(&ct(n)), ct(n).data_set())).collect();
    let heard: Vec<_> = pacs.heard().into_iter().map(|(uid, _, bytes)| (uid, bytes)).collect();
    assert!(heard == want, "{:?}", pacs.instances());
    end(lanes).await;
}

#[tokio::test]
async fn what_waited_for_a_pacs_that_was_away_goes_in_its_order() {
    let custody = Custody::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let lanes = custody.lanes(at(address.port()));
    let first = custody.take(&ct(1), Vec::new()).await;
    let deferred = |found: &Explained| delivery(found).0 == DeliveryState::Deferred;
    custody.until(first, deferred).await;
    let second = custody.take(&ct(2), Vec::new()).await;
    let pacs = Pacs::willing();
    pacs.serve_on(TcpListener::bind(address).await.expect("the same port"));
    // A person who is impatient does not change the order.
    lanes.wake(None);
    custody.until_state(second, ObjectState::Delivered).await;
    assert_eq!(pacs.instances(), [uid(&ct(1)), uid(&ct(2))]);
    end(lanes).await;
}

#[tokio::test]
async fn an_attempt_that_a_crash_cut_off_is_made_again() {
    let custody = Custody::new();
    let object = custody.take(&ct(1), Vec::new()).await;
    custody.event(object, What::Sending { destination: "pacs".to_owned() }).await;
    let custody = custody.restart();
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    custody.until_state(object, ObjectState::Delivered).await;
    assert_eq!(pacs.instances(), [uid(&ct(1))]);
    end(lanes).await;
}

/// A PACS that has the first of two objects in hand and answers when it is given a permit.
async fn in_hand(custody: &Custody) -> (Arc<Pacs>, Lanes, [ObjectId; 2]) {
    let pacs = Pacs::willing();
    let all = u32::try_from(pacs.permits.available_permits()).expect("few");
    pacs.permits.acquire_many(all).await.expect("open").forget();
    let first = custody.take(&ct(1), Vec::new()).await;
    let second = custody.take(&ct(2), Vec::new()).await;
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    custody.until(first, |found| delivery(found).0 == DeliveryState::Sending).await;
    (pacs, lanes, [first, second])
}

#[tokio::test]
async fn stopping_finishes_the_object_in_hand_and_begins_no_other() {
    let custody = Custody::new();
    let (pacs, lanes, [first, second]) = in_hand(&custody).await;
    while pacs.heard().is_empty() {
        tokio::task::yield_now().await;
    }
    lanes.stop();
    pacs.permits.add_permits(9);
    end(lanes).await;
    assert_eq!(custody.explained(first).state, ObjectState::Delivered);
    assert_eq!(delivery(&custody.explained(second)).0, DeliveryState::Queued);
    assert_eq!(pacs.instances(), [uid(&ct(1))]);
}

#[tokio::test]
async fn what_a_person_stops_while_it_waits_in_the_lane_is_not_sent() {
    let custody = Custody::new();
    let (pacs, lanes, [first, second]) = in_hand(&custody).await;
    let held = What::DeliveryHeld { destination: "pacs".to_owned(), error: "on_hold".to_owned() };
    custody.event(second, held).await;
    pacs.permits.add_permits(9);
    let third = custody.take(&ct(3), Vec::new()).await;
    custody.until_state(first, ObjectState::Delivered).await;
    custody.until_state(third, ObjectState::Delivered).await;
    assert_eq!(pacs.instances(), [uid(&ct(1)), uid(&ct(3))]);
    assert_eq!(custody.explained(second).state, ObjectState::Held);
    custody.event(second, What::Requeued { destination: "pacs".to_owned() }).await;
    custody.until_state(second, ObjectState::Delivered).await;
    end(lanes).await;
}

/// The spool's file of an object.
fn file_of(custody: &Custody, object: ObjectId) -> PathBuf {
    let mut folders = vec![custody.dir.path().join("spool")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(&object.to_string()) {
                return path;
            }
        }
    }
    panic!("no file of {object}");
}

/// Turns a bit in the middle of a file.
fn damage(file: &Path) {
    let mut bytes = std::fs::read(file).expect("read");
    let middle = bytes.len() / 2;
    *bytes.get_mut(middle).expect("not empty") ^= 1;
    std::fs::write(file, bytes).expect("written");
}

async fn check_damaged(custody: &Custody, target: Target) {
    let bad = custody.take(&ct(1), Vec::new()).await;
    damage(&file_of(custody, bad));
    let good = custody.take(&ct(2), Vec::new()).await;
    let lanes = custody.lanes(target);
    custody.until_state(good, ObjectState::Delivered).await;
    let found = custody
        .until(bad, |found| {
            found.state == ObjectState::Held && delivery(found).0 == DeliveryState::Held
        })
        .await;
    assert_eq!(found.reasons, ["SPOOL_DAMAGED"]);
    end(lanes).await;
}

#[tokio::test]
async fn a_damaged_object_is_held_and_never_sent_to_a_peer() {
    let custody = Custody::new();
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    check_damaged(&custody, target).await;
    assert_eq!(pacs.instances(), [uid(&ct(2))]);
}

#[tokio::test]
async fn a_damaged_object_is_held_and_never_placed_in_a_folder() {
    let custody = Custody::new();
    let folder = custody.dir.path().join("received");
    check_damaged(&custody, Target::Folder(folder.clone())).await;
    assert_eq!(std::fs::read_dir(folder).expect("made").count(), 1);
}

#[tokio::test]
async fn a_folder_gets_whole_files_with_the_data_set_as_sent() {
    let custody = Custody::new();
    let folder = custody.dir.path().join("received");
    let lanes = custody.lanes(Target::Folder(folder.clone()));
    let object = custody.take(&ct(1), Vec::new()).await;
    custody.until_state(object, ObjectState::Delivered).await;
    let bytes = std::fs::read(folder.join(format!("{object}.dcm"))).expect("the file");
    assert!(bytes.ends_with(&ct(1).data_set()));
    let meta = part10::read_head(bytes.as_slice()).expect("a head");
    assert_eq!(meta.meta.sop_instance, ct(1).sop_instance());
    end(lanes).await;
}
