//! What one session sees: INBOX as it stood at the sign-in, numbered once, and what DELE marked.

use domain::View;
use proto_pop3::MessageNumber;
use std::num::NonZeroU32;
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, Octets, Uid, UidSet};

/// A session's maildrop. It holds no list of its own: numbers are those of the shared snapshot.
pub(crate) struct Maildrop {
    snapshot: Arc<Snapshot>,
    /// The marked numbers, ascending.
    marked: Vec<u32>,
    marked_size: u64,
    size: u64,
}

impl Maildrop {
    /// Fixes the maildrop as the mailbox stands now.
    pub(crate) fn open(view: &View) -> Self {
        let snapshot = view.current();
        let size = snapshot.iter().map(|e| u64::from(e.size)).sum();
        Self { snapshot, marked: Vec::new(), marked_size: 0, size }
    }

    /// Which mailbox it is.
    pub(crate) fn mailbox(&self) -> MailboxId {
        self.snapshot.mailbox
    }

    /// Messages that are not marked.
    pub(crate) fn count(&self) -> u32 {
        self.snapshot.len() - u32::try_from(self.marked.len()).unwrap_or(u32::MAX)
    }

    /// Their size together.
    pub(crate) fn size(&self) -> Octets {
        Octets(self.size - self.marked_size)
    }

    /// The message of a number; `None` if there is none or it is marked.
    pub(crate) fn get(&self, number: MessageNumber) -> Option<Entry> {
        let number = number.0.get();
        if self.marked.binary_search(&number).is_ok() {
            return None;
        }
        self.snapshot.by_seq(number).copied()
    }

    /// The messages that are not marked, from a number on.
    pub(crate) fn iter_from(&self, first: u32) -> impl Iterator<Item = (MessageNumber, Entry)> {
        let start = self.snapshot.by_seq(first).map(|e| e.uid);
        let entries = start.map(|uid| self.snapshot.iter_from(uid)).into_iter().flatten();
        (first..).zip(entries).filter_map(|(number, entry)| {
            let marked = self.marked.binary_search(&number).is_ok();
            NonZeroU32::new(number).filter(|_| !marked).map(|n| (MessageNumber(n), *entry))
        })
    }

    /// The UIDL of a message.
    pub(crate) fn unique_id(&self, entry: &Entry) -> String {
        domain::uidl(&self.snapshot, entry)
    }

    /// Marks a message; false if there is none or it is marked already.
    pub(crate) fn mark(&mut self, number: MessageNumber) -> bool {
        let Some(entry) = self.get(number) else { return false };
        let number = number.0.get();
        let place = self.marked.partition_point(|n| *n < number);
        self.marked.insert(place, number);
        self.marked_size += u64::from(entry.size);
        true
    }

    /// Takes all marks back.
    pub(crate) fn unmark(&mut self) {
        self.marked.clear();
        self.marked_size = 0;
    }

    /// What is marked, as UIDs.
    pub(crate) fn marked(&self) -> UidSet {
        let uids = self.marked.iter().filter_map(|number| self.snapshot.by_seq(*number));
        UidSet::from_uids(uids.map(|e| e.uid).collect::<Vec<Uid>>())
    }
}
