//! Applies a plan to the bytes it was made for, as a stream.
//!
//! An empty plan is the identity. A deflated data set is opened up only when the plan changes something: then it
//! is inflated, changed and deflated again, in constant memory and always to the same bytes for the same version
//! of the compressor.

use std::fmt;
use std::io::{self, BufRead as _, BufReader, Read};

use flate2::Compression;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};
use flate2::read::DeflateEncoder;

use crate::dicom::transfer_syntax::TransferSyntax;

use super::edit::{EditPlan, Insert, Step, Steps};
use super::inflate::begins_with_zlib;

/// Reads what was made beside a plan, from its beginning.
pub struct MadeBytes(Box<dyn Read + Send>);

impl MadeBytes {
    /// Of a reader.
    #[must_use]
    pub fn new(reader: impl Read + Send + 'static) -> Self {
        Self(Box::new(reader))
    }

    /// Of a plan that takes nothing of it.
    #[must_use]
    pub fn none() -> Self {
        Self(Box::new(io::empty()))
    }
}

impl fmt::Debug for MadeBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MadeBytes")
    }
}

/// A reader of the original with a plan applied.
///
/// Reading fails with [`io::ErrorKind::UnexpectedEof`] when the original, or what was made beside the plan, ends before the plan
/// does, which means that the plan was made for another one.
#[derive(Debug)]
pub struct Spliced<R> {
    source: R,
    steps: Steps,
    next: Option<Step>,
    /// Bytes of the original that are done with.
    at: u64,
    inserting: io::Cursor<Vec<u8>>,
    made: MadeBytes,
    /// Bytes of what was made that are done with.
    made_at: u64,
    /// How many of its bytes come next.
    filling: u64,
}

impl<R: Read> Spliced<R> {
    /// Applies `plan` to what `source` yields; of a deflated data set, inflated bytes.
    #[must_use]
    pub fn new(source: R, plan: EditPlan) -> Self {
        let mut steps = Steps::new(plan);
        let next = steps.next();
        Self {
            source,
            steps,
            next,
            at: 0,
            inserting: io::Cursor::default(),
            made: MadeBytes::none(),
            made_at: 0,
            filling: 0,
        }
    }

    /// Takes what the plan fills places with from `made`.
    #[must_use]
    pub fn filled_from(self, made: MadeBytes) -> Self {
        Self { made, ..self }
    }

    fn take(&mut self, step: Step) -> io::Result<()> {
        match step.insert {
            Insert::Bytes(bytes) => {
                pass_over(&mut self.source, step.remove)?;
                self.inserting = io::Cursor::new(bytes);
            }
            Insert::Bits { mut bytes, mask } => {
                let mut before = vec![0; bytes.len()];
                self.source.read_exact(&mut before).map_err(as_too_short)?;
                for ((byte, mask), before) in bytes.iter_mut().zip(mask).zip(before) {
                    *byte = (*byte & mask) | (before & !mask);
                }
                self.inserting = io::Cursor::new(bytes);
            }
            Insert::Made(part) => {
                pass_over(&mut self.source, step.remove)?;
                pass_over(&mut self.made.0, part.start - self.made_at)?;
                self.filling = part.end - part.start;
                self.made_at = part.end;
            }
        }
        self.at += step.remove;
        Ok(())
    }
}

fn pass_over(source: &mut impl Read, bytes: u64) -> io::Result<()> {
    let passed = io::copy(&mut source.take(bytes), &mut io::sink())?;
    if passed == bytes { Ok(()) } else { Err(too_short()) }
}

fn as_too_short(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::UnexpectedEof { too_short() } else { error }
}

impl<R: Read> Read for Spliced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inserting.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            if self.filling > 0 {
                let count = self.made.0.by_ref().take(self.filling).read(buffer)?;
                self.filling -= count as u64;
                return if count == 0 { Err(too_short()) } else { Ok(count) };
            }
            let left = match &self.next {
                None => return self.source.read(buffer),
                Some(step) => step.at.saturating_sub(self.at),
            };
            if left > 0 {
                let count = self.source.by_ref().take(left).read(buffer)?;
                if count == 0 {
                    return Err(too_short());
                }
                self.at += count as u64;
                return Ok(count);
            }
            if let Some(step) = self.next.take() {
                self.take(step)?;
                self.next = self.steps.next();
            }
        }
    }
}

fn too_short() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the data set ends before its edit plan does")
}

/// A reader of what a deflated data set holds, with or without a zlib header.
#[derive(Debug)]
pub enum Inflating<R> {
    /// A bare stream, as PS3.5 §A.5 wants it.
    Bare(DeflateDecoder<BufReader<R>>),
    /// With a zlib header.
    Zlib(ZlibDecoder<BufReader<R>>),
}

impl<R: Read> Inflating<R> {
    /// Looks at the first byte of `source`.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn new(source: R) -> io::Result<Self> {
        let mut source = BufReader::new(source);
        Ok(match source.fill_buf()?.first() {
            Some(first) if begins_with_zlib(*first) => Self::Zlib(ZlibDecoder::new(source)),
            Some(_) | None => Self::Bare(DeflateDecoder::new(source)),
        })
    }
}

impl<R: Read> Read for Inflating<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Bare(stream) => stream.read(buffer),
            Self::Zlib(stream) => stream.read(buffer),
        }
    }
}

/// A changed data set in the transfer syntax in which it came.
#[derive(Debug)]
pub enum Output<R> {
    /// Not deflated, or not changed.
    Plain(Spliced<R>),
    /// Deflated again.
    Deflated(Even<DeflateEncoder<Spliced<Inflating<R>>>>),
}

/// The data set that `source` yields, changed by `plan`, in the same transfer syntax.
///
/// # Errors
/// When the first byte of a deflated data set cannot be read.
pub fn output<R: Read>(
    source: R,
    syntax: TransferSyntax,
    plan: EditPlan,
    made: MadeBytes,
) -> io::Result<Output<R>> {
    if !syntax.deflated || plan.is_empty() {
        return Ok(Output::Plain(Spliced::new(source, plan).filled_from(made)));
    }
    let changed = Spliced::new(Inflating::new(source)?, plan).filled_from(made);
    Ok(Output::Deflated(Even::new(DeflateEncoder::new(changed, Compression::default()))))
}

impl<R: Read> Read for Output<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(buffer),
            Self::Deflated(stream) => stream.read(buffer),
        }
    }
}

/// Adds a NUL to a stream of odd length (PS3.5 §A.5).
#[derive(Debug)]
pub struct Even<R> {
    stream: R,
    is_odd: bool,
}

impl<R> Even<R> {
    fn new(stream: R) -> Self {
        Self { stream, is_odd: false }
    }
}

impl<R: Read> Read for Even<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.is_odd ^= count % 2 == 1;
        match buffer.first_mut() {
            Some(first) if count == 0 && self.is_odd => {
                *first = 0;
                self.is_odd = false;
                Ok(1)
            }
            Some(_) | None => Ok(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::edit::{BadPlan, Edit, Filling, Made, Patch, Run, RunKind};

    fn plan(edits: &[(u64, u64, &str)]) -> Result<EditPlan, BadPlan> {
        let edit = |(at, remove, insert): &(u64, u64, &str)| Edit {
            at: *at,
            remove: *remove,
            insert: insert.as_bytes().to_vec(),
        };
        EditPlan::new(edits.iter().map(edit).collect())
    }

    #[track_caller]
    fn check_plan(original: &str, plan: &EditPlan, made: &'static str, want: &str) {
        let mut read = Vec::new();
        let made = MadeBytes::new(made.as_bytes());
        let mut spliced = Spliced::new(original.as_bytes(), plan.clone()).filled_from(made);
        // A byte at a time: every state is left and come back to.
        let mut byte = [0];
        while spliced.read(&mut byte).expect("memory") == 1 {
            read.extend(byte);
        }
        assert_eq!(String::from_utf8_lossy(&read), want);
        assert_eq!(plan.length_after(original.len() as u64), want.len() as u64);
    }

    #[track_caller]
    fn check(original: &str, edits: &[(u64, u64, &str)], want: &str) {
        check_plan(original, &plan(edits).expect("a plan"), "", want);
    }

    #[test]
    fn ranges_are_replaced_and_the_rest_stays() {
        check("abcdef", &[], "abcdef");
        check("", &[], "");
        check("abcdef", &[(0, 0, "X"), (2, 2, "YYY"), (6, 0, "Z")], "XabYYYefZ");
        check("abcdef", &[(0, 6, "")], "");
        check("abcdef", &[(1, 1, ""), (5, 1, "g")], "acdeg");
    }

    #[test]
    fn runs_are_patched_in_every_frame() {
        let run = |at, bytes: &str, kind| Run { at, bytes: bytes.into(), kind };
        let patched = |edits: &[_], frames, runs| {
            let patch = Patch::new(2, 5, frames, runs).expect("a patch");
            plan(edits).and_then(|plan| plan.patched(vec![patch])).expect("a plan")
        };
        let over = patched(&[(0, 1, "__")], 2, vec![run(1, "XY", RunKind::Over)]);
        check_plan("abcdefghijklm", &over, "", "__bcXYfghXYklm");
        // The upper half of a byte stays: a letter becomes another of its column.
        let masked = RunKind::Masked(vec![0x0F]);
        let masked = patched(&[], 2, vec![run(0, "\u{9}", masked)]);
        check_plan("abcdefghijklm", &masked, "", "abidefgiijklm");
        let grown = patched(&[(12, 0, "__")], 2, vec![run(5, "++", RunKind::In)]);
        check_plan("abcdefghijklm", &grown, "", "abcdefg++hijkl__++m");
    }

    #[test]
    fn places_are_filled_with_what_was_made() {
        let made = Made { length: 8, hash: [0; 32] };
        let fillings = vec![
            Filling { at: 2, remove: 2, made: 1..5 },
            Filling { at: 4, remove: 0, made: 6..7 },
        ];
        let plan = plan(&[(0, 0, "_"), (4, 1, "-")]).and_then(|plan| plan.filled(made, fillings));
        let plan = plan.expect("a plan");
        check_plan("abcdef", &plan, "01234567", "_ab12346-f");
        let short = MadeBytes::new(&b"0123"[..]);
        let mut spliced = Spliced::new(&b"abcdef"[..], plan).filled_from(short);
        let error = io::copy(&mut spliced, &mut io::sink()).expect_err("too short");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[test]
    fn a_plan_for_a_longer_original_is_an_error() {
        let run = Run { at: 0, bytes: vec![0; 2], kind: RunKind::Masked(vec![1; 2]) };
        let patch = Patch::new(2, 1, 1, vec![run]).expect("a patch");
        let masked = EditPlan::none().patched(vec![patch]).expect("a plan");
        let edited = [&[(4, 0, "x")][..], &[(2, 2, "x")], &[(9, 0, "x")]];
        let edited = edited.map(|edits| plan(edits).expect("a plan"));
        for plan in edited.into_iter().chain([masked]) {
            let mut spliced = Spliced::new(&b"abc"[..], plan);
            let error = io::copy(&mut spliced, &mut io::sink()).expect_err("too short");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
