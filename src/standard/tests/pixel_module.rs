//! Pixel Data and the module that describes it.

use super::*;
use crate::expression::Value;
use crate::phantom::{Kind, Specimen};

#[track_caller]
fn check(fact: &str, image: &Image, want: impl Into<Value>) {
    assert_eq!(image.look(|subject| subject.fact(fact)), want.into(), "fact.{fact}");
}

const UNKNOWN: Value = Value::Unknown;

#[test]
fn pixels_are_present_in_any_of_four_ways() {
    check("pixels_present", &Image::chest_ct(), true);
    let none = Image::chest_ct().without("PixelData");
    check("pixels_present", &none, false);
    check("pixels_present", &none.clone().with("PixelData", vec![]), false);
    check("pixels_present", &none.with("PixelDataProviderURL", "http://a/b"), true);
    check("pixels_present", &Image::empty(), false);
}

#[test]
fn the_expected_length_follows_from_the_module() {
    let length = "pixel_length_expected";
    check("pixel_length", &Image::chest_ct(), 8_i64);
    check(length, &Image::chest_ct(), 8_i64);
    check(length, &Image::chest_ct().with("NumberOfFrames", "3"), 24_i64);
    check(length, &Image::chest_ct().with("NumberOfFrames", ""), 8_i64);
    let colour = Image::chest_ct().with("SamplesPerPixel", 3).with("BitsAllocated", 8);
    check(length, &colour.clone().with("PhotometricInterpretation", "RGB"), 12_i64);
    check(length, &colour.clone().with("PhotometricInterpretation", "YBR_FULL_422"), 8_i64);
    check(length, &colour.with("PhotometricInterpretation", "YBR_PARTIAL_420"), 6_i64);
    let bits = Image::chest_ct().with("BitsAllocated", 1).with("Columns", 5);
    check(length, &bits, 2_i64);
    for keyword in ["Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "PixelData"] {
        check(length, &Image::chest_ct().without(keyword), UNKNOWN);
    }
    check(length, &Image::chest_ct().with("NumberOfFrames", "0"), UNKNOWN);
    check(length, &Image::chest_ct().with("NumberOfFrames", "many"), UNKNOWN);
}

#[test]
fn fragments_are_counted() {
    const RLE: &str = "1.2.840.10008.1.2.5";
    let count = |specimen: &Specimen, syntax: &str, fact: &str| {
        let data_set = specimen.data_set();
        let scan = scan_reader(data_set.as_slice(), TransferSyntax::of(RLE), Limits::default());
        let scan = scan.expect("memory can be read");
        let arrival = Arrival { transfer_syntax: syntax, end: Some(scan.end), ..arrival() };
        Subject::new(&scan.header, arrival).fact(fact)
    };
    let run = Specimen::new(Kind::Xa, 1).size(8, 8).frames(5).transfer_syntax_of(RLE);
    assert_eq!(count(&run, RLE, "pixel_fragments"), 5_i64.into());
    assert_eq!(count(&run, RLE, "pixel_fragments_expected"), 5_i64.into());
    let more = run.text(crate::dicom::tags::NUMBER_OF_FRAMES, "6");
    assert_eq!(count(&more, RLE, "pixel_fragments_expected"), 6_i64.into());
    assert_eq!(count(&more, "1.2.840.10008.1.2.4.102", "pixel_fragments_expected"), 1_i64.into());
    assert_eq!(count(&more, "1.2.3.4", "pixel_fragments_expected"), UNKNOWN);
    assert_eq!(count(&more, RLE, "pixel_length"), UNKNOWN);
    check("pixel_fragments", &Image::chest_ct(), UNKNOWN);
    check("pixel_fragments_expected", &Image::chest_ct(), UNKNOWN);
}

#[test]
fn classes_of_several_frames_are_known() {
    let class = |uid: &str| Image::empty().with("SOPClassUID", uid);
    for uid in [
        "1.2.840.10008.5.1.4.1.1.2.1",
        "1.2.840.10008.5.1.4.1.1.3.1",
        "1.2.840.10008.5.1.4.1.1.20",
        "1.2.840.10008.5.1.4.1.1.13.1.3",
    ] {
        check("multi_frame_class", &class(uid), true);
    }
    check("multi_frame_class", &Image::chest_ct(), false);
    check("multi_frame_class", &class("1.2.3.4"), false);
    check("multi_frame_class", &Image::empty(), UNKNOWN);
}
