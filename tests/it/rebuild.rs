//! The ledger is an index: without it, everything is told again from the objects' files and the journal.

use crate::support::figure::{figure, scale};
use crate::support::gate::{Configuration, Gate};
use crate::support::hoard::{self, Mix};
use crate::support::sink::Sink;
use std::time::{Duration, Instant};

#[test]
fn a_ledger_that_was_deleted_is_built_again_and_says_the_same() {
    let objects = scale(2_000, 100_000);
    let sink = Sink::down();
    let mut gate = Gate::lay(&Configuration::new().pacs(&sink));
    let spool = gate.folder().join("spool");
    hoard::fill(&spool, objects, Mix::Everything);
    let before = hoard::told(&spool);
    assert_eq!(before.len(), objects as usize);
    hoard::forget_index(&spool);

    let begun = Instant::now();
    gate.restart_within(Duration::from_secs(600));
    let took = begun.elapsed();
    assert!(!gate.log().contains("LOST"), "{}", gate.log());
    // What nobody had judged is judged now.
    let unjudged = u64::from(objects / 10);
    crate::support::eventually::eventually("all is judged", Duration::from_secs(300), || {
        let ledger = gate.json(&["ledger"]);
        assert_eq!((&ledger["received"], &ledger["balanced"]), (&objects.into(), &true.into()));
        let status = gate.json(&["status"]);
        (status["queue"]["deliveries"] == 3 * unjudged + unjudged).then_some(())
    });
    gate.kill();

    let mut after = hoard::told(&spool);
    let mut compared = 0;
    for (id, mut told) in before {
        use markgate::ledger::ObjectState;
        let mut now = after.remove(&id).unwrap_or_else(|| panic!("{id} is unknown"));
        if told.0 == ObjectState::Received {
            told.0 = ObjectState::Forwarding;
        }
        if now.0 == ObjectState::Forwarding {
            // Why it had been held is kept with a release, and told for nothing else.
            now.2.clear();
            told.2.clear();
        }
        assert_eq!(now, told, "{id}");
        compared += 1;
    }
    assert!(after.is_empty(), "there are objects that nobody stored");
    figure(
        "R8",
        "spool_without_db_rebuilds",
        format_args!(
            "{compared} objects of six states: rebuilt and ready in {:.1} s, all states as before",
            took.as_secs_f64()
        ),
    );
}
