//! The way of an object from its arrival to the end of its custody.

use std::collections::HashMap;

use super::*;

#[tokio::test]
async fn an_object_is_delivered_when_every_destination_has_answered() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    for destination in ["pacs", "archive"] {
        assert_eq!(fixture.state(1), ObjectState::Forwarding);
        fixture.event(1, sending(destination)).await;
        fixture.event(1, delivered(destination)).await;
    }
    let explained = fixture.explained(1);
    assert_eq!(explained.state, ObjectState::Delivered);
    let want = Answer { status: 0, comment: String::new(), sent: blake3::hash(b"sent"), at: now() };
    for delivery in explained.deliveries {
        assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Delivered, 1));
        assert_eq!(delivery.answer, Some(want.clone()));
    }
}

#[tokio::test]
async fn what_changes_together_is_as_if_each_had_changed_for_itself() {
    let deferred = |destination: &str| What::Deferred {
        destination: destination.to_owned(),
        due: now(),
        error: "answered A700".to_owned(),
    };
    let events = [
        event(1, judged(Disposition::Forward, &["pacs", "archive"])),
        event(1, sending("pacs")),
        // It is under way.
        event(1, sending("pacs")),
        event(1, deferred("pacs")),
        event(3, sending("pacs")),
        event(2, judged(hold("IMG-ID-001"), &["pacs"])),
        event(2, released()),
        event(1, sending("pacs")),
        event(1, delivered("pacs")),
        event(2, sending("pacs")),
        event(1, sending("archive")),
        event(1, delivered("archive")),
    ];
    let (together, alone) = (Fixture::new(), Fixture::new());
    for fixture in [&together, &alone] {
        for object in [1, 2] {
            fixture.receive(object).await;
        }
    }
    let outcomes = together.ledger.record_all(events.to_vec()).await.expect("recorded");
    for (event, outcome) in events.into_iter().zip(outcomes) {
        let alone = alone.ledger.record_all(vec![event.clone()]).await.expect("recorded");
        assert_eq!(alone, [outcome], "{event:?}");
    }
    for object in [1, 2] {
        assert_eq!(together.explained(object), alone.explained(object));
    }
    assert_eq!(together.log.entries(), alone.log.entries());
}

#[tokio::test]
async fn a_dead_destination_stops_no_other() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    fixture.event(1, sending("pacs")).await;
    let due = now() + jiff::SignedDuration::from_secs(60);
    let error = "connection refused".to_owned();
    fixture.event(1, What::Deferred { destination: "pacs".to_owned(), due, error }).await;
    assert_eq!(fixture.due("pacs"), [0; 0]);
    assert_eq!(fixture.due("archive"), [1]);
    assert_eq!(fixture.ledger.next_due("pacs", &[]).expect("asked"), Some(due));
    let later = fixture.ledger.due("pacs", due, 10, &[]).expect("due");
    assert_eq!(later.iter().map(|due| due.attempts).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn what_is_put_back_without_an_error_tells_the_last_one() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let put_back = |error: &str| What::Deferred {
        destination: "pacs".to_owned(),
        due: now(),
        error: error.to_owned(),
    };
    fixture.event(1, sending("pacs")).await;
    fixture.event(1, put_back("connection refused")).await;
    fixture.event(1, sending("pacs")).await;
    let reasons = vec!["SPOOL_DAMAGED".to_owned()];
    fixture.event(1, What::Held { reasons, by: None }).await;
    fixture.event(1, put_back("")).await;
    let found = fixture.explained(1);
    let [delivery] = &found.deliveries[..] else { panic!("one delivery") };
    let told = (delivery.state, delivery.last_error.as_str());
    assert_eq!(told, (DeliveryState::Held, "connection refused"));
}

#[tokio::test]
async fn urgent_objects_go_first_and_the_others_in_order_of_arrival() {
    let fixture = Fixture::new();
    for object in [1, 2, 3, 4, 5] {
        let row = ObjectRow { urgent: object == 4, ..row(object) };
        fixture.ledger.received(row).await.expect("received");
    }
    for object in [5, 3, 1, 4, 2] {
        fixture.event(object, judged(Disposition::Forward, &["pacs"])).await;
    }
    fixture.event(2, sending("pacs")).await;
    let error = String::new();
    fixture.event(2, What::Deferred { destination: "pacs".to_owned(), due: now(), error }).await;
    assert_eq!(fixture.due("pacs"), [4, 1, 2, 3, 5]);
    assert_eq!(fixture.ledger.due("pacs", now(), 2, &[]).expect("due").len(), 2);
}

#[tokio::test]
async fn of_a_series_that_waits_only_the_object_that_it_waits_for_is_due() {
    let fixture = Fixture::new();
    for object in 1..=6 {
        let series = Uid::new(if object < 5 { "1.2.3" } else { "1.2.4" });
        let row = ObjectRow { series: series.clone(), ..row(object) };
        fixture.ledger.received(row).await.expect("received");
        let verdict = Verdict {
            series,
            disposition: Disposition::Forward,
            destinations: vec!["pacs".to_owned()],
            report: "{}".to_owned(),
            ..Verdict::default()
        };
        fixture.event(object, What::Judged(Box::new(verdict))).await;
    }
    let waiting = HashMap::from([(Uid::new("1.2.3"), ObjectId::from_u128(2))]);
    let due = fixture.ledger.due_but("pacs", now(), 2, &[], &waiting).expect("due");
    assert_eq!(due.iter().map(|due| due.object.as_u128()).collect::<Vec<_>>(), [2, 5]);
}

#[tokio::test]
async fn a_released_object_leaves_as_it_came_and_is_never_judged_again() {
    let fixture = Fixture::new();
    fixture.receive(1).await;
    fixture.event(1, judged(hold("IMG-ID-001"), &["pacs"])).await;
    assert_eq!((fixture.state(1), fixture.due("pacs")), (ObjectState::Held, vec![]));
    fixture.event(1, released()).await;
    assert_eq!(fixture.due("pacs"), [1]);
    assert_eq!(fixture.treatment(1, "pacs"), Some(Treatment::AsReceived));
    assert_eq!(fixture.treatment(1, "archive"), None, "it is not bound there");
    let again = fixture.refusal(1, judged(Disposition::Forward, &["pacs"])).await;
    assert_eq!(again, Refused::Decided(ObjectState::Forwarding));
}

#[tokio::test]
async fn a_held_object_that_is_judged_again_goes_with_its_new_plan() {
    let fixture = Fixture::new();
    fixture.receive(1).await;
    fixture.event(1, judged(hold("IMG-ID-001"), &["pacs"])).await;
    fixture.event(1, judged(Disposition::Forward, &["pacs"])).await;
    let explained = fixture.explained(1);
    assert_eq!(explained.state, ObjectState::Forwarding);
    assert_eq!(explained.reasons, [""; 0]);
    assert_eq!(explained.verdict.map(|verdict| verdict.version), Some(2));
    assert_eq!(fixture.treatment(1, "pacs"), Some(Treatment::Planned(vec![1, 2, 3])));
}

#[tokio::test]
async fn the_last_destination_that_waits_is_known() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    let is_last = |destination| fixture.departure(1, destination).map(|one| one.is_last);
    assert_eq!((is_last("pacs"), is_last("archive")), (Some(false), Some(false)));
    fixture.event(1, sending("pacs")).await;
    assert_eq!(is_last("archive"), Some(false), "the other attempt may fail");
    fixture.event(1, delivered("pacs")).await;
    assert_eq!((is_last("pacs"), is_last("archive")), (None, Some(true)));
}

#[tokio::test]
async fn an_object_on_which_a_person_has_decided_does_not_leave() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    fixture.event(1, sending("pacs")).await;
    assert!(fixture.treatment(1, "pacs").is_some(), "its attempt is under way");
    fixture.event(1, delivery_held("archive")).await;
    assert_eq!(fixture.treatment(1, "archive"), None);
    fixture.event(1, What::Held { reasons: vec!["A".to_owned()], by: None }).await;
    assert_eq!(fixture.treatment(1, "pacs"), None);
    fixture.event(1, rejected()).await;
    assert_eq!(fixture.treatment(1, "pacs"), None);
    assert_eq!(fixture.treatment(2, "pacs"), None, "unknown");
}

#[tokio::test]
async fn a_clock_that_is_set_back_puts_nothing_off() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, sending("pacs")).await;
    let due = now() + jiff::SignedDuration::from_hours(24);
    let error = "connection refused".to_owned();
    fixture.event(1, What::Deferred { destination: "pacs".to_owned(), due, error }).await;
    assert_eq!(fixture.due("pacs"), [1]);
}

#[tokio::test]
async fn a_rejected_object_goes_nowhere() {
    let fixture = Fixture::new();
    fixture.receive(1).await;
    fixture.event(1, judged(hold("IMG-ID-001"), &["pacs"])).await;
    fixture.event(1, rejected()).await;
    assert_eq!(fixture.state(1), ObjectState::Rejected);
    let refused = Refused::NotHeld(ObjectState::Rejected);
    assert_eq!(fixture.refusal(1, released()).await, refused);
    assert_eq!(fixture.refusal(1, rejected()).await, refused);
}

#[tokio::test]
async fn only_held_objects_can_be_released_or_rejected() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let refused = Refused::NotHeld(ObjectState::Forwarding);
    assert_eq!(fixture.refusal(1, released()).await, refused);
    assert_eq!(fixture.refusal(1, rejected()).await, refused);
    assert_eq!(fixture.refusal(2, released()).await, Refused::UnknownObject);
}

#[tokio::test]
async fn a_held_delivery_holds_the_object_once_all_others_are_done() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    fixture.event(1, sending("pacs")).await;
    fixture.event(1, delivery_held("pacs")).await;
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    fixture.event(1, delivered("archive")).await;
    assert_eq!(fixture.state(1), ObjectState::Held);
    let held = fixture.ledger.quarantine(&Filter::default(), false, 10).expect("listed");
    assert_eq!(
        held.first().map(|entry| entry.reasons.clone()),
        Some(vec!["pacs_refused".to_owned()])
    );
    fixture.event(1, What::Requeued { destination: "pacs".to_owned() }).await;
    assert_eq!(fixture.due("pacs"), [1]);
    fixture.event(1, delivered("pacs")).await;
    assert_eq!(fixture.state(1), ObjectState::Delivered);
}

#[tokio::test]
async fn an_object_without_destination_is_held() {
    let fixture = Fixture::new();
    fixture.forward(1, &[]).await;
    let explained = fixture.explained(1);
    assert_eq!(
        (explained.state, explained.reasons),
        (ObjectState::Held, vec![NO_DESTINATION.to_owned()])
    );
    assert_eq!(fixture.refusal(1, released()).await, Refused::NoDestination);
    let to = vec!["pacs".to_owned()];
    fixture.event(1, What::Released { by: "li".to_owned(), reason: String::new(), to }).await;
    assert_eq!(fixture.due("pacs"), [1]);
}

#[tokio::test]
async fn an_object_that_is_stopped_on_its_way_is_not_tried_again() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    fixture.event(1, sending("pacs")).await;
    fixture.event(1, What::Held { reasons: vec!["DAMAGED".to_owned()], by: None }).await;
    assert_eq!(fixture.state(1), ObjectState::Held);
    let error = "aborted".to_owned();
    fixture.event(1, What::Deferred { destination: "pacs".to_owned(), due: now(), error }).await;
    assert_eq!((fixture.due("pacs"), fixture.due("archive")), (vec![], vec![]));
    let requeued = What::Requeued { destination: "pacs".to_owned() };
    assert_eq!(fixture.refusal(1, requeued).await, Refused::OnHold);
}

#[tokio::test]
async fn an_attempt_begins_only_on_a_queued_delivery() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, sending("pacs")).await;
    assert_eq!(
        fixture.refusal(1, sending("pacs")).await,
        Refused::NotQueued(DeliveryState::Sending)
    );
    assert_eq!(fixture.refusal(1, sending("other")).await, Refused::NoSuchDelivery);
    fixture.event(1, delivery_held("pacs")).await;
    assert_eq!(fixture.refusal(1, sending("pacs")).await, Refused::NotQueued(DeliveryState::Held));
}

#[tokio::test]
async fn the_same_bytes_are_suppressed_while_queued_and_go_again_once_delivered() {
    let fixture = Fixture::new();
    let copy =
        |object| ObjectRow { sop_instance: row(1).sop_instance, hash: row(1).hash, ..row(object) };
    fixture.forward(1, &["pacs"]).await;
    let first = ObjectId::from_u128(1);
    let arrival = fixture.ledger.received(copy(2)).await.expect("received");
    assert_eq!(arrival, Arrival::Suppressed { by: first });
    fixture.event(1, delivered("pacs")).await;
    let arrival = fixture.ledger.received(copy(3)).await.expect("received");
    assert_eq!(arrival, Arrival::Again { after: first });
    let verdict =
        fixture.ledger.earlier_verdict(&row(1).sop_instance, &row(1).hash).expect("asked");
    assert_eq!(verdict.map(|verdict| verdict.plan), Some(vec![1, 2, 3]));
}

#[tokio::test]
async fn the_same_bytes_from_elsewhere_go_their_own_way() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let title = |text| AeTitle::parse(text).expect("a title");
    let copy =
        |object| ObjectRow { sop_instance: row(1).sop_instance, hash: row(1).hash, ..row(object) };
    for other in [
        ObjectRow { calling_ae: title("CT02"), ..copy(2) },
        ObjectRow { called_ae: title("RESEARCH"), ..copy(3) },
        ObjectRow { peer: "127.0.0.2".parse().expect("an address"), ..copy(4) },
    ] {
        let arrival = fixture.ledger.received(other).await.expect("received");
        assert!(matches!(arrival, Arrival::Again { .. }), "{arrival:?}");
    }
}

#[tokio::test]
async fn other_bytes_under_the_same_uid_are_kept_beside_the_first() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let other = ObjectRow { sop_instance: row(1).sop_instance, ..row(2) };
    let arrival = fixture.ledger.received(other).await.expect("received");
    assert_eq!(arrival, Arrival::Conflict { with: ObjectId::from_u128(1) });
    assert_eq!(fixture.state(2), ObjectState::Received);
}

#[tokio::test]
async fn lists_are_narrowed_by_what_is_asked() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    fixture.forward(2, &["pacs"]).await;
    fixture.receive(3).await;
    fixture.event(3, judged(hold("IMG-ID-001"), &["pacs"])).await;
    fixture.event(1, delivered("archive")).await;
    let queue = |filter: Filter| {
        let entries = fixture.ledger.queue(&filter, 10).expect("listed");
        entries
            .into_iter()
            .map(|entry| (entry.id.as_u128(), entry.delivery.destination))
            .collect::<Vec<_>>()
    };
    let pacs = |object| (object, "pacs".to_owned());
    assert_eq!(
        queue(Filter::default()),
        [pacs(1), pacs(2)],
        "what is delivered or held is no queue"
    );
    let uid = Some(Uid::new("1.2.2"));
    assert_eq!(queue(Filter { sop_instance: uid, ..Filter::default() }), [pacs(2)]);
    let ids = vec![ObjectId::from_u128(1), ObjectId::from_u128(9)];
    assert_eq!(queue(Filter { ids, ..Filter::default() }), [pacs(1)]);
    assert_eq!(
        queue(Filter { after: Some(ObjectId::from_u128(1)), ..Filter::default() }),
        [pacs(2)]
    );
    assert_eq!(queue(Filter { destination: Some("archive".to_owned()), ..Filter::default() }), []);
    assert_eq!(queue(Filter { state: Some(DeliveryState::Sending), ..Filter::default() }), []);
    let states = |all| {
        let entries = fixture.ledger.quarantine(&Filter::default(), all, 10).expect("listed");
        entries.into_iter().map(|entry| entry.state).collect::<Vec<_>>()
    };
    assert_eq!((states(false), states(true)), (vec!["held"], vec!["held"]));
    fixture.event(3, released()).await;
    assert_eq!((states(false), states(true)), (vec![], vec!["released"]));
}

#[tokio::test]
async fn unjudged_objects_are_found_in_order_of_arrival() {
    let fixture = Fixture::new();
    for object in [2, 1, 3] {
        fixture.receive(object).await;
    }
    fixture.event(2, judged(Disposition::Forward, &["pacs"])).await;
    let unjudged = |after| fixture.ledger.unjudged(after, 10).expect("asked");
    assert_eq!(unjudged(None), [ObjectId::from_u128(1), ObjectId::from_u128(3)]);
    assert_eq!(unjudged(Some(ObjectId::from_u128(1))), [ObjectId::from_u128(3)]);
}

#[tokio::test]
async fn whoever_waits_is_woken_by_a_change() {
    let fixture = Fixture::new();
    let mut changes = fixture.ledger.changes();
    changes.mark_unchanged();
    fixture.forward(1, &["pacs"]).await;
    changes.changed().await.expect("the ledger is open");
}

#[tokio::test]
async fn an_object_has_gone_out_from_its_first_attempt() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs", "archive"]).await;
    let gone_out = || {
        let before = fixture.ledger.went_out_as(ObjectId::from_u128(1)).expect("the index");
        before.map(|verdict| verdict.plan)
    };
    assert_eq!(gone_out(), None);
    fixture.event(1, sending("pacs")).await;
    assert_eq!(gone_out(), Some(vec![1, 2, 3]));
    fixture.event(1, delivered("pacs")).await;
    assert_eq!(gone_out(), Some(vec![1, 2, 3]));
}
