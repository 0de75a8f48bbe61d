//! Renews the chunks that a mailbox is quickly loaded from. Changes nothing that anybody sees.

use crate::keys;
use crate::mail::chunk;
use crate::mail::rows::{MailboxRow, PlacementRow, TombstoneRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::writer::Verb;
use crate::row::corrupt;
use bytes::Bytes;
use std::collections::BTreeSet;
use store_kv::{PageLimit, Row, Scan};
use types::snapshot::CHUNK_UIDS;
use types::{AccountId, MailboxId, ModSeq, Uid};

/// How many chunks one batch renews.
const CHUNKS_MAX: usize = 32;
/// How many changes are looked at in one go.
const CHANGES_MAX: usize = 4096;
/// After how many changes of messages that are in chunks these are renewed, at least.
const CHANGES_DUE: u64 = 256;
/// And after how many for each chunk there is: a change may touch any of them, and each is written whole.
const CHANGES_DUE_EACH: u64 = 2;

/// Whether a mailbox's chunks should be renewed: there is a whole new one, or too much is to be read besides them.
pub(crate) fn is_due(row: &MailboxRow) -> bool {
    let chunks = row.chunk_end / u64::from(CHUNK_UIDS);
    let has_new = row.next_uid / u64::from(CHUNK_UIDS) > chunks;
    has_new || u64::from(row.chunk_changes) >= CHANGES_DUE.max(CHANGES_DUE_EACH * chunks)
}

/// Renews chunks: one step of it.
#[derive(Debug)]
pub(crate) struct Fold {
    pub(crate) mailbox: MailboxId,
    /// The first chunk of this step.
    pub(crate) from: u32,
    /// The last change that all chunks will hold after the last step; set by the first.
    pub(crate) mark: Option<ModSeq>,
}

impl Verb for Fold {
    /// Where the next step begins, and the mark.
    type Answer = Option<(u32, ModSeq)>;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let mut row = tx.mailbox(self.mailbox)?.clone();
        let mut mark = self.mark.unwrap_or(row.highest_modseq);
        let chunk_end = index(row.chunk_end);
        let mut renew: BTreeSet<u32> = (chunk_end..index(row.next_uid)).collect();
        if chunk_end == 0 {
            // There are no chunks that could lack a change.
            row.chunk_modseq = mark;
        }
        let since = row.chunk_modseq.next();
        let log = changes(&keys::changes(tx.id, self.mailbox), keys::change(tx.id, self.mailbox, since));
        let tombstones = changes(&keys::tombstones(tx.id, self.mailbox), keys::tombstone(tx.id, self.mailbox, since));
        let mut old = Vec::new();
        let mut has_more = false;
        for scan in [log, tombstones].into_iter().filter(|_| chunk_end > 0) {
            let rows = tx.scan(&scan)?;
            for (key, value) in rows {
                let change = keys::change_of(key).zip(TombstoneRow::decode(value));
                let (modseq, change) = change.ok_or_else(|| corrupt("a change"))?;
                renew.extend(touched(&change).filter(|index| *index < chunk_end));
                if keys::is_change(key) {
                    old.push((modseq, key.clone()));
                }
            }
            if rows.len() >= CHANGES_MAX {
                // There may be more, which this fold does not look at.
                let last = rows.last().and_then(|(key, _)| keys::change_of(key));
                mark = mark.min(last.unwrap_or(row.chunk_modseq));
                has_more = true;
            }
        }
        let mut renew = renew.into_iter().filter(|index| *index >= self.from);
        let now: Vec<u32> = renew.by_ref().take(CHUNKS_MAX).collect();
        let rest = renew.next();
        tx.need_scans(now.iter().map(|index| placements(tx.id, self.mailbox, *index)))?;
        let mut chunks = Vec::with_capacity(now.len());
        for index in now {
            let rows = decode(tx.scan(&placements(tx.id, self.mailbox, index))?)?;
            chunks.push((index, rows));
        }
        tx.next_modseq();
        for (index, rows) in chunks {
            let key = keys::chunk(tx.id, self.mailbox, index);
            if rows.is_empty() {
                tx.delete(key);
            } else {
                tx.put(key, chunk::encode(&rows));
            }
            row.chunk_end = row.chunk_end.max(u64::from(index + 1) * u64::from(CHUNK_UIDS));
        }
        if rest.is_none() {
            row.chunk_modseq = row.chunk_modseq.max(mark);
            row.chunk_changes = if has_more { row.chunk_changes } else { 0 };
            for (_, key) in old.into_iter().filter(|(modseq, _)| *modseq <= mark) {
                tx.delete(key);
            }
        }
        tx.set_mailbox(self.mailbox, Some(row));
        Ok(rest.map(|index| (index, mark)))
    }

    fn is_alone(&self) -> bool {
        true
    }
}

/// The chunk that a UID is in.
fn index(uid: u64) -> u32 {
    u32::try_from(uid / u64::from(CHUNK_UIDS)).unwrap_or(u32::MAX)
}

fn touched(change: &TombstoneRow) -> impl Iterator<Item = u32> {
    change.ranges.iter().flat_map(|(first, last)| first / CHUNK_UIDS..=last / CHUNK_UIDS)
}

fn changes(prefix: &[u8], start: Bytes) -> Scan {
    let limit = PageLimit { rows: CHANGES_MAX, bytes: usize::MAX };
    Scan { start, limit, ..Scan::prefix(prefix) }
}

/// The placements of one chunk.
fn placements(account: AccountId, mailbox: MailboxId, index: u32) -> Scan {
    let first = Uid::new(index.saturating_mul(CHUNK_UIDS)).unwrap_or(Uid::MIN);
    let whole = Scan::prefix(&keys::placements(account, mailbox));
    let next = index.checked_add(1).and_then(|next| next.checked_mul(CHUNK_UIDS)).and_then(Uid::new);
    let end = next.map_or(whole.end, |next| keys::placement(account, mailbox, next));
    let limit = PageLimit { rows: usize::try_from(CHUNK_UIDS).unwrap_or(usize::MAX), bytes: usize::MAX };
    Scan { limit, ..Scan::range(keys::placement(account, mailbox, first), end) }
}

fn decode(rows: &[Row]) -> Result<Vec<PlacementRow>, Stop> {
    let decode = |(key, row): &Row| keys::placement_of(key).and_then(|uid| PlacementRow::decode(uid, row));
    let rows: Option<Vec<_>> = rows.iter().map(decode).collect();
    Ok(rows.ok_or_else(|| corrupt("a message's row"))?)
}
