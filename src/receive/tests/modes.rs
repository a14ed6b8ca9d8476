//! How marks are shown, and what of the gate's own was found wrong with them, as it is counted.

use super::*;
use crate::observe::metrics::{Code, Fallback, Mode};
use crate::pipeline::{self, Image, Site, Verdict};
use crate::receive::studies::Ruling;
use crate::receive::telling::{count_modes, tell};
use crate::stamp::{StampMode, StampRows};
use crate::standard::declarations;

/// What is decided at a site on an object of which nothing can be read any more.
fn judged(site: &Site, specimen: &Specimen) -> Verdict {
    let (class, syntax) = (specimen.sop_class(), specimen.transfer_syntax());
    let data = specimen.data_set();
    let of = crate::dicom::transfer_syntax::TransferSyntax::of(syntax.as_str());
    let scan = crate::object::scan_reader(data.as_slice(), of, Limits::default()).expect("memory");
    let source = Source { institution: Some(InstitutionId::new("here")), ..Source::default() };
    let image = Image {
        scan: &scan,
        sender: None,
        source: &source,
        sop_class: class.as_str(),
        transfer_syntax: syntax.as_str(),
        announced: crate::standard::Announced::default(),
        urgent: false,
        workshop: None,
        preferred: &[],
        other_version: false,
        study: None,
        keys: None,
        decided: None,
    };
    pipeline::judge(site, &image, now())
}

#[test]
fn modes_count_and_so_do_those_that_could_not_be_had() {
    let modes = vec![StampMode::BurnIn, StampMode::Tag];
    let modes = StampRows::build(Vec::new(), modes, &declarations()).expect("no rows");
    let verdict = judged(&Site { modes, ..pipeline::tests::site() }, &ct(1));
    let metrics = Metrics::new();
    count_modes(&metrics, &verdict);
    count_modes(&metrics, &verdict);
    let shown = |mode| metrics.stamp_modes.get_or_create(&Mode { mode }).get();
    assert_eq!((shown("tag"), shown("burn-in")), (2, 0));
    let fallback =
        |mode, reason| metrics.stamp_fallbacks.get_or_create(&Fallback { mode, reason }).get();
    assert_eq!((fallback("burn-in", "NO_PIXELS"), fallback("tag", "NO_PIXELS")), (2, 0));
}

#[test]
fn a_mark_of_our_own_that_is_not_as_promised_counts() {
    // What stands beside the new item cannot be read, so nobody can say what would go out.
    let verdict = judged(&pipeline::tests::site(), &pipeline::tests::with_equipment(ct(1)));
    let metrics = Metrics::new();
    tell(&metrics, ObjectId::from_u128(1), &verdict);
    let code = |code: &str| Code { code: code.to_owned() };
    let found = metrics.findings.get_or_create(&code("STP-003")).get();
    let unmarked = metrics.unmarked.get_or_create(&code("SELF_CHECK")).get();
    assert_eq!((found, unmarked, metrics.marked.get_or_create(&code("JJJHR")).get()), (1, 1, 0));
}

#[tokio::test]
async fn an_image_whose_study_could_not_be_judged_goes_on_unmarked() {
    let gate = Gate::new().await;
    assert_eq!(gate.send_one(ct(1)).await, 0);
    let known = gate.until_judged(1).await;
    let first = known.first().expect("an object");
    assert!(first.verdict.as_ref().is_some_and(|verdict| verdict.mark.is_some()));
    let mut changes = gate.ledger.changes();
    let ruled = Work::Ruled(first.id, Arc::new(Ruling::FAILED));
    gate.judging.send(ruled).await.expect("taken");
    let again = timeout(PATIENCE, async {
        loop {
            let verdict = gate.known().remove(0).verdict.expect("judged");
            if verdict.version > 1 {
                return (verdict.mark, verdict.reason);
            }
            changes.changed().await.expect("a ledger");
        }
    });
    let again = again.await.expect("judged in time");
    assert_eq!(again, (None, Some("UNCHECKED".to_owned())));
    assert_eq!(states(&gate.known()), [ObjectState::Forwarding]);
    gate.end().await;
}
