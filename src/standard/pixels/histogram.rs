//! How often each stored value occurs: one pass over the samples, from which almost every fact follows.

/// Counters: one for each value of 16 bits.
const VALUES: usize = 1 << 16;

/// Bins of a coarse histogram, of which the entropy is told.
const COARSE: u64 = 256;

/// Counts values of 16 bits.
///
/// Neighbours are mostly alike, and a counter that has just been written is not at once there to be read: two sets of
/// counters take turns.
pub(super) struct Counters {
    even: Box<[u32; VALUES]>,
    odd: Box<[u32; VALUES]>,
}

impl Counters {
    pub(super) fn new() -> Self {
        Self { even: zeros(), odd: zeros() }
    }

    /// How often each value occurs.
    pub(super) fn count(&mut self, values: &[u16]) -> Distribution {
        let add = |counters: &mut [u32; VALUES], value: u16| {
            if let Some(counter) = counters.get_mut(usize::from(value)) {
                *counter += 1;
            }
        };
        let (pairs, rest) = values.as_chunks::<2>();
        for [even, odd] in pairs {
            add(&mut self.even, *even);
            add(&mut self.odd, *odd);
        }
        for value in rest {
            add(&mut self.even, *value);
        }
        let mut counts = Vec::new();
        let both = self.even.iter_mut().zip(self.odd.iter_mut());
        for (value, (even, odd)) in (0..=u16::MAX).zip(both) {
            let count = u64::from(*even) + u64::from(*odd);
            if count > 0 {
                counts.push((value, count));
                (*even, *odd) = (0, 0);
            }
        }
        Distribution { counts }
    }
}

fn zeros() -> Box<[u32; VALUES]> {
    // By way of a vector: an array of this size has no business on the stack.
    vec![0; VALUES].into_boxed_slice().try_into().unwrap_or_else(|_| Box::new([0; VALUES]))
}

/// Values that occur, in rising order, each with how often it does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Distribution {
    counts: Vec<(u16, u64)>,
}

impl Distribution {
    /// Takes out the values from `low` to `high`. Returns how many there were.
    pub(super) fn remove(&mut self, low: u16, high: u16) -> u64 {
        let before = self.total();
        self.counts.retain(|(value, _)| !(low..=high).contains(value));
        before - self.total()
    }

    /// Adds what another has counted.
    pub(super) fn add(&mut self, other: &Self) {
        if self.counts.is_empty() {
            self.counts.clone_from(&other.counts);
            return;
        }
        let mut merged: Vec<(u16, u64)> = Vec::with_capacity(self.counts.len());
        let (mut own, mut others) = (self.counts.iter().peekable(), other.counts.iter().peekable());
        loop {
            let next = match (own.peek(), others.peek()) {
                (Some(one), Some(two)) if one.0 <= two.0 => own.next(),
                (_, Some(_)) => others.next(),
                (_, None) => own.next(),
            };
            let Some(next) = next else { break };
            match merged.last_mut() {
                Some(last) if last.0 == next.0 => last.1 += next.1,
                Some(_) | None => merged.push(*next),
            }
        }
        self.counts = merged;
    }

    /// Samples in all.
    pub(super) fn total(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// The least value; `None` of nothing.
    pub(super) fn min(&self) -> Option<u16> {
        self.counts.first().map(|(value, _)| *value)
    }

    /// The greatest value; `None` of nothing.
    pub(super) fn max(&self) -> Option<u16> {
        self.counts.last().map(|(value, _)| *value)
    }

    /// The least value that at least `share` (0 to 1) of the samples do not exceed; `None` of nothing.
    pub(super) fn percentile(&self, share: f64) -> Option<u16> {
        percentile(&self.counts, share)
    }

    /// The same of those samples alone whose value is in the range.
    pub(super) fn percentile_within(&self, low: u16, high: u16, share: f64) -> Option<u16> {
        let within = |value: &(u16, u64)| (low..=high).contains(&value.0);
        let counts: Vec<(u16, u64)> = self.counts.iter().copied().filter(within).collect();
        percentile(&counts, share)
    }

    /// How often the values for which `is` holds occur.
    pub(super) fn count(&self, is: impl Fn(u16) -> bool) -> u64 {
        self.counts.iter().filter(|(value, _)| is(*value)).map(|(_, count)| count).sum()
    }

    /// The entropy, 0 to 8 bits, of 256 bins of equal width from percentile 0.5 to 99.5: beyond them a single odd pixel
    /// would make the bins wide and everything alike. What lies outside counts to the outermost. `None` of nothing.
    pub(super) fn entropy(&self) -> Option<f64> {
        let (low, high) = (self.percentile(0.005)?, self.percentile(0.995)?);
        let width = u64::from(high - low) + 1;
        let total = self.total() as f64;
        let (mut entropy, mut bin, mut in_bin) = (0.0, 0, 0_u64);
        let mut close = |count: u64| {
            if count > 0 {
                let share = count as f64 / total;
                entropy -= share * share.log2();
            }
        };
        for (value, count) in &self.counts {
            let place = u64::from((*value).clamp(low, high) - low) * COARSE / width;
            if place != bin {
                close(in_bin);
                (bin, in_bin) = (place, 0);
            }
            in_bin += count;
        }
        close(in_bin);
        Some(entropy)
    }
}

fn percentile(counts: &[(u16, u64)], share: f64) -> Option<u16> {
    let total: u64 = counts.iter().map(|(_, count)| count).sum();
    let wanted = ((total as f64 * share).ceil() as u64).clamp(1, total.max(1));
    let mut reached = 0;
    counts
        .iter()
        .find(|(_, count)| {
            reached += count;
            reached >= wanted
        })
        .map(|(value, _)| *value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[u16]) -> Distribution {
        Counters::new().count(values)
    }

    #[test]
    fn every_sample_is_counted_once_and_the_counters_begin_anew() {
        let mut counters = Counters::new();
        let first = counters.count(&[5, 0, 5, u16::MAX, 5]);
        assert_eq!(first.counts, [(0, 1), (5, 3), (u16::MAX, 1)]);
        assert_eq!((first.total(), first.min(), first.max()), (5, Some(0), Some(u16::MAX)));
        assert_eq!(counters.count(&[7]).counts, [(7, 1)]);
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
    }

    #[test]
    fn padding_is_taken_out() {
        let mut counted = of(&[0, 0, 0, 4, 5]);
        assert_eq!(counted.remove(0, 3), 3);
        assert_eq!(counted.counts, [(4, 1), (5, 1)]);
        assert_eq!(counted.remove(0, u16::MAX), 2);
        assert_eq!(counted.min(), None);
    }

    #[test]
    fn distributions_add_up() {
        let mut all = Distribution::default();
        for part in [&[3_u16, 3, 9][..], &[], &[1, 3, 10], &[9]] {
            all.add(&of(part));
        }
        assert_eq!(all.counts, [(1, 1), (3, 3), (9, 2), (10, 1)]);
        assert_eq!(all.count(|value| value > 3), 3);
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
