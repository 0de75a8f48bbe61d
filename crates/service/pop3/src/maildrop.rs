//! What one session sees: INBOX as it stood at the sign-in, numbered once, and what DELE marked.

use crate::numbers::Numbers;
use proto_pop3::MessageNumber;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, Octets, UidSet};

/// A session's maildrop. It holds no list of its own: numbers are those of the shared snapshot, less what is hidden from
/// POP3, and what is marked or hidden is a bit for each message.
pub(crate) struct Maildrop {
    snapshot: Arc<Snapshot>,
    /// Sequence numbers of the snapshot that have no number here.
    hidden: Numbers,
    /// Sequence numbers that are marked.
    marked: Numbers,
    marked_octets: u64,
    /// Messages and octets of all that is not hidden.
    count: u32,
    octets: u64,
}

impl Maildrop {
    /// Fixes the maildrop as the mailbox stands now, without the messages that are hidden from POP3.
    pub(crate) fn open(snapshot: Arc<Snapshot>, hide: &UidSet) -> Self {
        let (mut count, mut octets, mut hidden) = (snapshot.len(), snapshot.octets(), Numbers::default());
        for range in hide.ranges() {
            let Some(first) = types::Uid::new(*range.start()) else { continue };
            let before = snapshot.count_below(first);
            let here = snapshot.iter_from(first).take_while(|entry| entry.uid.get() <= *range.end());
            for (more, entry) in (1..).zip(here) {
                if hidden.insert(before.saturating_add(more)) {
                    count = count.saturating_sub(1);
                    octets = octets.saturating_sub(entry.size.into());
                }
            }
        }
        Self { snapshot, hidden, marked: Numbers::default(), marked_octets: 0, count, octets }
    }

    /// Which mailbox it is.
    pub(crate) fn mailbox(&self) -> MailboxId {
        self.snapshot.mailbox
    }

    /// Messages that are not marked.
    pub(crate) fn count(&self) -> u32 {
        self.count.saturating_sub(self.marked.len())
    }

    /// Their size together.
    pub(crate) fn size(&self) -> Octets {
        Octets(self.octets.saturating_sub(self.marked_octets))
    }

    /// The sequence number and the message of a number; `None` if there is none or it is marked.
    fn find(&self, number: MessageNumber) -> Option<(u32, &Entry)> {
        let seq = self.hidden.nth_absent(number.0.get())?;
        self.snapshot.by_seq(seq).filter(|_| !self.marked.contains(seq)).map(|entry| (seq, entry))
    }

    /// The message of a number; `None` if there is none or it is marked.
    pub(crate) fn get(&self, number: MessageNumber) -> Option<Entry> {
        self.find(number).map(|(_, entry)| *entry)
    }

    /// The messages that are not marked, from a number on.
    pub(crate) fn iter_from(&self, first: u32) -> impl Iterator<Item = (MessageNumber, Entry)> {
        let seq = self.hidden.nth_absent(first);
        let start = seq.and_then(|seq| self.snapshot.by_seq(seq));
        let entries = start.map(|entry| self.snapshot.iter_from(entry.uid)).into_iter().flatten();
        let shown = (seq.unwrap_or(u32::MAX)..).zip(entries).filter(|(seq, _)| !self.hidden.contains(*seq));
        (first..).zip(shown).filter_map(|(number, (seq, entry))| {
            let number = NonZeroU32::new(number).filter(|_| !self.marked.contains(seq));
            number.map(|number| (MessageNumber(number), *entry))
        })
    }

    /// The UIDL of a message.
    pub(crate) fn unique_id(&self, entry: &Entry) -> String {
        domain::uidl(&self.snapshot, entry)
    }

    /// Marks a message; false if there is none or it is marked already.
    pub(crate) fn mark(&mut self, number: MessageNumber) -> bool {
        let Some((seq, size)) = self.find(number).map(|(seq, entry)| (seq, entry.size)) else { return false };
        self.marked.insert(seq);
        self.marked_octets = self.marked_octets.saturating_add(size.into());
        true
    }

    /// Takes all marks back.
    pub(crate) fn unmark(&mut self) {
        self.marked.clear();
        self.marked_octets = 0;
    }

    /// How many are marked.
    pub(crate) fn marked_count(&self) -> u32 {
        self.marked.len()
    }

    /// What is marked, as UIDs. Between two neighbours there are only UIDs that are gone and never come back, so they
    /// share a range.
    pub(crate) fn marked(&self) -> UidSet {
        let uid = |seq: u32| self.snapshot.by_seq(seq).map(|entry| entry.uid.get());
        let range = |seqs: RangeInclusive<u32>| uid(*seqs.start()).zip(uid(*seqs.end())).map(|(a, b)| a..=b);
        UidSet::from_ranges(self.marked.ranges().filter_map(range))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{EmailId, Flags, ModSeq, Timestamp, Uid, UidValidity};

    /// Messages of these UIDs, each of as many octets.
    fn snapshot(uids: impl IntoIterator<Item = u32>) -> Arc<Snapshot> {
        let entry = |uid: u32| Entry {
            uid: Uid::new(uid).unwrap(),
            flags: Flags::NONE,
            modseq: ModSeq(1),
            email: EmailId(uid.into()),
            size: uid,
            internal_date: Timestamp(0),
            save_date: Timestamp(0),
        };
        let empty = Snapshot::empty(MailboxId(1), UidValidity::new(1).unwrap());
        Arc::new(empty.with_entries(uids.into_iter().map(entry)))
    }

    fn number(number: u32) -> MessageNumber {
        MessageNumber(NonZeroU32::new(number).unwrap())
    }

    fn shown(maildrop: &Maildrop, first: u32) -> Vec<(u32, u32)> {
        maildrop.iter_from(first).map(|(number, entry)| (number.0.get(), entry.uid.get())).collect()
    }

    #[test]
    fn what_is_hidden_has_no_number() {
        let hide = UidSet::from_ranges([1..=2, 7..=8, 30..=40]);
        let mut maildrop = Maildrop::open(snapshot([2, 3, 5, 7, 9, 11]), &hide);
        assert_eq!((maildrop.count(), maildrop.size()), (4, Octets(28)));
        assert_eq!(shown(&maildrop, 1), [(1, 3), (2, 5), (3, 9), (4, 11)]);
        assert_eq!(shown(&maildrop, 3), [(3, 9), (4, 11)]);
        assert_eq!(shown(&maildrop, 5), []);
        assert_eq!(maildrop.get(number(3)).map(|entry| entry.uid.get()), Some(9));
        assert!(maildrop.get(number(5)).is_none() && maildrop.get(number(u32::MAX)).is_none());
        assert!(maildrop.mark(number(2)) && maildrop.mark(number(3)) && !maildrop.mark(number(3)));
        assert_eq!((maildrop.count(), maildrop.size()), (2, Octets(14)));
        assert_eq!(shown(&maildrop, 1), [(1, 3), (4, 11)], "numbers stay");
        assert_eq!(maildrop.marked().to_string(), "5,9", "the hidden one between them is not marked");
        maildrop.unmark();
        assert_eq!((maildrop.count(), maildrop.marked().is_empty()), (4, true));
    }

    #[test]
    fn marks_of_a_huge_maildrop_are_few_bytes_and_one_range() {
        let mut maildrop = Maildrop::open(snapshot((1..=200_000).map(|n| 3 * n)), &UidSet::default());
        for n in (1..=200_000).rev() {
            assert!(maildrop.mark(number(n)));
        }
        assert_eq!((maildrop.count(), maildrop.size()), (0, Octets(0)));
        assert_eq!(maildrop.marked().to_string(), "3:600000");
    }
}
