//! What was found on studies, and what there is of them.

use super::*;

fn found(study: &str, settled: &str) -> StudyRow {
    StudyRow {
        study: Uid::new(study),
        settled: settled.parse().expect("a timestamp"),
        cause: "quiet".to_owned(),
        instances: 2,
        severity: Some("warn".to_owned()),
        report: "{\"findings\":[]}".to_owned(),
    }
}

#[tokio::test]
async fn what_was_found_is_kept_over_a_restart_and_replaced_by_what_is_found_later() {
    let fixture = Fixture::new();
    let first = found("1.2", "2026-11-24T10:00:00Z");
    fixture.ledger.study_settled(first.clone()).await.expect("kept");
    fixture.ledger.study_settled(found("1.9", "2026-11-24T11:00:00Z")).await.expect("kept");
    let fixture = fixture.restart();
    assert_eq!(fixture.ledger.study(&first.study).expect("asked"), Some(first));
    let second = StudyRow { severity: None, ..found("1.2", "2026-11-24T12:00:00Z") };
    fixture.ledger.study_settled(second.clone()).await.expect("kept");
    let listed = fixture.ledger.studies(10).expect("asked");
    assert_eq!(listed, [second, found("1.9", "2026-11-24T11:00:00Z")]);
    let before = "2026-11-24T11:30:00Z".parse().expect("a timestamp");
    fixture.ledger.forget(before).await.expect("forgotten");
    assert_eq!(fixture.ledger.studies(10).expect("asked").len(), 1);
    assert_eq!(fixture.ledger.study(&Uid::new("1.9")).expect("asked"), None);
}

#[tokio::test]
async fn the_objects_of_a_study_and_whether_it_was_looked_at_since() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    assert_eq!(fixture.receive(2).await, Arrival::New);
    let study = Uid::new("1.2");
    let objects = fixture.ledger.of_study(&study, 10).expect("asked");
    let states: Vec<(u128, ObjectState, bool)> =
        objects.iter().map(|object| (object.id.as_u128(), object.state, object.present)).collect();
    assert_eq!(states, [(1, ObjectState::Forwarding, true), (2, ObjectState::Received, true)]);
    assert_eq!(fixture.ledger.of_study(&study, 1).expect("asked").len(), 1);

    let hour =
        |hour: i64| now().checked_add(jiff::SignedDuration::from_hours(hour)).expect("a time");
    let unsettled = |since| fixture.ledger.unsettled_studies(since).expect("asked");
    assert_eq!(unsettled(hour(-1)), [(study.clone(), now())]);
    assert_eq!(unsettled(hour(1)), []);
    let settled = StudyRow { settled: hour(1), ..found("1.2", "2026-11-24T10:00:00Z") };
    fixture.ledger.study_settled(settled).await.expect("kept");
    assert_eq!(unsettled(hour(-1)), []);
}
