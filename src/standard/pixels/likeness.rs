//! How alike neighbours are: the correlation of a pixel with the next in its row and in its column.

/// Every so many rows are looked at: a row in eight tells as well as all do.
const STEP: usize = 8;

/// Pairs of neighbours in a frame, as its rows are met.
#[derive(Debug, Default)]
pub(super) struct Likeness {
    padding: Option<(u16, u16)>,
    seen: usize,
    /// What the last row came to, and whether padding may be in it.
    above: (Sums, bool),
    across: Pairs,
    down: Pairs,
    /// Both of a pair, or nothing where one of them is padding.
    masked: (Vec<u16>, Vec<u16>),
}

impl Likeness {
    /// Of a frame in which these values are no pixels.
    pub(super) fn new(padding: Option<(u16, u16)>) -> Self {
        Self { padding, ..Self::default() }
    }

    /// The next row, with its least and its greatest value, and the one above it.
    pub(super) fn add(&mut self, row: &[u16], (least, greatest): (u16, u16), above: &[u16]) {
        let step = self.seen % STEP;
        self.seen += 1;
        if step > 1 {
            return;
        }
        let is_padded = self.padding.is_some_and(|(low, high)| least <= high && low <= greatest);
        let (before, behind) = (row.split_last(), row.split_first());
        let (Some((last, before)), Some((first, behind))) = (before, behind) else { return };
        match step {
            0 if is_padded => {
                let pairs = self.masked(before, behind);
                self.across.add(pairs);
                self.above = (Sums::default(), true);
            }
            0 => {
                let sums = Sums::of(row);
                self.across.add(Pairs {
                    count: before.len() as u64,
                    first: sums.without(*last),
                    second: sums.without(*first),
                    products: product(before, behind),
                });
                self.above = (sums, false);
            }
            _ => {
                let pairs = match self.above {
                    (first, false) if !is_padded => Pairs {
                        count: row.len() as u64,
                        first,
                        second: Sums::of(row),
                        products: product(above, row),
                    },
                    _ => self.masked(above, row),
                };
                self.down.add(pairs);
            }
        }
    }

    /// Pairs of which neither is padding.
    fn masked(&mut self, firsts: &[u16], seconds: &[u16]) -> Pairs {
        let (low, high) = self.padding.unwrap_or((1, 0));
        let keep = |value: u16| if (low <= value) & (value <= high) { 0 } else { u16::MAX };
        let (first, second) = &mut self.masked;
        let pairs = || firsts.iter().zip(seconds);
        first.clear();
        first.extend(pairs().map(|(one, other)| keep(*one) & keep(*other)));
        let count = sum(first) / u64::from(u16::MAX);
        second.clear();
        second.extend(first.iter().zip(seconds).map(|(keep, value)| keep & value));
        first.iter_mut().zip(firsts).for_each(|(keep, value)| *keep &= value);
        Pairs {
            count,
            first: Sums::of(first),
            second: Sums::of(second),
            products: product(first, second),
        }
    }

    /// Near 0 of noise, near 1 of a picture: that of rows or of columns, whichever is greater. `None` where nothing differs, or
    /// there are too few pixels.
    pub(super) fn correlation(&self) -> Option<f64> {
        match (self.across.correlation(), self.down.correlation()) {
            (Some(one), Some(other)) => Some(one.max(other)),
            (one, other) => one.or(other),
        }
    }
}

/// Sums over values. Of 2^28 values of 16 bits the squares still fit.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    values: u64,
    squares: u64,
}

impl Sums {
    fn of(values: &[u16]) -> Self {
        Self { values: sum(values), squares: product(values, values) }
    }

    /// The same without one of them.
    fn without(self, value: u16) -> Self {
        let value = u64::from(value);
        Self { values: self.values - value, squares: self.squares - value * value }
    }

    fn add(&mut self, other: Self) {
        self.values += other.values;
        self.squares += other.squares;
    }

    fn mean(self, count: f64) -> f64 {
        self.values as f64 / count
    }

    fn spread(self, count: f64) -> f64 {
        let mean = self.mean(count);
        self.squares as f64 / count - mean * mean
    }
}

/// Sums over pairs of neighbours.
#[derive(Debug, Clone, Copy, Default)]
struct Pairs {
    count: u64,
    first: Sums,
    second: Sums,
    products: u64,
}

impl Pairs {
    /// Pairs that a correlation is told of.
    const LEAST: u64 = 64;

    fn add(&mut self, other: Self) {
        self.count += other.count;
        self.first.add(other.first);
        self.second.add(other.second);
        self.products += other.products;
    }

    fn correlation(&self) -> Option<f64> {
        if self.count < Self::LEAST {
            return None;
        }
        let count = self.count as f64;
        let (one, other) = (self.first.spread(count), self.second.spread(count));
        let both = self.products as f64 / count - self.first.mean(count) * self.second.mean(count);
        // Below a thousandth of a level there is nothing but rounding.
        (one > 1e-3 && other > 1e-3).then(|| both / (one * other).sqrt())
    }
}

/// Values whose sums of 16 bits each fit into 32: as narrow as that, many go into one register.
const PIECE: usize = 1 << 16;

fn sum(values: &[u16]) -> u64 {
    let sums = values.chunks(PIECE).map(|piece| piece.iter().map(|value| u32::from(*value)).sum());
    sums.map(|sum: u32| u64::from(sum)).sum()
}

fn product(firsts: &[u16], seconds: &[u16]) -> u64 {
    let pieces = firsts.chunks(PIECE).zip(seconds.chunks(PIECE));
    let sums = pieces.map(|(firsts, seconds)| {
        // The upper and the lower half of each product by themselves, each as wide as a value.
        let (mut upper, mut lower) = (0_u32, 0_u32);
        for (first, second) in firsts.iter().zip(seconds) {
            let half = (u32::from(*first) * u32::from(*second)) >> 16;
            upper += u32::from(half as u16);
            lower += u32::from(first.wrapping_mul(*second));
        }
        (u64::from(upper) << 16) + u64::from(lower)
    });
    sums.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(columns: usize, values: &[u16], padding: Option<(u16, u16)>) -> Option<f64> {
        let mut likeness = Likeness::new(padding);
        let mut above: &[u16] = &[];
        for row in values.chunks_exact(columns) {
            let extremes = (*row.iter().min().expect("values"), *row.iter().max().expect("values"));
            likeness.add(row, extremes, above);
            above = row;
        }
        likeness.correlation()
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
        let alike = of(64, &values, None).expect("enough pixels");
        assert!(alike.abs() < 0.1, "{alike}");
        let slope: Vec<u16> = (0..64 * 64).map(|index| (index % 64 * 10) as u16).collect();
        let alike = of(64, &slope, None).expect("enough pixels");
        assert!(alike > 0.9, "{alike}");
        // A wide border would make noise look like a picture.
        let mut framed = values;
        framed.extend(vec![5000; 64 * 64]);
        assert!(of(64, &framed, None).expect("enough pixels") > 0.5);
        let padded = of(64, &framed, Some((5000, 5000))).expect("enough pixels");
        assert!(padded.abs() < 0.1, "{padded}");
        assert_eq!(of(64, &[7; 64 * 64], None), None);
        assert_eq!(of(64, &[7; 64], Some((0, u16::MAX))), None);
    }

    #[test]
    fn sums_of_the_greatest_values_fit() {
        let most = vec![u16::MAX; 70_000];
        let each = u64::from(u16::MAX);
        assert_eq!(sum(&most), 70_000 * each);
        assert_eq!(product(&most, &most), 70_000 * each * each);
    }
}
