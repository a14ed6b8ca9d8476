//! Applies a plan to the bytes it was made for, as a stream.
//!
//! An empty plan is the identity. A deflated data set is opened up only when the plan changes something: then it
//! is inflated, changed and deflated again, in constant memory and always to the same bytes for the same version
//! of the compressor.

use std::io::{self, BufRead as _, BufReader, Read};
use std::ops::Range;
use std::vec;

use flate2::Compression;
use flate2::bufread::{DeflateDecoder, ZlibDecoder};
use flate2::read::DeflateEncoder;

use crate::dicom::transfer_syntax::TransferSyntax;

use super::edit::{Edit, EditPlan};
use super::inflate::begins_with_zlib;

/// A piece of a changed data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment<'p> {
    /// Bytes of the original, to be read from where it is stored.
    Original(Range<u64>),
    /// Bytes of the plan.
    Inserted(&'p [u8]),
}

/// The pieces that make up an original of `length` bytes once changed; none is empty. Not for deflated data sets.
pub fn segments(plan: &EditPlan, length: u64) -> impl Iterator<Item = Segment<'_>> {
    let starts = [0].into_iter().chain(plan.edits().iter().map(Edit::end));
    let ends = plan.edits().iter().map(|edit| edit.at).chain([length]);
    let inserts = plan.edits().iter().map(|edit| edit.insert.as_slice()).chain([&[][..]]);
    starts.zip(ends).zip(inserts).flat_map(|((start, end), insert)| {
        let original = (start < end).then_some(Segment::Original(start..end));
        let inserted = (!insert.is_empty()).then_some(Segment::Inserted(insert));
        original.into_iter().chain(inserted)
    })
}

/// A reader of the original with a plan applied.
///
/// Reading fails with [`io::ErrorKind::UnexpectedEof`] when the original ends before the plan does, which means
/// that the plan was made for another one.
#[derive(Debug)]
pub struct Spliced<R> {
    source: R,
    edits: vec::IntoIter<Edit>,
    next: Option<Edit>,
    /// Bytes of the original that are done with.
    at: u64,
    inserting: io::Cursor<Vec<u8>>,
}

impl<R: Read> Spliced<R> {
    /// Applies `plan` to what `source` yields; of a deflated data set, inflated bytes.
    #[must_use]
    pub fn new(source: R, plan: EditPlan) -> Self {
        let mut edits = plan.into_edits().into_iter();
        let next = edits.next();
        Self { source, edits, next, at: 0, inserting: io::Cursor::default() }
    }

    fn pass_over(&mut self, bytes: u64) -> io::Result<()> {
        let passed = io::copy(&mut self.source.by_ref().take(bytes), &mut io::sink())?;
        self.at += passed;
        if passed == bytes { Ok(()) } else { Err(too_short()) }
    }
}

impl<R: Read> Read for Spliced<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.inserting.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let left = match &self.next {
                None => return self.source.read(buffer),
                Some(edit) => edit.at.saturating_sub(self.at),
            };
            if left > 0 {
                let count = self.source.by_ref().take(left).read(buffer)?;
                if count == 0 {
                    return Err(too_short());
                }
                self.at += count as u64;
                return Ok(count);
            }
            if let Some(edit) = self.next.take() {
                self.pass_over(edit.remove)?;
                self.inserting = io::Cursor::new(edit.insert);
                self.next = self.edits.next();
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
pub fn output<R: Read>(source: R, syntax: TransferSyntax, plan: EditPlan) -> io::Result<Output<R>> {
    if !syntax.deflated || plan.is_empty() {
        return Ok(Output::Plain(Spliced::new(source, plan)));
    }
    let changed = Spliced::new(Inflating::new(source)?, plan);
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
    use crate::object::edit::BadPlan;

    fn plan(edits: &[(u64, u64, &str)]) -> Result<EditPlan, BadPlan> {
        let edit = |(at, remove, insert): &(u64, u64, &str)| Edit {
            at: *at,
            remove: *remove,
            insert: insert.as_bytes().to_vec(),
        };
        EditPlan::new(edits.iter().map(edit).collect())
    }

    #[track_caller]
    fn check(original: &str, edits: &[(u64, u64, &str)], want: &str) {
        let plan = plan(edits).expect("a plan");
        let mut read = String::new();
        Spliced::new(original.as_bytes(), plan.clone()).read_to_string(&mut read).expect("text");
        assert_eq!(read, want);
        let length = original.len() as u64;
        assert_eq!(plan.length_after(length), want.len() as u64);
        let pieces = segments(&plan, length).map(|segment| match segment {
            Segment::Original(range) => &original[range.start as usize..range.end as usize],
            Segment::Inserted(bytes) => std::str::from_utf8(bytes).expect("text"),
        });
        let pieces: Vec<_> = pieces.collect();
        assert!(pieces.iter().all(|piece| !piece.is_empty()));
        assert_eq!(pieces.concat(), want);
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
    fn a_plan_for_a_longer_original_is_an_error() {
        for edits in [&[(4, 0, "x")][..], &[(2, 2, "x")], &[(9, 0, "x")]] {
            let mut spliced = Spliced::new(&b"abc"[..], plan(edits).expect("a plan"));
            let error = io::copy(&mut spliced, &mut io::sink()).expect_err("too short");
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
