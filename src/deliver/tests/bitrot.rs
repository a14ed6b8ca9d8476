//! Bits that turn in the spool while an object waits: none of them leaves.

use super::*;
use crate::base::figure::{figure, scale};
use crate::object::edit::{Edit, EditPlan};
use crate::spool::rot::{make_unreadable, turn_a_bit};

/// Of what waits, the sound object arrives at a PACS, and the damaged ones are held.
async fn only_the_sound_arrives(
    custody: &Custody,
    damaged: Vec<ObjectId>,
    (sound, specimen): (ObjectId, &Specimen),
) {
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    custody.until_state(sound, ObjectState::Delivered).await;
    for object in damaged {
        let found = custody.until_state(object, ObjectState::Held).await;
        assert_eq!(found.reasons, ["SPOOL_DAMAGED"]);
    }
    assert_eq!(pacs.instances(), [uid(specimen)]);
    end(lanes).await;
}

#[tokio::test]
async fn no_object_leaves_in_which_a_bit_has_turned() {
    let count = scale(60, 1_000);
    let custody = Custody::new();
    let mut damaged = Vec::new();
    for n in 1..=count {
        let object = custody.take(&ct(n), Vec::new()).await;
        turn_a_bit(&custody.spool, object, u64::from(n));
        damaged.push(object);
    }
    let sound = custody.take(&ct(count + 1), Vec::new()).await;
    only_the_sound_arrives(&custody, damaged, (sound, &ct(count + 1))).await;
    figure(
        "R17",
        "bitrot_1000",
        format_args!(
            "before sending: {count} bits turned in head, data set or footer, {count} found and held, 0 sent"
        ),
    );
}

#[tokio::test]
async fn an_object_that_the_disk_does_not_give_back_is_held_and_its_series_goes_on() {
    let custody = Custody::new();
    let unreadable = custody.take(&ct(1), Vec::new()).await;
    let others = [2, 3].map(ct);
    let mut last = unreadable;
    for other in &others {
        last = custody.take(other, Vec::new()).await;
    }
    make_unreadable(&custody.spool, unreadable);
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let metrics = Arc::new(Metrics::new());
    let lanes = custody.lanes_at(target, Arc::new(now), Arc::clone(&metrics));
    for attempts in 1..=3 {
        let deferred = |found: &Explained| {
            let (state, made, _) = delivery(found);
            (state, made) == (ledger::DeliveryState::Deferred, attempts)
        };
        custody.until(unreadable, deferred).await;
        if attempts < 3 {
            let again = What::Requeued { destination: "pacs".to_owned() };
            custody.event(unreadable, again).await;
        }
    }
    custody.until_state(last, ObjectState::Delivered).await;
    let found = custody.until_state(unreadable, ObjectState::Held).await;
    assert_eq!(found.reasons, ["SPOOL_UNREADABLE"]);
    assert_eq!(delivery(&found).2, "SPOOL_UNREADABLE cannot be read: Is a directory (os error 21)");
    assert_eq!(pacs.instances(), others.map(|other| uid(&other)));
    assert_eq!(metrics.damaged.get(), 1);
    end(lanes).await;
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

/// Longer than what is read before the first byte goes out.
fn large(instance: u32) -> Specimen {
    Specimen::new(Kind::Ct, 7).instance(instance).size(2048, 512)
}

/// A plan that puts two bytes before all others.
fn planned() -> EditPlan {
    let edit = Edit { at: 0, remove: 0, insert: b"++".to_vec() };
    EditPlan::new(vec![edit]).expect("a plan")
}

#[tokio::test]
async fn a_large_object_is_sent_as_planned() {
    let custody = Custody::new();
    let object = custody.take(&large(1), planned().to_bytes()).await;
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    let found = custody.until_state(object, ObjectState::Delivered).await;
    let want = [b"++".to_vec(), large(1).data_set()].concat();
    let heard = pacs.heard();
    assert!(heard.iter().map(|(_, _, bytes)| bytes).eq([&want]));
    let answer = found.deliveries.first().and_then(|delivery| delivery.answer.clone());
    assert_eq!(answer.expect("an answer").sent, blake3::hash(&want));
    end(lanes).await;
}

#[tokio::test]
async fn a_large_object_in_which_a_bit_has_turned_comes_to_no_end() {
    let custody = Custody::new();
    let mut damaged = Vec::new();
    // In its data set, at places of which some are read before the first byte goes out.
    for n in [1, 4, 7, 10, 13, 16] {
        let object = custody.take(&large(n), planned().to_bytes()).await;
        turn_a_bit(&custody.spool, object, u64::from(n));
        damaged.push(object);
    }
    let sound = custody.take(&large(2), planned().to_bytes()).await;
    only_the_sound_arrives(&custody, damaged, (sound, &large(2))).await;
}
