//! From a set on the wire to messages, without ever writing the set out.

use super::{Message, SessionView, count};
use crate::codec::MessageSet;
use std::ops::RangeInclusive;
use types::snapshot::Entry;
use types::{ModSeq, Uid, UidSet};

/// A sequence number that no message has: answer BAD (RFC 3501 §9 `seq-number`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchMessage;

/// Messages of a view: ascending ranges of sequence numbers that neither overlap nor touch. It holds until the next
/// `sync` that tells of EXPUNGEs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<RangeInclusive<u32>>);

impl Selection {
    pub(super) fn from_ranges(mut ranges: Vec<RangeInclusive<u32>>) -> Self {
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

    /// Adds a sequence number past all that are in it.
    pub fn push(&mut self, seq: u32) {
        match self.0.last_mut() {
            Some(last) if *last.end() >= seq => {}
            Some(last) if last.end() + 1 == seq => *last = *last.start()..=seq,
            _ => self.0.push(seq..=seq),
        }
    }

    /// Those of its messages that have these places in it, counted from one.
    #[must_use]
    pub fn places(&self, places: &RangeInclusive<u32>) -> Self {
        let mut before = 0;
        let parts = self.0.iter().filter_map(|range| {
            let length = range.end() - range.start() + 1;
            let first = (*places.start()).max(before + 1);
            let last = (*places.end()).min(before + length);
            let part =
                (first <= last).then(|| range.start() + (first - before - 1)..=range.start() + (last - before - 1));
            before += length;
            part
        });
        Self(parts.collect())
    }

    /// The last of its messages, at most so many.
    #[must_use]
    pub fn last_of(&self, count: u32) -> Self {
        let length = self.len();
        self.places(&(length.saturating_sub(count).saturating_add(1)..=length))
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut ours, mut theirs) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(a), Some(b)) = (ours.peek(), theirs.peek()) {
            let (low, high) = (*a.start().max(b.start()), *a.end().min(b.end()));
            if low <= high {
                both.push(low..=high);
            }
            if a.end() < b.end() {
                ours.next()
            } else {
                theirs.next()
            };
        }
        Self(both)
    }

    /// The first sequence number.
    pub fn first(&self) -> Option<u32> {
        self.0.first().map(|range| *range.start())
    }

    /// The last sequence number.
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|range| *range.end())
    }

    /// What is in either.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        Self::from_ranges(self.0.into_iter().chain(other.0).collect())
    }

    /// The ranges of sequence numbers.
    pub fn ranges(&self) -> &[RangeInclusive<u32>] {
        &self.0
    }

    /// What is left of it behind a sequence number, for answers that are given in pages.
    #[must_use]
    pub fn behind(&self, seq: u32) -> Self {
        let first = self.0.partition_point(|r| *r.end() <= seq);
        let rest = self.0.get(first..).unwrap_or_default();
        Self(rest.iter().map(|r| (*r.start()).max(seq.saturating_add(1))..=*r.end()).collect())
    }

    /// How many messages.
    pub fn len(&self) -> u32 {
        self.0.iter().map(|r| r.end() - r.start() + 1).sum()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the message with this sequence number is among them.
    pub fn contains(&self, seq: u32) -> bool {
        let after = self.0.partition_point(|r| *r.start() <= seq);
        after.checked_sub(1).and_then(|place| self.0.get(place)).is_some_and(|r| r.contains(&seq))
    }
}

impl SessionView {
    /// All messages.
    pub fn all(&self) -> Selection {
        match self.exists() {
            0 => Selection::default(),
            last => Selection(vec![1..=last]),
        }
    }

    /// The messages a set names. UIDs that are not there are passed over (RFC 3501 §6.4.8); sequence numbers that are
    /// not there, `*` in an empty mailbox included, are an error.
    pub fn resolve(&self, set: &MessageSet) -> Result<Selection, NoSuchMessage> {
        match set {
            MessageSet::Seq(set) => {
                let last = self.exists();
                let resolved = set.ranges().iter().map(|range| match range.resolve(last) {
                    (low, high) if low >= 1 && high <= last => Ok(low..=high),
                    _ => Err(NoSuchMessage),
                });
                resolved.collect::<Result<_, _>>().map(Selection::from_ranges)
            }
            MessageSet::Uid(set) => Ok(self.resolve_uids(set)),
            MessageSet::Saved { .. } => Ok(self.saved()),
        }
    }

    /// The messages that a set of sequence numbers names as a SEARCH key; what is not there fits nothing (RFC 7377 §2).
    pub fn resolve_known(&self, set: &crate::codec::SequenceSet) -> Selection {
        let last = self.exists();
        let resolved = set.ranges().iter().map(|range| range.resolve(last));
        Selection::from_ranges(
            resolved.map(|(low, high)| low.max(1)..=high.min(last)).filter(|r| !r.is_empty()).collect(),
        )
    }

    /// The messages whose UIDs a set names.
    pub fn resolve_uids(&self, set: &crate::codec::SequenceSet) -> Selection {
        let Some(last) = self.last_uid() else { return Selection::default() };
        self.select_uids(set.ranges().iter().map(|range| range.resolve(last.get())))
    }

    /// The messages with these UIDs.
    pub fn selection_of(&self, uids: &UidSet) -> Selection {
        self.select_uids(uids.ranges().iter().map(|range| (*range.start(), *range.end())))
    }

    fn select_uids(&self, ranges: impl Iterator<Item = (u32, u32)>) -> Selection {
        let resolved = ranges.filter_map(|(low, high)| {
            let first = self.count_below(Uid::new(low)?) + 1;
            let behind = high.checked_add(1).and_then(Uid::new);
            let end = behind.map_or(self.exists(), |uid| self.count_below(uid));
            (first <= end).then_some(first..=end)
        });
        Selection::from_ranges(resolved.collect())
    }

    /// The messages of these UIDs, which ascend; those the session does not know are passed over.
    pub fn select(&self, uids: impl IntoIterator<Item = Uid>) -> Selection {
        let mut selection = Selection::default();
        uids.into_iter().filter_map(|uid| self.seq_of(uid)).for_each(|seq| selection.push(seq));
        selection
    }

    /// The messages of a selection, by sequence number, each in constant time.
    pub fn messages<'a>(&'a self, selection: &'a Selection) -> Messages<'a> {
        let ranges = selection.0.iter();
        Messages {
            view: self,
            ranges,
            since: None,
            next: 1,
            end: 0,
            held: 0,
            held_seq: None,
            run: &[],
            #[cfg(test)]
            looked_at: 0,
        }
    }

    /// Those of a selection that changed after `since`. Takes time for each chunk of the snapshot that the selection
    /// touches, and for the messages of those in which something changed; not for all messages.
    pub fn messages_since<'a>(&'a self, selection: &'a Selection, since: ModSeq) -> Messages<'a> {
        Messages { since: Some(since), ..self.messages(selection) }
    }

    /// The UIDs of a selection.
    pub fn uids(&self, selection: &Selection) -> UidSet {
        UidSet::from_uids(self.messages(selection).map(|message| message.entry.uid))
    }
}

/// Iterates over the messages of a [`Selection`].
#[derive(Debug)]
pub struct Messages<'a> {
    view: &'a SessionView,
    ranges: std::slice::Iter<'a, RangeInclusive<u32>>,
    /// Only those that changed after this.
    since: Option<ModSeq>,
    next: u32,
    end: u32,
    /// Held messages before `next`, and the number of the one after them.
    held: usize,
    held_seq: Option<u32>,
    /// Rows of the snapshot that follow each other from `next` on, held messages left aside.
    run: &'a [Entry],
    /// Messages and chunks that were looked at.
    #[cfg(test)]
    pub(super) looked_at: usize,
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        loop {
            while self.next > self.end {
                self.begin_range()?;
            }
            #[cfg(test)]
            {
                self.looked_at += 1;
            }
            let seq = self.next;
            let expunged = self.held_seq == Some(seq);
            let entry = if expunged {
                let entry = self.view.held.get(self.held)?;
                self.held += 1;
                self.held_seq = self.view.held_seq(self.held);
                entry
            } else {
                if self.run.is_empty() && self.pass_unchanged_or_begin_run()? {
                    continue;
                }
                let (entry, rest) = self.run.split_first()?;
                self.run = rest;
                entry
            };
            self.next += 1;
            if self.since.is_none_or(|since| entry.modseq > since) {
                return Some(Message { seq, entry, expunged, recent: self.view.is_recent(entry.uid) });
            }
        }
    }
}

impl Messages<'_> {
    /// Goes to the next range; `None` at the end.
    fn begin_range(&mut self) -> Option<()> {
        let range = self.ranges.next()?;
        (self.next, self.end) = (*range.start(), (*range.end()).min(self.view.exists()));
        self.held = self.view.held_below_seq(self.next);
        self.held_seq = self.view.held_seq(self.held);
        self.run = &[];
        Some(())
    }

    /// Begins the run of the snapshot's rows at `next`, which is no held message; or, if nothing changed in its chunk,
    /// goes behind it, as far as no held message comes before that, and yields true.
    fn pass_unchanged_or_begin_run(&mut self) -> Option<bool> {
        let (chunk, place) = self.view.told.chunk_at_seq(self.next - count(self.held))?;
        let run = chunk.entries().get(place..)?;
        if self.since.is_none_or(|since| chunk.max_modseq() > since) {
            self.run = run;
            return Some(false);
        }
        let to_held = self.held_seq.map_or(u32::MAX, |held| held - self.next);
        self.next = self.next.saturating_add(count(run.len()).min(to_held).max(1));
        Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_grows_at_its_end_and_is_cut_by_places() {
        let mut selection = Selection::default();
        for seq in [2, 3, 5, 5, 9, 10, 11] {
            selection.push(seq);
        }
        assert_eq!(selection.ranges(), [2..=3, 5..=5, 9..=11]);
        assert_eq!((selection.first(), selection.last(), selection.len()), (Some(2), Some(11), 6));
        assert_eq!(selection.places(&(2..=4)).ranges(), [3..=3, 5..=5, 9..=9]);
        assert_eq!(selection.places(&(1..=6)), selection);
        assert!(selection.places(&(7..=9)).is_empty() && selection.places(&RangeInclusive::new(1, 0)).is_empty());
        assert_eq!(Selection::default().union(selection.clone()), selection);
        assert_eq!(selection.last_of(4).ranges(), [5..=5, 9..=11]);
        assert_eq!((selection.last_of(6), selection.last_of(u32::MAX)), (selection.clone(), selection.clone()));
        assert!(selection.last_of(0).is_empty() && Selection::default().last_of(3).is_empty());
    }

    #[test]
    fn what_is_in_both_is_found_range_by_range() {
        let of = |ranges: &[(u32, u32)]| Selection::from_ranges(ranges.iter().map(|(a, b)| *a..=*b).collect());
        let (one, other) = (of(&[(1, 4), (8, 9), (20, u32::MAX)]), of(&[(2, 2), (4, 8), (10, 20), (30, 31)]));
        let both = of(&[(2, 2), (4, 4), (8, 8), (20, 20), (30, 31)]);
        assert_eq!((one.intersection(&other), other.intersection(&one)), (both.clone(), both));
        assert!(one.intersection(&Selection::default()).is_empty());
        assert_eq!(one.intersection(&one), one);
    }
}
