//! The facts, each of pictures that have it, have it not, and cannot tell.

use std::cell::Cell;
use std::time::Duration;

use super::*;
use crate::codec::{CodecFault, Colour};
use crate::dicom::photometric::Photometric;
use crate::standard::tests::{Image, without_hurry};

const SIDE: usize = 64;

/// Frames that are at hand, in strips of so many rows.
struct Canned {
    shape: Result<FrameShape, PixelFault>,
    frames: Vec<Result<Vec<u16>, PixelFault>>,
    stray_bits: Option<bool>,
    strip: usize,
    /// How far its clock goes with each look at it.
    tick: Duration,
    ticks: Cell<u32>,
    read: Cell<u32>,
}

impl PixelSource for Canned {
    fn shape(&self) -> Result<FrameShape, PixelFault> {
        self.shape
    }

    fn frames(&self) -> Result<u32, PixelFault> {
        Ok(self.frames.len() as u32)
    }

    fn look(&self, index: u32, see: See<'_>) -> Result<(), PixelFault> {
        self.read.set(self.read.get() + 1);
        let samples = self.frames[index as usize].clone()?;
        let samples: Vec<u8> = samples.into_iter().flat_map(u16::to_le_bytes).collect();
        let strips = samples.chunks(2 * usize::from(self.shape?.columns) * self.strip);
        for samples in strips {
            let stray_bits = self.stray_bits;
            see(&Strip { colour: Colour::Single, sample_bytes: 2, samples, stray_bits })?;
        }
        Ok(())
    }

    fn spent(&self) -> Duration {
        self.ticks.set(self.ticks.get() + 1);
        self.tick * self.ticks.get()
    }
}

pub(super) fn shape() -> FrameShape {
    FrameShape {
        rows: SIDE as u16,
        columns: SIDE as u16,
        photometric: Photometric::Monochrome2,
        allocated: 16,
        stored: 12,
        high_bit: 11,
        signed: false,
        planar: false,
    }
}

fn canned(frames: Vec<Vec<u16>>) -> Canned {
    Canned {
        shape: Ok(shape()),
        frames: frames.into_iter().map(Ok).collect(),
        stray_bits: Some(false),
        strip: SIDE,
        tick: Duration::ZERO,
        ticks: Cell::new(0),
        read: Cell::new(0),
    }
}

/// A picture by row and column.
fn drawn(at: impl Fn(usize, usize) -> u16) -> Vec<u16> {
    (0..SIDE * SIDE).map(|place| at(place / SIDE, place % SIDE)).collect()
}

/// Something of all levels, without a border.
fn picture() -> Vec<u16> {
    drawn(|row, column| 200 + (row * 20 + column * 30 + (row * 7 + column * 13) % 11) as u16)
}

pub(super) fn image() -> Image {
    Image::chest_ct()
        .with("RescaleSlope", "1")
        .with("RescaleIntercept", "-1024")
        .with("RescaleType", "HU")
        .with("WindowCenter", "40")
        .with("WindowWidth", "400")
}

fn fact(name: &str, canned: &Canned, image: &Image) -> Value {
    assert!(PIXEL_FACTS.iter().any(|fact| fact.name == name), "{name}");
    image.look_at_pixels(canned, without_hurry(Looking::default()), |subject| subject.pixel(name))
}

#[track_caller]
fn check(name: &str, frame: Vec<u16>, want: impl Into<Value>) {
    assert_eq!(fact(name, &canned(vec![frame]), &image()), want.into(), "{name}");
}

#[track_caller]
fn check_near(name: &str, frame: Vec<u16>, want: f64) {
    near(name, &fact(name, &canned(vec![frame]), &image()), want);
}

#[track_caller]
fn near(name: &str, found: &Value, want: f64) {
    let number = match found {
        Value::Double(number) => *number,
        Value::Int(number) => *number as f64,
        Value::Unknown | Value::Bool(_) | Value::Text(_) | Value::List(_) => f64::NAN,
    };
    assert!((number - want).abs() < 0.02 * want.abs().max(0.05), "{name}: {number}, not {want}");
}

#[test]
fn names_are_given_once_and_declared() {
    let mut names: Vec<&str> = PIXEL_FACTS.iter().map(|fact| fact.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), PIXEL_FACTS.len());
    let declared = declare(Declarations::object());
    let declared = declared.variables().filter(|(name, _)| name.starts_with("pixel."));
    assert_eq!(declared.count(), PIXEL_FACTS.len());
}

#[test]
fn without_pixels_every_fact_is_unknown_and_the_reason_is_known() {
    image().look(|subject| {
        for fact in PIXEL_FACTS {
            assert_eq!(subject.pixel(fact.name), Value::Unknown, "{}", fact.name);
        }
        assert_eq!(subject.pixel_fault(), Some(PixelFault::NotLookedAt));
        assert_eq!(subject.pixel_hash(), None);
    });
}

#[test]
fn nothing_is_read_before_a_fact_is_asked_for_and_then_all_at_once() {
    let canned = canned(vec![picture()]);
    image().look_at_pixels(&canned, without_hurry(Looking::default()), |subject| {
        assert_eq!(canned.read.get(), 0);
        subject.expect_pixels(needs_at(0..PIXEL_FACTS.len()));
        for fact in PIXEL_FACTS {
            assert_ne!(subject.pixel(fact.name), "never".into());
        }
        assert_eq!(subject.pixel_fault(), None);
        // Its border, once more, when it is known what a border is.
        assert_eq!(canned.read.get(), 2);
        assert_eq!(subject.pixel("nonsense"), Value::Unknown);
    });
}

#[test]
fn a_blank_image_is_blank_and_padding_is_no_picture() {
    check("blank", picture(), false);
    check("blank", vec![7; SIDE * SIDE], true);
    check("all_padding", vec![7; SIDE * SIDE], false);
    let padded = image().with("PixelPaddingValue", 0);
    let half = drawn(|row, _| if row < 10 { 0 } else { 900 });
    let of = |name, frame| fact(name, &canned(vec![frame]), &padded);
    assert_eq!(of("blank", half.clone()), true.into());
    assert_eq!(of("all_padding", half), false.into());
    assert_eq!(of("all_padding", vec![0; SIDE * SIDE]), true.into());
    assert_eq!(of("min", vec![0; SIDE * SIDE]), Value::Unknown);
}

#[test]
fn percentiles_are_those_of_what_is_no_padding() {
    // 0 to 4095 in steps of 1, and a corner of padding.
    let ramp = || drawn(|row, column| (row * SIDE + column) as u16);
    let all = ["min", "p0_5", "p1", "p5", "p50", "p95", "p99", "p99_5", "max"];
    let wants = [0, 20, 40, 204, 2047, 3891, 4055, 4075, 4095];
    for (name, want) in all.into_iter().zip(wants) {
        check(name, ramp(), want);
    }
    check("spread", ramp(), 4055);
    check_near("spread_share", ramp(), 0.99);
    let padded = image().with("PixelPaddingValue", 0).with("PixelPaddingRangeLimit", 4000);
    assert_eq!(fact("min", &canned(vec![ramp()]), &padded), 4001.into());
    let palette = FrameShape { photometric: Photometric::PaletteColor, ..shape() };
    let indices = Canned { shape: Ok(palette), ..canned(vec![ramp()]) };
    assert_eq!(fact("p50", &indices, &image()), Value::Unknown);
    assert_eq!(fact("blank", &indices, &image()), false.into());
}

#[test]
fn signed_values_keep_their_sign() {
    let signed = FrameShape { signed: true, ..shape() };
    let frame = drawn(|row, _| if row < 32 { (-1000_i16).cast_unsigned() } else { 50 });
    let canned = Canned { shape: Ok(signed), ..canned(vec![frame]) };
    assert_eq!(fact("min", &canned, &image()), (-1000).into());
    assert_eq!(fact("max", &canned, &image()), 50.into());
}

#[test]
fn clipped_pixels_count_where_they_are_no_border() {
    check_near("clipped_share", picture(), 0.0);
    // A quarter of the picture burnt out, in the midst of it.
    let burnt = |row: usize, column: usize| {
        let inside = (16..48).contains(&row) && (16..48).contains(&column);
        if inside { 4095 } else { 1000 + (row * 41 + column * 37) as u16 % 2000 }
    };
    check_near("clipped_share", drawn(burnt), 0.25);
    let framed = |row: usize, column: usize| {
        let inside = (16..48).contains(&row) && (16..48).contains(&column);
        if inside { 1000 + (row * 3 + column) as u16 } else { 0 }
    };
    check_near("clipped_share", drawn(framed), 0.0);
    check("clipped_share", vec![7; SIDE * SIDE], Value::Unknown);
}

#[test]
fn what_is_nearly_black_or_white_is_not_exposed() {
    check_near("exposed_share", picture(), 0.98);
    let stripes =
        drawn(|row, column| if (row + column) % 10 == 0 { 2000 } else { 4000 * (row % 2) as u16 });
    check_near("exposed_share", stripes, 0.116);
    check("exposed_share", vec![7; SIDE * SIDE], Value::Unknown);
}

#[test]
fn stray_bits_are_told_as_the_source_found_them() {
    for found in [Some(true), Some(false), None] {
        let canned = Canned { stray_bits: found, ..canned(vec![picture()]) };
        assert_eq!(fact("stray_bits", &canned, &image()), found.into());
    }
}

#[test]
fn lost_rows_and_columns_are_counted() {
    let with = |lost: fn(usize, usize) -> bool| {
        let whole = picture();
        drawn(move |row, column| if lost(row, column) { 0 } else { whole[row * SIDE + column] })
    };
    check("constant_rows", picture(), 0);
    check("constant_rows", with(|row, _| (20..30).contains(&row)), 10);
    check("constant_columns", picture(), 0);
    check("constant_columns", with(|_, column| (20..29).contains(&column)), 9);
    check_near("trailing_share", picture(), 0.0);
    check_near("trailing_share", with(|row, _| row >= 48), 0.25);
}

#[test]
fn hounsfield_units_are_told_of_ct_alone() {
    // Air above, tissue of 40 below.
    let chest = || drawn(|row, column| if row < 20 { 24 } else { 1060 + (column % 9) as u16 });
    check_near("hu_p0_5", chest(), -1000.0);
    check_near("hu_p99", chest(), 44.0);
    check_near("hu_tissue", chest(), 40.0);
    check("hu_tissue", vec![24; SIDE * SIDE], Value::Unknown);
    let of = |image: &Image| fact("hu_p0_5", &canned(vec![chest()]), image);
    assert_eq!(of(&image().with("Modality", "MR")), Value::Unknown);
    assert_eq!(of(&image().with("RescaleType", "US")), Value::Unknown);
    assert_eq!(of(&image().with("RescaleSlope", "0")), Value::Unknown);
    assert_eq!(of(&image().with("RescaleSlope", "steep")), Value::Unknown);
    let falling = image().with("RescaleSlope", "-1").with("RescaleIntercept", "1100");
    near("hu_p99", &fact("hu_p99", &canned(vec![chest()]), &falling), 1076.0);
    near("hu_tissue", &fact("hu_tissue", &canned(vec![chest()]), &falling), 38.0);
}

#[test]
fn a_window_shows_a_share_of_the_values() {
    // 0 to 4095: -1024 to 3071 in the rescaled units that the window is in.
    let ramp = || drawn(|row, column| (row * SIDE + column) as u16);
    check_near("window_share", ramp(), 401.0 / 4096.0);
    let of = |image: &Image| fact("window_share", &canned(vec![ramp()]), image);
    near("window_share", &of(&image().with("WindowCenter", "9000")), 0.0);
    assert_eq!(of(&image().without("WindowWidth")), Value::Unknown);
    assert_eq!(of(&image().with("WindowWidth", "0")), Value::Unknown);
    assert_eq!(of(&image().with("WindowCenter", "middle")), Value::Unknown);
}

#[test]
fn noise_and_pictures_differ_in_likeness_and_entropy() {
    check_near("entropy", vec![7; SIDE * SIDE], 0.0);
    check_near("entropy", drawn(|row, _| (row / 32 * 1000) as u16), 1.0);
    check("correlation", vec![7; SIDE * SIDE], Value::Unknown);
    check_near("correlation", picture(), 1.0);
    let checks = drawn(|row, column| ((row + column) % 2 * 4000) as u16);
    check_near("correlation", checks, -1.0);
}

#[test]
fn a_background_is_dark_by_its_values_and_by_how_they_are_shown() {
    let body = |row: usize, column: usize| {
        let inside = (16..48).contains(&row) && (16..48).contains(&column);
        if inside { 2000 + (row * 9 + column * 3) as u16 } else { 10 + (column % 3) as u16 }
    };
    check("background_dark", drawn(body), true);
    check("background_dark", drawn(|row, column| 4095 - body(row, column)), false);
    check("background_dark", vec![7; SIDE * SIDE], Value::Unknown);
    let of = |image: &Image| fact("background_dark", &canned(vec![drawn(body)]), image);
    assert_eq!(of(&image().with("RescaleSlope", "-1")), false.into());
    assert_eq!(of(&image().with("PresentationLUTShape", "INVERSE")), false.into());
    let inverse = FrameShape { photometric: Photometric::Monochrome1, ..shape() };
    let inverse = Canned { shape: Ok(inverse), ..canned(vec![drawn(body)]) };
    assert_eq!(fact("background_dark", &inverse, &image()), false.into());
}

#[test]
fn identical_frames_are_known_when_all_were_compared() {
    let of = |frames| fact("identical_frames", &canned(frames), &image());
    assert_eq!(of(vec![picture()]), Value::Unknown);
    assert_eq!(of(vec![picture(); 3]), true.into());
    let other = || drawn(|row, _| row as u16);
    assert_eq!(of(vec![picture(), picture(), other()]), false.into());
    let slow = Canned { tick: Duration::from_millis(90), ..canned(vec![picture(); 40]) };
    image().look_at_pixels(&slow, Looking::default(), |subject| {
        assert_eq!(subject.pixel("identical_frames"), Value::Unknown);
    });
}

#[test]
fn the_hash_is_that_of_the_picture_and_blank_ones_have_none() {
    let hash = |frame: Vec<u16>| {
        image().look_at_pixels(&canned(vec![frame]), without_hurry(Looking::default()), |subject| {
            subject.pixel_hash()
        })
    };
    assert_eq!(hash(picture()), hash(picture()));
    assert!(hash(picture()).is_some());
    assert_ne!(hash(picture()), hash(drawn(|row, _| row as u16)));
    for place in [0, 511, 512, SIDE * SIDE / 2 + 1, SIDE * SIDE - 1] {
        let mut changed = picture();
        changed[place] ^= 1;
        assert_ne!(hash(picture()), hash(changed), "{place}");
    }
    let mut exchanged = picture();
    exchanged.swap(0, 2);
    assert_ne!(hash(picture()), hash(exchanged));
    assert_eq!(hash(vec![7; SIDE * SIDE]), None);
    let found = fact("hash", &canned(vec![picture()]), &image());
    assert_eq!(found.as_text().map(str::len), Some(64));
}

#[test]
fn looking_ends_with_the_time_and_what_was_seen_is_told() {
    // The clock is looked at when looking begins, before each frame, and every few rows: here once a frame.
    let slow = Canned { tick: Duration::from_millis(45), ..canned(vec![picture(); 40]) };
    image().look_at_pixels(&slow, Looking::default(), |subject| {
        assert_eq!(subject.pixel("within_budget"), false.into());
        assert_eq!(subject.pixel("looked_at"), 2.into());
        assert_eq!(subject.pixel("blank"), false.into());
        assert_eq!(subject.pixel("decodes"), Value::Unknown);
        assert_eq!(subject.pixel_fault(), Some(PixelFault::OverBudget));
    });
}

#[test]
fn a_frame_is_left_in_its_midst_when_the_time_is_over() {
    let large = FrameShape { rows: 1024, columns: 1024, ..shape() };
    let frame = || (0..1024 * 1024_u32).map(|place| (place % 4000) as u16).collect();
    let of =
        |tick, strip| Canned { shape: Ok(large), tick, strip, ..canned(vec![frame(), frame()]) };
    let looking = Looking { time: Duration::from_secs(20), ..Looking::default() };
    for strip in [1, 16, 1024] {
        // Twenty looks at the clock are not enough for one frame.
        let slow = of(Duration::from_secs(1), strip);
        image().look_at_pixels(&slow, looking, |subject| {
            assert_eq!(subject.pixel("min"), Value::Unknown);
            assert_eq!(subject.pixel("within_budget"), false.into());
            assert_eq!(subject.pixel_fault(), Some(PixelFault::OverBudget));
            assert_eq!(subject.pixel_hash(), None);
        });
        assert!(slow.ticks.get() < 60, "{}", slow.ticks.get());
    }
    let fast = of(Duration::from_millis(1), 16);
    image().look_at_pixels(&fast, looking, |subject| {
        assert_eq!(subject.pixel("min"), 0.into());
        assert_eq!(subject.pixel("within_budget"), true.into());
    });
    // Nothing at all may be looked at: nothing is.
    let none = Looking { time: Duration::ZERO, ..Looking::default() };
    let still = of(Duration::from_millis(1), 16);
    image().look_at_pixels(&still, none, |subject| {
        assert_eq!(subject.pixel("blank"), Value::Unknown);
        assert_eq!(subject.pixel("within_budget"), false.into());
    });
    assert_eq!(still.read.get(), 0);
}

#[test]
fn only_what_is_asked_for_is_looked_for_and_what_is_expected_at_once() {
    let seen = |expected: Needs, asked: &[&str]| {
        let canned = canned(vec![picture()]);
        image().look_at_pixels(&canned, without_hurry(Looking::default()), |subject| {
            subject.expect_pixels(expected);
            asked.iter().for_each(|name| assert_ne!(subject.pixel(name), "never".into()));
        });
        canned.read.get()
    };
    // The border is walked once values were counted.
    let (values, border) = (["min", "max", "p50", "entropy", "blank"], ["clipped_share"]);
    assert_eq!(seen(Needs::default(), &values), 1);
    assert_eq!(seen(Needs::default(), &border), 2);
    assert_eq!(seen(Needs::default(), &["blank", "min"]), 2);
    assert_eq!(seen(Needs::VALUES, &["blank", "min"]), 1);
    assert_eq!(seen(Needs::VALUES.with(Needs::HASH), &["blank", "hash", "max"]), 1);
    assert_eq!(seen(Needs::BORDER, &["blank", "max", "exposed_share", "clipped_share"]), 2);
}

#[test]
fn a_frame_that_is_too_large_is_not_read() {
    let canned = canned(vec![picture()]);
    let looking = without_hurry(Looking { memory: 1000, ..Looking::default() });
    image().look_at_pixels(&canned, looking, |subject| {
        assert_eq!(subject.pixel("within_budget"), false.into());
        assert_eq!(subject.pixel("blank"), Value::Unknown);
    });
    assert_eq!(canned.read.get(), 0);
}

#[test]
fn damage_is_told_from_what_is_no_fault_of_the_object() {
    let of = |name, fault| {
        let canned = Canned { frames: vec![Err(fault)], ..canned(Vec::new()) };
        fact(name, &canned, &image())
    };
    let damage = PixelFault::Codec(CodecFault::Malformed("cut short"));
    assert_eq!(of("decodes", damage), false.into());
    assert_eq!(of("within_budget", damage), Value::Unknown);
    assert_eq!(of("decodes", PixelFault::Codec(CodecFault::Crashed)), Value::Unknown);
    assert_eq!(of("decodes", PixelFault::Unsupported), Value::Unknown);
    check("decodes", picture(), true);
    // Too few samples for the shape.
    check("decodes", vec![7; 10], false);
    let nothing = Canned { shape: Err(PixelFault::NoPixels), ..canned(Vec::new()) };
    assert_eq!(fact("decodes", &nothing, &image()), Value::Unknown);
}
