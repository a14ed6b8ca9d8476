//! How values lie beside each other in a frame: constant rows and columns. Rows are seen once, from the first to the last.

use std::ops::Range;

/// Columns in a band of constant ones, below which nobody asks what stands beside it: each costs another walk down the frame.
const LEAST_COLUMNS: usize = 4;

/// Columns that are looked at together.
const GROUP: usize = 64;

/// Share of a row or column that differs from a constant band beside it, from which on the band begins abruptly. A picture
/// that ends by itself tapers off; one that is cut ends at once.
const ABRUPT: usize = 2;

/// What the rows and columns of a frame show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Structure {
    /// The longest run of neighbouring rows that have one value throughout, begin and end abruptly, and have picture on
    /// both sides.
    pub(super) rows: usize,
    /// The same of columns.
    pub(super) columns: usize,
    /// Rows at the lower end that have one value throughout and begin abruptly, beyond what the widest border of that value at
    /// another edge has: a border all around is no loss.
    pub(super) trailing: usize,
}

/// Neighbouring rows or columns that all have one and the same value throughout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Band {
    first: usize,
    /// Behind the last.
    end: usize,
    value: u16,
}

impl Band {
    fn length(&self) -> usize {
        self.end - self.first
    }
}

/// Whether a row is picture beside a band of this value.
fn is_picture(row: &[u16], value: u16) -> bool {
    differing(row, value) * ABRUPT >= row.len()
}

fn differing(row: &[u16], value: u16) -> usize {
    // Counted in pieces that a narrow counter holds, many of which go into one register.
    let counts = row.chunks(1 << 15).map(|piece| {
        usize::from(piece.iter().fold(0_u16, |count, other| count + u16::from(*other != value)))
    });
    counts.sum()
}

/// Constant rows, as they are met.
#[derive(Debug, Default)]
pub(super) struct Rows {
    seen: usize,
    /// The constant rows that were seen last.
    band: Option<(Band, Before)>,
    top: Option<Band>,
    inner: usize,
}

/// Which of the two rows above a band are picture, the nearer first.
type Before = [bool; 2];

impl Rows {
    /// The next row. `one`: its value, where it has no other; `above`: the two rows above it, the nearer first, as far as there
    /// are any.
    pub(super) fn add(&mut self, row: &[u16], one: Option<u16>, above: [&[u16]; 2]) {
        let at = self.seen;
        self.seen += 1;
        if let (Some((band, _)), Some(value)) = (&mut self.band, one)
            && band.value == value
        {
            band.end = at + 1;
            return;
        }
        if let Some((band, [begins, _])) = self.band.take() {
            if band.first == 0 {
                self.top = Some(band);
            } else if begins && is_picture(row, band.value) {
                self.inner = self.inner.max(band.length());
            }
        }
        self.band = one.map(|value| {
            let before = above.map(|row| !row.is_empty() && is_picture(row, value));
            (Band { first: at, end: at + 1, value }, before)
        });
    }

    /// All of it, once the last row was added, with what the columns show.
    pub(super) fn with(self, columns: &Columns) -> Structure {
        let at_edges = |value: u16| {
            let top = self.top.iter().filter(|band| band.value == value);
            top.map(Band::length).chain(columns.at_edges(value)).max().unwrap_or(0)
        };
        let last = self.band.filter(|(band, before)| {
            // The row in which it begins may be half full.
            band.first > 1 && before.contains(&true)
        });
        Structure {
            rows: self.inner,
            columns: columns.inner(self.seen),
            trailing: last
                .map_or(0, |(band, _)| band.length().saturating_sub(at_edges(band.value))),
        }
    }
}

/// Constant columns: of a picture hardly any is left after a few rows. Of bands within the picture the columns beside them are
/// looked at in a second walk.
#[derive(Debug, Default)]
pub(super) struct Columns {
    first: Vec<u16>,
    /// For each column all bits as long as it has one value.
    left: Vec<u16>,
    /// Groups in which there is such a column: the others are not looked at any more.
    groups: Vec<Range<usize>>,
    bands: Vec<Band>,
    beside: Vec<Beside>,
}

/// A column beside a band: in how many rows it differs from the band's value.
#[derive(Debug)]
struct Beside {
    column: usize,
    value: u16,
    differing: usize,
}

impl Columns {
    /// The next row.
    pub(super) fn add(&mut self, row: &[u16]) {
        if self.first.is_empty() {
            self.first = row.to_vec();
            self.left = vec![u16::MAX; row.len()];
            let starts = (0..row.len()).step_by(GROUP);
            self.groups = starts.map(|at| at..row.len().min(at + GROUP)).collect();
            return;
        }
        let (all_first, all_left) = (&self.first, &mut self.left);
        self.groups.retain(|group| {
            let first = all_first.get(group.clone()).unwrap_or_default();
            let left = all_left.get_mut(group.clone()).unwrap_or_default();
            let row = row.get(group.clone()).unwrap_or_default();
            let mut any = 0;
            for ((left, first), value) in left.iter_mut().zip(first).zip(row) {
                *left &= if value == first { u16::MAX } else { 0 };
                any |= *left;
            }
            any != 0
        });
    }

    /// Ends the first walk.
    pub(super) fn close(&mut self) {
        for (index, (value, left)) in self.first.iter().zip(&self.left).enumerate() {
            if *left == 0 {
                continue;
            }
            match self.bands.last_mut() {
                Some(last) if last.end == index && last.value == *value => last.end += 1,
                Some(_) | None => {
                    self.bands.push(Band { first: index, end: index + 1, value: *value });
                }
            }
        }
        let inner = self.bands.iter().filter(|band| self.is_wide(band));
        let beside = inner.flat_map(|band| [band.first - 1, band.end].map(|at| (at, band.value)));
        self.beside =
            beside.map(|(column, value)| Beside { column, value, differing: 0 }).collect();
    }

    fn is_wide(&self, band: &Band) -> bool {
        band.length() >= LEAST_COLUMNS && band.first > 0 && band.end < self.first.len()
    }

    /// Whether there has to be a second walk.
    pub(super) fn has_inner(&self) -> bool {
        !self.beside.is_empty()
    }

    /// The next row of the second walk.
    pub(super) fn add_again(&mut self, row: &[u16]) {
        for Beside { column, value, differing } in &mut self.beside {
            *differing += usize::from(row.get(*column).is_some_and(|other| other != value));
        }
    }

    fn inner(&self, rows: usize) -> usize {
        let wide = self.bands.iter().filter(|band| self.is_wide(band));
        let pairs = wide.zip(self.beside.as_chunks::<2>().0);
        let abrupt = pairs
            .filter(|(_, beside)| beside.iter().all(|beside| beside.differing * ABRUPT >= rows));
        abrupt.map(|(band, _)| band.length()).max().unwrap_or(0)
    }

    /// The lengths of the bands of this value at the left and the right edge.
    fn at_edges(&self, value: u16) -> impl Iterator<Item = usize> {
        let left = self.bands.first().filter(|band| band.first == 0);
        let right = self.bands.last().filter(|band| band.end == self.first.len());
        let both = [left, right].into_iter().flatten();
        both.filter(move |band| band.value == value).map(Band::length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture in which no two neighbours are equal, but for the changes.
    #[track_caller]
    fn check(
        (rows, columns): (usize, usize),
        change: impl Fn(usize, usize) -> Option<u16>,
        want: (usize, usize, usize),
    ) {
        let value = |row: usize, column: usize| {
            change(row, column).unwrap_or(100 + ((row * 7 + column * 13) % 50) as u16)
        };
        let drawn = |row| (0..columns).map(|column| value(row, column)).collect();
        let picture: Vec<Vec<u16>> = (0..rows).map(drawn).collect();
        let (mut lines, mut upright) = (Rows::default(), Columns::default());
        for (at, row) in picture.iter().enumerate() {
            let above = [1, 2].map(|by| at.checked_sub(by).map_or(&[][..], |at| &picture[at]));
            let one = row.iter().all(|value| *value == row[0]).then_some(row[0]);
            lines.add(row, one, above);
            upright.add(row);
        }
        upright.close();
        if upright.has_inner() {
            picture.iter().for_each(|row| upright.add_again(row));
        }
        let (rows, columns, trailing) = want;
        assert_eq!(lines.with(&upright), Structure { rows, columns, trailing });
    }

    #[test]
    fn a_picture_has_no_constant_rows() {
        check((40, 60), |_, _| None, (0, 0, 0));
    }

    #[test]
    fn rows_lost_within_a_picture_are_counted() {
        check((40, 60), |row, _| (10..19).contains(&row).then_some(0), (9, 0, 0));
        check((40, 60), |_, column| (20..32).contains(&column).then_some(7), (0, 12, 0));
        check((40, 60), |_, column| (20..23).contains(&column).then_some(7), (0, 0, 0));
    }

    #[test]
    fn neighbouring_bands_of_different_values_are_two() {
        let change = |row: usize, _| match row {
            10..15 => Some(0),
            15..21 => Some(9),
            _ => None,
        };
        check((40, 60), change, (6, 0, 0));
        check((60, 40), |row, column| change(column, row), (0, 6, 0));
    }

    #[test]
    fn what_tapers_off_is_no_loss() {
        // Two legs with air between them.
        let legs = |row: usize, column: usize| {
            let from = column.abs_diff(15).min(column.abs_diff(45));
            (from * from + row.abs_diff(20) * row.abs_diff(20) > 100).then_some(0)
        };
        check((40, 60), legs, (0, 0, 0));
    }

    #[test]
    fn the_end_of_an_interrupted_picture_is_found() {
        check((40, 60), |row, _| (row >= 30).then_some(0), (0, 0, 10));
        // Broken off in the midst of a row.
        let change = |row: usize, column: usize| (row * 60 + column >= 30 * 60 + 5).then_some(0);
        check((40, 60), change, (0, 0, 9));
    }

    #[test]
    fn a_border_all_around_is_no_loss() {
        let framed = |row: usize, column: usize| {
            (!(5..35).contains(&row) || !(8..52).contains(&column)).then_some(0)
        };
        check((40, 60), framed, (0, 0, 0));
        let framed_and_cut = |row: usize, column: usize| {
            (!(5..20).contains(&row) || !(8..52).contains(&column)).then_some(0)
        };
        check((40, 60), framed_and_cut, (0, 0, 12));
    }

    #[test]
    fn a_blank_frame_and_the_smallest_have_no_structure() {
        check((40, 60), |_, _| Some(3), (0, 0, 0));
        check((1, 1), |_, _| None, (0, 0, 0));
        check((2, 1), |row, _| Some(row as u16), (0, 0, 0));
    }
}
