//! Sets of numbers that mostly follow on each other.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A set of numbers, kept as runs. Its serialised form is a list of first number and count.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Vec<(u64, u64)>", try_from = "Vec<(u64, u64)>")]
pub(super) struct Runs {
    /// Last number by first.
    last: BTreeMap<u64, u64>,
}

impl Runs {
    /// Adds a number; false if it is there already.
    pub(super) fn insert(&mut self, number: u64) -> bool {
        self.add(number, number)
    }

    /// Adds everything from `first` to `last`; false if a part of it is there already.
    fn add(&mut self, first: u64, last: u64) -> bool {
        let before = self.last.range(..=last).next_back().map(|(first, last)| (*first, *last));
        let mut run = (first, last);
        if let Some((start, end)) = before {
            if end >= first {
                return false;
            }
            if end + 1 == first {
                run.0 = start;
            }
        }
        if let Some(end) = last.checked_add(1).and_then(|next| self.last.remove(&next)) {
            run.1 = end;
        }
        self.last.insert(run.0, run.1);
        true
    }

    /// How many runs there are.
    pub(super) fn len(&self) -> usize {
        self.last.len()
    }

    /// First and last number of each run.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.last.iter().map(|(first, last)| (*first, *last))
    }

    /// The highest number.
    pub(super) fn highest(&self) -> Option<u64> {
        self.last.last_key_value().map(|(_, last)| *last)
    }
}

impl From<Runs> for Vec<(u64, u64)> {
    fn from(runs: Runs) -> Self {
        runs.iter().map(|(first, last)| (first, last - first + 1)).collect()
    }
}

impl TryFrom<Vec<(u64, u64)>> for Runs {
    type Error = &'static str;
    fn try_from(list: Vec<(u64, u64)>) -> Result<Self, &'static str> {
        let mut runs = Self::default();
        for (first, count) in list {
            let last = count.checked_sub(1).and_then(|more| first.checked_add(more));
            if !last.is_some_and(|last| runs.add(first, last)) {
                return Err("numbers overlap or overflow");
            }
        }
        Ok(runs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_become_one_run_and_nothing_is_taken_twice() {
        let mut runs = Runs::default();
        for number in [5, 1, 3, 2, 9, 4, 0, u64::MAX] {
            assert!(runs.insert(number), "{number}");
            assert!(!runs.insert(number), "{number}");
        }
        assert_eq!(runs.iter().collect::<Vec<_>>(), [(0, 5), (9, 9), (u64::MAX, u64::MAX)]);
        assert_eq!((runs.len(), runs.highest()), (3, Some(u64::MAX)));
        assert!(!runs.add(7, 9));
        assert!(runs.add(6, 8));
        assert_eq!(runs.iter().next(), Some((0, 9)));
    }

    #[test]
    fn a_list_that_overlaps_or_overflows_is_no_set() {
        for list in [vec![(1, 3), (3, 1)], vec![(1, 0)], vec![(u64::MAX, 2)]] {
            assert!(Runs::try_from(list).is_err());
        }
        let list = vec![(1, 3), (9, 1)];
        assert_eq!(Vec::from(Runs::try_from(list.clone()).unwrap_or_default()), list);
    }
}
