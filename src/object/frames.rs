//! Where the frames of encapsulated Pixel Data stand (PS3.5 annex A.4).
//!
//! Fragments are matched with frames by what is certain alone: one frame has all of them, as many fragments as frames are one each,
//! and otherwise an offset table has to tell. A table that does not point at fragments is a fault, never a guess.

use std::ops::Range;

use super::{Element, HeaderView, Kind};

/// Why frames cannot be found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// The Pixel Data is not encapsulated, or has no end.
    #[error("the pixel data is not a sequence of fragments that ends")]
    NotEncapsulated,
    /// There is no Basic Offset Table item, not even an empty one.
    #[error("the pixel data has no offset table item")]
    NoTable,
    /// Fewer fragments than frames, or more, and no table says which belong together.
    #[error("{fragments} fragments for {frames} frames")]
    Count {
        /// Number of Frames (0028,0008).
        frames: u32,
        /// Fragments that are there.
        fragments: usize,
    },
    /// An offset table that is too short, out of order, or points between fragments.
    #[error("the offset table does not point at the fragments")]
    Table,
}

/// One frame of encapsulated Pixel Data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// From the first item tag to the end of the last fragment.
    pub items: Range<u64>,
    /// The fragments' values.
    pub fragments: Vec<Range<u64>>,
}

impl Frame {
    /// Bytes of the codestream.
    #[must_use]
    pub fn length(&self) -> u64 {
        self.fragments.iter().map(|fragment| fragment.end - fragment.start).sum()
    }
}

/// The fragments of encapsulated Pixel Data as they stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encapsulated {
    /// The value of the Basic Offset Table item: 4 bytes a frame, or none.
    pub table: Range<u64>,
    fragments: Vec<Range<u64>>,
}

/// The head of an item: tag and length.
const ITEM_HEAD: u64 = 8;

impl Encapsulated {
    /// Of Pixel Data in a data set that has been walked to its end.
    ///
    /// # Errors
    /// When it is not encapsulated, has no end, or begins without an offset table item.
    pub fn of(view: &HeaderView, pixels: &Element) -> Result<Self, FrameFault> {
        if pixels.kind != Kind::Fragments || pixels.end() > view.length() {
            return Err(FrameFault::NotEncapsulated);
        }
        let mut values = view.fragments(pixels).map(|fragment| fragment.value.clone());
        let table = values.next().ok_or(FrameFault::NoTable)?;
        Ok(Self { table, fragments: values.collect() })
    }

    /// The frames. `table` are the offsets of the Basic or the Extended Offset Table: from the first fragment's item tag to
    /// that of each frame's first. Empty: there is none.
    ///
    /// # Errors
    /// When it cannot be told which fragments belong to which frame.
    pub fn frames(&self, count: u32, table: &[u64]) -> Result<Vec<Frame>, FrameFault> {
        let fragments = self.fragments.len();
        let is_told = !table.is_empty();
        if is_told && table.len() != count as usize {
            return Err(FrameFault::Table);
        }
        if count == 1 && fragments > 0 {
            return if is_told && table != [0] {
                Err(FrameFault::Table)
            } else {
                Ok(vec![frame(&self.fragments)].into_iter().flatten().collect())
            };
        }
        if !is_told {
            if fragments != count as usize || count == 0 {
                return Err(FrameFault::Count { frames: count, fragments });
            }
            return Ok(self.fragments.chunks(1).filter_map(frame).collect());
        }
        self.told(table)
    }

    fn told(&self, table: &[u64]) -> Result<Vec<Frame>, FrameFault> {
        let origin = self.fragments.first().ok_or(FrameFault::Table)?.start;
        let mut starts = Vec::with_capacity(table.len());
        for offset in table {
            let at = origin.checked_add(*offset).ok_or(FrameFault::Table)?;
            let found = self.fragments.binary_search_by_key(&at, |fragment| fragment.start);
            starts.push(found.map_err(|_| FrameFault::Table)?);
        }
        let ends = starts.iter().skip(1).copied().chain([self.fragments.len()]);
        if starts.first() != Some(&0) {
            return Err(FrameFault::Table);
        }
        let frames = starts.iter().zip(ends).map(|(start, end)| {
            self.fragments.get(*start..end).and_then(frame).ok_or(FrameFault::Table)
        });
        frames.collect()
    }
}

/// `None` of no fragments at all.
fn frame(fragments: &[Range<u64>]) -> Option<Frame> {
    let (first, last) = (fragments.first()?, fragments.last()?);
    Some(Frame { items: first.start - ITEM_HEAD..last.end, fragments: fragments.to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fragments(lengths: &[u64]) -> Encapsulated {
        let mut at = 100;
        let mut values = Vec::new();
        for length in lengths {
            values.push(at + ITEM_HEAD..at + ITEM_HEAD + length);
            at += ITEM_HEAD + length;
        }
        Encapsulated { table: 90..100, fragments: values }
    }

    #[track_caller]
    fn check(lengths: &[u64], count: u32, table: &[u64], want: Result<&[Range<u64>], FrameFault>) {
        let found = fragments(lengths).frames(count, table);
        let items: Result<Vec<_>, _> =
            found.map(|frames| frames.into_iter().map(|frame| frame.items).collect());
        assert_eq!(items, want.map(<[_]>::to_vec));
    }

    #[test]
    fn one_frame_has_all_fragments() {
        let whole = 100..146;
        let whole = std::slice::from_ref(&whole);
        check(&[10, 20], 1, &[], Ok(whole));
        check(&[10, 20], 1, &[0], Ok(whole));
        check(&[10, 20], 1, &[18], Err(FrameFault::Table));
        check(&[], 1, &[], Err(FrameFault::Count { frames: 1, fragments: 0 }));
    }

    #[test]
    fn as_many_fragments_as_frames_are_one_each() {
        check(&[10, 20], 2, &[], Ok(&[100..118, 118..146]));
        check(&[10, 20], 2, &[0, 18], Ok(&[100..118, 118..146]));
        check(&[10, 20], 0, &[], Err(FrameFault::Count { frames: 0, fragments: 2 }));
    }

    #[test]
    fn a_table_tells_and_a_lie_is_found() {
        check(&[10, 20, 4], 2, &[0, 18], Ok(&[100..118, 118..158]));
        check(&[10, 20, 4], 2, &[], Err(FrameFault::Count { frames: 2, fragments: 3 }));
        check(&[10, 20, 4], 3, &[0, 18], Err(FrameFault::Table));
        for lie in [[0, 17], [18, 18], [18, 0], [0, 0], [0, u64::MAX]] {
            check(&[10, 20, 4], 2, &lie, Err(FrameFault::Table));
        }
    }
}
