//! What may be removed: never what is in custody, never what is too young by the clock that is asked.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::conservation::{Act, act, perform};
use super::*;
use crate::base::figure::{figure, scale};

/// Instants that a sweep may ask for, with wrong clocks too; all events of these tests are of [`now`].
fn moments() -> [Timestamp; 8] {
    let (hour, day) = (jiff::SignedDuration::from_hours(1), jiff::SignedDuration::from_hours(24));
    [
        Timestamp::MIN,
        Timestamp::UNIX_EPOCH,
        now() - day,
        now() - hour,
        now(),
        now() + hour,
        now() + day,
        "2046-01-01T00:00:00Z".parse().expect("a timestamp"),
    ]
}

/// Lets things happen, then asks by every clock what may go. Gives the number of answers.
fn check(acts: Vec<Act>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let fixture = Fixture::new();
    let mut copies = 0;
    for act in acts {
        runtime.block_on(perform(&fixture, act, &mut copies));
    }
    let mut answers = 0;
    for before in moments() {
        for object in fixture.ledger.removable(before, 1_000).expect("asked") {
            answers += 1;
            let filter = Filter { ids: vec![object], ..Filter::default() };
            // Suppressed copies are not explained. They may go at once where another is kept.
            let Some(found) = fixture.ledger.explain(&filter, 1).expect("asked").pop() else {
                continue;
            };
            let state = found.state;
            assert!(state.is_settled(), "{object} is {state:?} and removable before {before}");
            assert!(
                before > now(),
                "{object} was settled at {} and is removable before {before}",
                now()
            );
        }
    }
    answers
}

#[test]
fn whatever_has_happened_nothing_in_custody_is_removable_by_any_clock() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(scale(48, 2_000)));
    let (histories, answers) = (Cell::new(0), Cell::new(0));
    let outcome = runner.run(&proptest::collection::vec(act(), 0..60), |acts| {
        answers.set(answers.get() + check(acts));
        histories.set(histories.get() + 1);
        Ok(())
    });
    outcome.unwrap_or_else(|fault| panic!("{fault}"));
    figure(
        "R19",
        "retention_never_the_unsent",
        format_args!(
            "{} histories x {} clocks, {} objects removable, 0 of them in custody or too young",
            histories.get(),
            moments().len(),
            answers.get()
        ),
    );
}

#[tokio::test]
async fn what_was_settled_under_a_clock_that_ran_ahead_counts_from_when_that_is_found_out() {
    let fixture = Fixture::new();
    assert_eq!(fixture.ledger.clock().expect("asked"), None);
    fixture.forward(1, &["pacs"]).await;
    let ahead: Timestamp = "2046-01-01T00:00:00Z".parse().expect("a timestamp");
    let answer = Event { object: ObjectId::from_u128(1), at: ahead, what: delivered("pacs") };
    fixture.ledger.record(answer).await.expect("recorded");
    let later = now() + jiff::SignedDuration::from_secs(1);
    let removable = |before| fixture.ledger.removable(before, 10).expect("asked");
    assert_eq!(removable(later), []);
    let note = ClockNote { at: now(), rests: Some(later) };
    fixture.ledger.note_clock(note).await.expect("noted");
    assert_eq!(removable(now()), []);
    assert_eq!(removable(later), [ObjectId::from_u128(1)]);
    let fixture = fixture.restart();
    assert_eq!(fixture.ledger.clock().expect("asked"), Some(note));
    let note = ClockNote { at: now(), rests: None };
    fixture.ledger.note_clock(note).await.expect("noted");
    assert_eq!(fixture.ledger.clock().expect("asked"), Some(note));
}

#[tokio::test]
async fn a_clock_that_once_fell_behind_makes_nobody_forget() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, delivered("pacs")).await;
    let note = ClockNote { at: Timestamp::UNIX_EPOCH, rests: None };
    fixture.ledger.note_clock(note).await.expect("noted");
    fixture.ledger.removed(vec![ObjectId::from_u128(1)]).await.expect("removed");
    let half_a_year_ago = now() - jiff::SignedDuration::from_hours(200 * 24);
    assert_eq!(fixture.ledger.forget(half_a_year_ago).await.expect("asked"), 0);
    let later = now() + jiff::SignedDuration::from_secs(1);
    assert_eq!(fixture.ledger.forget(later).await.expect("asked"), 1);
}

#[tokio::test]
async fn a_later_event_in_the_log_is_refused_and_nothing_behind_it_applied() {
    let fixture = Fixture::new();
    let (dir, log) = (TempDir::new().expect("a directory"), MemoryLog::default());
    let rebuilt = open(&dir, &log);
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, delivered("pacs")).await;
    let mut entries = fixture.log.entries();
    let record = &mut entries.first_mut().expect("an entry").1;
    let at = record.windows(11).position(|text| text == b"\"version\":1").expect("there") + 10;
    *record.get_mut(at).expect("there") = b'2';
    let rows = vec![row(1)];
    let outcome = std::thread::scope(|scope| scope.spawn(|| rebuilt.rebuild(rows, entries)).join());
    match outcome.expect("no panic") {
        Err(LedgerFault::LogTooNew { sequence: 1, found: 2, known: 1 }) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(rebuilt.applied().expect("asked"), 0);
}
