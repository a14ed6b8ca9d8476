//! What the ledger knows after a crash, and how it is built anew.

use super::*;
use crate::ledger::event::to_record;

/// Rebuilds on a thread of its own: the call blocks, and the tests are async.
fn rebuild(ledger: &Ledger, rows: Vec<ObjectRow>, entries: Vec<Entry>) -> Replayed {
    std::thread::scope(|scope| scope.spawn(|| ledger.rebuild(rows, entries)).join())
        .expect("no panic")
        .expect("rebuilt")
}

fn missing(ledger: &Ledger, objects: &[u128]) -> Vec<ObjectId> {
    let objects = objects.iter().copied().map(ObjectId::from_u128).collect();
    std::thread::scope(|scope| scope.spawn(|| ledger.missing(objects)).join())
        .expect("no panic")
        .expect("marked")
}

#[tokio::test]
async fn nothing_takes_effect_that_the_log_does_not_confirm() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.log.fail(true);
    let fault = fixture.ledger.record(event(1, delivered("pacs"))).await;
    assert!(matches!(fault, Err(LedgerFault::Log(_))), "{fault:?}");
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    fixture.log.fail(false);
    fixture.event(1, delivered("pacs")).await;
    assert_eq!(fixture.state(1), ObjectState::Delivered);
}

#[tokio::test]
async fn a_panic_fails_what_was_asked_and_nothing_else() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.log.panic_once();
    let fault = fixture.ledger.record(event(1, delivered("pacs"))).await;
    assert!(matches!(fault, Err(LedgerFault::Panicked)), "{fault:?}");
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    fixture.ledger.ready().expect("it goes on");
    fixture.log.panic_once();
    let stop = tokio_util::sync::CancellationToken::new();
    let ledger = &fixture.ledger;
    insist(&stop, || ledger.record(event(1, delivered("pacs")))).await.expect("recorded");
    assert_eq!(fixture.state(1), ObjectState::Delivered);
}

#[tokio::test]
async fn an_index_that_is_behind_its_journal_is_not_ready_until_it_has_caught_up() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    // A commit that must fail: a deferred constraint is checked by nothing else.
    let db = Connection::open(fixture.dir.path().join("ledger.sqlite")).expect("opens");
    db.execute_batch(
        "CREATE TABLE parent (id INTEGER PRIMARY KEY);
         CREATE TABLE child (parent INTEGER REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);
         CREATE TRIGGER orphan AFTER UPDATE ON mark BEGIN INSERT INTO child VALUES (1); END;",
    )
    .expect("set up");
    let fault = fixture.ledger.record(event(1, delivered("pacs"))).await;
    assert!(matches!(fault, Err(LedgerFault::Behind)), "{fault:?}");
    assert!(matches!(fixture.ledger.ready(), Err(LedgerFault::Behind)));
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    db.execute_batch("DROP TRIGGER orphan").expect("mended");
    fixture.receive(2).await;
    fixture.ledger.ready().expect("it has caught up");
    assert_eq!(fixture.state(1), ObjectState::Delivered);
}

#[tokio::test]
async fn attempts_are_not_logged() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let before = fixture.log.entries().len();
    fixture.event(1, sending("pacs")).await;
    let error = String::new();
    fixture.event(1, What::Deferred { destination: "pacs".to_owned(), due: now(), error }).await;
    assert_eq!(fixture.log.entries().len(), before);
}

#[tokio::test]
async fn an_attempt_that_a_crash_cut_off_is_made_again() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, sending("pacs")).await;
    assert_eq!(fixture.due("pacs"), [0; 0]);
    let fixture = fixture.restart();
    assert_eq!(fixture.due("pacs"), [1]);
    assert_eq!(fixture.explained(1).deliveries.first().map(|delivery| delivery.attempts), Some(1));
}

#[tokio::test]
async fn an_index_that_lost_its_last_transactions_catches_up_from_the_log() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.ledger.checkpoint().await.expect("checkpointed");
    let path = fixture.dir.path().join("ledger.sqlite");
    let old = std::fs::read(&path).expect("read");
    fixture.event(1, delivered("pacs")).await;
    let Fixture { dir, log, ledger } = fixture;
    drop(ledger);
    for file in std::fs::read_dir(dir.path()).expect("listed") {
        std::fs::write(file.expect("an entry").path(), b"").expect("emptied");
    }
    std::fs::write(&path, old).expect("written");
    let fixture = Fixture { ledger: open(&dir, &log), dir, log };
    assert_eq!(fixture.state(1), ObjectState::Forwarding);
    let want = Replayed { applied: 1, known: 1, ..Replayed::default() };
    assert_eq!(rebuild(&fixture.ledger, vec![], fixture.log.entries()), want);
    assert_eq!(fixture.state(1), ObjectState::Delivered);
}

#[tokio::test]
async fn a_damaged_index_is_replaced_and_built_from_rows_and_log() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.forward(2, &["pacs"]).await;
    fixture.event(1, delivered("pacs")).await;
    let Fixture { dir, log, ledger } = fixture;
    drop(ledger);
    std::fs::write(dir.path().join("ledger.sqlite"), [b'x'; 10_000]).expect("written");
    let fixture = Fixture { ledger: open(&dir, &log), dir, log };
    assert!(fixture.ledger.is_fresh());
    let replayed = rebuild(&fixture.ledger, vec![row(1), row(2), row(3)], fixture.log.entries());
    assert_eq!(replayed, Replayed { applied: 3, ..Replayed::default() });
    assert_eq!(fixture.state(1), ObjectState::Delivered);
    assert_eq!(fixture.state(2), ObjectState::Forwarding);
    assert_eq!(fixture.state(3), ObjectState::Received);
}

#[tokio::test]
async fn after_a_crash_every_page_of_the_index_is_checked() {
    let fixture = Fixture::new();
    for object in 1..200 {
        fixture.receive(object).await;
    }
    let Fixture { dir, log, ledger } = fixture;
    drop(ledger);
    let path = dir.path().join("ledger.sqlite");
    let db = Connection::open(&path).expect("opens");
    let clean = |value: bool| schema::set_clean(&db, value).expect("noted");
    assert!(clean(false), "it had been closed in order");
    drop(db);
    let mut bytes = std::fs::read(&path).expect("read");
    let middle = bytes.len() / 2;
    bytes.get_mut(middle..middle + 8192).expect("long enough").fill(0xA5);
    std::fs::write(&path, bytes).expect("written");
    assert!(open(&dir, &log).is_fresh());
}

#[tokio::test]
async fn copies_are_not_suppressed_in_a_rebuild() {
    // The first may have been delivered, as the log is about to say; then the second goes again.
    let fixture = Fixture::new();
    let copy = ObjectRow { id: ObjectId::from_u128(2), ..row(1) };
    let mut entries = Vec::new();
    for (sequence, what) in (1..).zip([judged(Disposition::Forward, &["pacs"]), delivered("pacs")])
    {
        entries.push((sequence, to_record(&event(1, what))));
    }
    rebuild(&fixture.ledger, vec![row(1), copy], entries);
    assert_eq!(fixture.state(1), ObjectState::Delivered);
    assert_eq!(fixture.state(2), ObjectState::Received);
}

#[tokio::test]
async fn the_log_of_a_removed_object_says_nothing() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.event(1, delivered("pacs")).await;
    let other = Fixture::new();
    let replayed = rebuild(&other.ledger, vec![], fixture.log.entries());
    assert_eq!(replayed, Replayed { applied: 2, ..Replayed::default() });
    assert_eq!(other.ledger.conservation().expect("counted"), []);
}

#[tokio::test]
async fn an_object_of_which_only_the_log_speaks_is_lost_unless_its_custody_had_ended() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let other = Fixture::new();
    let replayed = rebuild(&other.ledger, vec![], fixture.log.entries());
    assert_eq!(replayed.lost, [ObjectId::from_u128(1)]);
    assert_eq!(other.log.told_lost(), replayed.lost);
    assert_eq!(other.state(1), ObjectState::Lost);
    assert!(!other.ledger.conservation().expect("counted").iter().all(Conservation::balances));
}

#[tokio::test]
async fn a_row_without_file_is_lost_unless_its_custody_had_ended() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    fixture.forward(2, &["pacs"]).await;
    fixture.event(2, delivered("pacs")).await;
    assert_eq!(missing(&fixture.ledger, &[1, 2, 3]), [ObjectId::from_u128(1)]);
    assert_eq!(fixture.log.told_lost(), [ObjectId::from_u128(1)]);
    assert_eq!(fixture.state(1), ObjectState::Lost);
    assert_eq!(fixture.state(2), ObjectState::Delivered);
    assert_eq!(fixture.due("pacs"), [0; 0], "a lost object is not tried");
    assert!(fixture.ledger.known().expect("known").is_empty());
    assert!(!fixture.ledger.conservation().expect("counted").iter().all(Conservation::balances));
}

#[tokio::test]
async fn a_lost_object_whose_file_turns_up_again_goes_on() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    missing(&fixture.ledger, &[1]);
    rebuild(&fixture.ledger, vec![row(1)], vec![]);
    assert_eq!((fixture.state(1), fixture.due("pacs")), (ObjectState::Forwarding, vec![1]));
}

#[tokio::test]
async fn records_that_cannot_be_read_are_counted_and_kept() {
    let fixture = Fixture::new();
    let replayed = rebuild(&fixture.ledger, vec![], vec![(1, b"nonsense".to_vec())]);
    assert_eq!(replayed, Replayed { unreadable: 1, ..Replayed::default() });
    assert!(fixture.ledger.keeps(b"nonsense").expect("asked"));
}

#[tokio::test]
async fn a_record_is_kept_as_long_as_its_object() {
    let fixture = Fixture::new();
    fixture.forward(1, &["pacs"]).await;
    let (_, record) = fixture.log.entries().remove(0);
    let keeps = || fixture.ledger.keeps(&record).expect("asked");
    assert!(keeps());
    fixture.event(1, delivered("pacs")).await;
    assert!(keeps(), "its file is still there");
    fixture.ledger.removed(vec![ObjectId::from_u128(1)]).await.expect("removed");
    assert!(!keeps());
}

#[tokio::test]
async fn an_index_of_a_later_version_is_left_alone() {
    let fixture = Fixture::new();
    let Fixture { dir, log, ledger } = fixture;
    drop(ledger);
    let path = dir.path().join("ledger.sqlite");
    let db = Connection::open(&path).expect("opens");
    db.execute("UPDATE schema_version SET version = 99", []).expect("updated");
    drop(db);
    let config = Config { path, offset: jiff::tz::offset(8) };
    match Ledger::open(&config, Box::new(log), now()) {
        Err(LedgerFault::TooNew { found: 99, known: 1, .. }) => {}
        Err(other) => panic!("{other}"),
        Ok(_ledger) => panic!("must not open"),
    }
}
