//! What a PACS may answer, and what becomes of the object.

use super::*;
use crate::ledger::DeliveryState;
use crate::object::edit::EditPlan;
use crate::object::transcode;

const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";

/// Sends one object to a PACS that answers its attempts as told and then takes it.
async fn check(says: &'static [Say], want: u16) {
    let custody = Custody::new();
    let pacs = Pacs::new(|_, _| true, |_, n| says.get(n).copied().unwrap_or(Say::Status(0)));
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    let object = custody.take(&ct(1), Vec::new()).await;
    let found = custody.until_state(object, ObjectState::Delivered).await;
    let answer = found.deliveries.first().and_then(|delivery| delivery.answer.clone());
    let bytes = ct(1).data_set();
    assert_eq!(
        answer.map(|answer| (answer.status, answer.sent)),
        Some((want, blake3::hash(&bytes)))
    );
    for (_, _, heard) in pacs.heard() {
        assert!(heard == bytes, "every attempt sends the same");
    }
    end(lanes).await;
}

#[tokio::test]
async fn success_and_warnings_are_delivered_with_their_status() {
    check(&[], 0).await;
    check(&[Say::Status(0xB000)], 0xB000).await;
    check(&[Say::Status(0xB007)], 0xB007).await;
}

#[tokio::test]
async fn what_the_pacs_has_already_is_delivered() {
    check(&[Say::Status(0x0111)], 0x0111).await;
}

#[tokio::test]
async fn what_fails_for_now_is_sent_again() {
    check(&[Say::Status(0xA700)], 0).await;
    check(&[Say::Abort], 0).await;
    check(&[Say::Nothing], 0).await;
}

#[tokio::test]
async fn what_is_refused_blocks_no_other_and_is_held_after_three_attempts() {
    let custody = Custody::new();
    let bad = uid(&ct(1));
    let pacs = Pacs::new(
        |_, _| true,
        move |instance, _| Say::Status(if instance == bad { 0xC000 } else { 0 }),
    );
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    let refused = custody.take(&ct(1), Vec::new()).await;
    let other = custody.take(&ct(2), Vec::new()).await;
    custody.until_state(other, ObjectState::Delivered).await;
    for attempts in 1..=2 {
        let deferred = |found: &Explained| {
            let (state, made, _) = delivery(found);
            (state, made) == (DeliveryState::Deferred, attempts)
        };
        custody.until(refused, deferred).await;
        custody.event(refused, What::Requeued { destination: "pacs".to_owned() }).await;
    }
    custody.until_state(refused, ObjectState::Held).await;
    let held = custody.ledger.quarantine(&Filter::default(), false, 9).expect("asked");
    let reasons: Vec<_> = held.into_iter().map(|entry| (entry.id, entry.reasons)).collect();
    assert_eq!(reasons, [(refused, vec!["pacs_refused".to_owned()])]);
    end(lanes).await;
}

#[tokio::test]
async fn a_pacs_that_takes_implicit_little_endian_only_gets_that() {
    let custody = Custody::new();
    let specimen = ct(1).transfer_syntax_of(EXPLICIT);
    let pacs = Pacs::new(|_, syntax| syntax == IMPLICIT, |_, _| Say::Status(0));
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    let object = custody.take(&specimen, Vec::new()).await;
    custody.until_state(object, ObjectState::Delivered).await;
    let mut want = Vec::new();
    let syntax = crate::dicom::transfer_syntax::TransferSyntax::of(EXPLICIT);
    let data = specimen.data_set();
    let target = transcode::Target::ImplicitLittle;
    let plan = EditPlan::default();
    let mut output = transcode::output(data.as_slice(), syntax, plan, target).expect("native");
    std::io::Read::read_to_end(&mut output, &mut want).expect("rewritten");
    let heard = pacs.heard();
    assert!(heard == [(uid(&specimen), IMPLICIT.to_owned(), want)]);
    end(lanes).await;
}

#[tokio::test]
async fn a_pacs_that_takes_no_context_is_told_as_that_and_costs_the_others_nothing() {
    let custody = Custody::new();
    let mr = Specimen::new(Kind::Mr, 9).size(16, 16);
    let class = mr.sop_class().to_string();
    let pacs = Pacs::new(move |asked, _| asked == class, |_, _| Say::Status(0));
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    let refused = custody.take(&ct(1), Vec::new()).await;
    let taken = custody.take(&mr, Vec::new()).await;
    custody.until_state(taken, ObjectState::Delivered).await;
    let found = custody.until(refused, |found| delivery(found).0 == DeliveryState::Deferred).await;
    let (_, _, error) = delivery(&found);
    assert!(error.starts_with("no presentation context"), "{error}");
    end(lanes).await;
}

#[tokio::test]
async fn a_change_that_cannot_be_made_costs_the_mark_and_not_the_image() {
    let custody = Custody::new();
    let pacs = Pacs::willing();
    let (target, _serving) = pacs.serve().await;
    let lanes = custody.lanes(target);
    let object = custody.take(&ct(1), b"no plan".to_vec()).await;
    for attempts in 1..=2 {
        let deferred = |found: &Explained| {
            let (state, made, _) = delivery(found);
            (state, made) == (DeliveryState::Deferred, attempts)
        };
        custody.until(object, deferred).await;
        custody.event(object, What::Requeued { destination: "pacs".to_owned() }).await;
    }
    let found = custody.until_state(object, ObjectState::Delivered).await;
    assert_eq!((found.released, found.reasons), (true, vec!["SELF_CHECK".to_owned()]));
    let heard: Vec<_> = pacs.heard().into_iter().map(|(_, _, bytes)| bytes).collect();
    assert!(heard == [ct(1).data_set()], "as it came");
    end(lanes).await;
}
