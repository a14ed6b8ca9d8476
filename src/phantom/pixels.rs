//! Pixel data of a phantom, native or encapsulated, written frame by frame.

use std::io::{self, Write};

use crate::dicom::transfer_syntax::{PixelCoding, TransferSyntax};
use crate::dicom::{VR, tags};

use super::data_set::DataSet;
use super::picture::{Painter, Scale, Scene};
use super::retouch::Retouch;
use super::rle;
use super::write::{ITEM, Layout, SEQUENCE_END, UNDEFINED};

/// RLE Lossless, the one compressed syntax that phantoms are really encoded in.
const RLE_LOSSLESS: &str = "1.2.840.10008.1.2.5";

/// Bytes of a frame in a syntax that is only pretended.
const PRETENDED_FRAME: usize = 4096;

/// Pixel data, before it is painted.
#[derive(Debug, Clone)]
pub(super) struct Pixels {
    pub(super) rows: u16,
    pub(super) columns: u16,
    pub(super) frames: u32,
    pub(super) depth: Depth,
    pub(super) scene: Scene,
    pub(super) scale: Scale,
}

/// What a sample is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// One sample in one byte.
    Grey8,
    /// One sample in two bytes, this many bits of them used.
    Grey16(u16),
    /// Three samples in a byte each, RGB, tinted from a grey picture.
    Colour,
}

impl Depth {
    fn samples(self) -> u16 {
        match self {
            Self::Grey8 | Self::Grey16(_) => 1,
            Self::Colour => 3,
        }
    }

    fn bytes(self) -> u64 {
        match self {
            Self::Grey8 => 1,
            Self::Grey16(_) => 2,
            Self::Colour => 3,
        }
    }
}

impl Pixels {
    /// The Image Pixel module but for the data itself (PS3.3 C.7.6.3).
    pub(super) fn describe(&self, set: &mut DataSet) {
        let (allocated, stored) = match self.depth {
            Depth::Grey8 | Depth::Colour => (8, 8),
            Depth::Grey16(stored) => (16, stored),
        };
        set.number(tags::SAMPLES_PER_PIXEL, self.depth.samples())
            .number(tags::ROWS, self.rows)
            .number(tags::COLUMNS, self.columns)
            .number(tags::BITS_ALLOCATED, allocated)
            .number(tags::BITS_STORED, stored)
            .number(tags::HIGH_BIT, stored - 1)
            .number(tags::PIXEL_REPRESENTATION, 0);
        match self.depth {
            Depth::Grey8 | Depth::Grey16(_) => {
                set.text(tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2")
            }
            Depth::Colour => set
                .text(tags::PHOTOMETRIC_INTERPRETATION, "RGB")
                .number(tags::PLANAR_CONFIGURATION, 0),
        };
    }

    pub(super) fn write(
        self,
        layout: Layout,
        syntax: &str,
        retouch: Option<Retouch>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        if TransferSyntax::of(syntax).pixels == PixelCoding::Native {
            self.write_native(layout, retouch, out)
        } else {
            let rle = syntax == RLE_LOSSLESS && retouch != Some(Retouch::Undecodable);
            self.write_encapsulated(layout, rle, retouch, out)
        }
    }

    fn write_native(
        self,
        layout: Layout,
        retouch: Option<Retouch>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let frame = u64::from(self.rows) * u64::from(self.columns) * self.depth.bytes();
        let length = frame * u64::from(self.frames);
        let padded = u32::try_from(length.next_multiple_of(2)).ok().filter(|l| *l < UNDEFINED);
        let padded = padded.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "native pixel data has less than 4 GiB")
        })?;
        // PS3.5 annex A: OW in implicit VR; in explicit VR OB where a sample fits a byte.
        let vr = match self.depth {
            Depth::Grey8 | Depth::Colour if layout.encoding.is_explicit() => VR::OB,
            Depth::Grey8 | Depth::Colour | Depth::Grey16(_) => VR::OW,
        };
        let mut header = Vec::new();
        layout.header(tags::PIXEL_DATA, vr, padded, &mut header);
        out.write_all(&header)?;
        let depth = self.depth;
        let frames = self.frames;
        let encode = |sample, bytes: &mut Vec<u8>| match depth {
            Depth::Grey8 => bytes.push(low(sample)),
            Depth::Grey16(_) => layout.short(sample, bytes),
            Depth::Colour => bytes.extend(tint(sample)),
        };
        let painter = Painter::new(self.rows, self.columns, &self.scene, self.scale, retouch);
        let mut first = Vec::new();
        for sample in painter.first() {
            encode(*sample, &mut first);
        }
        let mut bytes = first.clone();
        let mut code = Vec::new();
        for index in 0..frames {
            bytes.copy_from_slice(&first);
            for (place, sample) in painter.changes(index) {
                code.clear();
                encode(sample, &mut code);
                if let Some(there) = bytes.get_mut(place * code.len()..(place + 1) * code.len()) {
                    there.copy_from_slice(&code);
                }
            }
            out.write_all(&bytes)?;
        }
        if length % 2 == 1 {
            out.write_all(&[0])?;
        }
        Ok(())
    }

    fn write_encapsulated(
        self,
        layout: Layout,
        rle: bool,
        retouch: Option<Retouch>,
        out: &mut impl Write,
    ) -> io::Result<()> {
        let mut bytes = Vec::new();
        layout.header(tags::PIXEL_DATA, VR::OB, UNDEFINED, &mut bytes);
        // An empty offset table: with several frames the offsets are not known before they are packed.
        layout.mark(ITEM, 0, &mut bytes);
        out.write_all(&bytes)?;
        let depth = self.depth;
        let row = usize::from(self.columns);
        let frames = self.frames;
        let painter = Painter::new(self.rows, self.columns, &self.scene, self.scale, retouch);
        for index in 0..frames {
            let fragment = if rle {
                rle::encode(&planes(depth, &frame(&painter, index)), row)
            } else {
                pretended(index)
            };
            bytes.clear();
            layout.mark(ITEM, u32::try_from(fragment.len()).unwrap_or_default(), &mut bytes);
            out.write_all(&bytes)?;
            out.write_all(&fragment)?;
        }
        bytes.clear();
        layout.mark(SEQUENCE_END, 0, &mut bytes);
        out.write_all(&bytes)
    }
}

/// All samples of a frame.
fn frame(painter: &Painter, index: u32) -> Vec<u16> {
    let mut samples = painter.first().to_vec();
    for (place, sample) in painter.changes(index) {
        if let Some(there) = samples.get_mut(place) {
            *there = sample;
        }
    }
    samples
}

/// The byte planes of a frame, most significant first (PS3.5 §G.2).
fn planes(depth: Depth, samples: &[u16]) -> Vec<Vec<u8>> {
    match depth {
        Depth::Grey8 => vec![samples.iter().map(|sample| low(*sample)).collect()],
        Depth::Grey16(_) => vec![
            samples.iter().map(|sample| low(sample >> 8)).collect(),
            samples.iter().map(|sample| low(*sample)).collect(),
        ],
        Depth::Colour => {
            let mut planes = vec![Vec::new(), Vec::new(), Vec::new()];
            for sample in samples {
                for (plane, part) in planes.iter_mut().zip(tint(*sample)) {
                    plane.push(part);
                }
            }
            planes
        }
    }
}

fn low(sample: u16) -> u8 {
    sample.to_le_bytes()[0]
}

/// Grey to a cool tint: black stays black, white white.
fn tint(sample: u16) -> [u8; 3] {
    let grey = sample.min(255);
    let dimmed = grey * grey / 255;
    [low(dimmed), low((grey + dimmed) / 2), low(grey)]
}

/// A fragment of no codec: bytes that depend on the frame's number alone.
fn pretended(index: u32) -> Vec<u8> {
    let mut bytes = vec![0; PRETENDED_FRAME];
    blake3::Hasher::new().update(&index.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}
