//! Objects are entered in a transaction that is committed with what comes behind them, and nobody notices.

use tokio::time::Instant;

use super::command::Command;
use super::writer::{Told, Writer};
use super::*;

/// A writer of which the test has each turn in hand.
fn writer(fixture: &TempDir) -> Writer {
    let path = fixture.path().join("ledger.sqlite");
    let config = Config { path, offset: jiff::tz::offset(8) };
    let log = Box::new(MemoryLog::default());
    let (changed, _) = watch::channel(0);
    Writer::open(&config, log, changed, Arc::new(Told::default()), now()).expect("opens").0
}

fn is_open(writer: &Writer) -> bool {
    !writer.db.is_autocommit()
}

fn enter(object: u128) -> Command {
    Command::Received(Box::new(row(object)), oneshot::channel().0)
}

fn record(object: u128, what: What, soon: bool) -> Command {
    Command::Events { events: vec![event(object, what)], soon, reply: oneshot::channel().0 }
}

#[test]
fn what_nobody_waits_for_is_committed_with_what_somebody_waits_for() {
    let folder = TempDir::new().expect("a directory");
    let mut writer = writer(&folder);
    writer.turn(vec![enter(1)], false);
    assert!(is_open(&writer));
    writer.turn(vec![record(1, judged(Disposition::Forward, &["pacs"]), false)], false);
    assert!(!is_open(&writer));
    writer.turn(vec![record(1, delivered("pacs"), true)], false);
    assert_eq!(writer.waiting.len(), 1);
    writer.turn(vec![record(1, delivered("other"), false)], false);
    assert_eq!((is_open(&writer), writer.waiting.len()), (false, 0));
}

#[test]
fn what_has_waited_for_a_while_or_until_the_end_is_committed_by_itself() {
    let folder = TempDir::new().expect("a directory");
    let mut writer = writer(&folder);
    for is_closed in [false, true] {
        writer.turn(vec![enter(u128::from(is_closed))], false);
        writer.turn(vec![record(9, delivered("pacs"), true)], false);
        if !is_closed {
            writer.commit_by = Some(Instant::now());
        }
        writer.turn(Vec::new(), is_closed);
        assert_eq!((is_open(&writer), writer.waiting.len()), (false, 0));
    }
}

#[tokio::test]
async fn an_object_is_seen_as_soon_as_it_is_entered() {
    let fixture = Fixture::new();
    for object in 1..=50 {
        let knows = || fixture.ledger.knows(&row(object).sop_instance).expect("asked");
        assert!(!knows());
        assert_eq!(fixture.receive(object).await, Arrival::New);
        assert!(knows());
        assert_eq!(fixture.state(object), ObjectState::Received);
    }
}

#[tokio::test]
async fn what_is_recorded_soon_is_recorded() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let outcomes =
        fixture.ledger.record_soon(vec![event(1, delivered("pacs")), event(2, delivered("pacs"))]);
    assert_eq!(outcomes.await.expect("recorded"), [Ok(()), Err(Refused::UnknownObject)]);
    assert_eq!(fixture.state(1), ObjectState::Delivered);
}

#[tokio::test]
async fn an_object_stays_entered_when_what_comes_behind_it_fails() {
    let fixture = Fixture::new();
    let judgement = || event(1, judged(Disposition::Forward, &["pacs"]));
    fixture.receive(1).await;
    fixture.log.fail(true);
    let failed = fixture.ledger.record(judgement()).await;
    assert!(matches!(failed, Err(LedgerFault::Log(_))), "{failed:?}");
    fixture.log.fail(false);
    assert_eq!(fixture.state(1), ObjectState::Received);
    fixture.receive(2).await;
    fixture.log.panic_once();
    let failed = fixture.ledger.record(judgement()).await;
    assert!(matches!(failed, Err(LedgerFault::Panicked)), "{failed:?}");
    assert_eq!(fixture.state(2), ObjectState::Received);
    fixture.ledger.record(judgement()).await.expect("recorded");
    assert_eq!(fixture.due("pacs"), [1]);
    assert!(fixture.ledger.ready().is_ok());
}
