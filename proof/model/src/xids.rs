//! Sets of transactions: what Postgres calls a snapshot.

use std::fmt::{self, Display, Formatter};

/// A transaction that changes a token, by its place in the scenario. Transactions begin in that order, so it is the xid.
pub type Xid = usize;

/// A set of transactions. As `pg_snapshot`, it is what a statement sees; `contains` is `pg_visible_in_snapshot`.
///
/// A real snapshot is written `xmin:xmax:xip`, and means just such a set. It is no counter: a transaction may commit
/// after one with a higher xid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Xids(u8);

impl Xids {
    /// Whether `xid` is in the set.
    pub fn contains(self, xid: Xid) -> bool {
        self.0 & (1 << xid) != 0
    }

    /// Whether all of `other` is in the set.
    pub fn contains_all(self, other: Self) -> bool {
        other.without(self).is_empty()
    }

    /// Whether the set has a member in common with `other`.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The set with `xid`.
    pub fn with(self, xid: Xid) -> Self {
        Self(self.0 | (1 << xid))
    }

    /// The set with all of `other`.
    pub fn with_all(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The set without the members of `other`.
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The members that are in `other`, too.
    pub fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether there is no member.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many members are there.
    pub fn len(self) -> u8 {
        u8::try_from(self.0.count_ones()).unwrap_or(u8::MAX)
    }

    /// The members that are below `xid`.
    pub fn below(self, xid: Xid) -> Self {
        Self(self.0 & ((1 << xid) - 1))
    }

    /// Every xid up to the highest member: what a high-water mark would make of the set.
    pub fn filled_up(self) -> Self {
        Self((0xFF_u8).checked_shr(self.0.leading_zeros()).unwrap_or(0))
    }
}

impl Display for Xids {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = (0..8)
            .filter(|xid| self.contains(*xid))
            .map(|xid| format!("x{xid}"))
            .collect();
        write!(f, "{{{}}}", names.join(", "))
    }
}

impl FromIterator<Xid> for Xids {
    fn from_iter<T: IntoIterator<Item = Xid>>(xids: T) -> Self {
        xids.into_iter().fold(Self::default(), Self::with)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_high_water_mark_knows_no_gaps() {
        let gap: Xids = [0, 2].into_iter().collect();
        assert!(!gap.contains(1));
        assert!(gap.filled_up().contains(1));
        assert!(!gap.filled_up().contains(3));
        assert_eq!(Xids::default().filled_up(), Xids::default());
    }

    #[test]
    fn sets_compare_as_sets() {
        let both: Xids = [0, 1].into_iter().collect();
        let first: Xids = [0].into_iter().collect();
        assert!(both.contains_all(first));
        assert!(!first.contains_all(both));
        assert_eq!(both.without(first), [1].into_iter().collect());
        assert_eq!(both.without(first).with_all(first), both);
        assert_eq!(both.below(1), first);
        assert_eq!(both.len(), 2);
    }
}
