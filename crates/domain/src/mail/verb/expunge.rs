//! EXPUNGE, UID EXPUNGE and POP3's deletions: messages go to the retention space and leave a tombstone.

use super::{select, step};
use crate::keys;
use crate::mail::rows::{RetainedRow, TombstoneRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::{Cause, Expunge};
use crate::mail::writer::Verb;
use std::sync::Arc;
use store_kv::Space;
use types::{Flags, MailboxId, Uid, UidSet};

/// Removes messages: one step of it.
#[derive(Debug)]
pub(crate) struct Remove {
    pub(crate) mailbox: MailboxId,
    pub(crate) which: Arc<Expunge>,
    /// Where this step begins.
    pub(crate) from: Uid,
    pub(crate) cause: Cause,
}

impl Verb for Remove {
    /// What was removed, and where the next step begins.
    type Answer = (Vec<Uid>, Option<Uid>);

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let mut row = tx.mailbox(self.mailbox)?.clone();
        let all = UidSet::from_ranges([1..=u32::MAX]);
        let (uids, only_deleted) = match &*self.which {
            Expunge::AllDeleted if row.deleted == 0 => return Ok((Vec::new(), None)),
            Expunge::AllDeleted => (&all, true),
            Expunge::DeletedIn(uids) => (uids, true),
            Expunge::These(uids) => (uids, false),
        };
        let view = tx.view(self.mailbox)?;
        let leaves =
            select(&view, uids, self.from).filter(|entry| !only_deleted || entry.flags.contains(Flags::DELETED));
        let (gone, rest) = step(tx.shared.options.step_max, leaves);
        if gone.is_empty() {
            return Ok((Vec::new(), rest));
        }
        let removed = tx.now();
        let expiry = removed.after(tx.shared.options.retention);
        row.highest_modseq = tx.next_modseq();
        for entry in &gone {
            row.count_out(entry.flags, entry.size);
            tx.account().messages = tx.account().messages.saturating_sub(1);
            tx.account().octets = tx.account().octets.saturating_sub(entry.size.into());
            let own = view.uidls.get(&entry.uid).map(|uidl| &**uidl);
            tx.delete(keys::placement(tx.id, self.mailbox, entry.uid));
            tx.put(
                keys::retained(tx.id, expiry, self.mailbox, entry.uid),
                RetainedRow::encode(entry, own, removed, self.cause),
            );
        }
        let uids: Vec<_> = gone.into_iter().map(|entry| entry.uid).collect();
        row.count_chunk_change(&uids);
        let tombstone = TombstoneRow::of(&uids, removed);
        tx.put(keys::tombstone(tx.id, self.mailbox, row.highest_modseq), tombstone.encode());
        tx.record(self.mailbox, Vec::new(), uids.clone());
        tx.set_mailbox(self.mailbox, Some(row));
        Ok((uids, rest))
    }

    fn space(&self) -> Space {
        Space::Frees
    }
}
