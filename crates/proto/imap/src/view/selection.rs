//! From a set on the wire to messages, without ever writing the set out.

use super::{Message, SessionView, count};
use crate::codec::MessageSet;
use std::ops::RangeInclusive;
use types::snapshot::Entry;
use types::{Uid, UidSet};

/// A sequence number that no message has: answer BAD (RFC 3501 §9 `seq-number`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoSuchMessage;

/// Messages of a view: ascending ranges of sequence numbers that neither overlap nor touch. It holds until the next
/// `sync` that tells of EXPUNGEs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection(Vec<RangeInclusive<u32>>);

impl Selection {
    fn from_ranges(mut ranges: Vec<RangeInclusive<u32>>) -> Self {
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
        }
    }

    /// The messages whose UIDs a set names.
    pub fn resolve_uids(&self, set: &crate::codec::SequenceSet) -> Selection {
        let Some(last) = self.last_uid() else { return Selection::default() };
        let resolved = set.ranges().iter().filter_map(|range| {
            let (low, high) = range.resolve(last.get());
            let first = self.count_below(Uid::new(low)?) + 1;
            let behind = high.checked_add(1).and_then(Uid::new);
            let end = behind.map_or(self.exists(), |uid| self.count_below(uid));
            (first <= end).then_some(first..=end)
        });
        Selection::from_ranges(resolved.collect())
    }

    /// The messages of a selection, by sequence number, each in constant time.
    pub fn messages<'a>(&'a self, selection: &'a Selection) -> Messages<'a> {
        Messages { view: self, ranges: selection.0.iter(), next: 1, end: 0, held: 0, held_seq: None, run: &[] }
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
    next: u32,
    end: u32,
    /// Held messages before `next`, and the number of the one after them.
    held: usize,
    held_seq: Option<u32>,
    /// Rows of the snapshot that follow each other from `next` on, held messages left aside.
    run: &'a [Entry],
}

impl<'a> Iterator for Messages<'a> {
    type Item = Message<'a>;

    fn next(&mut self) -> Option<Message<'a>> {
        while self.next > self.end {
            let range = self.ranges.next()?;
            (self.next, self.end) = (*range.start(), (*range.end()).min(self.view.exists()));
            self.held = self.view.held_below_seq(self.next);
            self.held_seq = self.view.held_seq(self.held);
            self.run = &[];
        }
        let seq = self.next;
        self.next += 1;
        let expunged = self.held_seq == Some(seq);
        let entry = if expunged {
            let entry = self.view.held.get(self.held)?;
            self.held += 1;
            self.held_seq = self.view.held_seq(self.held);
            entry
        } else {
            if self.run.is_empty() {
                self.run = self.view.told.run_from_seq(seq - count(self.held));
            }
            let (entry, rest) = self.run.split_first()?;
            self.run = rest;
            entry
        };
        Some(Message { seq, entry, expunged, recent: self.view.is_recent(entry.uid) })
    }
}
