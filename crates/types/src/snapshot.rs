//! A mailbox as it stood at one change: the columns that FETCH FLAGS, sequence numbers, SEARCH by flags, sizes and
//! dates need, immutable and shared by every session of every protocol.
//!
//! UIDs are grouped in chunks of [`CHUNK_UIDS`] consecutive numbers. A change makes a new snapshot that shares all
//! untouched chunks with the old one, so that whoever holds both finds what changed by looking only at chunks that
//! are not the same allocation: no event log is kept anywhere.

use crate::{EmailId, Flags, Keywords, MailboxId, ModSeq, Timestamp, Uid, UidValidity};
use std::collections::BTreeMap;
use std::sync::Arc;

/// How many consecutive UIDs share a chunk.
pub const CHUNK_UIDS: u32 = 1024;

/// One message's row in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its UID.
    pub uid: Uid,
    /// Its flags; keyword bits by the snapshot's [`Snapshot::keywords`].
    pub flags: Flags,
    /// The change that touched it last.
    pub modseq: ModSeq,
    /// Its content.
    pub email: EmailId,
    /// RFC822.SIZE.
    pub size: u32,
    /// INTERNALDATE.
    pub internal_date: Timestamp,
    /// When it was put into this mailbox (RFC 8514).
    pub save_date: Timestamp,
}

/// The messages of up to [`CHUNK_UIDS`] consecutive UIDs, ascending. Never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    entries: Vec<Entry>,
    max_modseq: ModSeq,
    /// How many have no `\Seen`.
    unseen: u32,
    /// How large they are together.
    octets: u64,
}

impl Default for ModSeq {
    fn default() -> Self {
        Self::ZERO
    }
}

/// A chunk in its place.
#[derive(Clone, Debug)]
struct Slot {
    /// `uid / CHUNK_UIDS` of all its messages.
    index: u32,
    /// Messages before it.
    before: u32,
    chunk: Arc<Chunk>,
}

/// One state of one mailbox.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// Which mailbox.
    pub mailbox: MailboxId,
    /// Its UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The UID that the next message will get; `None` when all are used up.
    pub uid_next: Option<Uid>,
    /// HIGHESTMODSEQ: the last change to the mailbox, expunges included.
    pub highest_modseq: ModSeq,
    /// Names of the keyword bits.
    pub keywords: Keywords,
    /// POP3 UIDLs of the messages whose UIDL is not derived from their [`EmailId`].
    pub uidls: Arc<BTreeMap<Uid, Box<str>>>,
    slots: Vec<Slot>,
}

impl Chunk {
    fn new(entries: Vec<Entry>) -> Self {
        let max_modseq = entries.iter().map(|e| e.modseq).max().unwrap_or_default();
        let unseen = count(entries.iter().filter(|e| !e.flags.contains(Flags::SEEN)).count());
        let octets = entries.iter().map(|e| u64::from(e.size)).sum();
        Self { entries, max_modseq, unseen, octets }
    }

    /// Its messages, by UID.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The highest modification sequence in it.
    pub fn max_modseq(&self) -> ModSeq {
        self.max_modseq
    }

    /// How many of its messages have no `\Seen`.
    pub fn unseen(&self) -> u32 {
        self.unseen
    }

    fn find(&self, uid: Uid) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&uid, |e| e.uid)
    }
}

fn chunk_index(uid: Uid) -> u32 {
    uid.get() / CHUNK_UIDS
}

fn count(len: usize) -> u32 {
    // UIDs have 32 bits and are unique, so no mailbox has more messages than that.
    u32::try_from(len).unwrap_or(u32::MAX)
}

impl Snapshot {
    /// A mailbox without messages.
    pub fn empty(mailbox: MailboxId, uid_validity: UidValidity) -> Self {
        Self {
            mailbox,
            uid_validity,
            uid_next: Some(Uid::MIN),
            highest_modseq: ModSeq::ZERO,
            keywords: Keywords::default(),
            uidls: Arc::default(),
            slots: Vec::new(),
        }
    }

    /// Puts these messages in place of those there are. They must ascend by UID.
    #[must_use]
    pub fn with_entries(mut self, entries: impl IntoIterator<Item = Entry>) -> Self {
        self.slots.clear();
        let mut pending: Vec<Entry> = Vec::new();
        for entry in entries {
            if let Some(last) = pending.last() {
                assert!(last.uid < entry.uid, "a snapshot is built of ascending UIDs");
                if chunk_index(last.uid) != chunk_index(entry.uid) {
                    self.push_chunk(std::mem::take(&mut pending));
                }
            }
            pending.push(entry);
        }
        self.push_chunk(pending);
        self
    }

    /// Appends the messages of one chunk, ascending, all past those there are. For those who read whole chunks.
    pub fn push(&mut self, entries: Vec<Entry>) {
        let ends =
            entries.first().zip(entries.last()).map(|(first, last)| (chunk_index(first.uid), chunk_index(last.uid)));
        let Some((first, last)) = ends else { return };
        let is_next = self.slots.last().is_none_or(|slot| slot.index < first);
        assert!(is_next && first == last && entries.is_sorted_by(|a, b| a.uid < b.uid), "chunks are pushed in order");
        self.push_chunk(entries);
    }

    fn push_chunk(&mut self, entries: Vec<Entry>) {
        if let Some(first) = entries.first() {
            let index = chunk_index(first.uid);
            let before = self.len();
            self.slots.push(Slot { index, before, chunk: Arc::new(Chunk::new(entries)) });
        }
    }

    /// The next state: `changed` replaces messages with the same UID or adds new ones, `gone` leaves. Both ascend by
    /// UID and have no UID in common. Chunks that neither touches are shared. The other fields are the caller's to set.
    #[must_use]
    pub fn advanced(&self, changed: &[Entry], gone: &[Uid]) -> Self {
        let mut next = Self { slots: Vec::with_capacity(self.slots.len() + 1), ..self.clone_without_slots() };
        let mut old = self.slots.iter().peekable();
        let (mut changed, mut gone) = (changed, gone);
        loop {
            let touched = [changed.first().map(|e| chunk_index(e.uid)), gone.first().map(|u| chunk_index(*u))];
            let Some(index) = touched.into_iter().flatten().min() else { break };
            while let Some(slot) = old.next_if(|s| s.index < index) {
                next.push_shared(slot);
            }
            let (here, later) = changed.split_at(changed.partition_point(|e| chunk_index(e.uid) <= index));
            let (leaves, stays) = gone.split_at(gone.partition_point(|u| chunk_index(*u) <= index));
            (changed, gone) = (later, stays);
            let base = old.next_if(|s| s.index == index).map_or(&[][..], |s| s.chunk.entries());
            next.push_chunk(merge(base, here, leaves));
        }
        for slot in old {
            next.push_shared(slot);
        }
        next
    }

    fn clone_without_slots(&self) -> Self {
        Self {
            mailbox: self.mailbox,
            uid_validity: self.uid_validity,
            uid_next: self.uid_next,
            highest_modseq: self.highest_modseq,
            keywords: self.keywords.clone(),
            uidls: Arc::clone(&self.uidls),
            slots: Vec::new(),
        }
    }

    fn push_shared(&mut self, slot: &Slot) {
        let before = self.len();
        self.slots.push(Slot { index: slot.index, before, chunk: Arc::clone(&slot.chunk) });
    }

    /// How many messages there are.
    pub fn len(&self) -> u32 {
        self.slots.last().map_or(0, |s| s.before + count(s.chunk.entries.len()))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// All messages, by UID.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.slots.iter().flat_map(|s| s.chunk.entries.iter())
    }

    /// The messages from this UID on, by UID; starts in time proportional to the number of chunks' logarithm.
    pub fn iter_from(&self, uid: Uid) -> impl Iterator<Item = &Entry> {
        let first = self.slots.partition_point(|s| s.index < chunk_index(uid));
        let slots = self.slots.get(first..).unwrap_or_default();
        slots.iter().flat_map(|s| s.chunk.entries.iter()).skip_while(move |e| e.uid < uid)
    }

    /// The chunks, by UID, each with the number of messages before it.
    pub fn chunks(&self) -> impl Iterator<Item = (u32, &Arc<Chunk>)> {
        self.slots.iter().map(|s| (s.before, &s.chunk))
    }

    /// The message with this UID.
    pub fn get(&self, uid: Uid) -> Option<&Entry> {
        let slot = self.slot(uid)?;
        slot.chunk.entries.get(slot.chunk.find(uid).ok()?)
    }

    fn slot(&self, uid: Uid) -> Option<&Slot> {
        let place = self.slots.binary_search_by_key(&chunk_index(uid), |s| s.index).ok()?;
        self.slots.get(place)
    }

    /// The sequence number (from 1) of a UID.
    pub fn seq_of(&self, uid: Uid) -> Option<u32> {
        let slot = self.slot(uid)?;
        slot.chunk.find(uid).ok().map(|place| slot.before + count(place) + 1)
    }

    /// The message with a sequence number (from 1).
    pub fn by_seq(&self, seq: u32) -> Option<&Entry> {
        let place = seq.checked_sub(1)?;
        let slot = self.slots.get(self.slots.partition_point(|s| s.before <= place).checked_sub(1)?)?;
        slot.chunk.entries.get(usize::try_from(place - slot.before).ok()?)
    }

    /// The messages from a sequence number (from 1) to the end of its chunk, for reading on without a search for each;
    /// empty if there is no such message.
    pub fn run_from_seq(&self, seq: u32) -> &[Entry] {
        self.chunk_at_seq(seq).and_then(|(chunk, place)| chunk.entries.get(place..)).unwrap_or_default()
    }

    /// The chunk of the message with a sequence number (from 1), and its place there.
    pub fn chunk_at_seq(&self, seq: u32) -> Option<(&Chunk, usize)> {
        let before = seq.checked_sub(1)?;
        let slot = self.slots.get(self.slots.partition_point(|s| s.before <= before).checked_sub(1)?)?;
        let place = usize::try_from(before - slot.before).ok()?;
        (place < slot.chunk.entries.len()).then_some((&*slot.chunk, place))
    }

    /// How many messages have a UID below this one.
    pub fn count_below(&self, uid: Uid) -> u32 {
        let place = self.slots.partition_point(|s| s.index < chunk_index(uid));
        match self.slots.get(place) {
            Some(slot) => slot.before + count(slot.chunk.entries.partition_point(|e| e.uid < uid)),
            None => self.len(),
        }
    }

    /// The last message.
    pub fn last(&self) -> Option<&Entry> {
        self.slots.last()?.chunk.entries.last()
    }

    /// How many messages have no `\Seen`, in time proportional to the number of chunks.
    pub fn unseen(&self) -> u32 {
        self.slots.iter().map(|s| s.chunk.unseen).sum()
    }

    /// How large the messages are together, in time proportional to the number of chunks.
    pub fn octets(&self) -> u64 {
        self.slots.iter().map(|s| s.chunk.octets).sum()
    }

    /// The first message without `\Seen`, in time proportional to the number of chunks.
    pub fn first_unseen(&self) -> Option<&Entry> {
        let slot = self.slots.iter().find(|s| s.chunk.unseen > 0)?;
        slot.chunk.entries.iter().find(|e| !e.flags.contains(Flags::SEEN))
    }

    /// Compares with an earlier state of the same mailbox, looking only into chunks that are not shared.
    pub fn diff<'a>(&'a self, earlier: &'a Self) -> Diff<'a> {
        let mut diff = Diff::default();
        let (mut old, mut new) = (earlier.slots.iter().peekable(), self.slots.iter().peekable());
        loop {
            let index = match (old.peek(), new.peek()) {
                (None, None) => return diff,
                (Some(s), None) | (None, Some(s)) => s.index,
                (Some(a), Some(b)) => a.index.min(b.index),
            };
            let before = old.next_if(|s| s.index == index).map(|s| &s.chunk);
            let after = new.next_if(|s| s.index == index).map(|s| &s.chunk);
            match (before, after) {
                (Some(a), Some(b)) if Arc::ptr_eq(a, b) => {}
                _ => diff.compare(before.map_or(&[], |c| c.entries()), after.map_or(&[], |c| c.entries())),
            }
        }
    }
}

fn merge(base: &[Entry], changed: &[Entry], gone: &[Uid]) -> Vec<Entry> {
    let mut out = Vec::with_capacity(base.len() + changed.len());
    let (mut changed, mut gone) = (changed.iter().peekable(), gone.iter().peekable());
    for entry in base {
        while let Some(new) = changed.next_if(|c| c.uid < entry.uid) {
            out.push(*new);
        }
        while gone.next_if(|g| **g < entry.uid).is_some() {}
        if gone.next_if(|g| **g == entry.uid).is_some() {
            continue;
        }
        out.push(changed.next_if(|c| c.uid == entry.uid).copied().unwrap_or(*entry));
    }
    out.extend(changed);
    out
}

/// What differs between two states of a mailbox, each list by UID.
#[derive(Debug, Default)]
pub struct Diff<'a> {
    /// In the later state only.
    pub added: Vec<&'a Entry>,
    /// In both, with different columns (as the later state has them).
    pub changed: Vec<&'a Entry>,
    /// In the earlier state only.
    pub gone: Vec<&'a Entry>,
}

impl<'a> Diff<'a> {
    fn compare(&mut self, before: &'a [Entry], after: &'a [Entry]) {
        let mut before = before.iter().peekable();
        for entry in after {
            while let Some(gone) = before.next_if(|b| b.uid < entry.uid) {
                self.gone.push(gone);
            }
            match before.next_if(|b| b.uid == entry.uid) {
                None => self.added.push(entry),
                Some(old) if old != entry => self.changed.push(entry),
                Some(_) => {}
            }
        }
        self.gone.extend(before);
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.gone.is_empty()
    }
}

#[cfg(test)]
#[path = "snapshot/tests.rs"]
mod tests;
