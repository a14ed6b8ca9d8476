//! One frame, looked at row by row: all that is asked for at once, while the rows are near.

use crate::codec::{CodecFault, FrameShape};

use super::border::{Border, BorderWalk};
use super::grey::{Scale, append, check, row_bytes};
use super::histogram::{Counters, Distribution};
use super::likeness::Likeness;
use super::needs::Needs;
use super::source::{PixelFault, PixelSource, See, Strip};
use super::structure::{Columns, Rows, Structure};

/// Values that are worked on at a time, and between two looks at the clock: few enough to stay in the nearest memory while one
/// thing after the other is asked of them.
const AT_HAND: usize = 8 << 10;

/// Rows above the present one that somebody may ask for.
const ABOVE: usize = 2;

/// How a frame is looked at.
pub(super) struct Plan<'a> {
    pub(super) shape: FrameShape,
    /// What its values stand for.
    pub(super) scale: Scale,
    /// What is to be found out.
    pub(super) needs: Needs,
    /// Whether its samples are hashed.
    pub(super) hashes: bool,
    /// Asked every few rows: looking ends with its fault.
    pub(super) allowed: &'a dyn Fn() -> Result<(), PixelFault>,
}

/// What one frame shows, as far as it was asked for.
#[derive(Default)]
pub(super) struct FrameSeen {
    /// Without padding.
    pub(super) values: Distribution,
    /// Whether it has one value throughout, padding left out.
    pub(super) is_blank: bool,
    /// Whether there is nothing but padding.
    pub(super) is_padding: bool,
    pub(super) structure: Structure,
    pub(super) border: Border,
    pub(super) correlation: Option<f64>,
    pub(super) stray_bits: Option<bool>,
    /// Of size and samples.
    pub(super) hash: Option<blake3::Hash>,
}

impl Plan<'_> {
    /// Looks at the frame `index`.
    ///
    /// # Errors
    /// What the source says; a mismatch when its samples are not those of the shape; what is no longer allowed.
    pub(super) fn look(
        &self,
        source: &dyn PixelSource,
        index: u32,
        counters: &mut Counters,
    ) -> Result<FrameSeen, PixelFault> {
        let mut window = Window::of(&self.shape);
        let mut walk = Walk::new(self);
        let mut stray_bits = None;
        self.parts(source, index, &mut |part| {
            stray_bits = either(stray_bits, part.stray_bits, |one, other| one || other);
            if let Some(hashing) = &mut walk.hashing {
                hashing.add(part.samples);
            }
            if walk.wants_values() {
                window.fill(part, self);
                window.rows().for_each(|(row, above)| walk.row(row, above, counters));
            }
            Ok(())
        })?;
        let values = counters.take(self.scale.padding());
        walk.columns.close();
        let border = self.needs.cover(Needs::BORDER);
        let mut border = BorderWalk::of(&values, self.scale.padding()).filter(|_| border);
        if border.is_some() || walk.columns.has_inner() {
            let mut window = Window::of(&self.shape);
            self.parts(source, index, &mut |part| {
                window.fill(part, self);
                for (row, _) in window.rows() {
                    if let Some(border) = &mut border {
                        border.add(row);
                    }
                    walk.columns.add_again(row);
                }
                Ok(())
            })?;
        }
        Ok(FrameSeen {
            values,
            is_blank: !walk.is_varied,
            is_padding: walk.one.is_none(),
            structure: walk.rows.with(&walk.columns),
            border: border.map(|walk| walk.border()).unwrap_or_default(),
            correlation: walk.likeness.correlation(),
            stray_bits,
            hash: walk.hashing.map(Hashing::finish),
        })
    }

    /// Shows a frame a few rows at a time.
    fn parts(&self, source: &dyn PixelSource, index: u32, see: See<'_>) -> Result<(), PixelFault> {
        let bytes = row_bytes(&self.shape).max(1);
        let at_a_time = bytes * (AT_HAND / usize::from(self.shape.columns).max(1)).max(1);
        let mut left = usize::from(self.shape.rows);
        source.look(index, &mut |strip| {
            check(strip, &self.shape)?;
            for samples in strip.samples.chunks(at_a_time) {
                (self.allowed)()?;
                left = left.checked_sub(samples.len() / bytes).ok_or(CodecFault::Mismatch)?;
                see(&Strip { samples, ..*strip })?;
            }
            Ok(())
        })?;
        if left == 0 { Ok(()) } else { Err(CodecFault::Mismatch.into()) }
    }
}

/// What of two is known; both together where both are.
pub(super) fn either<T>(one: Option<T>, other: Option<T>, both: impl Fn(T, T) -> T) -> Option<T> {
    match (one, other) {
        (Some(one), Some(other)) => Some(both(one, other)),
        (one, other) => one.or(other),
    }
}

/// The values of the rows at hand, behind those of some rows above them.
struct Window {
    columns: usize,
    values: Vec<u16>,
    /// Rows that were at hand before.
    above: usize,
}

impl Window {
    fn of(shape: &FrameShape) -> Self {
        Self { columns: usize::from(shape.columns).max(1), values: Vec::new(), above: 0 }
    }

    fn fill(&mut self, part: &Strip<'_>, plan: &Plan<'_>) {
        let rows = self.values.len() / self.columns;
        self.above = rows.min(ABOVE);
        self.values.drain(..(rows - self.above) * self.columns);
        append(&mut self.values, part.samples, part.colour, &plan.shape, plan.scale);
    }

    /// The rows at hand, each with those above it, the nearer first; nothing stands above the first.
    fn rows(&self) -> impl Iterator<Item = (&[u16], [&[u16]; ABOVE])> {
        let row = |at: Option<usize>| {
            let start = at.map(|at| at * self.columns);
            start.and_then(|at| self.values.get(at..at + self.columns)).unwrap_or_default()
        };
        let rows = self.above..self.values.len() / self.columns;
        rows.map(move |at| (row(Some(at)), [row(at.checked_sub(1)), row(at.checked_sub(2))]))
    }
}

/// The first walk over a frame.
struct Walk {
    needs: Needs,
    padding: Option<(u16, u16)>,
    /// The first value that is no padding.
    one: Option<u16>,
    /// Whether there is another.
    is_varied: bool,
    rows: Rows,
    columns: Columns,
    likeness: Likeness,
    hashing: Option<Hashing>,
}

impl Walk {
    fn new(plan: &Plan<'_>) -> Self {
        Self {
            needs: plan.needs,
            padding: plan.scale.padding(),
            one: None,
            is_varied: false,
            rows: Rows::default(),
            columns: Columns::default(),
            likeness: Likeness::new(plan.scale.padding()),
            hashing: plan.hashes.then(|| Hashing::of(&plan.shape)),
        }
    }

    /// Whether anything is to be found out yet that takes more than the samples as they are.
    fn wants_values(&self) -> bool {
        let lasting = [Needs::VALUES, Needs::STRUCTURE, Needs::LIKENESS];
        !self.is_varied || lasting.into_iter().any(|need| self.needs.cover(need))
    }

    fn row(&mut self, row: &[u16], above: [&[u16]; ABOVE], counters: &mut Counters) {
        let extremes = extremes(row);
        let one = (extremes.0 == extremes.1).then_some(extremes.0);
        self.look_for_another(row, one);
        if self.needs.cover(Needs::VALUES) {
            counters.add(row, extremes);
        }
        if self.needs.cover(Needs::STRUCTURE) {
            self.rows.add(row, one, above);
            self.columns.add(row);
        }
        if self.needs.cover(Needs::LIKENESS) {
            self.likeness.add(row, extremes, above[0]);
        }
    }

    /// `only`: the value that the row has throughout.
    fn look_for_another(&mut self, row: &[u16], only: Option<u16>) {
        if self.is_varied {
            return;
        }
        let is_padding =
            |value: u16| self.padding.is_some_and(|(low, high)| (low..=high).contains(&value));
        let row = if only.is_some() { row.get(..1).unwrap_or_default() } else { row };
        for value in row.iter().copied().filter(|value| !is_padding(*value)) {
            self.is_varied |= *self.one.get_or_insert(value) != value;
        }
    }
}

/// Hashes samples as they come. Blocks of them are summed up by NH, in a fifth of the time of BLAKE3, which then hashes the sums:
/// every sample counts. Of all keys one in 2^32 at most gives two frames that differ the same sums. This key is known, so that equal
/// frames have equal hashes everywhere: who draws two frames for it can have them taken for one picture, and gains a finding.
struct Hashing {
    key: [u32; Self::BLOCK / 4],
    hasher: blake3::Hasher,
    /// What is less than a block.
    rest: Vec<u8>,
}

impl Hashing {
    /// Bytes that make one sum.
    const BLOCK: usize = 4096;

    /// Of frames of this size.
    fn of(shape: &FrameShape) -> Self {
        // SplitMix64 of nothing: a key of nobody's choice.
        let (mut key, mut state) = ([0; Self::BLOCK / 4], 0_u64);
        for word in &mut key {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            *word = (mixed ^ mixed >> 31) as u32;
        }
        let mut hasher = blake3::Hasher::new();
        hasher.update(&shape.rows.to_le_bytes()).update(&shape.columns.to_le_bytes());
        Self { key, hasher, rest: Vec::new() }
    }

    fn add(&mut self, samples: &[u8]) {
        let missing = (Self::BLOCK - self.rest.len()) % Self::BLOCK;
        let (first, samples) = samples.split_at(missing.min(samples.len()));
        self.rest.extend(first);
        let (whole, _) = self.rest.as_chunks();
        let is_whole = !whole.is_empty();
        let (blocks, rest) = samples.as_chunks();
        let mut sums = Vec::with_capacity(8 * (1 + blocks.len()));
        for block in whole.iter().chain(blocks) {
            sums.extend_from_slice(&nh(block, &self.key).to_le_bytes());
        }
        self.hasher.update(&sums);
        if is_whole {
            self.rest.clear();
        }
        self.rest.extend(rest);
    }

    fn finish(mut self) -> blake3::Hash {
        self.hasher.update(&self.rest).finalize()
    }
}

/// NH of a block: words with their part of the key added, and neighbours multiplied (RFC 4418 §5.2.2).
fn nh(block: &[u8; Hashing::BLOCK], key: &[u32; Hashing::BLOCK / 4]) -> u64 {
    let pairs = block.as_chunks::<8>().0.iter().zip(key.as_chunks::<2>().0);
    let products = pairs.map(|([a, b, c, d, e, f, g, h], [key, other])| {
        let one = u32::from_le_bytes([*a, *b, *c, *d]).wrapping_add(*key);
        u64::from(one) * u64::from(u32::from_le_bytes([*e, *f, *g, *h]).wrapping_add(*other))
    });
    products.fold(0, u64::wrapping_add)
}

/// The least and the greatest value.
fn extremes(row: &[u16]) -> (u16, u16) {
    // As signed ones: the nearest relatives of SSE2.
    let signed = |value: u16| (value ^ 1 << 15).cast_signed();
    let (low, high) = row.iter().fold((i16::MAX, i16::MIN), |(low, high), value| {
        (low.min(signed(*value)), high.max(signed(*value)))
    });
    (low.cast_unsigned() ^ 1 << 15, high.cast_unsigned() ^ 1 << 15)
}
