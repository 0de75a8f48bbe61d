//! COPY (RFC 9051 §6.4.7) and MOVE (RFC 6851): placements only, the content stays where it is.

use super::{KeywordMap, Twins, next_uids, select, step};
use crate::mail::rows::{MailboxRow, PlacementRow, TombstoneRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::Copied;
use crate::mail::writer::Verb;
use crate::{MailError, keys};
use bytes::Bytes;
use std::sync::Arc;
use store_kv::Space;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, Octets, Rights, Uid, UidSet};

/// Whether the messages stay where they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Copy,
    Move,
}

/// Copies messages, all or none; or moves them, one step of it.
#[derive(Debug)]
pub(crate) struct Transfer {
    pub(crate) mode: Mode,
    pub(crate) source: MailboxId,
    pub(crate) uids: Arc<UidSet>,
    /// Where this step begins.
    pub(crate) from: Uid,
    pub(crate) target: MailboxId,
    /// Which flags the copies keep: those that these rights allow (RFC 4314 §4).
    pub(crate) rights: Rights,
}

impl Verb for Transfer {
    /// What was done, and where the next step begins.
    type Answer = (Copied, Option<Uid>);

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let source = tx.mailbox(self.source)?.clone();
        let target = tx.mailbox(self.target)?.clone();
        let view = tx.view(self.source)?;
        let max = tx.shared.options.copy_max;
        let (entries, rest) = match self.mode {
            Mode::Move => step(tx.shared.options.step_max, select(&view, &self.uids, self.from)),
            Mode::Copy => (select(&view, &self.uids, self.from).take(max.saturating_add(1)).collect(), None),
        };
        if self.mode == Mode::Copy && entries.len() > max {
            return Err(MailError::TooMany { max }.into());
        }
        let size = entries.iter().map(|entry| u64::from(entry.size)).sum();
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if self.mode == Mode::Copy && count > 0 && super::append::usage(tx).refuses(Octets(size), count) {
            return Err(MailError::OverQuota.into());
        }
        let twins = self.twins(tx, &target, &entries)?;
        let uids = next_uids(&target, entries.len())?;
        let uid_validity = target.uid_validity;
        if entries.is_empty() {
            return Ok((Copied { uid_validity, pairs: Vec::new() }, rest));
        }
        let pairs = self.place(tx, (&source, target, &view), &entries, (uids, twins));
        match self.mode {
            Mode::Copy => {
                tx.account().messages += u64::try_from(entries.len()).unwrap_or(u64::MAX);
                tx.account().octets += size;
            }
            Mode::Move => self.leave(tx, &entries),
        }
        Ok((Copied { uid_validity, pairs }, rest))
    }

    fn space(&self) -> Space {
        // A move keeps the number of rows, and people move mail to the trash to make room.
        if self.mode == Mode::Move { Space::Frees } else { Space::Grows }
    }
}

impl Transfer {
    /// In INBOX a content that is there twice must have two UIDLs.
    fn twins(&self, tx: &mut Tx<'_>, target: &MailboxRow, entries: &[&Entry]) -> Result<Option<Twins>, Stop> {
        let stays = self.mode == Mode::Move && self.source == self.target;
        if !target.name.is_inbox() || stays || entries.is_empty() {
            return Ok(None);
        }
        let inbox = tx.view(self.target)?;
        Ok(Some(Twins::new(&inbox, entries.iter().map(|entry| entry.email))))
    }

    /// Puts the messages into the target.
    fn place(
        &self,
        tx: &mut Tx<'_>,
        (source, mut target, view): (&MailboxRow, MailboxRow, &Snapshot),
        entries: &[&Entry],
        (uids, mut twins): (impl Iterator<Item = Uid>, Option<Twins>),
    ) -> Vec<(Uid, Uid)> {
        let modseq = tx.next_modseq();
        let mut map = KeywordMap::new(&source.keywords, &target.keywords);
        let mut pairs = Vec::with_capacity(entries.len());
        let mut placed = Vec::with_capacity(entries.len());
        let mut own_uidls = Vec::new();
        for (old, uid) in entries.iter().zip(uids) {
            let new = Entry { uid, flags: map.map(self.rights.flags(old.flags)), modseq, save_date: tx.now(), ..**old };
            // A message that moves keeps the UIDL it has.
            let kept = view.uidls.get(&old.uid).filter(|_| self.mode == Mode::Move).map(|uidl| &**uidl);
            let own = match &mut twins {
                Some(twins) => twins.uidl(self.target, uid, old.email, kept),
                None => kept.map(Box::from),
            };
            tx.put(keys::placement(tx.id, self.target, uid), PlacementRow::encode(&new, own.as_deref()));
            tx.put(keys::reverse(tx.id, new.email, self.target, uid), Bytes::new());
            target.count_in(new.flags, new.size);
            pairs.push((old.uid, uid));
            placed.push(new);
            own_uidls.extend(own.map(|own| (uid, own)));
        }
        target.next_uid += u64::try_from(placed.len()).unwrap_or(u64::MAX);
        target.highest_modseq = modseq;
        target.keywords = map.to;
        tx.record(self.target, placed, Vec::new());
        for (uid, uidl) in own_uidls {
            tx.record_uidl(self.target, uid, &uidl);
        }
        tx.set_mailbox(self.target, Some(target));
        pairs
    }

    /// Takes the messages out of the source, in the same change.
    fn leave(&self, tx: &mut Tx<'_>, entries: &[&Entry]) {
        assert!(entries.len() <= tx.shared.options.step_max, "a move is done in steps");
        let Some(mut source) = tx.any_mailbox(self.source).cloned() else { return };
        let modseq = tx.account().counter;
        source.highest_modseq = modseq;
        for entry in entries {
            source.count_out(entry.flags, entry.size);
            tx.delete(keys::placement(tx.id, self.source, entry.uid));
            tx.delete(keys::reverse(tx.id, entry.email, self.source, entry.uid));
        }
        let uids: Vec<_> = entries.iter().map(|entry| entry.uid).collect();
        source.count_chunk_change(&uids);
        let tombstone = TombstoneRow::of(&uids, tx.now());
        tx.put(keys::tombstone(tx.id, self.source, modseq), tombstone.encode());
        tx.record(self.source, Vec::new(), uids);
        tx.set_mailbox(self.source, Some(source));
    }
}
