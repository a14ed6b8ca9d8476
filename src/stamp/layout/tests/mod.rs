mod real;

use super::*;
use crate::codec::{Decoded, FrameShape};
use crate::dicom::{VR, tags};
use crate::object::HeaderView;
use crate::phantom::{Kind, Specimen, Value};
use crate::stamp::display::Display;
use crate::stamp::fixture::{frame_with, picture_of, shape_of, view_of};

/// The place of text of `size` in an image.
fn place_in(
    view: &HeaderView,
    frames: &[Decoded],
    size: (u32, u32),
    policy: &LayoutPolicy,
    preferred: &[Corner],
) -> Result<Placement, NoPlace> {
    let display = Display::of(view, shape_of(view), 0).expect("a display");
    let display = display.fitted(&frames[0]);
    let survey: Vec<Luminance<'_>> =
        frames.iter().map(|frame| display.survey(frame).expect("a frame")).collect();
    choose(&survey, size, &LayoutFacts::of(view), policy, preferred)
}

/// The corner that text of 200 × 18 goes to.
fn corner_in(view: &HeaderView, frames: &[Decoded]) -> Result<Corner, NoPlace> {
    let place = place_in(view, frames, (200, 18), &LayoutPolicy::default(), &[]);
    place.map(|place| place.corner)
}

#[track_caller]
fn check_phantom(specimen: &Specimen, want: Result<Corner, NoPlace>) {
    let (view, frames) = picture_of(specimen);
    assert_eq!(corner_in(&view, &frames), want);
}

#[test]
fn phantoms_are_marked_where_nothing_is() {
    check_phantom(&Specimen::new(Kind::Ct, 1), Ok(Corner::BottomRight));
    check_phantom(&Specimen::new(Kind::EnhancedCt, 1), Ok(Corner::BottomRight));
    check_phantom(&Specimen::new(Kind::Mr, 1).size(512, 512), Ok(Corner::BottomRight));
    // Belly and liver fill the lower corners.
    check_phantom(&Specimen::new(Kind::Dx, 1).size(600, 600), Ok(Corner::TopRight));
    // Columns lead towards the feet, rows to the back: the chest wall is at the right.
    check_phantom(&Specimen::new(Kind::Mg, 1).size(600, 500), Ok(Corner::BottomLeft));
}

/// A drawing in stored values of 8 bits, seen as they are.
struct Drawing {
    specimen: Specimen,
    shape: FrameShape,
    values: Vec<i64>,
}

const SIDE: usize = 512;

impl Drawing {
    /// Patterns of an anatomy all over but for a border of 100 pixels of `level`.
    fn new(modality: &str, level: i64) -> Self {
        let number = |number: u16| Value::Shorts(vec![number]);
        let specimen = Specimen::new(Kind::Cr, 1)
            // What is said of the size is not what is painted: that would take long, and nobody looks.
            .size(1, 1)
            .set(tags::ROWS, VR::US, number(SIDE as u16))
            .set(tags::COLUMNS, VR::US, number(SIDE as u16))
            .text(tags::MODALITY, modality)
            .set(tags::BITS_ALLOCATED, VR::US, number(8))
            .set(tags::BITS_STORED, VR::US, number(8))
            .set(tags::HIGH_BIT, VR::US, number(7))
            .text(tags::WINDOW_CENTER, "128")
            .text(tags::WINDOW_WIDTH, "256");
        let shape = shape_of(&view_of(&specimen));
        let mut drawing = Self { specimen, shape, values: vec![level; SIDE * SIDE] };
        drawing
            .paint((100, 100), (SIDE - 100, SIDE - 100), |x, y| 100 + (x * 7 + y * 3) as i64 % 90);
        // The ends of the scale, so that a survey shows values as they are.
        drawing.paint((SIDE / 2, SIDE / 2), (SIDE / 2 + 8, SIDE / 2 + 4), |_, _| 0);
        drawing.paint((SIDE / 2, SIDE / 2 + 4), (SIDE / 2 + 8, SIDE / 2 + 8), |_, _| 255);
        drawing
    }

    /// Paints from a column and row to others.
    fn paint(
        &mut self,
        (left, top): (usize, usize),
        (right, bottom): (usize, usize),
        value: impl Fn(usize, usize) -> i64,
    ) -> &mut Self {
        for y in top..bottom {
            for x in left..right {
                self.values[y * SIDE + x] = value(x, y);
            }
        }
        self
    }

    /// Noise of up to `by` either way, upon everything.
    fn noise(&mut self, by: i64) -> &mut Self {
        let mut state = 7_u32;
        for value in &mut self.values {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *value = (*value + i64::from(state >> 16) % (2 * by + 1) - by).clamp(0, 255);
        }
        self
    }

    fn frame(&self) -> Decoded {
        frame_with(&self.shape, self.values.iter().copied())
    }

    fn corner(&self) -> Result<Corner, NoPlace> {
        corner_in(&view_of(&self.specimen), &[self.frame()])
    }
}

/// Fills corners other than those.
fn block(drawing: &mut Drawing, free: &[Corner]) {
    for (corner, left, top) in [
        (Corner::TopLeft, 0, 0),
        (Corner::TopRight, SIDE - 100, 0),
        (Corner::BottomLeft, 0, SIDE - 100),
        (Corner::BottomRight, SIDE - 100, SIDE - 100),
    ] {
        if !free.contains(&corner) {
            drawing.paint((left, top), (left + 100, top + 100), |x, y| 80 + (x ^ y) as i64 % 64);
        }
    }
}

#[test]
fn the_free_corner_is_found() {
    for corner in Corner::ALL {
        let mut drawing = Drawing::new("CR", 5);
        block(&mut drawing, &[corner]);
        assert_eq!(drawing.corner(), Ok(corner));
    }
    let mut drawing = Drawing::new("CR", 5);
    block(&mut drawing, &[]);
    assert_eq!(drawing.corner(), Err(NoPlace::NoSafeCorner));
}

#[test]
fn a_marker_or_text_in_a_corner_is_left_alone() {
    let mut drawing = Drawing::new("CR", 5);
    // An L of two strokes, 10 × 16.
    drawing.paint((470, 492), (473, 508), |_, _| 200).paint((470, 505), (480, 508), |_, _| 200);
    assert_eq!(drawing.corner(), Ok(Corner::BottomLeft));
    // Faint text is text.
    drawing.paint((30, 496), (60, 498), |x, _| if x % 4 < 2 { 30 } else { 5 });
    assert_eq!(drawing.corner(), Ok(Corner::TopRight));
}

#[test]
fn the_edge_of_something_just_beside_the_text_makes_a_corner_unfit() {
    let mut drawing = Drawing::new("CR", 5);
    drawing.paint((300, 400), (512, 486), |x, y| 60 + (x + y) as i64 % 9);
    assert_eq!(drawing.corner(), Ok(Corner::BottomLeft));
}

#[test]
fn a_faint_slope_of_tissue_makes_a_corner_unfit() {
    let mut drawing = Drawing::new("CR", 5);
    drawing.paint((256, 400), (512, 512), |x, _| 5 + (x as i64 - 256) / 16);
    drawing.noise(2);
    assert_eq!(drawing.corner(), Ok(Corner::BottomLeft));
}

#[test]
fn noise_of_air_is_not_signal_and_single_pixels_may_be_faulty() {
    let mut drawing = Drawing::new("MR", 10);
    drawing.noise(9);
    drawing.values[500 * SIDE + 500] = 255;
    drawing.values[505 * SIDE + 400] = 255;
    assert_eq!(drawing.corner(), Ok(Corner::BottomRight));
}

#[test]
fn noise_alone_is_told_from_tissue_by_its_distribution_in_mr() {
    // Magnitudes of noise in two channels: a median well above the darkest there is.
    let magnitudes = |modality| {
        let mut state = 5_u32;
        let mut channel = move || {
            let draws = (0..12).map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f64::from(state >> 16) / 65_536.0
            });
            11.0 * (draws.sum::<f64>() - 6.0)
        };
        let noise: Vec<i64> = (0..SIDE * SIDE).map(|_| channel().hypot(channel()) as i64).collect();
        let mut drawing = Drawing::new(modality, 0);
        for (value, noise) in drawing.values.iter_mut().zip(noise) {
            *value = (*value).max(noise);
        }
        drawing.corner()
    };
    assert!(magnitudes("MR").is_ok());
    assert_eq!(magnitudes("NM"), Err(NoPlace::NoSafeCorner));
}

#[test]
fn less_signal_is_better() {
    let mut drawing = Drawing::new("MR", 5);
    let mut state = 3_u32;
    let noisy: Vec<i64> = (0..SIDE * SIDE)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            i64::from(state >> 16) % 30
        })
        .collect();
    drawing.paint((256, 400), (512, 512), |x, y| noisy[y * SIDE + x]);
    assert_eq!(drawing.corner(), Ok(Corner::BottomLeft));
}

#[test]
fn a_bright_border_with_a_straight_edge_is_outside_the_field() {
    assert_eq!(Drawing::new("DX", 250).corner(), Ok(Corner::BottomRight));
    // The same without an edge, or with a round one, may be bone.
    let mut open = Drawing::new("DX", 250);
    open.paint((0, 0), (SIDE, SIDE), |x, y| 250 - ((2 * SIDE - x - y) as i64 - 300).max(0) / 3);
    assert_eq!(open.corner(), Err(NoPlace::NoSafeCorner));
    let mut round = Drawing::new("DX", 250);
    round.paint((0, 0), (SIDE, SIDE), |x, y| {
        let (dx, dy) = (x as f64 - 256.0, y as f64 - 256.0);
        if dx.hypot(dy) < 250.0 { 100 + (x * 7 + y * 3) as i64 % 90 } else { 250 }
    });
    assert_eq!(round.corner(), Err(NoPlace::NoSafeCorner));
    // No other modality has such borders.
    assert_eq!(Drawing::new("MR", 250).corner(), Err(NoPlace::NoSafeCorner));
}

#[test]
fn captured_pictures_have_margins_of_any_level() {
    assert_eq!(Drawing::new("OT", 250).corner(), Ok(Corner::BottomRight));
    let mut uneven = Drawing::new("OT", 250);
    uneven.noise(3);
    assert_eq!(uneven.corner(), Err(NoPlace::NoSafeCorner));
}

#[test]
fn dark_with_noise_is_the_depth_of_an_ultrasound_picture() {
    let mut drawing = Drawing::new("US", 0);
    let quiet = drawing.values.clone();
    drawing.values.fill(3);
    drawing.noise(3);
    drawing.paint((0, 0), (SIDE, 400), |x, y| quiet[y * SIDE + x]);
    assert_eq!(drawing.corner(), Ok(Corner::TopRight));
}

#[test]
fn every_frame_must_be_free() {
    let view = view_of(&Drawing::new("XA", 5).specimen);
    let (mut one, mut other) = (Drawing::new("XA", 5), Drawing::new("XA", 5));
    block(&mut one, &[Corner::TopLeft, Corner::BottomRight]);
    block(&mut other, &[Corner::TopLeft, Corner::TopRight]);
    assert_eq!(corner_in(&view, &[one.frame(), other.frame()]), Ok(Corner::TopLeft));
    block(&mut other, &[Corner::TopRight]);
    let frames = [one.frame(), other.frame()];
    assert_eq!(corner_in(&view, &frames), Err(NoPlace::NoSafeCorner));
}

#[test]
fn the_corner_of_the_series_is_kept_while_it_is_free() {
    let mut drawing = Drawing::new("CR", 5);
    let preferring = |drawing: &Drawing, corners: &[Corner]| {
        let frames = [drawing.frame()];
        let policy = LayoutPolicy::default();
        place_in(&view_of(&drawing.specimen), &frames, (200, 18), &policy, corners)
            .map(|place| place.corner)
    };
    assert_eq!(preferring(&drawing, &[Corner::TopLeft]), Ok(Corner::TopLeft));
    block(&mut drawing, &[Corner::TopRight, Corner::BottomRight]);
    let both = [Corner::TopLeft, Corner::TopRight];
    assert_eq!(preferring(&drawing, &both), Ok(Corner::TopRight));
    assert_eq!(preferring(&drawing, &both[..1]), Ok(Corner::BottomRight));
}

/// A mammogram of this orientation, with its breast at the left.
fn mammogram(orientation: &str) -> Drawing {
    let mut drawing = Drawing::new("MG", 2);
    drawing.paint((0, 0), (SIDE, SIDE), |_, _| 2);
    drawing.paint((0, 100), (200, 400), |x, y| 90 + (x * 7 + y * 3) as i64 % 90);
    drawing.specimen = drawing.specimen.text(tags::PATIENT_ORIENTATION, orientation);
    drawing
}

#[test]
fn the_side_of_the_chest_wall_stays_free() {
    assert_eq!(mammogram("A\\R").corner(), Ok(Corner::BottomRight));
    assert_eq!(mammogram("").corner(), Ok(Corner::BottomRight));
    // What is said and what is seen do not agree.
    assert_eq!(mammogram("P\\L").corner(), Err(NoPlace::NoSafeCorner));
    // Neither.
    let mut empty = mammogram("");
    empty.paint((0, 0), (SIDE, SIDE), |_, _| 2);
    assert_eq!(empty.corner(), Err(NoPlace::NoSafeCorner));
}

#[test]
fn no_pixel_of_the_text_is_on_the_breast() {
    let drawing = mammogram("A\\R");
    let (view, frames) = (view_of(&drawing.specimen), [drawing.frame()]);
    let display = Display::of(&view, shape_of(&view), 0).expect("a display").fitted(&frames[0]);
    let survey = [display.survey(&frames[0]).expect("a frame")];
    let chosen = place_in(&view, &frames, (200, 18), &LayoutPolicy::default(), &[]);
    assert!(!is_on_something(&survey, &chosen.expect("a place")));
    // The breast ends with column 199 and begins with row 100.
    let at = |x, y| Placement { corner: Corner::TopLeft, x, y, width: 50, height: 18 };
    let touches = |x, y| is_on_something(&survey, &at(x, y));
    assert_eq!((touches(199, 150), touches(200, 150)), (true, false));
    assert_eq!((touches(10, 83), touches(10, 82)), (true, false));
}

#[test]
fn padding_is_no_signal_whatever_its_value() {
    let mut drawing = Drawing::new("CR", 5);
    block(&mut drawing, &[]);
    drawing.paint((240, 440), (SIDE, SIDE), |_, _| 77);
    assert_eq!(drawing.corner(), Err(NoPlace::NoSafeCorner));
    let padding = Value::Shorts(vec![77]);
    drawing.specimen = drawing.specimen.set(tags::PIXEL_PADDING_VALUE, VR::US, padding);
    assert_eq!(drawing.corner(), Ok(Corner::BottomRight));
}

fn with_edges(specimen: Specimen, shutter: bool, edges: [&str; 4]) -> Specimen {
    let tags = if shutter {
        [
            tags::SHUTTER_SHAPE,
            tags::SHUTTER_LEFT_VERTICAL_EDGE,
            tags::SHUTTER_UPPER_HORIZONTAL_EDGE,
            tags::SHUTTER_RIGHT_VERTICAL_EDGE,
            tags::SHUTTER_LOWER_HORIZONTAL_EDGE,
        ]
    } else {
        [
            tags::COLLIMATOR_SHAPE,
            tags::COLLIMATOR_LEFT_VERTICAL_EDGE,
            tags::COLLIMATOR_UPPER_HORIZONTAL_EDGE,
            tags::COLLIMATOR_RIGHT_VERTICAL_EDGE,
            tags::COLLIMATOR_LOWER_HORIZONTAL_EDGE,
        ]
    };
    let values = ["RECTANGULAR"].into_iter().chain(edges);
    tags.into_iter().zip(values).fold(specimen, |specimen, (tag, value)| specimen.text(tag, value))
}

#[test]
fn outside_the_collimated_field_is_better() {
    let mut drawing = Drawing::new("XA", 5);
    drawing.specimen = with_edges(drawing.specimen, false, ["1", "100", "512", "512"]);
    assert_eq!(drawing.corner(), Ok(Corner::TopRight));
}

#[test]
fn what_a_shutter_hides_is_no_place_unless_it_is_said_to_be() {
    let mut drawing = Drawing::new("XA", 5);
    drawing.specimen = with_edges(drawing.specimen, true, ["1", "1", "512", "460"]);
    assert_eq!(drawing.corner(), Ok(Corner::TopRight));
    let policy = LayoutPolicy { behind_shutter: true, ..LayoutPolicy::default() };
    let place = place_in(&view_of(&drawing.specimen), &[drawing.frame()], (200, 18), &policy, &[]);
    assert_eq!(place.map(|place| place.corner), Ok(Corner::BottomRight));
    let circle = Drawing::new("XA", 5)
        .specimen
        .text(tags::SHUTTER_SHAPE, "CIRCULAR")
        .text(tags::CENTER_OF_CIRCULAR_SHUTTER, "256\\256")
        .text(tags::RADIUS_OF_CIRCULAR_SHUTTER, "256");
    let drawing = Drawing { specimen: circle, ..Drawing::new("XA", 5) };
    assert_eq!(drawing.corner(), Err(NoPlace::NoSafeCorner));
    let polygon = Drawing::new("XA", 5)
        .specimen
        .text(tags::SHUTTER_SHAPE, "POLYGONAL")
        .text(tags::VERTICES_OF_THE_POLYGONAL_SHUTTER, "1\\1\\1\\512\\512\\1");
    let drawing = Drawing { specimen: polygon, ..Drawing::new("XA", 5) };
    assert_eq!(drawing.corner(), Ok(Corner::TopLeft));
}

#[test]
fn text_would_vanish_from_differences_of_frames() {
    let mut drawing = Drawing::new("XA", 5);
    drawing.specimen = drawing.specimen.text(tags::RECOMMENDED_VIEWING_MODE, "SUB");
    assert_eq!(drawing.corner(), Err(NoPlace::Subtracted));
}

#[test]
fn dim_tissue_is_no_air_for_all_that_is_bright_elsewhere() {
    let mut drawing = Drawing::new("PT", 0);
    drawing.paint((0, 0), (SIDE, SIDE), |_, _| 0);
    drawing.paint((100, 200), (SIDE, SIDE), |_, _| 9);
    drawing.paint((250, 250), (280, 280), |_, _| 255);
    assert_eq!(drawing.corner(), Ok(Corner::TopRight));
}

#[test]
fn text_keeps_its_distance_from_the_edges() {
    let drawing = Drawing::new("CR", 5);
    let at = |corner| {
        let frames = [drawing.frame()];
        let policy = LayoutPolicy::default();
        let place = place_in(&view_of(&drawing.specimen), &frames, (200, 18), &policy, &[corner]);
        place.map(|place| (place.x, place.y, place.width, place.height))
    };
    assert_eq!(at(Corner::TopLeft), Ok((4, 4, 200, 18)));
    assert_eq!(at(Corner::TopRight), Ok((308, 4, 200, 18)));
    assert_eq!(at(Corner::BottomLeft), Ok((4, 490, 200, 18)));
    assert_eq!(at(Corner::BottomRight), Ok((308, 490, 200, 18)));
}

#[test]
fn text_that_takes_too_much_has_no_place() {
    let drawing = Drawing::new("CR", 5);
    let policy = LayoutPolicy::default();
    let check = |size, policy: &LayoutPolicy, want| {
        let place = place_in(&view_of(&drawing.specimen), &[drawing.frame()], size, policy, &[]);
        assert_eq!(place.map(|place| place.corner), want);
    };
    check((307, 18), &policy, Ok(Corner::BottomRight));
    check((308, 18), &policy, Err(NoPlace::TooSmall));
    check((300, 27), &policy, Err(NoPlace::TooSmall));
    check((0, 0), &policy, Err(NoPlace::TooSmall));
    let generous = LayoutPolicy { max_width: 1.0, max_area: 1.0, ..policy };
    check((505, 18), &generous, Err(NoPlace::TooSmall));
    check((504, 18), &generous, Ok(Corner::BottomRight));
    assert_eq!(
        choose(&[], (1, 1), &LayoutFacts::default(), &policy, &[]),
        Err(NoPlace::NoSafeCorner)
    );
}

#[test]
fn text_grows_with_the_image() {
    let policy = LayoutPolicy::default();
    assert_eq!([512, 1400, 1401, 3000].map(|rows| policy.text_height(rows)), [14, 14, 15, 30]);
    let large = LayoutPolicy { min_px: 20, min_share: 0.02, ..policy };
    assert_eq!([512, 1400].map(|rows| large.text_height(rows)), [20, 28]);
}

#[test]
fn corners_have_words() {
    for corner in Corner::ALL {
        assert_eq!(Corner::from_word(corner.as_str()), Some(corner));
    }
    assert_eq!(Corner::from_word("middle"), None);
}
