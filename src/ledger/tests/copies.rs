//! The same bytes again: suppressed for as long as the first are good, and never the only ones to go.

use super::*;

/// Another copy of object 1.
fn copy(object: u128) -> ObjectRow {
    ObjectRow { id: ObjectId::from_u128(object), ..row(1) }
}

fn found(code: &str) -> What {
    What::Held { reasons: vec![code.to_owned()], by: None }
}

fn ids(objects: &[u128]) -> Vec<ObjectId> {
    objects.iter().copied().map(ObjectId::from_u128).collect()
}

const CODES: [&str; 2] = ["SPOOL_DAMAGED", "SPOOL_UNREADABLE"];

#[tokio::test]
async fn what_is_sent_again_after_the_first_was_found_damaged_goes_its_own_way() {
    for code in CODES {
        let fixture = Fixture::new();
        fixture.forward(1, &["pacs"]).await;
        fixture.event(1, found(code)).await;
        let arrival = fixture.ledger.received(copy(2)).await.expect("received");
        assert_eq!(arrival, Arrival::Again { after: ObjectId::from_u128(1) });
        assert_eq!(fixture.state(2), ObjectState::Received);
    }
}

#[tokio::test]
async fn a_suppressed_copy_goes_in_the_stead_of_what_is_found_damaged() {
    for code in CODES {
        let fixture = Fixture::new();
        fixture.forward(1, &["pacs"]).await;
        for again in [2, 3] {
            let arrival = fixture.ledger.received(copy(again)).await.expect("received");
            assert_eq!(arrival, Arrival::Suppressed { by: ObjectId::from_u128(1) });
        }
        let mut changes = fixture.ledger.changes();
        changes.mark_unchanged();
        fixture.event(1, found(code)).await;
        changes.changed().await.expect("told of");
        assert_eq!(fixture.ledger.revived(), ids(&[2]));
        assert_eq!(fixture.state(2), ObjectState::Received);
        // One is enough, however often the damage is found.
        fixture.event(1, found(code)).await;
        assert_eq!(fixture.ledger.revived(), []);
        let line = fixture.ledger.conservation().expect("counted").remove(0);
        assert!(line.balances());
        assert_eq!((line.received, line.held, line.suppressed), (2, 1, 1));
        // And if that rots as well, there is another.
        fixture.event(2, found(code)).await;
        assert_eq!(fixture.ledger.revived(), ids(&[3]));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hears_of_a_change_finds_the_copy_that_it_brought() {
    let fixture = Fixture::new();
    for first in (1..400).step_by(2) {
        fixture.forward(first, &["pacs"]).await;
        let again = ObjectRow { id: ObjectId::from_u128(first + 1), ..row(first) };
        fixture.ledger.received(again).await.expect("received");
        let (mut changes, ledger) = (fixture.ledger.changes(), fixture.ledger.clone());
        changes.mark_unchanged();
        let hearing = std::thread::spawn(move || {
            while !changes.has_changed().expect("open") {
                std::hint::spin_loop();
            }
            ledger.revived()
        });
        fixture.event(first, found("SPOOL_DAMAGED")).await;
        assert_eq!(hearing.join().expect("heard"), ids(&[first + 1]));
    }
}

#[tokio::test]
async fn a_suppressed_copy_goes_in_the_stead_of_what_is_lost() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.ledger.received(copy(2)).await.expect("received");
    assert_eq!(fixture.ledger.gone(ids(&[1])).await.expect("told"), ids(&[1]));
    assert_eq!(fixture.ledger.revived(), ids(&[2]));
    assert_eq!(fixture.ledger.unjudged(None, 10).expect("asked"), ids(&[2]));
}

#[tokio::test]
async fn a_copy_stays_as_long_as_the_object_it_may_have_to_stand_for() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    for again in [2, 3] {
        fixture.ledger.received(copy(again)).await.expect("received");
    }
    let later = now() + jiff::SignedDuration::from_hours(24);
    let removable = |before| fixture.ledger.removable(before, 10).expect("asked");
    assert_eq!(removable(later), ids(&[3]), "one copy is enough");
    fixture.ledger.removed(ids(&[3])).await.expect("removed");
    fixture.event(1, What::Held { reasons: vec!["PAT-001".to_owned()], by: None }).await;
    assert_eq!(removable(later), []);
    fixture.event(1, released()).await;
    fixture.event(1, delivered("pacs")).await;
    assert_eq!(removable(now()), [], "retention is for copies too");
    let mut all = removable(later);
    all.sort();
    assert_eq!(all, ids(&[1, 2]));
}

#[tokio::test]
async fn what_came_before_is_known_whatever_came_after() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, delivered("pacs")).await;
    let other = |object| ObjectRow { sop_instance: row(1).sop_instance, ..row(object) };
    fixture.ledger.received(copy(2)).await.expect("received");
    fixture.ledger.received(other(3)).await.expect("received");
    for later in 4..80 {
        fixture.ledger.received(other(later)).await.expect("received");
    }
    let precedent = |object| {
        let found = fixture.ledger.precedent(ObjectId::from_u128(object)).expect("asked");
        found.map(|found| (found.conflicts, found.is_judged, found.verdict.map(|it| it.plan)))
    };
    assert_eq!(precedent(1), Some((false, true, None)));
    assert_eq!(precedent(2), Some((false, false, Some(vec![1, 2, 3]))));
    assert_eq!(precedent(3), Some((true, false, None)));
    assert_eq!(precedent(99), None);
}
