//! What a gate and a codec worker say to each other.
//!
//! One packet for each thing said, on a socket that keeps packets apart; numbers are least significant byte first. Frames
//! and shades stand in the shared memory: a request's frame from its start, the shades behind the frame; the answer's bytes
//! from the start again. Each side reads what the other says as if the other meant harm: a packet of another length, a value
//! that is not in the table or a length beyond the shared memory is no packet.

use crate::codec::{CodecFault, Colour, FrameShape, Syntax, Tile};
use crate::dicom::photometric::Photometric;

/// Begins the first packet of either side; another version has another one.
const MAGIC: [u8; 8] = *b"mgcage01";

/// Bytes of the shared memory: the largest decoded frame twice, so that coded ones that grow, and their shades, find room. Pages
/// that nobody has written take no memory.
pub(super) const SHARED: u64 = 2 * crate::codec::MAX_FRAME;

/// Bytes that a shade takes in the shared memory: whether there is one, then its value.
const SHADE: usize = 5;

/// Longer than any packet, so that one that is too long is seen to be.
pub(super) const PACKET: usize = 64;

/// What a worker is told first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Terms {
    /// Bytes of memory that it may have for itself.
    pub memory: u64,
    /// Seconds of CPU time after which the kernel ends it.
    pub cpu: u64,
}

impl Terms {
    pub(super) fn packet(self) -> Vec<u8> {
        [&MAGIC[..], &self.memory.to_le_bytes(), &self.cpu.to_le_bytes()].concat()
    }

    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let mut rest = Rest(packet);
        let magic = rest.take::<8>()?;
        let terms = Self { memory: rest.u64()?, cpu: rest.u64()? };
        (magic == MAGIC && rest.is_empty()).then_some(terms)
    }
}

/// How far Landlock is in force: it depends on the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Landlock {
    /// The kernel has none, or it is not switched on.
    Absent,
    /// As much of it as this kernel has.
    Partial,
    /// All that this program asks for.
    Full,
}

impl Landlock {
    const ALL: [Self; 3] = [Self::Absent, Self::Partial, Self::Full];

    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Absent => "absent",
            Self::Partial => "partial",
            Self::Full => "full",
        }
    }
}

/// What holds a worker in its cage, as it says itself before it has seen a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bars {
    /// System calls are filtered: what is not needed to decode a frame ends the worker.
    pub seccomp: bool,
    /// Files, sockets and other processes are out of reach a second time.
    pub landlock: Landlock,
}

impl Bars {
    pub(super) fn packet(self) -> Vec<u8> {
        let landlock = position(&Landlock::ALL, self.landlock);
        [&MAGIC[..], &[u8::from(self.seccomp), landlock]].concat()
    }

    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let mut rest = Rest(packet);
        let magic = rest.take::<8>()?;
        let bars = Self { seccomp: rest.flag()?, landlock: rest.one_of(&Landlock::ALL)? };
        (magic == MAGIC && rest.is_empty()).then_some(bars)
    }
}

/// What is to be done with a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Decode,
    Repaint,
    Extend,
}

impl Operation {
    const ALL: [Self; 3] = [Self::Decode, Self::Repaint, Self::Extend];
}

/// A frame to be worked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Request {
    /// One more than that of the request before it.
    pub sequence: u64,
    pub operation: Operation,
    pub syntax: Syntax,
    pub shape: FrameShape,
    /// Bytes of the frame.
    pub frame: u64,
    /// First column, first row, columns and rows of the tile, 0 when there is none.
    pub tile: [u16; 4],
}

impl Request {
    /// Bytes that the shades take behind the frame.
    pub(super) fn shades(&self) -> usize {
        let [_, _, width, height] = self.tile;
        usize::from(width) * usize::from(height) * SHADE
    }

    pub(super) fn packet(&self) -> Vec<u8> {
        let FrameShape { rows, columns, photometric, allocated, stored, high_bit, signed, planar } =
            self.shape;
        let mut packet = Vec::with_capacity(PACKET);
        packet.extend(self.sequence.to_le_bytes());
        packet.extend(self.frame.to_le_bytes());
        for number in [rows, columns].into_iter().chain(self.tile) {
            packet.extend(number.to_le_bytes());
        }
        packet.push(position(&Operation::ALL, self.operation));
        packet.push(position(&SYNTAXES, self.syntax));
        packet.push(position(&PHOTOMETRICS, photometric));
        packet.extend([allocated, stored, high_bit, u8::from(signed), u8::from(planar)]);
        packet
    }

    /// `None` when it is no request, or for something that cannot be.
    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let mut rest = Rest(packet);
        let (sequence, frame) = (rest.u64()?, rest.u64()?);
        let (rows, columns) = (rest.u16()?, rest.u16()?);
        let tile = [rest.u16()?, rest.u16()?, rest.u16()?, rest.u16()?];
        let operation = rest.one_of(&Operation::ALL)?;
        let syntax = rest.one_of(&SYNTAXES)?;
        let photometric = rest.one_of(&PHOTOMETRICS)?;
        let (allocated, stored, high_bit) = (rest.u8()?, rest.u8()?, rest.u8()?);
        let (signed, planar) = (rest.flag()?, rest.flag()?);
        let shape =
            FrameShape { rows, columns, photometric, allocated, stored, high_bit, signed, planar };
        let request = Self { sequence, operation, syntax, shape, frame, tile };
        (rest.is_empty() && request.is_possible().is_ok()).then_some(request)
    }

    /// Whether the shape is one, and everything finds room.
    pub(super) fn is_possible(&self) -> Result<(), CodecFault> {
        self.shape.checked()?;
        let bytes = self.frame.checked_add(self.shades() as u64);
        if bytes.is_some_and(|bytes| bytes <= SHARED) { Ok(()) } else { Err(CodecFault::TooLarge) }
    }
}

/// What came of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Answer {
    /// That of the request.
    pub sequence: u64,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// So many bytes stand in the shared memory; of a decoded frame, what they are.
    Done { bytes: u64, decoded: Option<(Colour, u8)> },
    /// The codec says no.
    Refused(CodecFault),
    /// The codec panicked.
    Panicked,
}

/// What a codec that runs in a worker can say. What it says of a codestream in words stays behind: the gate does not repeat the words
/// of a worker that may have been taken over.
const FAULTS: [CodecFault; 6] = [
    CodecFault::Unsupported,
    CodecFault::TooLarge,
    CodecFault::Malformed("it is damaged, or not what its transfer syntax says"),
    CodecFault::Mismatch,
    CodecFault::BadTile,
    CodecFault::NotExact,
];

const COLOURS: [Colour; 3] = [Colour::Single, Colour::Rgb, Colour::Ybr];
/// What an answer begins with where no fault has its number.
const DONE: u8 = 0xf0;
const DECODED: u8 = 0xf1;
const PANICKED: u8 = 0xf2;

impl Answer {
    pub(super) fn packet(self) -> Vec<u8> {
        let (kind, bytes, colour, sample_bytes) = match self.outcome {
            Outcome::Done { bytes, decoded: None } => (DONE, bytes, 0, 0),
            Outcome::Done { bytes, decoded: Some((colour, sample_bytes)) } => {
                (DECODED, bytes, position(&COLOURS, colour), sample_bytes)
            }
            Outcome::Refused(fault) => (fault_number(fault), 0, 0, 0),
            Outcome::Panicked => (PANICKED, 0, 0, 0),
        };
        let numbers = [self.sequence.to_le_bytes(), bytes.to_le_bytes()].concat();
        [&numbers[..], &[kind, colour, sample_bytes]].concat()
    }

    pub(super) fn read(packet: &[u8]) -> Option<Self> {
        let mut rest = Rest(packet);
        let (sequence, bytes, kind) = (rest.u64()?, rest.u64()?, rest.u8()?);
        let (colour, sample_bytes) = (rest.one_of(&COLOURS)?, rest.u8()?);
        let outcome = match kind {
            DONE => Outcome::Done { bytes, decoded: None },
            DECODED => Outcome::Done { bytes, decoded: Some((colour, sample_bytes)) },
            PANICKED => Outcome::Panicked,
            fault => Outcome::Refused(*FAULTS.get(usize::from(fault))?),
        };
        (rest.is_empty() && bytes <= SHARED).then_some(Self { sequence, outcome })
    }
}

fn fault_number(fault: CodecFault) -> u8 {
    let same = |one: &CodecFault| std::mem::discriminant(one) == std::mem::discriminant(&fault);
    // A worker has no worker that could crash; whoever adds such a fault adds it to the table.
    FAULTS.iter().position(same).map_or(PANICKED, |at| at as u8)
}

/// Writes shades as they stand in the shared memory.
pub(super) fn shades_to_bytes(shades: &[Option<i32>]) -> Vec<u8> {
    let mut bytes = vec![0; shades.len() * SHADE];
    let (places, _none) = bytes.as_chunks_mut::<SHADE>();
    for ([is_some, value @ ..], shade) in places.iter_mut().zip(shades) {
        *is_some = u8::from(shade.is_some());
        *value = shade.unwrap_or(0).to_le_bytes();
    }
    bytes
}

/// Reads the tile of a request from its shades in the shared memory; `None` when they are not as many as it says.
pub(super) fn tile(request: &Request, bytes: &[u8]) -> Option<Tile> {
    let [x, y, width, height] = request.tile;
    let (shades, rest) = bytes.as_chunks::<SHADE>();
    let shade =
        |[is_some, value @ ..]: &[u8; SHADE]| (*is_some != 0).then(|| i32::from_le_bytes(*value));
    let whole = rest.is_empty() && bytes.len() == request.shades();
    whole.then(|| Tile { x, y, width, height, shades: shades.iter().map(shade).collect() })
}

/// Every transfer syntax, at its number.
const SYNTAXES: [Syntax; 18] = [
    Syntax::Native { big_endian: false },
    Syntax::Native { big_endian: true },
    Syntax::RleLossless,
    Syntax::JpegBaseline,
    Syntax::JpegExtended,
    Syntax::JpegLossless,
    Syntax::JpegLosslessSv1,
    Syntax::JpegLsLossless,
    Syntax::JpegLsNearLossless,
    Syntax::Jpeg2000Lossless,
    Syntax::Jpeg2000,
    Syntax::Htj2kLossless,
    Syntax::Htj2kLosslessRpcl,
    Syntax::Htj2k,
    Syntax::JpegXlLossless,
    Syntax::JpegXlRecompression,
    Syntax::JpegXl,
    Syntax::DeflatedImageFrame,
];

/// Every photometric interpretation, at its number.
const PHOTOMETRICS: [Photometric; 10] = [
    Photometric::Monochrome1,
    Photometric::Monochrome2,
    Photometric::PaletteColor,
    Photometric::Rgb,
    Photometric::YbrFull,
    Photometric::YbrFull422,
    Photometric::YbrPartial420,
    Photometric::YbrIct,
    Photometric::YbrRct,
    Photometric::Xyb,
];

/// The number of a value in its table; one that is in no table gets a number that nobody reads.
fn position<T: PartialEq + Copy>(table: &[T], value: T) -> u8 {
    table.iter().position(|one| *one == value).map_or(u8::MAX, |at| at as u8)
}

/// What of a packet has not been read yet.
struct Rest<'p>(&'p [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take::<1>().map(|[byte]| byte)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_le_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn one_of<T: Copy>(&mut self, table: &[T]) -> Option<T> {
        table.get(usize::from(self.u8()?)).copied()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
