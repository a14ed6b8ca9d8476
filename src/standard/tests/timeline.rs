//! The order of dates and the delay of arrival.

use super::*;
use crate::expression::Value;

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

const UNKNOWN: Value = Value::Unknown;

/// Study, series, acquisition and content a minute apart.
fn dated() -> Image {
    Image::chest_ct()
        .with("SeriesTime", "091600")
        .with("AcquisitionTime", "091700")
        .with("ContentDate", "20260520")
        .with("ContentTime", "091800")
}

#[test]
fn disorder_is_that_of_the_worst_pair() {
    check("date_disorder", &dated(), 0.0);
    check("date_disorder_pair", &dated(), UNKNOWN);
    let early = dated().with("AcquisitionTime", "090000").with("SeriesTime", "091400");
    check("date_disorder", &early, 15.0);
    check("date_disorder_pair", &early, "StudyDate > AcquisitionDate");
    let content = dated().with("ContentTime", "081600.5");
    check("date_disorder", &content, 60.0);
    check("date_disorder_pair", &content, "SeriesDate > ContentDate");
    let precise = dated().with("AcquisitionDateTime", "20260520011500+0000");
    check("date_disorder", &precise, 0.0);
    let precise = dated().with("AcquisitionDateTime", "20260520010500+0000");
    check("date_disorder", &precise, 10.0);
}

#[test]
fn without_times_days_are_compared() {
    let days = dated().without("StudyTime");
    check("date_disorder", &days, 0.0);
    check("date_disorder", &days.with("AcquisitionDate", "20260518"), 2.0 * 24.0 * 60.0);
}

#[test]
fn what_cannot_be_compared_is_unknown() {
    let alone = Image::empty().with("StudyDate", "20260520");
    check("date_disorder", &alone, UNKNOWN);
    check("date_disorder", &alone.clone().with("SeriesDate", "00000000"), UNKNOWN);
    check("date_disorder", &alone.with("SeriesDate", "garbage!"), UNKNOWN);
    check("date_disorder", &Image::empty(), UNKNOWN);
    check("series_after_acquisition", &Image::empty(), UNKNOWN);
}

#[test]
fn a_series_may_be_dated_at_its_end() {
    check("series_after_acquisition", &dated(), 0.0);
    check("series_after_acquisition", &dated().with("SeriesTime", "094700"), 30.0);
}

#[test]
fn the_delay_runs_from_the_acquisition() {
    // The assessment is on 2026-06-01 at 14:00 in Beijing.
    let acquired = |date: &str, time: &str| {
        Image::empty().with("AcquisitionDate", date).with("AcquisitionTime", time)
    };
    check("arrival_delay", &acquired("20260601", "130000"), 1.0);
    check("arrival_delay", &acquired("20260530", "140000"), 48.0);
    check("arrival_delay", &acquired("20260601", "143000"), -0.5);
    let precise = Image::empty().with("AcquisitionDateTime", "20260601040000+0000");
    check("arrival_delay", &precise, 2.0);
    let frame = Image::empty().with("FrameAcquisitionDateTime", "20260601110000");
    let content = Image::empty().with_item("FrameContentSequence", &frame);
    let enhanced = Image::empty().with_item("PerFrameFunctionalGroupsSequence", &content);
    check("arrival_delay", &enhanced, 3.0);
    let content = Image::empty().with("ContentDate", "20260601").with("ContentTime", "10");
    check("arrival_delay", &content, 4.0);
    check("arrival_delay", &acquired("20260601", ""), UNKNOWN);
    check("arrival_delay", &acquired("20260631", "130000"), UNKNOWN);
    check("arrival_delay", &acquired("20260601", "noon"), UNKNOWN);
    check("arrival_delay", &Image::empty(), UNKNOWN);
}
