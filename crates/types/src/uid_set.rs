//! Sets of UIDs as ranges that are never expanded.

use crate::Uid;
use std::fmt;
use std::ops::RangeInclusive;

/// A set of UIDs: ascending ranges that neither overlap nor touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UidSet(Vec<RangeInclusive<u32>>);

impl UidSet {
    /// A set of these ranges, in any order, overlapping or not. Ranges that are empty are left out, as is zero.
    pub fn from_ranges(ranges: impl IntoIterator<Item = RangeInclusive<u32>>) -> Self {
        let mut ranges: Vec<_> =
            ranges.into_iter().map(|r| (*r.start()).max(1)..=*r.end()).filter(|r| !r.is_empty()).collect();
        ranges.sort_unstable_by_key(|r| *r.start());
        let mut merged: Vec<RangeInclusive<u32>> = Vec::with_capacity(ranges.len());
        for range in ranges {
            match merged.last_mut() {
                Some(last) if *range.start() <= last.end().saturating_add(1) => {
                    *last = *last.start()..=(*last.end()).max(*range.end());
                }
                _ => merged.push(range),
            }
        }
        Self(merged)
    }

    /// The set of these UIDs; cheap when they ascend.
    pub fn from_uids(uids: impl IntoIterator<Item = Uid>) -> Self {
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        for uid in uids {
            let uid = uid.get();
            match ranges.last_mut() {
                Some(last) if last.end().checked_add(1) == Some(uid) => *last = *last.start()..=uid,
                _ => ranges.push(uid..=uid),
            }
        }
        Self::from_ranges(ranges)
    }

    /// The ranges, ascending.
    pub fn ranges(&self) -> &[RangeInclusive<u32>] {
        &self.0
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `uid` is in it.
    pub fn contains(&self, uid: Uid) -> bool {
        let after = self.0.partition_point(|r| *r.start() <= uid.get());
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|r| r.contains(&uid.get()))
    }

    /// What is in both sets, in time proportional to their ranges.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            let (start, end) = ((*a.start()).max(*b.start()), (*a.end()).min(*b.end()));
            if start <= end {
                both.push(start..=end);
            }
            if a.end() <= b.end() {
                ours.next()
            } else {
                theirs.next()
            };
        }
        Self(both)
    }

    /// How many UIDs the ranges span.
    pub fn len(&self) -> u64 {
        self.0.iter().map(|r| u64::from(*r.end()) - u64::from(*r.start()) + 1).sum()
    }
}

impl fmt::Display for UidSet {
    /// As a `sequence-set` of RFC 9051 §9; empty for the empty set.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            if range.start() == range.end() {
                write!(f, "{}", range.start())?;
            } else {
                write!(f, "{}:{}", range.start(), range.end())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_merged_and_sorted() {
        let set = UidSet::from_ranges([5..=7, 1..=2, 3..=3, 8..=8, 0..=0, 0..=1, u32::MAX..=u32::MAX]);
        assert_eq!(set.to_string(), "1:3,5:8,4294967295");
        assert_eq!(set.len(), 8);
        assert!(set.contains(Uid::MAX) && set.contains(Uid::MIN) && !set.contains(Uid::new(4).unwrap()));
        assert_eq!(UidSet::from_uids([1, 2, 3, 9].map(|u| Uid::new(u).unwrap())).to_string(), "1:3,9");
        let both = |a: &[RangeInclusive<u32>], b: &[RangeInclusive<u32>]| {
            let sets = [a, b].map(|ranges| UidSet::from_ranges(ranges.iter().cloned()));
            let [a, b] = &sets;
            assert_eq!(a.intersection(b), b.intersection(a));
            a.intersection(b).to_string()
        };
        assert_eq!(both(&[1..=10, 20..=30, 40..=40], &[5..=25, 28..=28, 40..=u32::MAX]), "5:10,20:25,28,40");
        assert_eq!(both(&[1..=4], &[5..=9]), "");
        assert_eq!(both(&[1..=u32::MAX], &[7..=7, 9..=u32::MAX]), "7,9:4294967295");
        assert!(UidSet::default().is_empty() && !UidSet::default().contains(Uid::MIN));
    }
}
