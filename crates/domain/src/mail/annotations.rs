//! Which annotations there are (RFC 5464): their names, sizes and changes are kept in memory, their values in the store.

use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::collections::BTreeMap;
use types::{AccountId, EntryName, ModSeq, Octets};

/// Largest value: half of what an IMAP command may have, so that one that is too large can be told so.
pub const ANNOTATION_VALUE_MAX: Octets = Octets::kib(32);
/// Most annotations of one mailbox, or of an account as a whole, that one reader sees as his own; as many may be shared.
pub const ANNOTATIONS_MAX: usize = 100;
/// Most annotations of one mailbox, those of all readers together.
pub const ANNOTATIONS_ALL_READERS_MAX: usize = 1000;
/// Most octets of values in one account, those of all mailboxes and readers together.
pub const ANNOTATIONS_ACCOUNT_MAX: Octets = Octets::mib(4);
/// How many removed annotations of one mailbox are remembered, to tell others of their removal.
const REMOVED_MAX: usize = 100;

const VERSION: u8 = 1;
/// Whose annotations all share.
pub(crate) const SHARED: AccountId = AccountId(0);

/// What is known of one annotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Its last change.
    pub(crate) modseq: ModSeq,
    /// Its value's size; `None` if it was removed.
    pub(crate) size: Option<u32>,
}

/// One mailbox's annotations, or those of the account as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AnnotationIndex {
    marks: BTreeMap<(AccountId, EntryName), Mark>,
}

/// Whose annotation of this name a reader sees.
pub(crate) fn holder(reader: AccountId, name: &EntryName) -> AccountId {
    if name.is_private() { reader } else { SHARED }
}

impl AnnotationIndex {
    /// Those that have a value and that a reader sees: all shared ones, and his own.
    pub(crate) fn seen_by(&self, reader: AccountId) -> impl Iterator<Item = (&EntryName, u32)> {
        let is_seen = move |holder: AccountId| holder == SHARED || holder == reader;
        self.marks
            .iter()
            .filter(move |((holder, _), _)| is_seen(*holder))
            .filter_map(|((_, name), mark)| Some((name, mark.size?)))
    }

    /// Those that a reader sees and that changed after this, removals too.
    pub(crate) fn changed_since(&self, since: ModSeq, reader: AccountId) -> impl Iterator<Item = (&EntryName, ModSeq)> {
        let is_seen = move |holder: AccountId| holder == SHARED || holder == reader;
        let is_new = move |mark: &Mark| mark.modseq > since;
        self.marks
            .iter()
            .filter(move |((h, _), mark)| is_seen(*h) && is_new(mark))
            .map(|((_, name), mark)| (name, mark.modseq))
    }

    /// All that have a value, with whom they belong to.
    pub(crate) fn all(&self) -> impl Iterator<Item = (AccountId, &EntryName)> {
        self.marks.iter().filter(|(_, mark)| mark.size.is_some()).map(|((holder, name), _)| (*holder, name))
    }

    /// How large an annotation's value is; `None` if there is none.
    pub(crate) fn size(&self, holder: AccountId, name: &EntryName) -> Option<u32> {
        self.marks.get(&(holder, name.clone()))?.size
    }

    /// How many have a value: those of one holder, and all.
    pub(crate) fn counts(&self, holder: AccountId) -> (usize, usize) {
        let held = self.all().filter(|(h, _)| *h == holder).count();
        (held, self.all().count())
    }

    /// Octets of all values.
    pub(crate) fn octets(&self) -> u64 {
        self.marks.values().filter_map(|mark| mark.size).map(u64::from).sum()
    }

    /// Whether nothing is known.
    pub(crate) fn is_empty(&self) -> bool {
        self.marks.is_empty()
    }

    /// Takes a change in. Of removals only the latest are remembered.
    pub(crate) fn set(&mut self, holder: AccountId, name: EntryName, mark: Mark) {
        self.marks.insert((holder, name), mark);
        let removed = self.marks.iter().filter(|(_, mark)| mark.size.is_none());
        let mut removed: Vec<_> = removed.map(|(key, mark)| (mark.modseq, key.clone())).collect();
        if removed.len() > REMOVED_MAX {
            removed.sort_unstable();
            let surplus = removed.len() - REMOVED_MAX;
            removed.iter().take(surplus).for_each(|(_, key)| {
                self.marks.remove(key);
            });
        }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION, self.marks.len() * 32);
        for ((holder, name), mark) in &self.marks {
            row.number(holder.0.into());
            row.bytes(name.as_str().as_bytes());
            row.number(mark.modseq.0);
            row.number(mark.size.map_or(0, |size| u64::from(size) + 1));
        }
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let mut marks = BTreeMap::new();
        while row.left() > 0 {
            let holder = AccountId(row.number32()?);
            let name = EntryName::parse(row.bytes()?).ok()?;
            let modseq = ModSeq(row.number()?);
            let size = row.number()?.checked_sub(1).map(u32::try_from).transpose().ok()?;
            marks.insert((holder, name), Mark { modseq, size });
        }
        Some(Self { marks })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntryName {
        EntryName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn readers_see_what_is_shared_and_what_is_their_own() {
        let (ann, bob) = (AccountId(16), AccountId(17));
        let mut index = AnnotationIndex::default();
        let (shared, private) = (name("/shared/comment"), name("/private/comment"));
        index.set(holder(ann, &shared), shared.clone(), Mark { modseq: ModSeq(1), size: Some(5) });
        index.set(holder(ann, &private), private.clone(), Mark { modseq: ModSeq(2), size: Some(0) });
        assert_eq!(index.seen_by(ann).count(), 2);
        assert_eq!(index.seen_by(bob).collect::<Vec<_>>(), [(&shared, 5)]);
        assert_eq!(index.changed_since(ModSeq(1), ann).collect::<Vec<_>>(), [(&private, ModSeq(2))]);
        index.set(SHARED, shared.clone(), Mark { modseq: ModSeq(3), size: None });
        assert_eq!((index.seen_by(bob).count(), index.octets(), index.counts(ann)), (0, 0, (1, 1)));
        assert_eq!(index.changed_since(ModSeq(2), bob).collect::<Vec<_>>(), [(&shared, ModSeq(3))]);
        assert_eq!(AnnotationIndex::decode(&index.encode()), Some(index));
    }

    #[test]
    fn only_the_latest_removals_are_remembered() {
        let mut index = AnnotationIndex::default();
        for n in 0..=u64::try_from(REMOVED_MAX).unwrap() {
            index.set(SHARED, name(&format!("/shared/{n}")), Mark { modseq: ModSeq(n + 1), size: None });
        }
        assert_eq!(index.changed_since(ModSeq::ZERO, SHARED).count(), REMOVED_MAX);
        assert_eq!(index.changed_since(ModSeq(1), SHARED).count(), REMOVED_MAX);
    }

    #[test]
    fn rows_of_another_shape_are_none() {
        for bad in [&b""[..], &[2], &[1, 5], &[1, 0, 1, b'x', 1, 1]] {
            assert_eq!(AnnotationIndex::decode(bad), None);
        }
    }
}
