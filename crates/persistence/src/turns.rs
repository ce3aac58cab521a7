//! Who comes next, of many who wait: keys take turns, and who has the same key waits behind each other. However many one
//! sends, everybody else waits for one of them at the most.

use std::collections::VecDeque;

/// Those who wait, by key, in the order of the keys' turns. No key is there without anybody.
#[derive(Debug)]
pub struct Turns<K, T>(VecDeque<(K, VecDeque<T>)>);

impl<K, T> Default for Turns<K, T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<K: PartialEq, T> Turns<K, T> {
    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, waiting)| waiting.len()).sum()
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many wait that have this key.
    #[must_use]
    pub fn len_of(&self, key: &K) -> usize {
        let found = self.0.iter().find(|(found, _)| found == key);
        found.map_or(0, |(_, waiting)| waiting.len())
    }

    /// How many wait of the key that most wait of.
    #[must_use]
    pub fn most(&self) -> usize {
        self.0
            .iter()
            .map(|(_, waiting)| waiting.len())
            .max()
            .unwrap_or_default()
    }

    /// One more waits, the last of its key; a new key has the last turn.
    pub fn push(&mut self, key: K, one: T) {
        match self.0.iter_mut().find(|(found, _)| *found == key) {
            Some((_, waiting)) => waiting.push_back(one),
            None => self.0.push_back((key, VecDeque::from([one]))),
        }
    }

    /// Whose turn it is: the first of the first key, which then has the last turn.
    pub fn take_next(&mut self) -> Option<T> {
        let (key, mut waiting) = self.0.pop_front()?;
        let next = waiting.pop_front();
        if !waiting.is_empty() {
            self.0.push_back((key, waiting));
        }
        next
    }

    /// The one that has waited for the shortest, of the key that most wait of.
    pub fn take_last_of_most(&mut self) -> Option<T> {
        let most = self.0.iter_mut().max_by_key(|(_, waiting)| waiting.len());
        let last = most.and_then(|(_, waiting)| waiting.pop_back());
        self.0.retain(|(_, waiting)| !waiting.is_empty());
        last
    }

    /// Forgets those that are not to be kept.
    pub fn retain(&mut self, mut keep: impl FnMut(&T) -> bool) {
        for (_, waiting) in &mut self.0 {
            waiting.retain(&mut keep);
        }
        self.0.retain(|(_, waiting)| !waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn turns(waiting: &[(char, u32)]) -> Turns<char, u32> {
        let mut turns = Turns::default();
        for (key, one) in waiting {
            turns.push(*key, *one);
        }
        turns
    }

    fn all(mut turns: Turns<char, u32>) -> Vec<u32> {
        std::iter::from_fn(|| turns.take_next()).collect()
    }

    #[test]
    fn keys_take_turns_and_nobody_overtakes_another_of_the_same() {
        let storm = turns(&[('a', 1), ('a', 2), ('a', 3), ('b', 4), ('c', 5), ('b', 6)]);
        assert_eq!((storm.len(), storm.len_of(&'a'), storm.most()), (6, 3, 3));
        assert_eq!(all(storm), [1, 4, 5, 2, 6, 3]);
    }

    #[test]
    fn who_has_most_gives_way() {
        let mut storm = turns(&[('a', 1), ('b', 2), ('b', 3)]);
        assert_eq!(storm.take_last_of_most(), Some(3));
        storm.retain(|one| *one != 1);
        assert_eq!((storm.len(), storm.len_of(&'a')), (1, 0));
        assert_eq!(storm.take_last_of_most(), Some(2));
        assert!(storm.is_empty());
        assert_eq!((storm.take_last_of_most(), storm.most()), (None, 0));
    }
}
