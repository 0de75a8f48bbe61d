//! STORE (RFC 9051 §6.4.6) with UNCHANGEDSINCE (RFC 7162 §3.1.3).

use super::{flags_of, select, step};
use crate::keys;
use crate::mail::rows::{MailboxRow, PlacementRow, TombstoneRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::FlagNames;
use crate::mail::writer::Verb;
use std::sync::Arc;
use store_kv::Space;
use types::snapshot::Entry;
use types::{FlagChange, Flags, MailboxId, ModSeq, Rights, Uid, UidSet};

/// Changes the flags of messages: one step of it.
#[derive(Debug)]
pub(crate) struct StoreFlags {
    pub(crate) mailbox: MailboxId,
    pub(crate) uids: Arc<UidSet>,
    /// Where this step begins.
    pub(crate) from: Uid,
    pub(crate) change: FlagChange,
    pub(crate) flags: Arc<FlagNames>,
    pub(crate) unchanged_since: Option<ModSeq>,
    /// Only flags that these rights allow are changed (RFC 4314 §4).
    pub(crate) rights: Rights,
}

/// What a step did.
#[derive(Debug)]
pub(crate) struct Stored {
    /// Those that UNCHANGEDSINCE kept.
    pub(crate) modified: Vec<Uid>,
    pub(crate) modseq: Option<ModSeq>,
    /// Where the next step begins.
    pub(crate) rest: Option<Uid>,
}

impl Verb for StoreFlags {
    type Answer = Stored;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Stored, Stop> {
        let row = tx.mailbox(self.mailbox)?.clone();
        let view = tx.view(self.mailbox)?;
        let (targets, rest) = step(tx.shared.options.step_max, select(&view, &self.uids, self.from));
        let (flags, keywords) = self.flags(&row)?;
        let mut modified = Vec::new();
        let mut changed = Vec::new();
        let modseq = tx.account().counter.next();
        for entry in targets {
            if self.unchanged_since.is_some_and(|since| entry.modseq > since) {
                modified.push(entry.uid);
                continue;
            }
            let next = self.apply_to(entry.flags, flags);
            if next != entry.flags {
                changed.push((entry.flags, Entry { flags: next, modseq, ..*entry }));
            }
        }
        if changed.is_empty() {
            return Ok(Stored { modified, modseq: None, rest });
        }
        let mut next = MailboxRow { keywords, ..row };
        next.highest_modseq = tx.next_modseq();
        for (before, entry) in &changed {
            next.count_change(*before, entry.flags);
            let uidl = view.uidls.get(&entry.uid).map(|uidl| &**uidl);
            tx.put(keys::placement(tx.id, self.mailbox, entry.uid), PlacementRow::encode(entry, uidl));
        }
        let in_chunks = changed.iter().map(|(_, entry)| entry.uid).filter(|uid| u64::from(uid.get()) < next.chunk_end);
        let in_chunks: Vec<_> = in_chunks.collect();
        next.count_chunk_change(&in_chunks);
        if !in_chunks.is_empty() {
            let change = TombstoneRow::of(&in_chunks, tx.now());
            tx.put(keys::change(tx.id, self.mailbox, next.highest_modseq), change.encode());
        }
        tx.record(self.mailbox, changed.into_iter().map(|(_, entry)| entry).collect(), Vec::new());
        tx.set_mailbox(self.mailbox, Some(next));
        Ok(Stored { modified, modseq: Some(modseq), rest })
    }

    fn space(&self) -> Space {
        // Rows are replaced by others of the same size; and who wants to delete sets a flag first.
        Space::Frees
    }
}

impl StoreFlags {
    /// The word that is named, and the table with what it lacked. What is to be removed need not be in any table.
    fn flags(&self, row: &MailboxRow) -> Result<(Flags, types::Keywords), Stop> {
        // Who may not set keywords makes none up.
        if self.change != FlagChange::Remove && self.rights.contains(Rights::WRITE) {
            return Ok(flags_of(&self.flags, &row.keywords)?);
        }
        let known = self.flags.keywords.iter().filter_map(|keyword| row.keywords.flag(keyword.as_str()));
        Ok((known.fold(self.flags.system.system(), Flags::union), row.keywords.clone()))
    }

    fn apply_to(&self, before: Flags, flags: Flags) -> Flags {
        let after = match self.change {
            FlagChange::Replace => flags,
            FlagChange::Add => before.union(flags),
            FlagChange::Remove => before.without(flags),
        };
        before.without(self.rights.flags(before)).union(self.rights.flags(after))
    }
}
