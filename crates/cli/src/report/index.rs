//! Things found again by a key that comes back: process ids and what is built on them are used again by later runs.
use std::collections::HashMap;
use std::hash::Hash;

/// A child may write before its leader does, by this many seconds.
const AHEAD: f64 = 1.0;

/// Positions by key and time.
pub(crate) struct Index<K>(HashMap<K, Vec<(f64, usize)>>);

impl<K: Eq + Hash> Index<K> {
    /// An index of `items` by their key and time.
    pub(crate) fn new(items: impl Iterator<Item = (K, f64)>) -> Index<K> {
        let mut index: HashMap<K, Vec<(f64, usize)>> = HashMap::new();
        for (position, (key, time)) in items.enumerate() {
            index.entry(key).or_default().push((time, position));
        }
        index.values_mut().for_each(|entries| entries.sort_by(|a, b| a.0.total_cmp(&b.0)));
        Index(index)
    }

    /// Position of the last item with `key` that had begun at `time`, or else of the first one.
    pub(crate) fn at(&self, key: &K, time: f64) -> Option<usize> {
        let entries = self.0.get(key)?;
        let begun = entries.partition_point(|&(begin, _)| begin <= time + AHEAD);
        entries.get(begun.saturating_sub(1)).map(|&(_, position)| position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_run_at_hand_is_found() {
        let index = Index::new([("1.1", 200.0), ("1.1", 100.0), ("1.2", 101.0)].into_iter());
        assert_eq!(index.at(&"1.1", 150.0), Some(1));
        assert_eq!(index.at(&"1.1", 199.5), Some(0));
        assert_eq!(index.at(&"1.1", 5.0), Some(1));
        assert_eq!(index.at(&"1.2", 500.0), Some(2));
        assert_eq!(index.at(&"2.1", 500.0), None);
    }
}
