//! Rewrites a data set in another native transfer syntax, as a stream, for a destination that does not take the
//! one it came in.
//!
//! The one place where an object is parsed and written again, so it is strict in what it writes: group lengths
//! are dropped (retired, PS3.5 §7.2), sequences and items get undefined lengths with delimiters, odd values are
//! padded. Values themselves change only in byte order. Memory does not depend on the object.

use std::fmt;
use std::io::{self, Read};

use dicom_core::dictionary::VirtualVr;
use dicom_dictionary_std::uids::{EXPLICIT_VR_LITTLE_ENDIAN, IMPLICIT_VR_LITTLE_ENDIAN};

use crate::dicom::attribute::vr_of;
use crate::dicom::transfer_syntax::{Encoding, TransferSyntax};
use crate::dicom::{Tag, VR, tags};

use super::edit::EditPlan;
use super::header::{Form, Kind};
use super::representation::{
    ITEM_END, SEQUENCE_END, UNDEFINED, has_long_header, padding, swap_units, unit_size,
};
use super::scan::{End, Fault};
use super::splice::{Inflating, Spliced};
use super::walk::{Opened, Sink, Walker};

/// What a data set can be rewritten in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// Implicit VR Little Endian, 1.2.840.10008.1.2.
    ImplicitLittle,
    /// Explicit VR Little Endian, 1.2.840.10008.1.2.1.
    ExplicitLittle,
}

impl Target {
    /// Its Transfer Syntax UID.
    #[must_use]
    pub fn uid(self) -> &'static str {
        match self {
            Self::ImplicitLittle => IMPLICIT_VR_LITTLE_ENDIAN,
            Self::ExplicitLittle => EXPLICIT_VR_LITTLE_ENDIAN,
        }
    }

    /// How its elements are laid out.
    #[must_use]
    pub fn encoding(self) -> Encoding {
        match self {
            Self::ImplicitLittle => Encoding::ImplicitLittle,
            Self::ExplicitLittle => Encoding::ExplicitLittle,
        }
    }
}

/// Why a data set cannot be rewritten. Readers report it inside an [`io::Error`] of kind `InvalidData`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TranscodeFault {
    /// Its transfer syntax is not native: only a codec could do it.
    #[error("the transfer syntax is not native")]
    NotNative,
    /// It holds encapsulated pixel data, whatever its transfer syntax says.
    #[error("encapsulated pixel data in a native transfer syntax")]
    Encapsulated,
    /// It is cut off or cannot be walked.
    #[error("the data set cannot be walked")]
    Unwalkable(End),
    /// It cannot be walked, for this reason.
    #[error("the data set cannot be walked: {0}")]
    Malformed(Fault),
}

impl From<TranscodeFault> for io::Error {
    fn from(fault: TranscodeFault) -> Self {
        Self::new(io::ErrorKind::InvalidData, fault)
    }
}

/// The data set that `source` yields, changed by `plan`, in another native transfer syntax.
///
/// # Errors
/// When `from` is not native, or the first byte of a deflated data set cannot be read.
pub fn output<R: Read>(
    source: R,
    from: TransferSyntax,
    plan: EditPlan,
    to: Target,
) -> io::Result<Output<R>> {
    if !from.is_native() {
        return Err(TranscodeFault::NotNative.into());
    }
    let source = if from.deflated {
        Native::Inflated(Inflating::new(source)?)
    } else {
        Native::Plain(source)
    };
    let changed = Spliced::new(source, plan);
    // What is already laid out as wished passes as it is.
    Ok(if from.encoding == to.encoding() {
        Output::AsItIs(Box::new(changed))
    } else {
        Output::Rewritten(Box::new(Transcoder::new(changed, from.encoding, to)))
    })
}

/// A data set as it stands in memory, inflated if need be.
#[derive(Debug)]
pub enum Native<R> {
    /// Not deflated.
    Plain(R),
    /// Deflated.
    Inflated(Inflating<R>),
}

impl<R: Read> Read for Native<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(source) => source.read(buffer),
            Self::Inflated(source) => source.read(buffer),
        }
    }
}

/// What [`output`] yields.
#[derive(Debug)]
pub enum Output<R> {
    /// Inflated at most.
    AsItIs(Box<Spliced<Native<R>>>),
    /// Written anew.
    Rewritten(Box<Transcoder<Spliced<Native<R>>>>),
}

impl<R: Read> Read for Output<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::AsItIs(source) => source.read(buffer),
            Self::Rewritten(source) => source.read(buffer),
        }
    }
}

/// A reader that rewrites the data set of another.
pub struct Transcoder<R> {
    source: R,
    walker: Walker,
    writer: Writer,
    input: Box<[u8]>,
    /// How much of the writer's output has been given away.
    given: usize,
    is_done: bool,
}

impl<R: Read> Transcoder<R> {
    /// Rewrites what `source` yields, which is (said to be) in the encoding `from`.
    #[must_use]
    pub fn new(source: R, from: Encoding, to: Target) -> Self {
        Self {
            source,
            walker: Walker::new(from),
            writer: Writer::new(to),
            input: vec![0; 32 << 10].into_boxed_slice(),
            given: 0,
            is_done: false,
        }
    }

    fn advance(&mut self) -> io::Result<()> {
        self.writer.out.clear();
        self.given = 0;
        let count = self.source.read(&mut self.input)?;
        if count > 0 {
            self.walker.push(self.input.get(..count).unwrap_or_default(), &mut self.writer);
        }
        if let Some(fault) = self.writer.fault {
            return Err(fault.into());
        }
        if count > 0 && !self.walker.stopped() {
            return Ok(());
        }
        self.is_done = true;
        match self.walker.finish(&mut self.writer) {
            End::Complete => Ok(()),
            End::Malformed(fault) => Err(TranscodeFault::Malformed(fault).into()),
            end @ (End::Cut { .. } | End::TooDeep { .. } | End::Unlooked(_)) => {
                Err(TranscodeFault::Unwalkable(end).into())
            }
        }
    }
}

impl<R: Read> Read for Transcoder<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut ready = self.writer.out.get(self.given..).unwrap_or_default();
            if !ready.is_empty() || buffer.is_empty() {
                let count = ready.read(buffer)?;
                self.given += count;
                return Ok(count);
            }
            if self.is_done {
                return Ok(0);
            }
            self.advance()?;
        }
    }
}

impl<R> fmt::Debug for Transcoder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transcoder").field("to", &self.writer.to).finish_non_exhaustive()
    }
}

/// What an item or data set says about its own pixels or waveform; the nearest that says something counts.
#[derive(Debug, Clone, Copy, Default)]
struct Samples {
    bits_allocated: Option<u16>,
    pixel_representation: Option<u16>,
    waveform_bits: Option<u16>,
}

/// The value that is being copied.
#[derive(Debug, Clone, Copy)]
struct Copying {
    tag: Tag,
    vr: VR,
    is_big_endian: bool,
    length: u64,
    unit: usize,
    /// The bytes of a unit that is not whole yet.
    part: [u8; 8],
    parts: usize,
    /// The first two bytes as they came, and how many of them have come.
    first: [u8; 2],
    seen: usize,
}

impl Copying {
    /// Completes the unit that is not whole and appends it; what is left of `bytes` begins with a whole unit.
    fn complete<'b>(&mut self, bytes: &'b [u8], out: &mut Vec<u8>) -> &'b [u8] {
        if self.parts == 0 {
            return bytes;
        }
        let missing = self.unit - self.parts;
        let (head, rest) = bytes.split_at_checked(missing).unwrap_or((bytes, &[]));
        self.hold(head);
        if self.parts == self.unit {
            out.extend(self.part.iter().take(self.unit).rev());
            self.parts = 0;
        }
        rest
    }

    fn hold(&mut self, bytes: &[u8]) {
        for (slot, byte) in self.part.iter_mut().skip(self.parts).zip(bytes) {
            *slot = *byte;
            self.parts += 1;
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Open {
    Sequence,
    Item,
}

struct Writer {
    to: Target,
    out: Vec<u8>,
    open: Vec<Open>,
    samples: Vec<Samples>,
    /// `None` where the value is dropped.
    copying: Option<Copying>,
    fault: Option<TranscodeFault>,
}

impl Writer {
    fn new(to: Target) -> Self {
        Self {
            to,
            out: Vec::new(),
            open: Vec::new(),
            samples: vec![Samples::default()],
            copying: None,
            fault: None,
        }
    }

    fn put_tag(&mut self, tag: Tag) {
        self.out.extend(tag.group().to_le_bytes());
        self.out.extend(tag.element().to_le_bytes());
    }

    fn put_header(&mut self, tag: Tag, vr: VR, length: u32) {
        self.put_tag(tag);
        match (self.to, u16::try_from(length)) {
            (Target::ImplicitLittle, _) => self.out.extend(length.to_le_bytes()),
            (Target::ExplicitLittle, Ok(short)) if !has_long_header(vr) => {
                self.out.extend(vr.to_bytes());
                self.out.extend(short.to_le_bytes());
            }
            (Target::ExplicitLittle, _) => {
                // PS3.5 §6.2.2: what is too long for a 16-bit length is written as UN.
                let vr = if has_long_header(vr) { vr } else { VR::UN };
                self.out.extend(vr.to_bytes());
                self.out.extend([0, 0]);
                self.out.extend(length.to_le_bytes());
            }
        }
    }

    /// The VR of an element: as written, else by the dictionary and what is known of the samples.
    fn vr(&self, opened: &Opened) -> VR {
        match (opened.vr, opened.form) {
            (Some(vr), _) => return vr,
            // Letters that are no VR: nobody knows what the value is.
            (None, Form::Short | Form::Long) => return VR::UN,
            (None, Form::Implicit) => {}
        }
        let tag = opened.tag;
        let nearest =
            |value: fn(&Samples) -> Option<u16>| self.samples.iter().rev().find_map(value);
        match vr_of(tag) {
            Some(VirtualVr::Exact(vr)) => vr,
            Some(VirtualVr::Xs) => match nearest(|samples| samples.pixel_representation) {
                Some(1) => VR::SS,
                Some(_) | None => VR::US,
            },
            Some(VirtualVr::Px) => match nearest(|samples| samples.bits_allocated) {
                Some(0..=8) => VR::OB,
                Some(_) | None => VR::OW,
            },
            Some(VirtualVr::Ox) if tag.group() & 0xFF00 == 0x5400 => {
                match nearest(|samples| samples.waveform_bits) {
                    Some(8) => VR::OB,
                    Some(_) | None => VR::OW,
                }
            }
            Some(VirtualVr::Ox | VirtualVr::Lt) => VR::OW,
            Some(_) | None => VR::UN,
        }
    }

    fn begin(&mut self, opened: &Opened) {
        self.copying = None;
        if opened.tag.element() == 0 {
            return;
        }
        let vr = self.vr(opened);
        let length = opened.length.unwrap_or(0);
        let is_odd = length % 2 == 1;
        let padded = u32::try_from(length + u64::from(is_odd)).unwrap_or(UNDEFINED - 1);
        self.put_header(opened.tag, vr, padded);
        let is_big_endian = opened.encoding.is_big_endian();
        self.copying = Some(Copying {
            tag: opened.tag,
            vr,
            is_big_endian,
            length,
            unit: if is_big_endian { unit_size(vr) } else { 1 },
            part: [0; 8],
            parts: 0,
            first: [0; 2],
            seen: 0,
        });
    }

    /// Remembers what later elements are to be read by.
    fn learn(&mut self, copying: &Copying) {
        let (Some(samples), 2) = (self.samples.last_mut(), copying.length) else { return };
        let number = Some(if copying.is_big_endian {
            u16::from_be_bytes(copying.first)
        } else {
            u16::from_le_bytes(copying.first)
        });
        match copying.tag {
            tags::BITS_ALLOCATED => samples.bits_allocated = number,
            tags::PIXEL_REPRESENTATION => samples.pixel_representation = number,
            tags::WAVEFORM_BITS_ALLOCATED => samples.waveform_bits = number,
            _ => {}
        }
    }
}

impl Sink for Writer {
    fn open(&mut self, opened: &Opened) {
        match opened.kind {
            Kind::Value => self.begin(opened),
            Kind::Sequence => {
                self.put_header(opened.tag, VR::SQ, UNDEFINED);
                self.open.push(Open::Sequence);
            }
            Kind::Item => {
                self.put_tag(opened.tag);
                self.out.extend(UNDEFINED.to_le_bytes());
                self.open.push(Open::Item);
                self.samples.push(Samples::default());
            }
            Kind::Fragments | Kind::Fragment => {
                self.fault.get_or_insert(TranscodeFault::Encapsulated);
                self.copying = None;
                if opened.kind == Kind::Fragments {
                    self.open.push(Open::Sequence);
                }
            }
        }
    }

    fn value(&mut self, bytes: &[u8]) {
        let Some(copying) = &mut self.copying else { return };
        for (slot, byte) in copying.first.iter_mut().skip(copying.seen).zip(bytes) {
            *slot = *byte;
            copying.seen += 1;
        }
        let bytes = copying.complete(bytes, &mut self.out);
        let whole = bytes.len() - bytes.len() % copying.unit;
        let (whole, rest) = bytes.split_at_checked(whole).unwrap_or((bytes, &[]));
        let begin = self.out.len();
        self.out.extend_from_slice(whole);
        swap_units(self.out.get_mut(begin..).unwrap_or_default(), copying.unit);
        copying.hold(rest);
    }

    fn value_end(&mut self) {
        let Some(copying) = self.copying.take() else { return };
        self.out.extend(copying.part.iter().take(copying.parts));
        if copying.length % 2 == 1 {
            self.out.push(padding(copying.vr));
        }
        self.learn(&copying);
    }

    fn close(&mut self, _at: u64, _delimited: bool) {
        match self.open.pop() {
            Some(Open::Item) => {
                self.samples.pop();
                self.put_tag(ITEM_END);
            }
            Some(Open::Sequence) => self.put_tag(SEQUENCE_END),
            None => return,
        }
        self.out.extend([0; 4]);
    }
}
