use super::*;
use crate::codec::{Colour, FrameShape};
use crate::dicom::photometric::Photometric;
use crate::dicom::{VR, tags};
use crate::phantom::{Kind, Specimen, Value};
use crate::stamp::fixture::{shape_of, view_of};
use crate::stamp::glyphs::Typeface;
use crate::stamp::layout::Corner;

fn lettering(text: &str) -> Lettering {
    (*Typeface::built_in().expect("a typeface").lettering(text, 14)).clone()
}

fn place(lettering: &Lettering) -> Placement {
    let (width, height) = (lettering.width as u16, lettering.height as u16);
    Placement { corner: Corner::TopLeft, x: 4, y: 4, width, height }
}

/// A frame of one value with a tile painted on it, as a codec would.
fn painted(shape: &FrameShape, ground: i64, tile: &Tile) -> Decoded {
    let size = shape.sample_bytes();
    let samples = shape.samples();
    let mut values = vec![ground; shape.pixels() * samples];
    for (index, shade) in tile.shades.iter().enumerate() {
        let (x, y) = (index % usize::from(tile.width), index / usize::from(tile.width));
        let pixel =
            (usize::from(tile.y) + y) * usize::from(shape.columns) + usize::from(tile.x) + x;
        if let Some(shade) = shade {
            values[pixel * samples..(pixel + 1) * samples].fill(i64::from(*shade));
        }
    }
    let bytes = values.iter().flat_map(|value| value.to_le_bytes().into_iter().take(size));
    let colour = if samples == 1 { Colour::Single } else { Colour::Rgb };
    Decoded { colour, sample_bytes: size as u8, samples: bytes.collect() }
}

/// Text on any ground is read at every window that matters.
#[track_caller]
fn check_contrast(specimen: &Specimen) {
    let view = view_of(specimen);
    let shape = shape_of(&view);
    let display = Display::of(&view, shape, 0).expect("a display");
    let letters = lettering("北京-BJHR");
    let tile = tile(&letters, &place(&letters), &display.shades());
    let (low, high) = shape.range();
    for ground in [low, (low + high) / 2, high] {
        let frame = painted(&shape, ground, &tile);
        for (index, preset) in display.presets().iter().enumerate() {
            let share = contrast(&frame, &letters, (tile.x, tile.y), preset).expect("a frame");
            let wanted = if index == 0 { 0.95 } else { 0.5 };
            assert!(share >= wanted, "{share} on {ground} at preset {index}");
        }
    }
}

#[test]
fn text_is_read_at_the_default_window_and_at_presets() {
    for kind in [Kind::Ct, Kind::Dx, Kind::Mg, Kind::Mr, Kind::Us, Kind::Xa, Kind::SecondaryCapture]
    {
        check_contrast(&Specimen::new(kind, 1).size(40, 160));
    }
    let dx = Specimen::new(Kind::Dx, 1).size(40, 160);
    let inverse = dx.text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME1");
    check_contrast(&inverse.text(tags::PRESENTATION_LUT_SHAPE, "INVERSE"));
}

#[test]
fn padding_is_never_painted() {
    for padding in [0_u16, 500, 1000, 2000, 3000, 4095] {
        let specimen = Specimen::new(Kind::Dx, 1)
            .size(40, 160)
            .text(tags::WINDOW_CENTER, "2000")
            .text(tags::WINDOW_WIDTH, "2000")
            .set(tags::PIXEL_PADDING_VALUE, VR::US, Value::Shorts(vec![padding]));
        let view = view_of(&specimen);
        let display = Display::of(&view, shape_of(&view), 0).expect("a display");
        let letters = lettering("院-JJJHR");
        let tile = tile(&letters, &place(&letters), &display.shades());
        assert!(tile.shades.iter().flatten().all(|shade| *shade != i32::from(padding)));
    }
}

#[test]
fn a_tile_paints_letters_and_outline_and_nothing_else() {
    let letters = lettering("院");
    let shades = Shades { ink: 1000, halo: 0, between: std::array::from_fn(|i| i as i32 + 1) };
    let tile = tile(&letters, &place(&letters), &shades);
    assert_eq!((tile.width, tile.height), (letters.width as u16, letters.height as u16));
    for ((shade, cover), painted) in tile.shades.iter().zip(&letters.ink).zip(&letters.halo) {
        let wanted = match (cover, painted) {
            (_, false) => None,
            (0, true) => Some(0),
            (255, true) => Some(1000),
            (cover, true) => Some(shades.of(*cover)),
        };
        assert_eq!(*shade, wanted);
    }
    assert!(tile.shades.contains(&None) && tile.shades.contains(&Some(1000)));
}

#[test]
fn a_strip_is_as_wide_as_the_image_and_painted_throughout() {
    let letters = lettering("院-BJHR");
    let shades = Shades { ink: 255, halo: 3, between: [100; 14] };
    let tile = strip_tile(&letters, 200, &shades).expect("room enough");
    assert_eq!((tile.x, tile.y, tile.width), (0, 0, 200));
    assert_eq!(tile.shades.len(), 200 * usize::from(tile.height));
    assert!(tile.shades.iter().all(Option::is_some));
    let row = |index: usize| &tile.shades[index * 200..(index + 1) * 200];
    assert!(row(0).iter().all(|shade| *shade == Some(3)));
    assert!(row(usize::from(tile.height) - 1).iter().all(|shade| *shade == Some(3)));
    assert!(tile.shades.contains(&Some(255)));
    assert_eq!(strip_tile(&letters, letters.width as u16, &shades), None);
    assert_eq!(strip_tile(&lettering(""), 200, &shades), None);
}

#[test]
fn letters_that_are_not_there_have_no_contrast() {
    let shape = FrameShape {
        rows: 40,
        columns: 160,
        photometric: Photometric::Monochrome2,
        allocated: 8,
        stored: 8,
        high_bit: 7,
        signed: false,
        planar: false,
    };
    let view = view_of(&Specimen::new(Kind::Us, 1).size(40, 160));
    let display = Display::of(&view, shape, 0).expect("a display");
    let frame = painted(&shape, 200, &Tile::default());
    let letters = lettering("院-BJHR");
    assert_eq!(contrast(&frame, &letters, (4, 4), &display), Ok(0.0));
    assert_eq!(contrast(&frame, &lettering(""), (4, 4), &display), Ok(0.0));
}
