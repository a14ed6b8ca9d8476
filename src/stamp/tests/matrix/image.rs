//! Images of every kind, made here: dark all around, with something in the middle that text must not cover.

use super::super::*;
use crate::codec::{Colour, Decoded, FrameShape, Loss, Syntax, encode_with};
use crate::dicom::photometric::Photometric;
use crate::dicom::transfer_syntax::Encoding;

pub(super) const SECONDARY_CAPTURE: &str = "1.2.840.10008.5.1.4.1.1.7";
pub(super) const COMPUTED_RADIOGRAPHY: &str = "1.2.840.10008.5.1.4.1.1.1";

/// Where the frames of encapsulated Pixel Data are said to begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Table {
    Empty,
    Basic,
    Extended,
}

/// What stands in the bits that are not of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unused {
    Zero,
    /// What an overlay of old would have there.
    Overlay,
    /// The sign of the sample.
    Sign,
}

/// An image to be made.
#[derive(Debug, Clone)]
pub(super) struct Image {
    pub syntax: &'static str,
    pub shape: FrameShape,
    pub frames: u32,
    pub class: &'static str,
    pub modality: &'static str,
    /// Whether it comes with a window.
    pub is_windowed: bool,
    pub unused: Unused,
    pub table: Table,
    /// Fragments a frame.
    pub pieces: usize,
    pub loss: Loss,
    /// More elements, as little endian values; those of the same tag are replaced.
    pub more: Vec<NewElement>,
    /// Elements left out.
    pub without: Vec<Tag>,
}

/// A monochrome image of odd size.
pub(super) fn grey(syntax: &'static str, allocated: u8, stored: u8) -> Image {
    let shape = FrameShape {
        rows: 121,
        columns: 163,
        photometric: Photometric::Monochrome2,
        allocated,
        stored,
        high_bit: stored - 1,
        signed: false,
        planar: false,
    };
    Image {
        syntax,
        shape,
        frames: 1,
        class: COMPUTED_RADIOGRAPHY,
        modality: "CR",
        is_windowed: stored > 8,
        unused: Unused::Zero,
        table: Table::Basic,
        pieces: 1,
        loss: Loss::default(),
        more: Vec::new(),
        without: Vec::new(),
    }
}

/// A captured picture of three samples, or of indices.
pub(super) fn captured(syntax: &'static str, photometric: Photometric) -> Image {
    let image = grey(syntax, 8, 8);
    let columns = if photometric == Photometric::YbrFull422 { 164 } else { 163 };
    let shape = FrameShape { photometric, columns, ..image.shape };
    Image { shape, class: SECONDARY_CAPTURE, modality: "US", ..image }
}

impl Image {
    pub(super) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    fn syntax_of_frames(&self) -> Option<Syntax> {
        Syntax::of(self.syntax)
    }

    fn is_encapsulated(&self) -> bool {
        let native = matches!(self.syntax_of_frames(), Some(Syntax::Native { .. }));
        !native || self.syntax == super::ENCAPSULATED_UNCOMPRESSED
    }

    /// The stored values that are shown black and white, of a window as wide as a quarter of the range.
    fn ends(&self) -> (i64, i64) {
        let (low, high) = self.shape.range();
        // Values of 32 bits that a window of whole numbers can tell.
        let reach = (high - low).min(1 << 22);
        let span = if self.is_windowed { reach / 4 } else { reach };
        let low = if self.shape.stored > 22 && self.shape.signed { -reach / 2 } else { low };
        (low, low + span)
    }

    /// 0 black to 1 white.
    fn level(&self, frame: u32, x: usize, y: usize) -> f64 {
        let (columns, rows) = (f64::from(self.shape.columns), f64::from(self.shape.rows));
        let across = (x as f64 - columns / 2.0 - f64::from(frame) * 2.0) / (columns / 4.0);
        let down = (y as f64 - rows / 2.0) / (rows / 5.0);
        let away = across.hypot(down);
        if away > 1.0 {
            return 0.0;
        }
        let grain = ((x * 31 + y * 17 + frame as usize * 7) % 13) as f64 / 40.0;
        (1.05 - away * 0.6 - grain).clamp(0.0, 1.0)
    }

    /// A frame as its samples are decoded.
    pub(super) fn frame(&self, frame: u32) -> Decoded {
        let shape = &self.shape;
        let (black, white) = self.ends();
        let value = |level: f64| black + ((white - black) as f64 * level).round() as i64;
        let is_ybr = matches!(shape.photometric, Photometric::YbrFull | Photometric::YbrFull422);
        let is_lossy_jpeg =
            matches!(self.syntax_of_frames(), Some(Syntax::JpegBaseline | Syntax::JpegExtended));
        let colour = match shape.samples() {
            1 => Colour::Single,
            _ if is_ybr && !is_lossy_jpeg => Colour::Ybr,
            _ => Colour::Rgb,
        };
        let half = 1_i64 << (shape.stored - 1);
        let mut samples = Vec::new();
        let mut put = |value: i64| samples.extend(&value.to_le_bytes()[..shape.sample_bytes()]);
        for y in 0..usize::from(shape.rows) {
            for x in 0..usize::from(shape.columns) {
                let level = self.level(frame, x, y);
                // Pairs of pixels have their chrominances in common.
                let tint = if level > 0.0 { (x / 2 % 5) as i64 * 4 } else { 0 };
                let values = match (shape.photometric, colour) {
                    (Photometric::Monochrome1, _) => vec![value(1.0 - level)],
                    (_, Colour::Single) if shape.stored == 1 => vec![i64::from(level > 0.5)],
                    (_, Colour::Single) => vec![value(level)],
                    (_, Colour::Ybr) => vec![value(level), half + tint, half - tint],
                    (_, Colour::Rgb) => vec![value(level), value(level * 0.9), value(level * 0.8)],
                };
                values.into_iter().for_each(&mut put);
            }
        }
        Decoded { colour, sample_bytes: shape.sample_bytes() as u8, samples }
    }

    /// The frame with all bits of its containers as they are to be, and the shape that has them all.
    fn containers(&self, frame: u32) -> (FrameShape, Decoded) {
        let shape = self.shape;
        let decoded = self.frame(frame);
        let shift = shape.high_bit + 1 - shape.stored;
        if shape.allocated == 1 || (self.unused == Unused::Zero && shift == 0) {
            return (shape, decoded);
        }
        let all = u64::MAX >> (64 - u32::from(shape.allocated));
        let of_sample = (u64::MAX >> (64 - u32::from(shape.stored))) << shift;
        let width = shape.sample_bytes();
        let mut samples = Vec::with_capacity(decoded.samples.len());
        for (index, sample) in decoded.samples.chunks(width).enumerate() {
            let mut wide =
                [if sample[width - 1] & 0x80 == 0 || !shape.signed { 0 } else { 0xFF }; 8];
            wide[..width].copy_from_slice(sample);
            let value = u64::from_le_bytes(wide) << shift;
            let others = match self.unused {
                Unused::Zero => 0,
                Unused::Overlay => (index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 17,
                Unused::Sign => value,
            };
            let container = (value & of_sample) | (others & all & !of_sample);
            samples.extend(&container.to_le_bytes()[..width]);
        }
        let (stored, high_bit) = (shape.allocated, shape.allocated - 1);
        let wide = FrameShape { stored, high_bit, signed: false, ..shape };
        (wide, Decoded { samples, ..decoded })
    }

    /// The codestream of a frame.
    pub(super) fn coded(&self, frame: u32) -> Vec<u8> {
        let Some(syntax) = self.syntax_of_frames() else { return vec![0; 64] };
        let (shape, samples) = self.containers(frame);
        match encode_with(syntax, &shape, &samples, self.loss) {
            Ok(bytes) => bytes,
            // Nothing here writes these: what does not have to be read.
            Err(_) if matches!(syntax, Syntax::Htj2k | Syntax::JpegXl) => vec![0; 64],
            Err(fault) => panic!("{self:?}: {fault}"),
        }
    }

    fn native(&self) -> Vec<u8> {
        if self.shape.allocated > 1 {
            return (0..self.frames).flat_map(|frame| self.coded(frame)).collect();
        }
        // Frames follow each other bit by bit.
        let bits = (0..self.frames).flat_map(|frame| self.frame(frame).samples);
        let bits: Vec<u8> = bits.collect();
        bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |byte, bit| byte << 1 | bit)).collect()
    }

    /// Fragments, as values of items; the offsets of each frame's first; the length of each frame.
    fn fragments(&self) -> (Vec<Vec<u8>>, Vec<u64>, Vec<u64>) {
        let (mut items, mut offsets, mut lengths, mut at) = (Vec::new(), Vec::new(), Vec::new(), 0);
        for frame in 0..self.frames {
            let coded = self.coded(frame);
            offsets.push(at);
            lengths.push(coded.len() as u64);
            let piece = coded.len().div_ceil(self.pieces).next_multiple_of(2);
            for fragment in coded.chunks(piece) {
                let mut fragment = fragment.to_vec();
                fragment.resize(fragment.len().next_multiple_of(2), 0);
                at += 8 + fragment.len() as u64;
                items.push(fragment);
            }
        }
        (items, offsets, lengths)
    }

    /// The data set.
    pub(super) fn object(&self) -> Object {
        let syntax = TransferSyntax::of(self.syntax);
        let mut pixels = Vec::new();
        let mut extended = Vec::new();
        if self.is_encapsulated() {
            let (items, offsets, lengths) = self.fragments();
            let words = |numbers: &[u64]| -> Vec<u8> {
                numbers.iter().flat_map(|number| number.to_le_bytes()).collect()
            };
            let mut table = Vec::new();
            match self.table {
                Table::Empty => {}
                Table::Basic => {
                    table = offsets.iter().flat_map(|at| (*at as u32).to_le_bytes()).collect();
                }
                Table::Extended => extended = vec![words(&offsets), words(&lengths)],
            }
            pixels.extend([0xE0, 0x7F, 0x10, 0, b'O', b'B', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF]);
            for item in [table].iter().chain(&items) {
                pixels.extend([0xFE, 0xFF, 0x00, 0xE0]);
                pixels.extend((item.len() as u32).to_le_bytes());
                pixels.extend(item);
            }
            pixels.extend([0xFE, 0xFF, 0xDD, 0xE0, 0, 0, 0, 0]);
        } else {
            let mut native = self.native();
            native.resize(native.len().next_multiple_of(2), 0);
            let vr = if self.shape.allocated > 8 { b"OW" } else { b"OB" };
            let length = native.len() as u32;
            match syntax.encoding {
                Encoding::ExplicitBig => {
                    pixels.extend([0x7F, 0xE0, 0, 0x10, vr[0], vr[1], 0, 0]);
                    pixels.extend(length.to_be_bytes());
                }
                Encoding::ExplicitLittle => {
                    pixels.extend([0xE0, 0x7F, 0x10, 0, vr[0], vr[1], 0, 0]);
                    pixels.extend(length.to_le_bytes());
                }
                Encoding::ImplicitLittle => {
                    pixels.extend([0xE0, 0x7F, 0x10, 0]);
                    pixels.extend(length.to_le_bytes());
                }
            }
            pixels.extend(native);
        }
        let mut elements = self.elements();
        let tables = [tags::EXTENDED_OFFSET_TABLE, tags::EXTENDED_OFFSET_TABLE_LENGTHS];
        for (tag, value) in tables.into_iter().zip(extended) {
            elements.push(NewElement::new(tag, VR::OV, value));
        }
        let plain = TransferSyntax { deflated: false, ..syntax };
        let mut bytes = Object::of(plain, elements);
        bytes.extend(pixels);
        Object { syntax, bytes }.deflated()
    }

    fn elements(&self) -> Vec<NewElement> {
        let shape = &self.shape;
        let short = |tag: Tag, value: i64| {
            NewElement::new(tag, VR::US, (value as u16).to_le_bytes().to_vec())
        };
        let text = |tag: Tag, vr: VR, value: &str| NewElement::new(tag, vr, value);
        let mut elements = vec![
            text(tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192"),
            text(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY"),
            text(tags::SOP_CLASS_UID, VR::UI, self.class),
            text(tags::SOP_INSTANCE_UID, VR::UI, "1.2.3.4"),
            text(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3"),
            text(tags::SERIES_INSTANCE_UID, VR::UI, "1.2.3.1"),
            text(tags::SERIES_NUMBER, VR::IS, "3"),
            text(tags::MODALITY, VR::CS, self.modality),
            text(tags::NUMBER_OF_FRAMES, VR::IS, &self.frames.to_string()),
            text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, shape.photometric.as_str()),
            short(tags::SAMPLES_PER_PIXEL, shape.samples() as i64),
            short(tags::ROWS, i64::from(shape.rows)),
            short(tags::COLUMNS, i64::from(shape.columns)),
            short(tags::BITS_ALLOCATED, i64::from(shape.allocated)),
            short(tags::BITS_STORED, i64::from(shape.stored)),
            short(tags::HIGH_BIT, i64::from(shape.high_bit)),
            short(tags::PIXEL_REPRESENTATION, i64::from(shape.signed)),
        ];
        if shape.samples() == 3 {
            elements.push(short(tags::PLANAR_CONFIGURATION, i64::from(shape.planar)));
        }
        let (black, white) = self.ends();
        if self.is_windowed {
            let center = ((black + white) / 2).to_string();
            elements.push(text(tags::WINDOW_CENTER, VR::DS, &center));
            elements.push(text(tags::WINDOW_WIDTH, VR::DS, &(white - black).to_string()));
        }
        if shape.samples() == 1 && (8..=16).contains(&shape.stored) {
            let vr = if shape.signed { VR::SS } else { VR::US };
            for (tag, value) in [
                (tags::SMALLEST_IMAGE_PIXEL_VALUE, black),
                (tags::LARGEST_IMAGE_PIXEL_VALUE, white),
            ] {
                elements.push(NewElement::new(tag, vr, (value as u16).to_le_bytes().to_vec()));
            }
        }
        if shape.photometric == Photometric::PaletteColor {
            elements.extend(palette());
        }
        for new in &self.more {
            elements.retain(|element| element.tag != new.tag);
            elements.push(new.clone());
        }
        elements.retain(|element| !self.without.contains(&element.tag));
        elements
    }
}

/// From black over browns to white, not in order: odd indices are darker than their neighbours.
fn palette() -> Vec<NewElement> {
    let descriptor =
        [256_u16, 0, 16].iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<_>>();
    let table = |share: u32| -> Vec<u8> {
        let entry = |index: u32| {
            let level = if index % 2 == 1 { index * 3 / 4 } else { index };
            (level * 257 * (255 - (255 - index) * share / 100) / 255) as u16
        };
        (0..256).flat_map(|index| entry(index).to_le_bytes()).collect()
    };
    use tags::{
        BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA as BLUE,
        BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR as OF_BLUE,
        GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA as GREEN,
        GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR as OF_GREEN,
        RED_PALETTE_COLOR_LOOKUP_TABLE_DATA as RED,
        RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR as OF_RED,
    };
    let tables = [(OF_RED, RED, 0), (OF_GREEN, GREEN, 20), (OF_BLUE, BLUE, 40)];
    let mut elements = Vec::new();
    for (descriptor_of, data_of, share) in tables {
        elements.push(NewElement::new(descriptor_of, VR::US, descriptor.clone()));
        elements.push(NewElement::new(data_of, VR::OW, table(share)));
    }
    elements
}
