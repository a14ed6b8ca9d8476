use super::*;
use crate::dicom::{Tag, VR, tags};
use crate::phantom::{DataSet, Kind, Specimen, Value};
use crate::stamp::fixture::{frame_with, shape_of, view_of};

/// A small CT without window, rescale or padding, on which a test builds.
fn plain() -> Specimen {
    Specimen::new(Kind::Mr, 1)
        .size(2, 2)
        .without(tags::WINDOW_CENTER)
        .without(tags::WINDOW_WIDTH)
        .without(tags::RESCALE_SLOPE)
        .without(tags::RESCALE_INTERCEPT)
}

fn depth(specimen: Specimen, allocated: u16, stored: u16, signed: bool) -> Specimen {
    let number = |specimen: Specimen, tag: Tag, number: u16| {
        specimen.set(tag, VR::US, Value::Shorts(vec![number]))
    };
    let specimen = number(specimen, tags::BITS_ALLOCATED, allocated);
    let specimen = number(specimen, tags::BITS_STORED, stored);
    let specimen = number(specimen, tags::HIGH_BIT, stored - 1);
    number(specimen, tags::PIXEL_REPRESENTATION, u16::from(signed))
}

fn window(specimen: Specimen, center: &str, width: &str) -> Specimen {
    specimen.text(tags::WINDOW_CENTER, center).text(tags::WINDOW_WIDTH, width)
}

fn rescale(specimen: Specimen, slope: &str, intercept: &str) -> Specimen {
    specimen.text(tags::RESCALE_SLOPE, slope).text(tags::RESCALE_INTERCEPT, intercept)
}

fn display(specimen: &Specimen) -> Display {
    let view = view_of(specimen);
    Display::of(&view, shape_of(&view), 0).expect("a display")
}

/// What stored values are shown as.
#[track_caller]
fn check(specimen: &Specimen, want: &[(i64, u8)]) {
    let display = display(specimen);
    let shown: Vec<(i64, u8)> = want
        .iter()
        .map(|(stored, _)| (*stored, (display.shown(*stored) * 255.0).round() as u8))
        .collect();
    assert_eq!(shown, want);
}

#[test]
fn linear_windows_are_those_of_the_standard() {
    // PS3.3 C.11.2.1.2.1: with c=2048, w=4096 becomes the identity; c=2048, w=1 a threshold.
    let specimen = depth(plain(), 16, 12, false);
    check(&window(specimen.clone(), "2048", "4096"), &[(0, 0), (2048, 128), (4095, 255)]);
    check(&window(specimen.clone(), "2048", "1"), &[(2047, 0), (2048, 255)]);
    check(&window(specimen.clone(), "0", "100"), &[(0, 129), (49, 255), (50, 255)]);
    let exact = window(specimen.clone(), "100", "100").text(tags::VOILUT_FUNCTION, "LINEAR_EXACT");
    check(&exact, &[(50, 0), (100, 128), (150, 255)]);
    let sigmoid = window(specimen, "100", "100").text(tags::VOILUT_FUNCTION, "SIGMOID");
    check(&sigmoid, &[(0, 5), (100, 128), (200, 250)]);
}

#[test]
fn the_first_of_several_windows_holds() {
    let specimen = depth(plain(), 16, 12, false);
    check(&window(specimen, "2048\\100", "4096\\10"), &[(0, 0), (100, 6), (4095, 255)]);
}

#[test]
fn a_window_without_width_is_none() {
    let specimen = depth(plain(), 16, 8, false);
    check(&window(specimen, "10", "0"), &[(0, 0), (255, 255)]);
}

#[test]
fn rescale_comes_before_the_window() {
    let specimen = window(depth(plain(), 16, 12, false), "40", "400");
    check(&rescale(specimen.clone(), "1", "-1024"), &[(864, 0), (1064, 128), (1263, 255)]);
    let falling = rescale(specimen, "-2", "2000");
    check(&falling, &[(1080, 0), (980, 128), (880, 255)]);
}

#[test]
fn signed_samples_are_signed() {
    let specimen = window(depth(plain(), 16, 16, true), "0", "201");
    check(&specimen, &[(-101, 0), (0, 128), (100, 255)]);
}

#[test]
fn polarity_is_that_of_the_presentation_lut_else_of_the_photometric_interpretation() {
    let specimen = window(depth(plain(), 8, 8, false), "128", "256");
    let first = specimen.clone().text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1");
    check(&first, &[(0, 255), (255, 0)]);
    check(&first.text(tags::PRESENTATION_LUT_SHAPE, "INVERSE"), &[(0, 255), (255, 0)]);
    check(&specimen.clone().text(tags::PRESENTATION_LUT_SHAPE, "INVERSE"), &[(0, 255), (255, 0)]);
    check(&specimen.text(tags::PRESENTATION_LUT_SHAPE, "IDENTITY"), &[(0, 0), (255, 255)]);
}

fn lut(specimen: Specimen, sequence: Tag, descriptor: [u16; 3], data: Vec<u16>) -> Specimen {
    let mut item = DataSet::default();
    item.set(tags::LUT_DESCRIPTOR, VR::US, Value::Shorts(descriptor.to_vec())).set(
        tags::LUT_DATA,
        VR::OW,
        Value::Shorts(data),
    );
    specimen.set(sequence, VR::SQ, Value::Items(vec![item]))
}

#[test]
fn lookup_tables_hold_their_ends() {
    let specimen = depth(plain(), 8, 8, false);
    let modality =
        lut(specimen.clone(), tags::MODALITY_LUT_SEQUENCE, [3, 10, 16], vec![0, 100, 200]);
    check(&window(modality, "101", "201"), &[(0, 0), (10, 0), (11, 127), (12, 254), (200, 254)]);
    let voi = lut(specimen.clone(), tags::VOILUT_SEQUENCE, [3, 10, 8], vec![0, 51, 255]);
    check(&voi, &[(0, 0), (11, 51), (12, 255), (255, 255)]);
    // Both: the window is what a viewer shows first.
    check(&window(voi, "128", "256"), &[(11, 11), (255, 255)]);
    // Eight bits, packed.
    let packed = lut(specimen, tags::VOILUT_SEQUENCE, [4, 0, 8], vec![0x3300, 0xFF66]);
    check(&packed, &[(0, 0), (1, 0x33), (2, 0x66), (3, 0xFF)]);
}

#[track_caller]
fn check_fault(specimen: &Specimen, want: DisplayFault) {
    let view = view_of(specimen);
    assert_eq!(Display::of(&view, shape_of(&view), 0), Err(want));
}

#[test]
fn what_cannot_be_told_is_refused() {
    let specimen = depth(plain(), 8, 8, false);
    let short = lut(specimen.clone(), tags::VOILUT_SEQUENCE, [4, 0, 16], vec![0, 1]);
    check_fault(&short, DisplayFault::Table);
    let deep = lut(specimen.clone(), tags::MODALITY_LUT_SEQUENCE, [2, 0, 17], vec![0, 1]);
    check_fault(&deep, DisplayFault::Table);
    check_fault(&rescale(specimen.clone(), "0", "0"), DisplayFault::Rescale);
    check_fault(&rescale(specimen.clone(), "one", "0"), DisplayFault::Rescale);
    let palette = specimen.clone().text(tags::PHOTOMETRIC_INTERPRETATION, "PALETTE COLOR");
    check_fault(&palette, DisplayFault::Palette);
    let video = specimen.clone().text(tags::PHOTOMETRIC_INTERPRETATION, "YBR_PARTIAL_420");
    check_fault(&video, DisplayFault::Photometric);
    let display = display(&specimen);
    let frame = frame_with(&display.shape(), [1, 2, 3]);
    assert_eq!(display.luminance(&frame).map(|_| ()), Err(DisplayFault::Frame));
}

#[test]
fn functional_groups_hold_for_their_frames() {
    let group = |center: &str, intercept: &str| {
        let mut voi = DataSet::default();
        voi.text(tags::WINDOW_CENTER, center).text(tags::WINDOW_WIDTH, "101");
        let mut values = DataSet::default();
        values.text(tags::RESCALE_SLOPE, "1").text(tags::RESCALE_INTERCEPT, intercept);
        let mut item = DataSet::default();
        item.item(tags::FRAME_VOILUT_SEQUENCE, voi)
            .item(tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE, values);
        item
    };
    let groups = |sequence: Tag, items: Vec<DataSet>, specimen: Specimen| {
        specimen.set(sequence, VR::SQ, Value::Items(items))
    };
    let specimen = depth(plain(), 16, 12, false);
    let shared = vec![group("50", "0")];
    let specimen = groups(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, shared, specimen);
    let view = view_of(&specimen);
    let at = |view: &HeaderView, frame| {
        let display = Display::of(view, shape_of(view), frame).expect("a display");
        display.shown(50)
    };
    assert!((at(&view, 0) - 0.505).abs() < 0.001);
    let own = vec![group("50", "50"), group("150", "0")];
    let specimen = groups(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, own, specimen);
    let view = view_of(&specimen);
    assert!(at(&view, 0) > 0.999 && at(&view, 1) < 0.001);
}

#[test]
fn a_frame_without_a_window_is_shown_from_its_least_to_its_greatest_value() {
    let specimen = depth(plain(), 16, 16, true).set(
        tags::PIXEL_PADDING_VALUE,
        VR::SS,
        Value::SignedShorts(vec![-2000]),
    );
    let display = display(&specimen);
    let frame = frame_with(&display.shape(), [-2000, -100, 0, 100]);
    let fitted = display.fitted(&frame);
    let seen = fitted.luminance(&frame).expect("a frame");
    assert_eq!(seen.levels(), [0, 0, 128, 255]);
    assert!(seen.is_padding(0, 0));
    assert!(!seen.is_padding(1, 0));
    // Letters stay within that range: a viewer would choose another window otherwise.
    let shades = fitted.shades();
    assert_eq!((shades.halo, shades.ink), (-100, 100));
}

#[test]
fn a_window_that_there_is_stays() {
    let specimen = window(depth(plain(), 16, 12, false), "2048", "4096");
    let display = display(&specimen);
    let frame = frame_with(&display.shape(), [1, 2, 3, 4]);
    assert_eq!(display.clone().fitted(&frame), display);
}

#[test]
fn thirty_two_bits_are_shown_too() {
    let specimen = window(depth(plain(), 32, 32, false), "2000000000", "4000000000");
    let display = display(&specimen);
    let frame = frame_with(&display.shape(), [0, 1_000_000_000, 2_000_000_000, 4_294_967_295]);
    assert_eq!(display.luminance(&frame).expect("a frame").levels(), [0, 64, 128, 255]);
    assert_eq!(display.survey(&frame).expect("a frame").levels(), [0, 59, 119, 255]);
}

/// Ink is white and halo black as displayed, at every window that matters; steps go up in between; none is padding.
#[track_caller]
fn check_shades(specimen: &Specimen, want: f32) {
    let display = display(specimen);
    let shades = display.shades();
    let (low, high) = display.shape().range();
    let all = || [shades.halo].into_iter().chain(shades.between).chain([shades.ink]);
    for stored in all().map(i64::from) {
        assert!((low..=high).contains(&stored), "{stored} is not from {low} to {high}");
        assert!(!display.is_padding(stored), "{stored} is padding");
    }
    for preset in display.presets() {
        let shown: Vec<f32> = all().map(|stored| preset.shown(i64::from(stored))).collect();
        assert!(shown.is_sorted(), "{shown:?}");
        assert!(shown[STEPS + 1] - shown[0] >= want, "{shown:?} at {preset:?}");
    }
    let levels: Vec<f32> = all().map(|stored| display.shown(i64::from(stored))).collect();
    assert!(levels[0] <= 0.01 && levels[STEPS + 1] >= 0.99, "{levels:?}");
}

#[test]
fn shades_are_black_and_white_at_every_window_of_ct() {
    let ct = |stored, signed, intercept: &str| {
        let specimen = depth(plain(), 16, stored, signed)
            .text(tags::MODALITY, "CT")
            .text(tags::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL");
        rescale(window(specimen, "40", "400"), "1", intercept)
    };
    assert_eq!(display(&ct(16, true, "0")).presets().len(), 5);
    // 16 bits have room below air; 12 bits begin there, which lung windows show dark grey.
    check_shades(&ct(16, true, "0"), 0.999);
    check_shades(&ct(12, false, "-1024"), 0.75);
    check_shades(&ct(16, false, "-8192"), 0.999);
    let padded = ct(16, true, "0");
    let padded = padded.set(tags::PIXEL_PADDING_VALUE, VR::SS, Value::SignedShorts(vec![-1350]));
    let padded =
        padded.set(tags::PIXEL_PADDING_RANGE_LIMIT, VR::SS, Value::SignedShorts(vec![-3000]));
    check_shades(&padded, 0.75);
    let written_unsigned = ct(16, true, "0").set(
        tags::PIXEL_PADDING_VALUE,
        VR::US,
        Value::Shorts(vec![63_536]), // -2000
    );
    check_shades(&written_unsigned, 0.999);
}

#[test]
fn shades_fit_every_depth_sign_polarity_and_slope() {
    for (allocated, stored, center, width) in [
        (8, 8, "100", "120"),
        (16, 10, "512", "600"),
        (16, 12, "2000", "1500"),
        (16, 16, "800", "900"),
    ] {
        for signed in [false, true] {
            for photometric in ["MONOCHROME1", "MONOCHROME2"] {
                for (slope, intercept) in [("1", "0"), ("0.5", "-50"), ("-1", "1000"), ("2", "10")]
                {
                    let specimen = depth(plain(), allocated, stored, signed)
                        .text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
                    let specimen = rescale(window(specimen, center, width), slope, intercept);
                    let shown = display(&specimen);
                    let (low, high) = shown.shape().range();
                    // Only where the samples reach both ends of the window can text be black and white.
                    let ends = [shown.shown(low), shown.shown(high)];
                    if ends.contains(&0.0) && ends.contains(&1.0) {
                        check_shades(&specimen, 0.49);
                    }
                }
            }
        }
    }
}

#[test]
fn shades_of_tables_are_found_by_looking() {
    let specimen = depth(plain(), 16, 12, false);
    let falling: Vec<u16> = (0..=255).rev().collect();
    check_shades(&lut(specimen.clone(), tags::VOILUT_SEQUENCE, [256, 1000, 8], falling), 0.99);
    let curve = (0..4096_u32).map(|value| ((value * value) >> 8) as u16).collect();
    let modality = lut(specimen, tags::MODALITY_LUT_SEQUENCE, [4096, 0, 16], curve);
    check_shades(&window(modality, "30000", "40000"), 0.8);
    let exact = window(depth(plain(), 8, 8, false), "128", "100");
    check_shades(&exact.text(tags::VOILUT_FUNCTION, "SIGMOID"), 0.85);
}

fn palette(reds: Vec<u16>, greens: Vec<u16>, blues: Vec<u16>) -> Specimen {
    let count = reds.len() as u16;
    let mut specimen =
        depth(plain(), 8, 8, false).text(tags::PHOTOMETRIC_INTERPRETATION, "PALETTE COLOR");
    for (descriptor, data, entries) in [
        (
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            reds,
        ),
        (
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            greens,
        ),
        (
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            blues,
        ),
    ] {
        specimen = specimen.set(descriptor, VR::US, Value::Shorts(vec![count, 0, 16])).set(
            data,
            VR::OW,
            Value::Shorts(entries),
        );
    }
    specimen
}

#[test]
fn a_palette_is_looked_through_for_its_brightest_and_darkest_entry() {
    let specimen = palette(
        vec![0x8000, 0xFFFF, 0xFFFF, 0x0000, 0x0101],
        vec![0x8000, 0x0000, 0xFFFF, 0x0000, 0x0101],
        vec![0x8000, 0x0000, 0xFF00, 0xFFFF, 0x0101],
    );
    let display = display(&specimen);
    let shades = display.shades();
    assert_eq!((shades.ink, shades.halo), (2, 4));
    assert_eq!((shades.between[0], shades.between[STEPS / 2]), (3, 0));
    let frame = frame_with(&display.shape(), [0, 1, 2, 3]);
    let rgb = vec![128, 128, 128, 255, 0, 0, 255, 255, 254, 0, 0, 255];
    assert_eq!(display.render(&frame), Ok(Picture::Rgb(rgb)));
    assert_eq!(display.luminance(&frame).expect("a frame").levels(), [128, 76, 255, 29]);
}

#[test]
fn colours_are_drawn_in_black_and_white() {
    for (photometric, colour) in [("RGB", Colour::Rgb), ("YBR_FULL", Colour::Ybr)] {
        let specimen = Specimen::new(Kind::SecondaryCapture, 1)
            .size(1, 2)
            .text(tags::PHOTOMETRIC_INTERPRETATION, photometric);
        let display = display(&specimen);
        let shades = display.shades();
        assert_eq!((shades.halo, shades.between[0], shades.ink), (0, 17, 255));
        let samples = vec![255, 128, 128, 0, 128, 128];
        let frame = Decoded { colour, sample_bytes: 1, samples: samples.clone() };
        let (levels, rgb) = match colour {
            Colour::Ybr => ([255, 0], vec![255, 255, 255, 0, 0, 0]),
            Colour::Rgb | Colour::Single => ([166, 90], samples),
        };
        assert_eq!(display.luminance(&frame).expect("a frame").levels(), levels);
        assert_eq!(display.render(&frame), Ok(Picture::Rgb(rgb)));
    }
}

#[test]
fn cover_becomes_a_shade_in_even_steps() {
    let display = display(&window(depth(plain(), 8, 8, false), "128", "256"));
    let shades = display.shades();
    assert_eq!((shades.of(0), shades.of(255)), (shades.halo, shades.ink));
    let steps: Vec<i32> = (0..=255).map(|cover| shades.of(cover)).collect();
    assert!(steps.is_sorted());
    assert_eq!(shades.of(128), 136);
}
