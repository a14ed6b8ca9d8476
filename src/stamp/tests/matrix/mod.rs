//! What shows that a mark in the pixels does no harm and can be read: every kind of pixels in every transfer syntax, drawn on,
//! looked at, and compared with what it was.

mod coded;
mod falls;
mod golden;
mod image;
mod lies;
mod looked_at;
mod native;

use super::drawing::{Drawing, Memory, frames_of};
use super::*;
use crate::codec::jpeg::{Coefficients, coefficients};
use crate::codec::{Coding, Decoded, FrameShape, Syntax};
use crate::stamp::display::Display;
use crate::stamp::draw::{contrast, strip_margin};
use crate::stamp::glyphs::Lettering;
use crate::stamp::raster::{Layout, Raster};
use image::Image;

pub(super) const ENCAPSULATED_UNCOMPRESSED: &str = "1.2.840.10008.1.2.1.98";

/// Short enough for images that are decoded quickly.
const SHORT_NAME: &str = "友谊";

/// Letters stand out of their outline by this share of the range from black to white.
const LEGIBLE: f64 = 0.5;

/// How the images here are drawn on: they are small, so text may take more of them than by default.
fn drawing(modes: &[StampMode]) -> Drawing {
    let mut drawing = Drawing { name: SHORT_NAME, ..Drawing::of(modes) };
    drawing.policy.pixels.layout.max_area = 0.2;
    drawing.policy.pixels.layout.max_width = 0.9;
    drawing
}

/// Columns and rows, ends excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rectangle {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Rectangle {
    /// What Derivation Description says: `(burn-in at X,Y WxH)`.
    #[track_caller]
    fn told_by(object: &Object) -> Self {
        let said = object.view().string(tags::DERIVATION_DESCRIPTION).expect("a description");
        let (_, place) = said.rsplit_once(" at ").expect("a place");
        let mut numbers = place
            .split(|character: char| !character.is_ascii_digit())
            .filter_map(|word| word.parse::<usize>().ok());
        let mut next = || numbers.next().expect("four numbers");
        let (left, top, width, height) = (next(), next(), next(), next());
        Self { left, top, right: left + width, bottom: top + height }
    }

    fn has(&self, x: usize, y: usize) -> bool {
        (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y)
    }
}

/// Draws on an image and looks at all that must be so.
#[track_caller]
fn check(image: &Image, asked: StampMode, want: StampMode) -> (Stamp, Object) {
    let object = image.object();
    let drawing = drawing(&[asked]);
    let (stamp, after) = drawing.stamped(&object, image.syntax);
    assert_eq!(stamp.modes, [want], "{image:?}: {:?}", stamp.fallen_back);
    let (again, same) = drawing.stamped(&object, image.syntax);
    assert!(stamp == again && after == same, "{image:?}: not the same twice");
    let stored = EditPlan::from_bytes(&stamp.plan.to_bytes()).expect("a plan that was stored");
    assert!(stored == stamp.plan, "{image:?}: the plan changes when it is stored");
    let (second, unchanged) = drawing.stamped(&after, image.syntax);
    assert!(second.plan.is_empty() && unchanged == after, "{image:?}: drawn on twice");
    let kept = image.with_changes(&after);
    match want {
        StampMode::BurnIn => {
            outside_is_the_same(image, &object, &after);
            bits_are_kept(image, &object, &after);
        }
        StampMode::Strip => rows_above_are_the_same(image, &object, &after),
        StampMode::Overlay | StampMode::PresentationState | StampMode::Tag => {
            assert!(frames_of(&object, image.syntax) == frames_of(&after, image.syntax));
        }
    }
    if stamp.plan.changes_pixels() {
        is_legible(image, want, &after);
        extremes_hold(image, &after);
    }
    assert_eq!(kept, Ok(()), "{image:?}");
    (stamp, after)
}

/// Every sample outside the rectangle is what it was; of JPEG with loss, every coefficient of the blocks that it does not touch.
#[track_caller]
fn outside_is_the_same(image: &Image, before: &Object, after: &Object) {
    let place = Rectangle::told_by(after);
    let (shape, was) = frames_of(before, image.syntax);
    let (same_shape, is) = frames_of(after, image.syntax);
    assert_eq!((shape, was.len()), (same_shape, is.len()), "{image:?}");
    if Syntax::of(image.syntax).is_some_and(|syntax| syntax.coding() == Coding::Blocks) {
        for (was, is) in coded_of(before, image).iter().zip(&coded_of(after, image)) {
            untouched_blocks_are_the_same(image, place, was, is);
        }
        return;
    }
    let pixel = shape.samples() * shape.sample_bytes();
    for (was, is) in was.iter().zip(&is) {
        let mut changed = 0;
        for (index, (was, is)) in
            was.samples.chunks(pixel).zip(is.samples.chunks(pixel)).enumerate()
        {
            let (x, y) = (index % usize::from(shape.columns), index / usize::from(shape.columns));
            changed += usize::from(was != is);
            assert!(was == is || place.has(x, y), "{image:?}: {x},{y} outside {place:?}");
        }
        assert!(changed > 100, "{image:?}: {changed} pixels painted");
    }
}

#[track_caller]
fn untouched_blocks_are_the_same(image: &Image, place: Rectangle, was: &[u8], is: &[u8]) {
    let read = |bytes| -> Coefficients { coefficients(bytes).expect("a sequential JPEG") };
    let (was, is) = (read(was), read(is));
    let lines = |plane: &crate::codec::jpeg::Plane| plane.blocks.len() / plane.columns;
    let (most_columns, most_lines) =
        was.planes.iter().fold((0, 0), |(a, b), plane| (a.max(plane.columns), b.max(lines(plane))));
    let mut touched = 0;
    for (was, is) in was.planes.iter().zip(&is.planes) {
        assert_eq!((was.columns, &was.steps), (is.columns, &is.steps), "{image:?}");
        let (wide, tall) = (8 * most_columns / was.columns, 8 * most_lines / lines(was));
        for (index, (before, after)) in was.blocks.iter().zip(&is.blocks).enumerate() {
            let (x, y) = (index % was.columns * wide, index / was.columns * tall);
            let touches = x < place.right
                && x + wide > place.left
                && y < place.bottom
                && y + tall > place.top;
            touched += usize::from(touches && before != after);
            assert!(touches || before == after, "{image:?}: block at {x},{y} outside {place:?}");
        }
    }
    assert!(touched > 10, "{image:?}: {touched} blocks painted");
}

/// Of native pixels and of frames that are native inside: no bit that is not of a painted sample changes, and nothing around
/// Pixel Data moves.
#[track_caller]
fn bits_are_kept(image: &Image, before: &Object, after: &Object) {
    let shape = &image.shape;
    let (was, is) = (native_of(before, image), native_of(after, image));
    let (Some(was), Some(is)) = (was, is) else { return };
    assert_eq!(was.len(), is.len(), "{image:?}");
    if shape.allocated <= 8 || image.unused == image::Unused::Sign {
        return;
    }
    let low = shape.high_bit + 1 - shape.stored;
    let mask = (u64::MAX >> (64 - u32::from(shape.stored))) << low;
    let is_big = image.syntax == BIG;
    for (was, is) in was.chunks(shape.sample_bytes()).zip(is.chunks(shape.sample_bytes())) {
        let value = |bytes: &[u8]| {
            let add = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
            if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) }
        };
        let differ = value(was) ^ value(is);
        assert_eq!(differ & !mask, 0, "{image:?}: bits beside the sample");
    }
}

/// The value of native Pixel Data.
fn native_of(object: &Object, image: &Image) -> Option<Vec<u8>> {
    let plain = object.plain();
    let bench = Memory::of(&plain);
    let raster = Raster::of(&object.view(), image.syntax, &bench).expect("pixels");
    match raster.layout {
        Layout::Native { value, .. } => {
            Some(plain[value.start as usize..value.end as usize].to_vec())
        }
        Layout::Encapsulated { .. } => None,
    }
}

/// The codestreams of an object.
fn coded_of(object: &Object, image: &Image) -> Vec<Vec<u8>> {
    let plain = object.plain();
    let bench = Memory::of(&plain);
    let raster = Raster::of(&object.view(), image.syntax, &bench).expect("pixels");
    (0..raster.frames).map(|frame| raster.coded(frame, &bench).expect("a frame")).collect()
}

#[track_caller]
fn rows_above_are_the_same(image: &Image, before: &Object, after: &Object) {
    let (shape, was) = frames_of(before, image.syntax);
    let (grown, is) = frames_of(after, image.syntax);
    assert_eq!(FrameShape { rows: grown.rows, ..shape }, grown, "{image:?}");
    assert!(grown.rows > shape.rows, "{image:?}");
    assert_eq!(was.len(), is.len(), "{image:?}");
    for (was, is) in was.iter().zip(&is) {
        assert!(is.samples.starts_with(&was.samples), "{image:?}: rows that were there");
    }
}

/// The letters stand out at the default window and at each preset, in every frame.
#[track_caller]
fn is_legible(image: &Image, mode: StampMode, after: &Object) {
    let place = Rectangle::told_by(after);
    let lettering = lettering(image);
    let (shape, frames) = frames_of(after, image.syntax);
    let margin = if mode == StampMode::Strip { strip_margin(&lettering) } else { 0 };
    let at = ((place.left + margin) as u16, (place.top + margin) as u16);
    for (index, frame) in frames.iter().enumerate() {
        let display = Display::of(&after.view(), shape, index as u32).expect("it can be shown");
        for display in display.fitted(frame).presets() {
            let found = contrast(frame, &lettering, at, &display).expect("a frame of the image");
            assert!(found >= LEGIBLE, "{image:?}: frame {index} contrast {found:.2}");
        }
    }
}

fn lettering(image: &Image) -> Arc<Lettering> {
    let policy = drawing(&[]).policy.pixels;
    let height = policy.layout.text_height(image.shape.rows);
    policy.typeface.expect("a typeface").lettering(&format!("{SHORT_NAME}-JJJHR"), height)
}

/// Smallest and Largest Image Pixel Value are still what they say, where they are there.
#[track_caller]
fn extremes_hold(image: &Image, after: &Object) {
    let view = after.view();
    let number = |tag| Some(*view.numbers(view.find(tag)?).first()? as i64);
    let (least, greatest) =
        (number(tags::SMALLEST_IMAGE_PIXEL_VALUE), number(tags::LARGEST_IMAGE_PIXEL_VALUE));
    let (Some(least), Some(greatest)) = (least, greatest) else { return };
    let (shape, frames) = frames_of(after, image.syntax);
    if Syntax::of(image.syntax).is_some_and(|syntax| syntax.coding() == Coding::Blocks) {
        return;
    }
    let width = shape.sample_bytes();
    for value in frames.iter().flat_map(|frame: &Decoded| frame.samples.chunks(width)) {
        let fill = if shape.signed && value[width - 1] & 0x80 != 0 { 0xFF } else { 0 };
        let mut wide = [fill; 8];
        wide[..width].copy_from_slice(value);
        let value = i64::from_le_bytes(wide);
        assert!((least..=greatest).contains(&value), "{image:?}: {value} of {least} to {greatest}");
    }
}

impl Image {
    /// Whether the elements that describe the pixels still do, and stand in order.
    fn with_changes(&self, after: &Object) -> Result<(), &'static str> {
        let view = after.view();
        let tags: Vec<Tag> = view.top().map(|element| element.tag).collect();
        if !tags.is_sorted() {
            return Err("elements out of order");
        }
        let columns = view.numbers(view.find(tags::COLUMNS).ok_or("no Columns")?);
        if columns.first() != Some(&f64::from(self.shape.columns)) {
            return Err("another width");
        }
        Ok(())
    }
}
