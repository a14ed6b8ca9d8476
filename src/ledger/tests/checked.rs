//! What destinations say they keep, and what they say they have not.

use super::*;

const PACS: &str = "pacs";

impl Fixture {
    async fn delivered_to(&self, object: u128, destinations: &[&str]) {
        self.forward(object, destinations).await;
        for name in destinations {
            self.event(object, delivered(name)).await;
        }
    }

    async fn said(&self, objects: &[u128], destination: &str, kept: bool) {
        let objects = objects.iter().map(|object| ObjectId::from_u128(*object)).collect();
        let destination = destination.to_owned();
        let checked = Checked { objects, destination, kept, at: now() };
        self.ledger.checked(checked).await.expect("noted");
    }

    fn unchecked(&self, destination: &str) -> Vec<u128> {
        let found = self.ledger.unchecked(destination, Timestamp::MIN, 100).expect("asked");
        found.iter().map(|one| one.object.as_u128()).collect()
    }

    fn kept_elsewhere(&self, saying_nothing: &[&str]) -> Vec<u128> {
        let nothing: Vec<String> = saying_nothing.iter().map(|name| (*name).to_owned()).collect();
        let before = now() + jiff::SignedDuration::from_secs(1);
        let found = self.ledger.kept_elsewhere(before, &nothing, 100).expect("asked");
        found.iter().map(|object| object.as_u128()).collect()
    }
}

#[tokio::test]
async fn an_object_is_asked_about_once_its_custody_has_ended() {
    let fixture = Fixture::new();
    fixture.delivered_to(1, &[PACS]).await;
    fixture.forward(2, &[PACS, "vna"]).await;
    fixture.event(2, delivered(PACS)).await;
    fixture.delivered_to(3, &["vna"]).await;
    assert_eq!(fixture.unchecked(PACS), [1]);
    assert_eq!(fixture.ledger.unchecked(PACS, now(), 100).expect("asked"), []);
    fixture.event(2, delivered("vna")).await;
    assert_eq!(fixture.unchecked(PACS), [1, 2]);
    fixture.said(&[1], PACS, true).await;
    fixture.said(&[2], PACS, false).await;
    assert_eq!(fixture.unchecked(PACS), [] as [u128; 0]);
    assert_eq!(fixture.unchecked("vna"), [2, 3]);
}

#[tokio::test]
async fn only_what_every_destination_keeps_need_not_be_kept_here() {
    let fixture = Fixture::new();
    fixture.delivered_to(1, &[PACS]).await;
    fixture.delivered_to(2, &[PACS, "vna"]).await;
    fixture.delivered_to(3, &[PACS, "research"]).await;
    fixture.delivered_to(4, &[PACS]).await;
    fixture.said(&[1, 2, 3], PACS, true).await;
    fixture.said(&[4], PACS, false).await;
    assert_eq!(fixture.kept_elsewhere(&[]), [1]);
    assert_eq!(fixture.kept_elsewhere(&["research"]), [1, 3]);
    assert_eq!(fixture.ledger.kept_elsewhere(now(), &[], 100).expect("asked"), []);
    fixture.said(&[2], "vna", true).await;
    assert_eq!(fixture.kept_elsewhere(&[]), [1, 2]);
    fixture.ledger.removed(vec![ObjectId::from_u128(1)]).await.expect("noted");
    assert_eq!(fixture.kept_elsewhere(&[]), [2]);
}

#[tokio::test]
async fn what_a_destination_has_not_is_sent_again_to_it_alone() {
    let fixture = Fixture::new();
    fixture.delivered_to(1, &[PACS, "vna"]).await;
    fixture.said(&[1], "vna", true).await;
    let missed = || What::Missed { destination: PACS.to_owned() };
    fixture.event(1, missed()).await;
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    assert_eq!((fixture.due(PACS), fixture.due("vna")), (vec![1], vec![]));
    assert_eq!(fixture.refusal(1, missed()).await, Refused::NotQueued(DeliveryState::Queued));
    let books = fixture.ledger.conservation().expect("counted");
    assert!(books.iter().all(Conservation::balances), "{books:?}");
    // Sent again, it is asked about again.
    fixture.event(1, delivered(PACS)).await;
    assert_eq!(fixture.state(1), ObjectState::Delivered);
    assert_eq!((fixture.unchecked(PACS), fixture.unchecked("vna")), (vec![1], vec![1]));
}

#[tokio::test]
async fn what_is_removed_or_rejected_is_not_sent_again() {
    let fixture = Fixture::new();
    let missed = || What::Missed { destination: PACS.to_owned() };
    fixture.delivered_to(1, &[PACS]).await;
    fixture.ledger.removed(vec![ObjectId::from_u128(1)]).await.expect("noted");
    assert_eq!(fixture.refusal(1, missed()).await, Refused::Decided(ObjectState::Delivered));
    assert_eq!(fixture.state(1), ObjectState::Delivered);
    fixture.forward(2, &[PACS, "vna"]).await;
    fixture.event(2, delivered(PACS)).await;
    fixture.event(2, What::Held { reasons: vec!["X".to_owned()], by: None }).await;
    fixture.event(2, rejected()).await;
    assert_eq!(fixture.refusal(2, missed()).await, Refused::Decided(ObjectState::Rejected));
}
