//! What POP3 does not show any more: messages that a POP3 program deleted where the account keeps them for IMAP.
//!
//! The marks lie beside the mailbox, by UID, in rows of [`BLOCK`] each: no message changes, so no IMAP session is told
//! anything and no MODSEQ moves. A message that comes into INBOX anew, by COPY, by MOVE or out of the retention space,
//! has a new UID and is shown. Marks of messages that are gone stay until their mailbox goes: UIDs are never used again.

use super::account::Account;
use super::verb::hide::{HIDE_STEP, Hide};
use crate::row::{RowReader, RowWriter, corrupt};
use crate::{MailError, keys};
use bytes::Bytes;
use std::ops::RangeInclusive;
use store_kv::Scan;
use types::{MailboxId, UidSet};

/// How many consecutive UIDs share a row.
pub(crate) const BLOCK: u32 = 1 << 16;
/// Bytes of a row that has a bit for each.
const BITS: usize = 8192;
const RANGES: u8 = 1;
const BITMAP: u8 = 2;

/// The hidden UIDs of one block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct HiddenRow(pub(crate) UidSet);

impl HiddenRow {
    /// The row, in the shorter of two forms: ranges, each by what lies between it and the one before, or bits.
    pub(crate) fn encode(&self, block: u32) -> Bytes {
        let start = u64::from(block) * u64::from(BLOCK);
        let mut row = RowWriter::new(RANGES, 64);
        let (mut next, mut length) = (start, 0_usize);
        for range in self.0.ranges() {
            let (first, last) = (u64::from(*range.start()), u64::from(*range.end()));
            row.number(first.saturating_sub(next));
            row.number(last.saturating_sub(first));
            next = last + 1;
            length += 2;
        }
        let row = row.finish();
        if length <= BITS / 4 || row.len() <= BITS {
            return row;
        }
        let mut bits = vec![0_u8; BITS];
        for uid in self.0.ranges().iter().cloned().flatten() {
            let place = usize::try_from(u64::from(uid).saturating_sub(start)).unwrap_or(usize::MAX);
            if let Some(byte) = bits.get_mut(place / 8) {
                *byte |= 1 << (place % 8);
            }
        }
        let mut row = RowWriter::new(BITMAP, BITS);
        row.raw(&bits);
        row.finish()
    }

    pub(crate) fn decode(block: u32, row: &[u8]) -> Option<Self> {
        let start = u64::from(block) * u64::from(BLOCK);
        let end = start + u64::from(BLOCK);
        let uid = |number: u64| u32::try_from(number).ok().filter(|_| number < end);
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        if row.first() == Some(&BITMAP) {
            let mut row = RowReader::new(row, BITMAP)?;
            let bits = row.raw(BITS)?;
            row.end()?;
            for (place, byte) in bits.iter().enumerate().filter(|(_, byte)| **byte != 0) {
                for bit in (0..8_u32).filter(|bit| byte >> bit & 1 == 1) {
                    let number = uid(start + u64::try_from(place).ok()? * 8 + u64::from(bit))?;
                    match ranges.last_mut() {
                        Some(last) if last.end().checked_add(1) == Some(number) => *last = *last.start()..=number,
                        _ => ranges.push(number..=number),
                    }
                }
            }
        } else {
            let mut row = RowReader::new(row, RANGES)?;
            let mut next = start;
            while row.left() > 0 {
                let first = next.checked_add(row.number()?)?;
                let last = first.checked_add(row.number()?)?;
                ranges.push(uid(first)?..=uid(last)?);
                next = last + 1;
            }
        }
        Some(Self(UidSet::from_ranges(ranges)))
    }
}

impl Account {
    /// Hides messages from POP3 from now on. Many are done in several steps, of which the first may be durable when a
    /// later one fails.
    pub async fn hide_from_pop3(&self, id: MailboxId, uids: &UidSet) -> Result<(), MailError> {
        let mut ranges: Vec<RangeInclusive<u32>> = Vec::new();
        let (mut blocks, mut last) = (0_usize, None);
        for range in uids.ranges() {
            let mut first = *range.start();
            // A range that reaches into several blocks is cut between them.
            loop {
                let block = first / BLOCK;
                let end = (block * BLOCK + (BLOCK - 1)).min(*range.end());
                if last.replace(block) != Some(block) {
                    if blocks == HIDE_STEP {
                        let ranges = std::mem::take(&mut ranges);
                        self.live.submit(Hide { mailbox: id, ranges }).await?;
                        blocks = 0;
                    }
                    blocks += 1;
                }
                ranges.push(first..=end);
                match end.checked_add(1) {
                    Some(next) if next <= *range.end() => first = next,
                    _ => break,
                }
            }
        }
        if ranges.is_empty() {
            return Ok(());
        }
        self.live.submit(Hide { mailbox: id, ranges }).await
    }

    /// What POP3 does not show.
    pub async fn hidden_from_pop3(&self, id: MailboxId) -> Result<UidSet, MailError> {
        let mut ranges = Vec::new();
        let mut next = Some(Scan::prefix(&keys::all_hidden(self.id(), id)));
        while let Some(scan) = next {
            let page = self.live.shared.engine.scan(&scan).await?;
            for (key, row) in &page.rows {
                let row = keys::chunk_of(key).and_then(|block| HiddenRow::decode(block, row));
                ranges.extend_from_slice(row.ok_or_else(|| corrupt("what POP3 does not show"))?.0.ranges());
            }
            next = scan.after(&page);
        }
        Ok(UidSet::from_ranges(ranges))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[RangeInclusive<u32>]) -> HiddenRow {
        HiddenRow(UidSet::from_ranges(ranges.iter().cloned()))
    }

    #[test]
    fn a_block_reads_back_in_the_shorter_of_its_two_forms() {
        let start = 3 * BLOCK;
        let every_second = UidSet::from_ranges((0..BLOCK / 2).map(|n| start + 2 * n..=start + 2 * n));
        for (block, row) in [
            (0, set(&[1..=1])),
            (0, set(&[1..=65_535])),
            (3, set(&[start..=start, start + 5..=start + 70, start + 65_535..=start + 65_535])),
            (3, HiddenRow(every_second)),
            (65_535, set(&[u32::MAX..=u32::MAX])),
            (65_535, set(&[u32::MAX - 65_535..=u32::MAX])),
        ] {
            let encoded = row.encode(block);
            assert!(encoded.len() <= 1 + BITS, "{}", encoded.len());
            assert_eq!(HiddenRow::decode(block, &encoded), Some(row));
        }
        assert_eq!(set(&[1..=65_535]).encode(0).len(), 5, "all of a block is one range");
    }

    #[test]
    fn a_damaged_row_is_none() {
        assert_eq!(HiddenRow::decode(0, &[]), None);
        assert_eq!(HiddenRow::decode(0, &[3]), None);
        assert_eq!(HiddenRow::decode(0, &[RANGES, 1]), None, "half a range");
        assert_eq!(HiddenRow::decode(0, &[RANGES, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0]), None, "another block");
        assert_eq!(HiddenRow::decode(0, &[BITMAP, 1]), None);
        assert_eq!(HiddenRow::decode(65_535, &set(&[u32::MAX..=u32::MAX]).encode(65_535)).map(|r| r.0.len()), Some(1));
    }
}
