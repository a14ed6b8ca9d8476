//! received = delivered + held + rejected + in flight, whatever happens.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
pub(super) enum Act {
    Receive(u128),
    Copy(u128),
    Event(u128, What),
    Refuse,
    Sweep,
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let object = 1_u128..6;
    let destination = || prop_oneof![Just("pacs"), Just("archive")];
    let what = prop_oneof![
        Just(judged(Disposition::Forward, &["pacs", "archive"])),
        Just(judged(Disposition::Forward, &["pacs"])),
        Just(judged(Disposition::Forward, &[])),
        Just(judged(hold("R"), &["pacs", "archive"])),
        Just(What::Held { reasons: vec!["SPOOL_DAMAGED".to_owned()], by: None }),
        Just(released()),
        Just(rejected()),
        destination().prop_map(sending),
        destination().prop_map(delivered),
        destination().prop_map(delivery_held),
        destination().prop_map(|to| What::Missed { destination: to.to_owned() }),
        destination().prop_map(|to| What::Requeued { destination: to.to_owned() }),
        destination().prop_map(|to| What::Deferred {
            destination: to.to_owned(),
            due: now(),
            error: String::new(),
        }),
    ];
    prop_oneof![
        2 => object.clone().prop_map(Act::Receive),
        1 => object.clone().prop_map(Act::Copy),
        8 => (object, what).prop_map(|(object, what)| Act::Event(object, what)),
        1 => Just(Act::Refuse),
        1 => Just(Act::Sweep),
    ]
}

pub(super) async fn perform(fixture: &Fixture, act: Act, copies: &mut u128) {
    let ledger = &fixture.ledger;
    match act {
        Act::Receive(object) => {
            ledger.received(row(object)).await.expect("received");
        }
        Act::Copy(object) => {
            *copies += 1;
            let original = row(object);
            let copy = ObjectRow {
                sop_instance: original.sop_instance,
                hash: original.hash,
                ..row(1000 + *copies)
            };
            ledger.received(copy).await.expect("received");
        }
        Act::Event(object, what) => match ledger.record(event(object, what)).await {
            Ok(()) | Err(LedgerFault::Refused(_)) => {}
            Err(fault) => panic!("{fault}"),
        },
        Act::Refuse => ledger.refused(&row(1).calling_ae, now()).await.expect("counted"),
        Act::Sweep => {
            let later = now() + jiff::SignedDuration::from_secs(1);
            let removable = ledger.removable(later, 100).expect("asked");
            ledger.removed(removable).await.expect("removed");
            ledger.forget(later).await.expect("forgotten");
        }
    }
}

/// The same counts, told from the listings.
fn check_listings(fixture: &Fixture, line: &Conservation) {
    let counts = fixture.ledger.counts().expect("counted");
    let count = |state| counts.objects.get(&state).copied().unwrap_or(0);
    assert_eq!(line.held, count(ObjectState::Held));
    assert_eq!(line.in_flight, count(ObjectState::Received) + count(ObjectState::Forwarding));
    let held = fixture.ledger.quarantine(&Filter::default(), false, 1000).expect("listed");
    assert_eq!(held.len() as u64, line.held);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_books_balance_after_every_event(acts in proptest::collection::vec(act(), 0..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let fixture = Fixture::new();
        let mut copies = 0;
        for act in acts {
            runtime.block_on(perform(&fixture, act, &mut copies));
            for line in fixture.ledger.conservation().expect("counted") {
                prop_assert!(line.balances(), "{line:?}");
                check_listings(&fixture, &line);
            }
        }
    }

    #[test]
    fn an_index_built_from_rows_and_log_says_the_same(
        acts in proptest::collection::vec(act(), 0..60),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let fixture = Fixture::new();
        let mut copies = 0;
        let acts = acts.into_iter().filter(|act| !matches!(act, Act::Copy(_) | Act::Sweep | Act::Refuse));
        for act in acts {
            runtime.block_on(perform(&fixture, act, &mut copies));
        }
        let known = fixture.ledger.known().expect("known");
        let rows = known.iter().map(|id| row(id.as_u128()));
        let dir = TempDir::new().expect("a directory");
        let rebuilt = open(&dir, &MemoryLog::default());
        let replayed = rebuilt.rebuild(rows, fixture.log.entries()).expect("rebuilt");
        prop_assert_eq!((replayed.unreadable, replayed.lost), (0, vec![]));
        prop_assert_eq!(
            rebuilt.conservation().expect("counted"),
            fixture.ledger.conservation().expect("counted")
        );
    }
}

#[tokio::test]
async fn the_oldest_open_object_is_neither_held_nor_settled() {
    let fixture = Fixture::new();
    let oldest = || fixture.ledger.counts().expect("counted").oldest;
    assert_eq!(oldest(), None);
    for object in [1, 2, 3_u8] {
        let received = now() + jiff::SignedDuration::from_secs(i64::from(object));
        let row = ObjectRow { received, ..row(u128::from(object)) };
        fixture.ledger.received(row).await.expect("received");
    }
    let after = |seconds| Some(now() + jiff::SignedDuration::from_secs(seconds));
    assert_eq!(oldest(), after(1));
    fixture.event(1, judged(hold("R"), &["pacs"])).await;
    fixture.event(2, judged(Disposition::Forward, &["pacs"])).await;
    assert_eq!(oldest(), after(2));
    fixture.event(2, delivered("pacs")).await;
    assert_eq!(oldest(), after(3));
}

#[tokio::test]
async fn days_begin_at_the_hospital_s_midnight() {
    let fixture = Fixture::new();
    let received = "2026-11-24T16:30:00Z".parse().expect("a timestamp");
    fixture.ledger.received(ObjectRow { received, ..row(1) }).await.expect("received");
    let days: Vec<String> =
        fixture.ledger.conservation().expect("counted").into_iter().map(|line| line.day).collect();
    assert_eq!(days, ["2026-11-25"]);
}

#[tokio::test]
async fn counts_outlive_the_rows_they_come_from() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, delivered("pacs")).await;
    let before = fixture.ledger.conservation().expect("counted");
    fixture.ledger.removed(vec![ObjectId::from_u128(1)]).await.expect("removed");
    let later = now() + jiff::SignedDuration::from_secs(1);
    assert_eq!(fixture.ledger.forget(later).await.expect("forgotten"), 1);
    assert_eq!(fixture.ledger.conservation().expect("counted"), before);
    assert_eq!(fixture.ledger.explain(&Filter::default(), 10).expect("explained"), []);
}
