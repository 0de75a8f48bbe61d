//! Hiding messages from POP3 (`on-delete = "keep"`): a mark beside the mailbox, which changes nothing that IMAP sees.

use crate::keys;
use crate::mail::hidden::{BLOCK, HiddenRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::writer::Verb;
use crate::row::corrupt;
use std::ops::RangeInclusive;
use store_kv::Space;
use types::{MailboxId, UidSet};

/// How many blocks one batch changes.
pub(crate) const HIDE_STEP: usize = 1000;

/// Hides messages; those that are gone do no harm.
#[derive(Debug)]
pub(crate) struct Hide {
    pub(crate) mailbox: MailboxId,
    /// Ascending, in at most [`HIDE_STEP`] blocks, no range in two of them.
    pub(crate) ranges: Vec<RangeInclusive<u32>>,
}

impl Verb for Hide {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        tx.mailbox(self.mailbox)?;
        let block_of = |range: &RangeInclusive<u32>| range.start() / BLOCK;
        let blocks: Vec<_> = self.ranges.chunk_by(|a, b| block_of(a) == block_of(b)).collect();
        let key = |block: u32| keys::hidden(tx.id, self.mailbox, block);
        tx.need_keys(blocks.iter().filter_map(|ranges| ranges.first()).map(|range| key(block_of(range))))?;
        let mut changed = Vec::new();
        for ranges in blocks {
            let Some(block) = ranges.first().map(block_of) else { continue };
            let before = match tx.get(key(block))? {
                Some(row) => HiddenRow::decode(block, &row).ok_or_else(|| corrupt("what POP3 does not show"))?,
                None => HiddenRow::default(),
            };
            let after = HiddenRow(UidSet::from_ranges(before.0.ranges().iter().chain(ranges).cloned()));
            if after != before {
                changed.push((key(block), after.encode(block)));
            }
        }
        if !changed.is_empty() {
            tx.next_modseq();
        }
        for (key, row) in changed {
            tx.put_and_keep(key, row);
        }
        Ok(())
    }

    /// Who deletes, as he sees it, may do so while the disk is nearly full; a mark is small.
    fn space(&self) -> Space {
        Space::Frees
    }
}
