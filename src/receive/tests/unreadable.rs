//! A ledger that cannot be read: nothing is judged on a guess.

use super::*;
use crate::ledger::LedgerFault;
use crate::receive::past::{Past, earlier, past};

/// The ledger's file, moved away before anything was read.
struct Unreadable {
    dir: TempDir,
    ledger: Ledger,
}

impl Unreadable {
    const NAME: &str = "ledger.sqlite";

    fn new() -> Self {
        let dir = TempDir::new().expect("a directory");
        let (spool, _) = Spool::open(
            &spool::Config {
                dir: dir.path().join("spool"),
                reserve: 0,
                ballast: 0,
                ..Default::default()
            },
            now(),
        )
        .expect("a spool");
        let index = ledger::Config {
            path: dir.path().join(Self::NAME),
            offset: jiff::tz::Offset::constant(8),
        };
        let log = Box::new(Log(spool.journal().clone(), Arc::default()));
        let ledger = Ledger::open(&index, log, now()).expect("a ledger");
        let unreadable = Self { dir, ledger };
        unreadable.rename(Self::NAME, "away");
        unreadable
    }

    #[expect(clippy::disallowed_methods, reason = "a test harms what it has made")]
    fn rename(&self, from: &str, to: &str) {
        let path = |name| self.dir.path().join(name);
        std::fs::rename(path(from), path(to)).expect("renamed");
    }
}

#[tokio::test]
async fn a_stopping_gate_leaves_what_it_cannot_compare_to_the_next_start() {
    let gate = Unreadable::new();
    let stop = CancellationToken::new();
    stop.cancel();
    let answer = past(&gate.ledger, ObjectId::from_u128(1), &stop).await;
    assert!(matches!(answer, Err(LedgerFault::Open { .. })), "{answer:?}");
    let answer = earlier(&gate.ledger, &Uid::new("1.2"), blake3::hash(b""), &stop).await;
    assert!(matches!(answer, Err(LedgerFault::Open { .. })), "{answer:?}");
}

#[tokio::test]
async fn a_ledger_that_cannot_be_read_is_asked_until_it_can() {
    let gate = Unreadable::new();
    let stop = CancellationToken::new();
    let mut asking = Box::pin(past(&gate.ledger, ObjectId::from_u128(1), &stop));
    // Longer than the first question takes, and shorter than its answer is waited for.
    let early = timeout(Duration::from_millis(100), &mut asking).await;
    assert!(early.is_err(), "{early:?}");
    gate.rename("away", Unreadable::NAME);
    let answer = timeout(PATIENCE, asking).await.expect("in time");
    assert!(matches!(answer, Ok(Past::Same(None))), "{answer:?}");
}
