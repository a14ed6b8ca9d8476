//! How marks are shown, as it is counted.

use super::*;
use crate::observe::metrics::{Fallback, Mode};
use crate::pipeline::{self, Image, Site};
use crate::receive::telling::count_modes;
use crate::stamp::{StampMode, StampRows};
use crate::standard::declarations;

#[test]
fn modes_count_and_so_do_those_that_could_not_be_had() {
    let modes = vec![StampMode::BurnIn, StampMode::Tag];
    let modes = StampRows::build(Vec::new(), modes, &declarations()).expect("no rows");
    let site = Site { modes, ..pipeline::tests::site() };
    let specimen = ct(1);
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
    };
    let verdict = pipeline::judge(&site, &image, now());
    let metrics = Metrics::new();
    count_modes(&metrics, &verdict);
    count_modes(&metrics, &verdict);
    let shown = |mode| metrics.stamp_modes.get_or_create(&Mode { mode }).get();
    assert_eq!((shown("tag"), shown("burn-in")), (2, 0));
    let fallback =
        |mode, reason| metrics.stamp_fallbacks.get_or_create(&Fallback { mode, reason }).get();
    assert_eq!((fallback("burn-in", "NO_PIXELS"), fallback("tag", "NO_PIXELS")), (2, 0));
}
