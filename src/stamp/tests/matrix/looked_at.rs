//! What rules look at is what a stamp is drawn on: rows as they are shown, of every kind of pixels, against frames decoded whole.

use super::image::{Table, Unused, captured, grey};
use super::*;
use crate::codec::Colour;
use crate::dicom::photometric::Photometric;
use crate::stamp::ImagePixels;
use crate::standard::pixels::PixelSource as _;

const IMPLICIT: &str = "1.2.840.10008.1.2";
const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const BIG_ENDIAN: &str = "1.2.840.10008.1.2.2";
const DEFLATED: &str = "1.2.840.10008.1.2.1.99";
const RLE: &str = "1.2.840.10008.1.2.5";

/// What was shown of a frame.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    colour: Option<Colour>,
    samples: Vec<u8>,
    stray_bits: Option<bool>,
}

#[track_caller]
fn check(image: &Image, stray_bits: Option<bool>) {
    let object = image.object();
    let (plain, view) = (object.plain(), object.view());
    let bench = Memory::of(&plain);
    let raster = Raster::of(&view, image.syntax, &bench).expect("pixels");
    let pixels = ImagePixels::new(&view, image.syntax, &bench);
    assert_eq!(pixels.shape(), Ok(raster.shape));
    // Each twice, as whoever looks may ask.
    for frame in (0..raster.frames).flat_map(|frame| [frame, frame]) {
        let mut shown = Shown { colour: None, samples: Vec::new(), stray_bits: None };
        let looked = pixels.look(frame, &mut |strip| {
            shown.colour = Some(strip.colour);
            shown.samples.extend(strip.samples);
            shown.stray_bits = shown.stray_bits.or(strip.stray_bits);
            Ok(())
        });
        assert_eq!(looked, Ok(()), "{image:?}");
        let whole = raster.decoded(frame, &bench).expect("a frame");
        let (colour, samples) = (Some(whole.colour), whole.samples.clone());
        assert_eq!(shown.samples.len(), samples.len(), "{image:?}, frame {frame}");
        assert!(shown == Shown { colour, samples, stray_bits }, "{image:?}, frame {frame}");
    }
}

#[test]
fn rows_of_every_native_layout_are_those_of_the_frame() {
    for syntax in [IMPLICIT, EXPLICIT, BIG_ENDIAN, DEFLATED] {
        for (allocated, stored) in [(1, 1), (8, 8), (8, 6), (16, 12), (16, 16), (32, 24)] {
            for frames in [1, 3] {
                let image = grey(syntax, allocated, stored).with(|image| image.frames = frames);
                check(&image, Some(false));
                // Rows that are read in several goes.
                let wide =
                    image.with(|image| (image.shape.rows, image.shape.columns) = (9, 16_391));
                check(&wide, Some(false));
            }
        }
        for photometric in [Photometric::Rgb, Photometric::YbrFull, Photometric::YbrFull422] {
            let picture = captured(syntax, photometric).with(|image| image.frames = 2);
            check(&picture, Some(false));
            if photometric != Photometric::YbrFull422 {
                check(&picture.with(|image| image.shape.planar = true), Some(false));
            }
        }
    }
}

#[test]
fn signs_and_bits_beside_the_sample_are_told_alike() {
    let twelve = grey(EXPLICIT, 16, 12).with(|image| image.frames = 2);
    let signed = twelve.clone().with(|image| image.shape.signed = true);
    check(&signed, Some(false));
    check(&signed.with(|image| image.unused = Unused::Sign), Some(false));
    let high = twelve.clone().with(|image| image.shape.high_bit = 15);
    check(&high, Some(false));
    let strays = twelve.with(|image| image.unused = Unused::Overlay);
    check(&strays, Some(true));
    // With an overlay that lives there they are none.
    let position = NewElement::new(Tag(0x6000, 0x0102), VR::US, 12_u16.to_le_bytes().to_vec());
    check(&strays.with(|image| image.more.push(position)), None);
}

#[test]
fn coded_frames_are_shown_as_they_are_decoded() {
    let coded = grey(RLE, 16, 12).with(|image| (image.frames, image.table) = (3, Table::Basic));
    check(&coded, None);
    check(&grey(ENCAPSULATED_UNCOMPRESSED, 16, 12), None);
}
