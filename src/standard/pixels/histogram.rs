//! How often each stored value occurs: one pass over the samples, from which almost every fact follows.

/// Bins of a coarse histogram, of which the entropy is told.
const COARSE: u64 = 256;

/// Counts values of 16 bits.
///
/// Neighbours are mostly alike, and a counter that has just been written is not at once there to be read: two sets of
/// counters take turns, and neighbours that are all equal are counted at once. There are no more counters than the values that
/// occur lie apart, in a ring: most images use a few thousand of them, and what is seldom touched is not near.
#[derive(Default)]
pub(super) struct Counters {
    even: Vec<u32>,
    odd: Vec<u32>,
    /// The least and the greatest value so far.
    seen: Option<(u16, u16)>,
}

/// How many counters there may be: powers of two.
const SIZES: [usize; 5] = [1 << 8, 1 << 12, 1 << 13, 1 << 14, 1 << 16];

impl Counters {
    /// Counts values, all of which lie between `low` and `high`.
    pub(super) fn add(&mut self, values: &[u16], (low, high): (u16, u16)) {
        self.reach(low, high);
        let (even, odd) = (self.even.as_mut_slice(), self.odd.as_mut_slice());
        // The number of counters is known to the loop, so that it need not ask for each value whether there is one.
        macro_rules! count {
            ($($place:literal)+) => {
                $(if let (Ok(even), Ok(odd)) = (
                    <&mut [u32; SIZES[$place]]>::try_from(&mut *even),
                    <&mut [u32; SIZES[$place]]>::try_from(&mut *odd),
                ) {
                    count(even, odd, values);
                })+
            };
        }
        count!(0 1 2 3 4);
    }

    /// Makes room for counters of all values from `low` to `high`.
    fn reach(&mut self, low: u16, high: u16) {
        let (low, high) = self.seen.map_or((low, high), |seen| (low.min(seen.0), high.max(seen.1)));
        let apart = usize::from(high - low);
        if apart >= self.even.len() {
            let size = SIZES.into_iter().find(|size| apart < *size).unwrap_or(1 << 16);
            let mut wider = Self { even: vec![0; size], odd: vec![0; size], seen: None };
            if let Some((low, high)) = self.seen {
                for value in low..=high {
                    for (to, from) in wider.at(value).zip(self.at(value)) {
                        *to = *from;
                    }
                }
            }
            *self = wider;
        }
        self.seen = Some((low, high));
    }

    /// The counters of a value.
    fn at(&mut self, value: u16) -> impl Iterator<Item = &mut u32> {
        let place = usize::from(value) & (self.even.len().max(1) - 1);
        self.even.get_mut(place).into_iter().chain(self.odd.get_mut(place))
    }

    /// How often each value was counted, those of `padding` left out. Begins anew.
    pub(super) fn take(&mut self, padding: Option<(u16, u16)>) -> Distribution {
        let Some((low, high)) = self.seen.take() else { return Distribution::default() };
        let (mut values, mut total) = (Vec::new(), 0);
        for value in low..=high {
            let count: u64 = self.at(value).map(|count| u64::from(std::mem::take(count))).sum();
            let is_padding = padding.is_some_and(|(low, high)| (low..=high).contains(&value));
            if count > 0 && !is_padding {
                total += count;
                values.push((value, total));
            }
        }
        Distribution { values }
    }
}

fn count<const N: usize>(even: &mut [u32; N], odd: &mut [u32; N], values: &[u16]) {
    let add = |counters: &mut [u32; N], value: u16, count: u32| {
        if let Some(counter) = counters.get_mut(usize::from(value) & (N - 1)) {
            *counter += count;
        }
    };
    let (eights, rest) = values.as_chunks::<8>();
    for eight in eights {
        let [first, second, others @ ..] = *eight;
        if first == second && others == [first; 6] {
            add(even, first, 8);
            continue;
        }
        for [one, other] in eight.as_chunks::<2>().0 {
            add(even, *one, 1);
            add(odd, *other, 1);
        }
    }
    for value in rest {
        add(even, *value, 1);
    }
}

/// Values that occur, in rising order, each with how many samples do not exceed it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Distribution {
    values: Vec<(u16, u64)>,
}

impl Distribution {
    /// Adds what another has counted.
    pub(super) fn add(&mut self, other: Self) {
        if self.values.is_empty() {
            *self = other;
            return;
        }
        let mut merged: Vec<(u16, u64)> = Vec::with_capacity(self.values.len());
        let (mut own, mut others) = (self.counts().peekable(), other.counts().peekable());
        let mut total = 0;
        loop {
            let next = match (own.peek(), others.peek()) {
                (Some(one), Some(two)) if one.0 <= two.0 => own.next(),
                (_, Some(_)) => others.next(),
                (_, None) => own.next(),
            };
            let Some((value, count)) = next else { break };
            total += count;
            match merged.last_mut() {
                Some(last) if last.0 == value => last.1 = total,
                Some(_) | None => merged.push((value, total)),
            }
        }
        drop((own, others));
        self.values = merged;
    }

    /// Each value with how often it occurs.
    fn counts(&self) -> impl Iterator<Item = (u16, u64)> + '_ {
        self.values.iter().scan(0, |before, (value, reached)| {
            Some((*value, reached - std::mem::replace(before, *reached)))
        })
    }

    /// Samples in all.
    pub(super) fn total(&self) -> u64 {
        self.values.last().map_or(0, |(_, reached)| *reached)
    }

    /// The least value; `None` of nothing.
    pub(super) fn min(&self) -> Option<u16> {
        self.values.first().map(|(value, _)| *value)
    }

    /// The greatest value; `None` of nothing.
    pub(super) fn max(&self) -> Option<u16> {
        self.values.last().map(|(value, _)| *value)
    }

    /// The least value that at least `share` (0 to 1) of the samples do not exceed; `None` of nothing.
    pub(super) fn percentile(&self, share: f64) -> Option<u16> {
        self.percentile_within(0, u16::MAX, share)
    }

    /// The same of those samples alone whose value is in the range.
    pub(super) fn percentile_within(&self, low: u16, high: u16, share: f64) -> Option<u16> {
        let (below, up_to) = (self.below(|value| value < low), self.below(|value| value <= high));
        let total = up_to.saturating_sub(below);
        let wanted = ((total as f64 * share).ceil() as u64).clamp(1, total.max(1));
        let place = self.values.partition_point(|(_, reached)| *reached < below + wanted);
        let (value, _) = self.values.get(place).filter(|_| total > 0)?;
        Some(*value)
    }

    /// How many samples have values for which `is` holds, where it holds for those below a bound and for no others.
    pub(super) fn below(&self, is: impl Fn(u16) -> bool) -> u64 {
        let place = self.values.partition_point(|(value, _)| is(*value));
        place.checked_sub(1).and_then(|last| self.values.get(last)).map_or(0, |(_, total)| *total)
    }

    /// How often a value occurs.
    pub(super) fn count(&self, value: u16) -> u64 {
        self.below(|other| other <= value) - self.below(|other| other < value)
    }

    /// The entropy, 0 to 8 bits, of 256 bins of equal width from percentile 0.5 to 99.5: beyond them a single odd pixel
    /// would make the bins wide and everything alike. What lies outside counts to the outermost. `None` of nothing.
    pub(super) fn entropy(&self) -> Option<f64> {
        let (low, high) = (self.percentile(0.005)?, self.percentile(0.995)?);
        let width = u64::from(high - low) + 1;
        let total = self.total();
        let (mut entropy, mut before, mut reached) = (0.0, 0, 0);
        let last = (width - 1) * COARSE / width;
        let mut values = self.values.iter().peekable();
        for bin in 0..=last {
            // The first value of the next bin.
            let end = u64::from(low) + ((bin + 1) * width).div_ceil(COARSE);
            while let Some((_, total)) =
                values.next_if(|(value, _)| bin == last || u64::from(*value) < end)
            {
                reached = *total;
            }
            if reached > before {
                let share = (reached - before) as f64 / total as f64;
                entropy -= share * share.log2();
            }
            before = reached;
        }
        Some(entropy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u16]) -> Distribution {
        counted(&mut Counters::default(), values)
    }

    fn counted(counters: &mut Counters, values: &[u16]) -> Distribution {
        for part in values.chunks(5) {
            let (low, high) = (part.iter().min(), part.iter().max());
            counters.add(part, (*low.expect("values"), *high.expect("values")));
        }
        counters.take(None)
    }

    fn counts(distribution: &Distribution) -> Vec<(u16, u64)> {
        distribution.counts().collect()
    }

    #[test]
    fn every_sample_is_counted_once_and_the_counters_begin_anew() {
        let mut counters = Counters::default();
        let first = counted(&mut counters, &[5, 0, 5, u16::MAX, 5]);
        assert_eq!(counts(&first), [(0, 1), (5, 3), (u16::MAX, 1)]);
        assert_eq!((first.total(), first.min(), first.max()), (5, Some(0), Some(u16::MAX)));
        assert_eq!(counts(&counted(&mut counters, &[7])), [(7, 1)]);
    }

    #[test]
    fn counters_follow_the_values_wherever_they_lie() {
        let mut counters = Counters::default();
        let mut values = Vec::new();
        for far in [40_000, 40_100, 39_000, 30_000, 45_000, 2, 65_535, 300] {
            values.extend([far; 9]);
            counters.add(&[far; 9], (far, far));
        }
        let mut want: Vec<(u16, u64)> = values.iter().map(|value| (*value, 9)).collect();
        want.sort_unstable();
        want.dedup();
        assert_eq!(counts(&counters.take(None)), want);
        counters.add(&[40_000], (40_000, 40_000));
        assert_eq!(counts(&counters.take(None)), [(40_000, 1)]);
    }

    #[test]
    fn nothing_has_no_least_and_no_greatest() {
        let nothing = of(&[]);
        assert_eq!((nothing.min(), nothing.max(), nothing.total()), (None, None, 0));
        assert_eq!((nothing.percentile(0.5), nothing.entropy()), (None, None));
    }

    #[test]
    fn percentiles_are_values_that_occur() {
        let values: Vec<u16> = (1..=200).collect();
        let counted = of(&values);
        for (share, want) in [(0.0, 1), (0.005, 1), (0.01, 2), (0.5, 100), (0.995, 199), (1.0, 200)]
        {
            assert_eq!(counted.percentile(share), Some(want), "{share}");
        }
        assert_eq!(counted.percentile_within(101, 110, 0.5), Some(105));
        assert_eq!(counted.percentile_within(300, 400, 0.5), None);
        assert_eq!(counted.percentile_within(0, 0, 0.5), None);
    }

    #[test]
    fn padding_is_left_out() {
        let mut counters = Counters::default();
        let values = [0, 0, 0, 4, 5];
        counters.add(&values, (0, 5));
        assert_eq!(counts(&counters.take(Some((0, 3)))), [(4, 1), (5, 1)]);
        counters.add(&values, (0, 5));
        assert_eq!(counters.take(Some((0, u16::MAX))), Distribution::default());
    }

    #[test]
    fn distributions_add_up() {
        let mut all = Distribution::default();
        for part in [&[3_u16, 3, 9][..], &[], &[1, 3, 10], &[9]] {
            all.add(of(part));
        }
        assert_eq!(counts(&all), [(1, 1), (3, 3), (9, 2), (10, 1)]);
        assert_eq!((all.below(|value| value <= 3), all.below(|value| value < 1)), (4, 0));
        assert_eq!((all.count(9), all.count(4)), (2, 0));
    }

    #[test]
    fn entropy_is_that_of_256_bins() {
        let near = |values: &[u16], want: f64| {
            let entropy = of(values).entropy().expect("values");
            assert!((entropy - want).abs() < 1e-9, "{entropy}, not {want}");
        };
        near(&[7; 100], 0.0);
        near(&[0, 1], 1.0);
        near(&[0, 0, 0, 0, 100, 200, 300, 400].map(|value| value * 100), 2.0);
        let all: Vec<u16> = (0..=u16::MAX).collect();
        let even = of(&all).entropy().expect("values");
        assert!((7.9..=8.0).contains(&even), "{even}");
        // One hot pixel among a thousand changes next to nothing.
        let mut hot: Vec<u16> = (0..1000).map(|value| value % 16).collect();
        hot.push(60_000);
        let entropy = of(&hot).entropy().expect("values");
        assert!((3.9..4.1).contains(&entropy), "{entropy}");
    }
}
