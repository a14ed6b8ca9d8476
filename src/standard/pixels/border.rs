//! What lies in the border of a frame: in runs of dark or bright pixels, and of padding, that begin at the left or the right edge.
//! Collimated rows and the air around a breast are border throughout.

/// How far from the darkest and the brightest value, as a share of the way from percentile 0.5 to 99.5, a value still counts to
/// the background.
const BACKGROUND: u32 = 10;

/// The same where clipped pixels are told from those of a border: no more than the noise of a border.
const FRAYED: u32 = 50;

use super::histogram::Distribution;

/// Pixels by where they lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Border {
    /// In a border that is about as dark as the darkest, or as bright as the brightest.
    pub(super) frame: u64,
    /// At the least value of their frame, and in no border.
    pub(super) least: u64,
    /// At the greatest.
    pub(super) greatest: u64,
    /// Near the dark end, and in the border.
    pub(super) low: u64,
    /// Near the bright end, and in the border.
    pub(super) high: u64,
}

impl Border {
    /// Adds those of another frame.
    pub(super) fn add(&mut self, other: Self) {
        self.frame += other.frame;
        self.least += other.least;
        self.greatest += other.greatest;
        self.low += other.low;
        self.high += other.high;
    }
}

/// Walks the border of one frame, row by row, once its values were counted.
#[derive(Debug)]
pub(super) struct BorderWalk {
    padding: Option<(u16, u16)>,
    dark: Side,
    bright: Side,
}

/// The dark or the bright one of the borders.
#[derive(Debug)]
struct Side {
    /// The least or the greatest value of the frame: of all that is no padding, so it is none.
    extreme: u16,
    /// Where a border may have noise.
    frayed: (u16, u16),
    /// What counts to the background.
    near: (u16, u16),
    /// In the border that may have noise.
    within: u64,
    /// At the extreme value, in all and within.
    extremes: (u64, u64),
    /// In the background.
    background: u64,
}

impl BorderWalk {
    /// Of a frame with these values; `None` where there are no two of them.
    pub(super) fn of(values: &Distribution, padding: Option<(u16, u16)>) -> Option<Self> {
        let (min, max) = (values.min()?, values.max()?);
        let (low, high) = (values.percentile(0.005)?, values.percentile(0.995)?);
        let margin = |part: u32| (u32::from(high - low) / part) as u16;
        let (frayed, near) = (margin(FRAYED), margin(BACKGROUND));
        let side = |extreme: u16, frayed, near| Side {
            extreme,
            frayed,
            near,
            within: 0,
            extremes: (values.count(extreme), 0),
            background: 0,
        };
        (min != max).then(|| Self {
            padding,
            dark: side(min, (0, low + frayed), (0, low + near)),
            bright: side(max, (high - frayed, u16::MAX), (high - near, u16::MAX)),
        })
    }

    /// The next row.
    pub(super) fn add(&mut self, row: &[u16]) {
        let sides = [&mut self.dark, &mut self.bright];
        let Some(padding) = self.padding else {
            return sides.into_iter().for_each(|side| side.add(row, |_| u16::MAX));
        };
        let beyond_padding = |value| beyond(value, padding);
        // Padding at the ends belongs to both borders and counts in neither.
        let row = row.get(run(row, beyond_padding)..).unwrap_or_default();
        let row = row.get(..row.len() - run_back(row, beyond_padding)).unwrap_or_default();
        sides.into_iter().for_each(|side| side.add(row, beyond_padding));
    }

    /// What was met.
    pub(super) fn border(&self) -> Border {
        let outside = |side: &Side| side.extremes.0 - side.extremes.1;
        Border {
            frame: self.dark.within + self.bright.within,
            least: outside(&self.dark),
            greatest: outside(&self.bright),
            low: self.dark.background,
            high: self.bright.background,
        }
    }
}

/// 0 of a value in the range, more than 0 of any other.
fn beyond(value: u16, (low, high): (u16, u16)) -> u16 {
    value.wrapping_sub(low).saturating_sub(high - low)
}

impl Side {
    /// `beyond_padding`: 0 of padding.
    fn add(&mut self, row: &[u16], beyond_padding: impl Fn(u16) -> u16 + Copy) {
        let beyond = |range| move |value| beyond(value, range).min(beyond_padding(value));
        let (frayed, near) = (beyond(self.frayed), beyond(self.near));
        // What is frayed is near, too. Most rows have nothing of either at their ends.
        let inner = run(row, frayed);
        let outer = inner + run(row.get(inner..).unwrap_or_default(), near);
        self.count(row.get(..inner).unwrap_or_default(), beyond_padding);
        self.background += nonzero(row.get(..outer).unwrap_or_default(), beyond_padding);
        if inner == row.len() {
            return;
        }
        let inner = run_back(row, frayed);
        self.count(row.get(row.len() - inner..).unwrap_or_default(), beyond_padding);
        if outer < row.len() {
            let outer = inner + run_back(row.get(..row.len() - inner).unwrap_or_default(), near);
            let run = row.get(row.len() - outer..).unwrap_or_default();
            self.background += nonzero(run, beyond_padding);
        }
    }

    fn count(&mut self, run: &[u16], beyond_padding: impl Fn(u16) -> u16 + Copy) {
        self.within += nonzero(run, beyond_padding);
        let extreme = self.extreme;
        self.extremes.1 += run.len() as u64 - nonzero(run, |value| value ^ extreme);
    }
}

/// How many values something is not 0 of.
fn nonzero(run: &[u16], of: impl Fn(u16) -> u16) -> u64 {
    // In pieces that a narrow counter holds, many of which go into one register.
    let pieces = run.chunks(1 << 15);
    let counts =
        pieces.map(|piece| piece.iter().fold(0, |all, value| all + u16::from(of(*value) != 0)));
    counts.map(u64::from).sum()
}

/// Values of a block that are asked at once.
const BLOCK: usize = 16;

/// How many of the first values something is 0 of.
fn run(row: &[u16], of: impl Fn(u16) -> u16) -> usize {
    // Most runs are none: it is not worth while to ask a block of that.
    if row.first().is_none_or(|value| of(*value) != 0) {
        return 0;
    }
    let whole = row.as_chunks::<BLOCK>().0.iter().take_while(|block| are_zero(block, &of)).count();
    let rest = row.get(BLOCK * whole..).unwrap_or_default();
    BLOCK * whole + rest.iter().take_while(|value| of(**value) == 0).count()
}

/// How many of the last values something is 0 of.
fn run_back(row: &[u16], of: impl Fn(u16) -> u16) -> usize {
    if row.last().is_none_or(|value| of(*value) != 0) {
        return 0;
    }
    let blocks = row.as_rchunks::<BLOCK>().1.iter().rev();
    let whole = blocks.take_while(|block| are_zero(block, &of)).count();
    let rest = row.get(..row.len() - BLOCK * whole).unwrap_or_default();
    BLOCK * whole + rest.iter().rev().take_while(|value| of(**value) == 0).count()
}

/// Whether it is 0 of all, without a question for each.
fn are_zero(block: &[u16; BLOCK], of: impl Fn(u16) -> u16) -> bool {
    block.iter().fold(0, |others, value| others | of(*value)) == 0
}

#[cfg(test)]
mod tests {
    use super::super::histogram::Counters;
    use super::*;

    #[track_caller]
    fn check(rows: &[&[u16]], padding: Option<(u16, u16)>, want: Option<Border>) {
        let mut counters = Counters::default();
        for row in rows {
            counters.add(row, (0, u16::MAX));
        }
        let walk = BorderWalk::of(&counters.take(padding), padding);
        let found = walk.map(|mut walk| {
            rows.iter().for_each(|row| walk.add(row));
            walk.border()
        });
        assert_eq!(found, want);
    }

    #[test]
    fn a_border_is_what_begins_at_an_edge() {
        // Row 0 is border throughout, row 1 has 2 and 1 pixels of it, row 2 ends in one that is bright.
        let rows: &[&[u16]] = &[&[0, 0, 0, 0, 0], &[0, 0, 500, 0, 0], &[500, 0, 500, 0, 1000]];
        let want = Border { frame: 5 + 4 + 1, least: 2, greatest: 0, low: 9, high: 1 };
        check(rows, None, Some(want));
        // A little noise is border, more of it background.
        let rows: &[&[u16]] = &[&[10, 0, 500, 60, 0], &[1000, 1000, 980, 600, 950]];
        let want = Border { frame: 2 + 1 + 3, least: 0, greatest: 0, low: 4, high: 4 };
        check(rows, None, Some(want));
    }

    #[test]
    fn padding_belongs_to_a_border_and_does_not_count() {
        let rows: &[&[u16]] = &[&[9999, 0, 9999, 0, 500], &[700, 0, 700, 1000, 9999]];
        let want = Border { frame: 2 + 1, least: 1, greatest: 0, low: 2, high: 1 };
        check(rows, Some((9999, 9999)), Some(want));
        check(&[&[9999, 9999]], Some((9999, 9999)), None);
    }

    #[test]
    fn a_frame_of_one_value_has_no_border() {
        check(&[&[7, 7, 7]], None, None);
    }

    #[test]
    fn runs_end_where_they_end() {
        for length in 0..70 {
            for end in 0..=length {
                let row: Vec<u16> = (0..length).map(|at| u16::from(at >= end)).collect();
                assert_eq!(run(&row, |value| value), end);
                let back: Vec<u16> = row.into_iter().rev().collect();
                assert_eq!(run_back(&back, |value| value), end);
            }
        }
    }
}
