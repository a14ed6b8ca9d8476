//! How values lie beside each other in a frame: constant rows and columns, borders, likeness of neighbours.

use super::grey::Grey;

/// Every so many rows are looked at for how alike neighbours are: a row in eight tells as well as all do.
const STEP: usize = 8;

/// Columns in a band of constant ones, below which nobody asks what stands beside it: each costs a walk down the frame.
const LEAST_COLUMNS: usize = 4;

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
#[derive(Debug, Clone, Copy)]
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

impl Structure {
    pub(super) fn of(grey: &Grey) -> Self {
        let rows: Vec<&[u16]> = grey.rows().collect();
        let lines = bands(rows.iter().map(|row| constant(row)));
        let columns = bands(constant_columns(&rows, grey.columns).into_iter());
        let in_row = |row: usize, value: u16| {
            let row = rows.get(row).copied().unwrap_or_default();
            row.iter().filter(|other| **other != value).count() * ABRUPT >= row.len()
        };
        let in_column = |column: usize, value: u16| {
            let values = rows.iter().filter_map(|row| row.get(column));
            values.filter(|other| **other != value).count() * ABRUPT >= rows.len()
        };
        let inner = |bands: &[Band], count: usize, is_picture: &dyn Fn(usize, u16) -> bool| {
            let inner = bands.iter().filter(|band| {
                band.first > 0
                    && band.end < count
                    && is_picture(band.first - 1, band.value)
                    && is_picture(band.end, band.value)
            });
            inner.map(Band::length).max().unwrap_or(0)
        };
        let wide: Vec<Band> =
            columns.iter().copied().filter(|band| band.length() >= LEAST_COLUMNS).collect();
        let at_edges = |value: u16| {
            let top = lines.first().filter(|band| band.first == 0);
            let left = columns.first().filter(|band| band.first == 0);
            let right = columns.last().filter(|band| band.end == grey.columns);
            let alike = [top, left, right].into_iter().flatten().filter(|b| b.value == value);
            alike.map(Band::length).max().unwrap_or(0)
        };
        let last = lines.last().filter(|band| band.first > 1 && band.end == rows.len());
        let trailing = last.filter(|band| {
            // The row in which it begins may be half full.
            in_row(band.first - 1, band.value) || in_row(band.first - 2, band.value)
        });
        Self {
            rows: inner(&lines, rows.len(), &in_row),
            columns: inner(&wide, grey.columns, &in_column),
            trailing: trailing.map_or(0, |band| band.length().saturating_sub(at_edges(band.value))),
        }
    }
}

/// The value of a row that has no other.
fn constant(row: &[u16]) -> Option<u16> {
    let first = *row.first()?;
    row.iter().all(|value| *value == first).then_some(first)
}

/// The value of each column that has no other. Of a picture hardly any is left after a few rows.
fn constant_columns(rows: &[&[u16]], columns: usize) -> Vec<Option<u16>> {
    let first = rows.first().copied().unwrap_or_default();
    let mut left: Vec<(usize, u16)> = first.iter().copied().enumerate().collect();
    for row in rows.iter().skip(1) {
        left.retain(|(column, value)| row.get(*column) == Some(value));
        if left.is_empty() {
            break;
        }
    }
    let mut values = vec![None; columns];
    for (column, value) in left {
        if let Some(place) = values.get_mut(column) {
            *place = Some(value);
        }
    }
    values
}

fn bands(values: impl Iterator<Item = Option<u16>>) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for (index, value) in values.enumerate() {
        let Some(value) = value else { continue };
        match bands.last_mut() {
            Some(last) if last.end == index && last.value == value => last.end += 1,
            Some(_) | None => bands.push(Band { first: index, end: index + 1, value }),
        }
    }
    bands
}

/// How many pixels lie in the border: in runs of those for which `is` holds, and of padding, that begin at the left or the right
/// edge; padding is not counted. Collimated rows and the air around a breast are border throughout. Also how many of these are
/// extreme.
pub(super) fn border(
    grey: &Grey,
    is: impl Fn(u16) -> bool,
    is_extreme: impl Fn(u16) -> bool,
    is_padding: impl Fn(u16) -> bool,
) -> (u64, u64) {
    let is_border = |value: &&u16| is_padding(**value) || is(**value);
    let (mut all, mut extremes) = (0, 0);
    let mut count = |run: &[u16]| {
        for value in run.iter().filter(|value| !is_padding(**value)) {
            all += 1;
            extremes += u64::from(is_extreme(*value));
        }
    };
    for row in grey.rows() {
        let left = row.iter().take_while(is_border).count();
        if left == row.len() {
            count(row);
            continue;
        }
        let right = row.iter().rev().take_while(is_border).count();
        count(row.get(..left).unwrap_or_default());
        count(row.get(row.len() - right..).unwrap_or_default());
    }
    (all, extremes)
}

/// How alike neighbours are: the correlation of a pixel with the next in its row and in its column, whichever is greater; near 0
/// of noise, near 1 of a picture. `None` where nothing differs, or there are too few pixels.
pub(super) fn correlation(grey: &Grey, is_padding: impl Fn(u16) -> bool) -> Option<f64> {
    let (mut across, mut down) = (Pairs::default(), Pairs::default());
    let rows = grey.rows().step_by(STEP);
    let mut below = grey.rows().skip(1).step_by(STEP);
    for row in rows {
        across.add(row, row.get(1..).unwrap_or_default(), &is_padding);
        if let Some(next) = below.next() {
            down.add(row, next, &is_padding);
        }
    }
    match (across.correlation(), down.correlation()) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    }
}

/// Sums over pairs of neighbours. Of 2^28 pairs of 16 bits the squares still fit.
#[derive(Debug, Default)]
struct Pairs {
    count: u64,
    first: u64,
    second: u64,
    squares: (u64, u64),
    products: u64,
}

impl Pairs {
    /// Pairs that a correlation is told of.
    const LEAST: u64 = 64;

    fn add(&mut self, firsts: &[u16], seconds: &[u16], is_padding: &impl Fn(u16) -> bool) {
        for (first, second) in firsts.iter().zip(seconds) {
            if is_padding(*first) || is_padding(*second) {
                continue;
            }
            let (first, second) = (u64::from(*first), u64::from(*second));
            self.count += 1;
            self.first += first;
            self.second += second;
            self.squares.0 += first * first;
            self.squares.1 += second * second;
            self.products += first * second;
        }
    }

    fn correlation(&self) -> Option<f64> {
        if self.count < Self::LEAST {
            return None;
        }
        let count = self.count as f64;
        let (first, second) = (self.first as f64 / count, self.second as f64 / count);
        let spread = |squares: u64, mean: f64| squares as f64 / count - mean * mean;
        let (one, other) = (spread(self.squares.0, first), spread(self.squares.1, second));
        let both = self.products as f64 / count - first * second;
        // Below a thousandth of a level there is nothing but rounding.
        (one > 1e-3 && other > 1e-3).then(|| both / (one * other).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::super::grey::Scale;
    use super::super::grey::tests::shape;
    use super::*;

    /// A picture in which no two neighbours are equal, but for the changes.
    fn picture(rows: usize, columns: usize, change: impl Fn(usize, usize) -> Option<u16>) -> Grey {
        let value = |row: usize, column: usize| {
            change(row, column).unwrap_or(100 + ((row * 7 + column * 13) % 50) as u16)
        };
        let values = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
        let values = values.map(|(row, column)| value(row, column)).collect();
        Grey { columns, values, scale: Scale::of(&shape(16, 16, false)) }
    }

    #[track_caller]
    fn check(grey: &Grey, rows: usize, columns: usize, trailing: usize) {
        assert_eq!(Structure::of(grey), Structure { rows, columns, trailing });
    }

    #[test]
    fn a_picture_has_no_constant_rows() {
        check(&picture(40, 60, |_, _| None), 0, 0, 0);
    }

    #[test]
    fn rows_lost_within_a_picture_are_counted() {
        check(&picture(40, 60, |row, _| (10..19).contains(&row).then_some(0)), 9, 0, 0);
        check(&picture(40, 60, |_, column| (20..32).contains(&column).then_some(7)), 0, 12, 0);
    }

    #[test]
    fn neighbouring_bands_of_different_values_are_two() {
        let change = |row: usize, _| match row {
            10..15 => Some(0),
            15..21 => Some(9),
            _ => None,
        };
        check(&picture(40, 60, change), 6, 0, 0);
    }

    #[test]
    fn what_tapers_off_is_no_loss() {
        // Two legs with air between them.
        let legs = |row: usize, column: usize| {
            let from = column.abs_diff(15).min(column.abs_diff(45));
            (from * from + row.abs_diff(20) * row.abs_diff(20) > 100).then_some(0)
        };
        check(&picture(40, 60, legs), 0, 0, 0);
    }

    #[test]
    fn the_end_of_an_interrupted_picture_is_found() {
        check(&picture(40, 60, |row, _| (row >= 30).then_some(0)), 0, 0, 10);
        // Broken off in the midst of a row.
        let change = |row: usize, column: usize| (row * 60 + column >= 30 * 60 + 5).then_some(0);
        check(&picture(40, 60, change), 0, 0, 9);
    }

    #[test]
    fn a_border_all_around_is_no_loss() {
        let framed = |row: usize, column: usize| {
            (!(5..35).contains(&row) || !(8..52).contains(&column)).then_some(0)
        };
        check(&picture(40, 60, framed), 0, 0, 0);
        let framed_and_cut = |row: usize, column: usize| {
            (!(5..20).contains(&row) || !(8..52).contains(&column)).then_some(0)
        };
        check(&picture(40, 60, framed_and_cut), 0, 0, 12);
    }

    #[test]
    fn a_blank_frame_and_the_smallest_have_no_structure() {
        check(&picture(40, 60, |_, _| Some(3)), 0, 0, 0);
        check(&picture(1, 1, |_, _| None), 0, 0, 0);
        check(&picture(2, 1, |row, _| Some(row as u16)), 0, 0, 0);
    }

    #[test]
    fn a_border_is_what_begins_at_an_edge() {
        // Row 0 is border throughout, row 1 has 2 and 1 pixels of it, row 2 none.
        let values = vec![0, 0, 0, 0, 0, 0, 5, 0, 5, 0, 0, 5, 0, 5, 0, 6];
        let grey = Grey { columns: 4, values, scale: Scale::of(&shape(16, 16, false)) };
        let none = |_| false;
        let (zero, five) = (|value| value == 0, |value| value == 5);
        assert_eq!(border(&grey, zero, none, none), (4 + 3 + 1, 0));
        assert_eq!(border(&grey, five, five, none), (1 + 1, 1 + 1));
        assert_eq!(border(&grey, |value| value <= 5, five, none), (4 + 4 + 4 + 3, 1 + 2 + 1));
        assert_eq!(border(&grey, five, five, zero), (1 + 2 + 1, 1 + 2 + 1));
    }

    #[test]
    fn noise_has_no_likeness_and_a_picture_has() {
        let mut bits = 1_u32;
        let mut noise = || {
            bits ^= bits << 13;
            bits ^= bits >> 17;
            bits ^= bits << 5;
            (bits % 1000) as u16
        };
        let values: Vec<u16> = (0..64 * 64).map(|_| noise()).collect();
        let scale = Scale::of(&shape(16, 16, false));
        let of = |values: Vec<u16>, is_padding: fn(u16) -> bool| {
            correlation(&Grey { columns: 64, values, scale }, is_padding)
        };
        let alike = of(values.clone(), |_| false).expect("enough pixels");
        assert!(alike.abs() < 0.1, "{alike}");
        let slope = (0..64 * 64).map(|index| (index % 64 * 10) as u16).collect();
        let alike = of(slope, |_| false).expect("enough pixels");
        assert!(alike > 0.9, "{alike}");
        // A wide border would make noise look like a picture.
        let mut framed = values;
        framed.extend(vec![5000; 64 * 64]);
        assert!(of(framed.clone(), |_| false).expect("enough pixels") > 0.5);
        assert!(of(framed, |value| value == 5000).expect("enough pixels").abs() < 0.1);
        assert_eq!(of(vec![7; 64 * 64], |_| false), None);
        assert_eq!(of(vec![7; 64], |_| true), None);
    }
}
