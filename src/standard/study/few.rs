//! Small sets that stay small, whatever comes and in whatever order.

/// The smallest `N` of the values that were added, and whether there were more. Neither depends on the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Few<T, const N: usize> {
    values: Vec<T>,
    more: bool,
}

impl<T, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self { values: Vec::new(), more: false }
    }
}

impl<T: Ord, const N: usize> Few<T, N> {
    /// Adds a value; one that is there already changes nothing.
    pub fn add(&mut self, value: T) {
        let Err(place) = self.values.binary_search(&value) else { return };
        self.values.insert(place, value);
        if self.values.len() > N {
            self.values.truncate(N);
            self.more = true;
        }
    }

    /// How many different values there were; one more than can be kept means: more than that.
    #[must_use]
    pub fn count(&self) -> usize {
        self.values.len() + usize::from(self.more)
    }

    /// Whether more were added than are kept.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.more
    }

    /// Whether a value is among those that are kept.
    #[must_use]
    pub fn has(&self, value: &T) -> bool {
        self.values.binary_search(value).is_ok()
    }

    /// The values that are kept, rising.
    pub fn iter(&self) -> std::slice::Iter<'_, T> {
        self.values.iter()
    }

    /// The smallest.
    #[must_use]
    pub fn first(&self) -> Option<&T> {
        self.values.first()
    }

    /// Bytes beyond its own size, the values' own allocations left out.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.values.capacity() * size_of::<T>()
    }
}

impl<T: Ord, const N: usize> Extend<T> for Few<T, N> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_stay_and_that_there_were_more_is_known() {
        let mut one: Few<u8, 2> = Few::default();
        one.extend([5, 3, 5]);
        assert_eq!((one.count(), one.is_cut(), one.has(&5)), (2, false, true));
        one.add(4);
        assert_eq!((one.count(), one.is_cut(), one.has(&5)), (3, true, false));
        let mut other: Few<u8, 2> = Few::default();
        other.extend([4, 5, 3, 3]);
        assert_eq!(one, other);
        assert_eq!(other.first(), Some(&3));
    }
}
