//! Native pixels: every photometric interpretation, depth, sign and order of bytes.

use super::image::{Unused, captured, grey};
use super::*;
use crate::dicom::photometric::Photometric;

const SYNTAXES: [&str; 5] = [IMPLICIT, EXPLICIT, BIG, DEFLATED, ENCAPSULATED_UNCOMPRESSED];

/// Drawn on, and with rows added below.
#[track_caller]
fn both(image: &Image) {
    check(image, StampMode::BurnIn, StampMode::BurnIn);
    check(image, StampMode::Strip, StampMode::Strip);
}

#[test]
fn grey_of_every_depth_and_sign() {
    use Photometric::{Monochrome1, Monochrome2};
    for (allocated, stored) in [(8, 8), (16, 10), (16, 12), (16, 14), (16, 16), (32, 32)] {
        for photometric in [Monochrome1, Monochrome2] {
            for signed in [false, true] {
                both(&grey(EXPLICIT, allocated, stored).with(|image| {
                    image.shape.photometric = photometric;
                    image.shape.signed = signed;
                    // Frames of an odd number of bytes, and so an odd number of them.
                    image.frames = if stored == 12 { 3 } else { 2 };
                }));
            }
        }
    }
}

#[test]
fn every_order_of_bytes() {
    for syntax in SYNTAXES {
        for (allocated, stored, frames) in [(8, 8, 2), (16, 12, 3), (16, 16, 1), (32, 32, 1)] {
            both(&grey(syntax, allocated, stored).with(|image| image.frames = frames));
        }
    }
}

#[test]
fn colours_of_every_layout() {
    use Photometric::{PaletteColor, Rgb, YbrFull, YbrFull422};
    for syntax in SYNTAXES {
        for photometric in [PaletteColor, Rgb, YbrFull, YbrFull422] {
            both(&captured(syntax, photometric).with(|image| image.frames = 2));
        }
        for photometric in [Rgb, YbrFull] {
            both(&captured(syntax, photometric).with(|image| {
                image.shape.planar = true;
                image.frames = 2;
            }));
        }
    }
    both(&captured(EXPLICIT, Rgb).with(|image| {
        (image.shape.allocated, image.shape.stored, image.shape.high_bit) = (16, 16, 15);
    }));
}

#[test]
fn bits_beside_the_sample_stay() {
    for syntax in [EXPLICIT, BIG, ENCAPSULATED_UNCOMPRESSED] {
        for high_bit in [11, 13, 15] {
            for signed in [false, true] {
                both(&grey(syntax, 16, 12).with(|image| {
                    image.shape.high_bit = high_bit;
                    image.shape.signed = signed;
                    image.unused = Unused::Overlay;
                    image.frames = 2;
                }));
            }
        }
    }
    for syntax in [EXPLICIT, BIG] {
        both(&grey(syntax, 16, 12).with(|image| {
            image.shape.signed = true;
            image.unused = Unused::Sign;
        }));
    }
}

#[test]
fn bits_that_follow_each_other_across_frames() {
    for syntax in [IMPLICIT, EXPLICIT, DEFLATED] {
        for (columns, frames) in [(163, 1), (163, 3), (160, 3)] {
            let image = grey(syntax, 1, 1).with(|image| {
                image.shape.columns = columns;
                image.frames = frames;
            });
            check(&image, StampMode::BurnIn, StampMode::BurnIn);
            // Rows that do not end with a byte are not added to.
            let want = if columns == 160 { StampMode::Strip } else { StampMode::Overlay };
            check(&image, StampMode::Strip, want);
        }
    }
}

#[test]
fn without_a_window_the_range_of_values_is_it() {
    for signed in [false, true] {
        both(&grey(EXPLICIT, 16, 16).with(|image| {
            image.shape.signed = signed;
            image.is_windowed = false;
        }));
    }
}
