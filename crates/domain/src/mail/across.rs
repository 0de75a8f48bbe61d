//! COPY and MOVE to where somebody has not all rights, or to another account's mailbox.
//!
//! No batch spans two accounts, so a message that goes to another account is read, staged anew and put there; MOVE then
//! expunges it here. A crash in between leaves it in both, never in none. Between two mailboxes of one account it stays
//! one batch.

use super::account::Account;
use super::content::Content;
use super::values::{Cause, Copied, Expunge, FlagNames, NewMessage};
use super::verb::transfer::Mode;
use crate::MailError;
use crate::meter::Meter;
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, Octets, Rights, Uid, UidSet};

/// How many messages one COPY to another account may name: all are copied or none, so all are staged first.
pub const ACROSS_MAX: usize = 1000;
/// How many messages MOVE to another account takes at once.
const MOVE_STEP: usize = 50;
/// How much of a body is read at once.
const PIECE: u64 = 256 << 10;

impl Account {
    /// Copies messages of one of this account's mailboxes to a mailbox of `target`, all or none (RFC 9051 §6.4.7).
    /// `rights` are those in the target: flags that they do not allow are left out (RFC 4314 §4).
    pub async fn copy_to(
        &self,
        from: MailboxId,
        uids: &UidSet,
        target: &Account,
        (to, rights): (MailboxId, Rights),
        meter: &Meter,
    ) -> Result<Copied, MailError> {
        if target.id() == self.id() {
            return self.transfer(Mode::Copy, from, uids, (to, rights), meter).await;
        }
        let snapshot = self.open(from).await?.current();
        let entries: Vec<_> = of_set(&snapshot, uids).take(ACROSS_MAX + 1).collect();
        if entries.len() > ACROSS_MAX {
            return Err(MailError::TooMany { max: ACROSS_MAX });
        }
        self.put_into(&snapshot, &entries, target, (to, rights), meter).await
    }

    /// Moves messages of one of this account's mailboxes to a mailbox of `target` (RFC 6851); see
    /// [`Account::copy_to`]. Between accounts many are moved in several steps.
    pub async fn move_to(
        &self,
        from: MailboxId,
        uids: &UidSet,
        target: &Account,
        (to, rights): (MailboxId, Rights),
        meter: &Meter,
    ) -> Result<Copied, MailError> {
        if target.id() == self.id() {
            return self.transfer(Mode::Move, from, uids, (to, rights), meter).await;
        }
        let snapshot = self.open(from).await?.current();
        let entries: Vec<_> = of_set(&snapshot, uids).collect();
        let silent = Meter::default();
        let mut moved = self.put_into(&snapshot, &[], target, (to, rights), &silent).await?;
        for some in entries.chunks(MOVE_STEP) {
            let copied = self.put_into(&snapshot, some, target, (to, rights), &silent).await?;
            let gone = UidSet::from_uids(some.iter().map(|entry| entry.uid));
            self.expunge(from, Expunge::These(gone), Cause::Imap).await?;
            moved.pairs.extend(copied.pairs);
            meter.step(moved.pairs.len(), entries.len()).await;
        }
        Ok(moved)
    }

    /// Puts copies of these messages into another account's mailbox, all or none.
    async fn put_into(
        &self,
        snapshot: &Snapshot,
        entries: &[&Entry],
        target: &Account,
        (to, rights): (MailboxId, Rights),
        meter: &Meter,
    ) -> Result<Copied, MailError> {
        let uid_validity = target.status(to).await?.uid_validity;
        let size = entries.iter().map(|entry| u64::from(entry.size)).sum();
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        // Asked before anything is staged; the batch decides.
        if count > 0 && target.usage().await?.refuses(Octets(size), count) {
            return Err(MailError::OverQuota);
        }
        let emails: Vec<_> = entries.iter().map(|entry| entry.email).collect();
        let contents = self.contents(&emails).await?;
        let mut messages = Vec::with_capacity(entries.len());
        for (entry, content) in entries.iter().zip(contents) {
            let staged = self.stage_again(&content.ok_or(MailError::Gone)?, target).await?;
            let flags = FlagNames::of(rights.flags(entry.flags), &snapshot.keywords);
            messages.push(NewMessage { flags, internal_date: Some(entry.internal_date), ..NewMessage::new(staged) });
            meter.step(messages.len(), entries.len()).await;
        }
        if messages.is_empty() {
            return Ok(Copied { uid_validity, pairs: Vec::new() });
        }
        let appended = target.append(to, messages).await?;
        let old: Vec<Uid> = entries.iter().map(|entry| entry.uid).collect();
        Ok(Copied { uid_validity: appended.uid_validity, pairs: old.into_iter().zip(appended.uids).collect() })
    }

    /// Reads a message and stages it anew: a body belongs to one content in each account.
    async fn stage_again(&self, content: &Arc<Content>, target: &Account) -> Result<super::Staged, MailError> {
        let size = content.size().0;
        let mut staging = target.stage(Some(Octets(size))).await?;
        let mut from = 0;
        while from < size {
            let piece = self.read_body(content, from..from.saturating_add(PIECE).min(size)).await?;
            if piece.is_empty() {
                return Err(MailError::Gone);
            }
            from = from.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            staging.write(&piece).await?;
        }
        staging.finish().await
    }
}

/// The messages of a set.
pub(super) fn of_set<'a>(snapshot: &'a Snapshot, uids: &'a UidSet) -> impl Iterator<Item = &'a Entry> {
    uids.ranges()
        .iter()
        .filter_map(|range| Some((Uid::new(*range.start())?, *range.end())))
        .flat_map(move |(first, last)| snapshot.iter_from(first).take_while(move |entry| entry.uid.get() <= last))
}
