//! Undelete: messages come back out of the retention space, with new UIDs and all else they had.

use super::{KeywordMap, Twins, next_uids};
use crate::mail::rows::{DeletedRow, MailboxRow, PlacementRow, RetainedRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::{Restored, RetainedId};
use crate::mail::writer::Verb;
use crate::row::corrupt;
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::BTreeMap;
use types::snapshot::Entry;
use types::{Flags, Keywords, MailboxId, MailboxName};

/// How many messages are restored in one batch.
pub(crate) const RESTORE_STEP: usize = 1000;

/// Restores messages; those that are gone for good are left out.
#[derive(Debug)]
pub(crate) struct Restore {
    /// At most [`RESTORE_STEP`], each once.
    pub(crate) messages: Vec<RetainedId>,
    /// Which mailboxes stand for those that were deleted. Without one, INBOX does.
    pub(crate) homes: BTreeMap<MailboxId, MailboxId>,
}

/// One message that can be had back.
struct Found {
    id: RetainedId,
    placement: PlacementRow,
    keywords: Keywords,
    /// The key it has now.
    key: Bytes,
}

impl Verb for Restore {
    type Answer = Vec<Restored>;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Vec<Restored>, Stop> {
        let inbox = tx.names().get(&MailboxName::inbox()).copied().ok_or(MailError::NoSuchMailbox)?;
        let mut by_target: BTreeMap<MailboxId, Vec<Found>> = BTreeMap::new();
        for found in self.find(tx)? {
            let home = found.id.mailbox;
            let homes = [Some(&home), self.homes.get(&home)];
            let target = homes.into_iter().flatten().find(|id| tx.mailbox(**id).is_ok()).copied().unwrap_or(inbox);
            by_target.entry(target).or_default().push(found);
        }
        if by_target.is_empty() {
            return Ok(Vec::new());
        }
        let mut plans = Vec::new();
        for (target, found) in by_target {
            let row = tx.mailbox(target)?.clone();
            let twins = if target == inbox {
                let view = tx.view(target)?;
                Some(Twins::new(&view, found.iter().map(|f| f.placement.entry.email)))
            } else {
                None
            };
            let _enough = next_uids(&row, found.len())?;
            plans.push((target, row, twins, found));
        }
        tx.next_modseq();
        let mut restored = Vec::with_capacity(self.messages.len());
        for (target, row, twins, found) in plans {
            restore_into(tx, (target, row, twins), &found, &mut restored)?;
        }
        Ok(restored)
    }

    fn is_alone(&self) -> bool {
        true
    }
}

impl Restore {
    fn find(&self, tx: &Tx<'_>) -> Result<Vec<Found>, Stop> {
        let name = |id: &RetainedId| {
            [
                keys::retained(tx.id, id.expiry, id.mailbox, id.uid),
                keys::deleted_mailbox(tx.id, id.mailbox),
                keys::placement(tx.id, id.mailbox, id.uid),
            ]
        };
        tx.need_keys(self.messages.iter().flat_map(name))?;
        let mut all = Vec::new();
        for id in &self.messages {
            let [retained, deleted, placement] = name(id);
            let ghost = match tx.get(deleted)? {
                Some(row) => Some(DeletedRow::decode(&row).ok_or_else(|| corrupt("the row of a deleted mailbox"))?),
                None => None,
            };
            let keywords = match (&ghost, tx.any_mailbox(id.mailbox)) {
                (_, Some(row)) => row.keywords.clone(),
                (Some(ghost), None) => ghost.keywords.clone(),
                (None, None) => Keywords::default(),
            };
            if let Some(row) = tx.get(retained.clone())? {
                let row = RetainedRow::decode(id.uid, &row).ok_or_else(|| corrupt("a retained message"))?;
                all.push(Found { id: *id, placement: row.placement, keywords, key: retained });
            } else if let (Some(_), Some(row)) = (ghost, tx.get(placement.clone())?) {
                let row = PlacementRow::decode(id.uid, &row).ok_or_else(|| corrupt("a message's row"))?;
                all.push(Found { id: *id, placement: row, keywords, key: placement });
            }
        }
        Ok(all)
    }
}

fn restore_into(
    tx: &mut Tx<'_>,
    (target, mut row, mut twins): (MailboxId, MailboxRow, Option<Twins>),
    found: &[Found],
    restored: &mut Vec<Restored>,
) -> Result<(), Stop> {
    let modseq = tx.account().counter;
    row.highest_modseq = modseq;
    let mut placed = Vec::with_capacity(found.len());
    let mut uidls = Vec::new();
    for (message, uid) in found.iter().zip(next_uids(&row, found.len())?) {
        let old = &message.placement.entry;
        let mut map = KeywordMap::new(&message.keywords, &row.keywords);
        // Whoever wants a message back does not want the next EXPUNGE to take it.
        let flags = map.map(old.flags).without(Flags::DELETED);
        row.keywords = map.to;
        let new = Entry { uid, flags, modseq, save_date: tx.now(), ..*old };
        let own = message.placement.uidl.as_deref();
        let uidl = match &mut twins {
            Some(twins) => twins.uidl(target, uid, new.email, own),
            None => own.map(Box::from),
        };
        tx.delete(message.key.clone());
        tx.delete(keys::reverse(tx.id, old.email, message.id.mailbox, message.id.uid));
        tx.put(keys::placement(tx.id, target, uid), PlacementRow::encode(&new, uidl.as_deref()));
        tx.put(keys::reverse(tx.id, new.email, target, uid), Bytes::new());
        row.count_in(new.flags, new.size);
        tx.account().messages += 1;
        tx.account().octets += u64::from(new.size);
        restored.push(Restored { id: message.id, mailbox: target, uid });
        uidls.extend(uidl.map(|uidl| (uid, uidl)));
        placed.push(new);
    }
    row.next_uid += u64::try_from(placed.len()).unwrap_or(u64::MAX);
    tx.record(target, placed, Vec::new());
    for (uid, uidl) in uidls {
        tx.record_uidl(target, uid, &uidl);
    }
    tx.set_mailbox(target, Some(row));
    Ok(())
}
