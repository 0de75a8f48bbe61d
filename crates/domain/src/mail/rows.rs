//! The rows behind the keys of the mail part, each with its codec. Formats may only grow by a new version byte.

mod account;
mod content;

use super::values::Cause;
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use types::snapshot::Entry;
use types::{
    EmailId, Flags, KEYWORDS_MAX, Keyword, Keywords, MailboxId, MailboxName, ModSeq, SpecialUse, Timestamp, Uid,
    UidValidity,
};

pub(crate) use account::AccountRow;
pub(crate) use content::{ContentRow, ThreadLinkRow};

const VERSION: u8 = 1;
/// One past the last UID there is: what `next_uid` is when all are used up.
pub(crate) const UIDS_END: u64 = 1 << 32;

/// A change number is at most 63 bits (RFC 7162 §7).
fn modseq(number: u64) -> Option<ModSeq> {
    i64::try_from(number).ok().map(|_| ModSeq(number))
}

/// A mailbox's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MailboxRow {
    pub(crate) name: MailboxName,
    pub(crate) uid_validity: UidValidity,
    /// From 1 to [`UIDS_END`].
    pub(crate) next_uid: u64,
    pub(crate) highest_modseq: ModSeq,
    pub(crate) messages: u64,
    pub(crate) unseen: u64,
    pub(crate) deleted: u64,
    pub(crate) octets: u64,
    /// Messages from this UID on were in no session yet.
    pub(crate) first_recent: u64,
    pub(crate) special_use: Option<SpecialUse>,
    pub(crate) selectable: bool,
    pub(crate) keywords: Keywords,
    /// Tombstones up to this change may be gone.
    pub(crate) tombstone_floor: ModSeq,
    /// Below this UID the messages are in chunks too; a multiple of a chunk's length.
    pub(crate) chunk_end: u64,
    /// Chunks hold all changes up to this one.
    pub(crate) chunk_modseq: ModSeq,
    /// What changes of messages in chunks came later, weighed by what they cost whoever loads these.
    pub(crate) chunk_changes: u32,
}

impl MailboxRow {
    pub(crate) fn new(name: MailboxName, uid_validity: UidValidity, created: ModSeq) -> Self {
        Self {
            name,
            uid_validity,
            next_uid: 1,
            highest_modseq: created,
            messages: 0,
            unseen: 0,
            deleted: 0,
            octets: 0,
            first_recent: 1,
            special_use: None,
            selectable: true,
            keywords: Keywords::default(),
            tombstone_floor: created,
            chunk_end: 0,
            chunk_modseq: created,
            chunk_changes: 0,
        }
    }

    /// The UID that the next message gets.
    pub(crate) fn uid_next(&self) -> Option<Uid> {
        Uid::new(u32::try_from(self.next_uid).ok()?)
    }

    /// Counts a message in.
    pub(crate) fn count_in(&mut self, flags: Flags, size: u32) {
        self.messages += 1;
        self.octets += u64::from(size);
        self.count_flags(flags);
    }

    /// Counts a message out.
    pub(crate) fn count_out(&mut self, flags: Flags, size: u32) {
        self.messages = self.messages.saturating_sub(1);
        self.octets = self.octets.saturating_sub(u64::from(size));
        self.uncount_flags(flags);
    }

    /// Counts a change of flags.
    pub(crate) fn count_change(&mut self, before: Flags, after: Flags) {
        self.uncount_flags(before);
        self.count_flags(after);
    }

    fn count_flags(&mut self, flags: Flags) {
        self.unseen += u64::from(!flags.contains(Flags::SEEN));
        self.deleted += u64::from(flags.contains(Flags::DELETED));
    }

    fn uncount_flags(&mut self, flags: Flags) {
        self.unseen = self.unseen.saturating_sub(u64::from(!flags.contains(Flags::SEEN)));
        self.deleted = self.deleted.saturating_sub(u64::from(flags.contains(Flags::DELETED)));
    }

    /// Counts a change of these messages, ascending, if some are in chunks. One of many messages weighs more: loading
    /// has to read each of them again.
    pub(crate) fn count_chunk_change(&mut self, uids: &[Uid]) {
        if uids.first().is_some_and(|lowest| u64::from(lowest.get()) < self.chunk_end) {
            let weight = u32::try_from(uids.len() / 64).unwrap_or(u32::MAX).saturating_add(1);
            self.chunk_changes = self.chunk_changes.saturating_add(weight);
        }
    }

    /// The row, with the recent mark that memory has (which may be ahead of this value's own).
    pub(crate) fn encode(&self, first_recent: u64) -> Bytes {
        let mut row = RowWriter::new(VERSION, 64);
        row.bytes(self.name.as_str().as_bytes());
        row.number(self.uid_validity.get().into());
        row.number(self.next_uid);
        row.number(self.highest_modseq.0);
        for count in [self.messages, self.unseen, self.deleted, self.octets, first_recent] {
            row.number(count);
        }
        row.byte(self.special_use.map_or(0, special_code));
        row.byte(u8::from(self.selectable));
        put_keywords(&mut row, &self.keywords);
        row.number(self.tombstone_floor.0);
        row.number(self.chunk_end);
        row.number(self.chunk_modseq.0);
        row.number(self.chunk_changes.into());
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let mailbox = Self {
            name: MailboxName::parse(row.text()?).ok()?,
            uid_validity: UidValidity::new(row.number32()?)?,
            next_uid: row.number().filter(|n| (1..=UIDS_END).contains(n))?,
            highest_modseq: modseq(row.number()?)?,
            messages: row.number()?,
            unseen: row.number()?,
            deleted: row.number()?,
            octets: row.number()?,
            first_recent: row.number().filter(|n| (1..=UIDS_END).contains(n))?,
            special_use: match row.byte()? {
                0 => None,
                code => Some(SpecialUse::ALL.into_iter().find(|u| special_code(*u) == code)?),
            },
            selectable: row.byte()? == 1,
            keywords: take_keywords(&mut row)?,
            tombstone_floor: modseq(row.number()?)?,
            chunk_end: row.number()?,
            chunk_modseq: modseq(row.number()?)?,
            chunk_changes: row.number32()?,
        };
        row.end()?;
        Some(mailbox)
    }
}

fn special_code(special: SpecialUse) -> u8 {
    match special {
        SpecialUse::All => 1,
        SpecialUse::Archive => 2,
        SpecialUse::Drafts => 3,
        SpecialUse::Flagged => 4,
        SpecialUse::Junk => 5,
        SpecialUse::Sent => 6,
        SpecialUse::Trash => 7,
    }
}

fn put_keywords(row: &mut RowWriter, keywords: &Keywords) {
    row.number(u64::try_from(keywords.len()).unwrap_or(u64::MAX));
    for keyword in keywords {
        row.bytes(keyword.as_str().as_bytes());
    }
}

fn take_keywords(row: &mut RowReader<'_>) -> Option<Keywords> {
    let count = usize::try_from(row.number()?).ok().filter(|n| *n <= KEYWORDS_MAX)?;
    let keywords: Option<Vec<_>> = (0..count).map(|_| Keyword::parse(row.text()?).ok()).collect();
    Keywords::new(keywords?)
}

/// A placement: one message in one mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PlacementRow {
    pub(crate) entry: Entry,
    /// The POP3 UIDL, where it is not the one that follows from the email id.
    pub(crate) uidl: Option<Box<str>>,
}

impl PlacementRow {
    pub(crate) fn encode(entry: &Entry, uidl: Option<&str>) -> Bytes {
        let mut row = RowWriter::new(VERSION, 40);
        put_entry(&mut row, entry, uidl);
        row.finish()
    }

    pub(crate) fn decode(uid: Uid, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let placement = take_entry(uid, &mut row)?;
        row.end()?;
        Some(placement)
    }
}

fn put_entry(row: &mut RowWriter, entry: &Entry, uidl: Option<&str>) {
    row.number(entry.email.0);
    row.number(entry.flags.0);
    row.number(entry.modseq.0);
    row.number(entry.size.into());
    row.signed(entry.internal_date.0);
    row.signed(entry.save_date.0);
    row.bytes(uidl.unwrap_or_default().as_bytes());
}

fn take_entry(uid: Uid, row: &mut RowReader<'_>) -> Option<PlacementRow> {
    let entry = Entry {
        uid,
        email: EmailId(row.number()?),
        flags: Flags(row.number()?),
        modseq: modseq(row.number()?)?,
        size: row.number32()?,
        internal_date: Timestamp(row.signed()?),
        save_date: Timestamp(row.signed()?),
    };
    let uidl = row.text()?;
    Some(PlacementRow { entry, uidl: (!uidl.is_empty()).then(|| uidl.into()) })
}

/// A placement in the retention space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RetainedRow {
    pub(crate) placement: PlacementRow,
    pub(crate) removed: Timestamp,
    pub(crate) cause: Cause,
}

impl RetainedRow {
    pub(crate) fn encode(entry: &Entry, uidl: Option<&str>, removed: Timestamp, cause: Cause) -> Bytes {
        let mut row = RowWriter::new(VERSION, 48);
        put_entry(&mut row, entry, uidl);
        row.signed(removed.0);
        row.byte(cause_code(cause));
        row.finish()
    }

    pub(crate) fn decode(uid: Uid, row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let placement = take_entry(uid, &mut row)?;
        let removed = Timestamp(row.signed()?);
        let code = row.byte()?;
        let cause = Cause::ALL.into_iter().find(|c| cause_code(*c) == code)?;
        row.end()?;
        Some(Self { placement, removed, cause })
    }
}

fn cause_code(cause: Cause) -> u8 {
    match cause {
        Cause::Imap => 1,
        Cause::Pop3 => 2,
        Cause::Rule => 3,
        Cause::Admin => 4,
    }
}

/// A deleted mailbox: what its retained messages may need, and when they go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeletedRow {
    pub(crate) name: MailboxName,
    pub(crate) keywords: Keywords,
    pub(crate) messages: u64,
    pub(crate) removed: Timestamp,
    pub(crate) expiry: Timestamp,
}

impl DeletedRow {
    pub(crate) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION, 64);
        row.bytes(self.name.as_str().as_bytes());
        put_keywords(&mut row, &self.keywords);
        row.number(self.messages);
        row.signed(self.removed.0);
        row.signed(self.expiry.0);
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let deleted = Self {
            name: MailboxName::parse(row.text()?).ok()?,
            keywords: take_keywords(&mut row)?,
            messages: row.number()?,
            removed: Timestamp(row.signed()?),
            expiry: Timestamp(row.signed()?),
        };
        row.end()?;
        Some(deleted)
    }
}

/// A delivery that was made: enough to give the same answer again, and to find the content for another recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeliveredRow {
    pub(crate) mailbox: MailboxId,
    pub(crate) uid_validity: UidValidity,
    pub(crate) uid: Uid,
    pub(crate) email: EmailId,
}

impl DeliveredRow {
    pub(crate) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION, 20);
        row.number(self.mailbox.0.into());
        row.number(self.uid_validity.get().into());
        row.number(self.uid.get().into());
        row.number(self.email.0);
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let delivered = Self {
            mailbox: MailboxId(row.number32()?),
            uid_validity: UidValidity::new(row.number32()?)?,
            uid: Uid::new(row.number32()?)?,
            email: EmailId(row.number()?),
        };
        row.end()?;
        Some(delivered)
    }
}

/// UIDs that left a mailbox with one change, as distances from one range to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TombstoneRow {
    pub(crate) at: Timestamp,
    /// First and last of each range, ascending.
    pub(crate) ranges: Vec<(u32, u32)>,
}

impl TombstoneRow {
    /// The row of UIDs that ascend.
    pub(crate) fn of(uids: &[Uid], at: Timestamp) -> Self {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for uid in uids.iter().map(|u| u.get()) {
            match ranges.last_mut() {
                Some((_, last)) if last.checked_add(1) == Some(uid) => *last = uid,
                _ => ranges.push((uid, uid)),
            }
        }
        Self { at, ranges }
    }

    pub(crate) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(VERSION, 8 + 4 * self.ranges.len());
        row.signed(self.at.0);
        let mut before = 0;
        for (first, last) in &self.ranges {
            row.number((first - before).into());
            row.number((last - first).into());
            before = *last;
        }
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let at = Timestamp(row.signed()?);
        let mut ranges = Vec::new();
        let mut before = 0_u32;
        while row.left() > 0 {
            let first = before.checked_add(row.number32().filter(|gap| *gap > 0)?)?;
            let last = first.checked_add(row.number32()?)?;
            ranges.push((first, last));
            before = last;
        }
        Some(Self { at, ranges })
    }
}

#[cfg(test)]
#[path = "rows/tests.rs"]
mod tests;
