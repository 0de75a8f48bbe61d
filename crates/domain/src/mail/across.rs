//! COPY and MOVE to where somebody has not all rights, or to another account's mailbox.
//!
//! No batch spans two accounts, so a message that goes to another account is read, staged anew and put there, some at a
//! time; MOVE then expunges it here. The target's account has it written down until it is finished
//! (`mail/unfinished.rs`): a COPY that breaks off is undone, a message that MOVE has put there goes here. Between two
//! mailboxes of one account it stays one batch.

use super::account::Account;
use super::content::Content;
use super::unfinished::End;
use super::values::{Cause, Copied, Expunge, FlagNames, NewMessage};
use super::verb::append::Append;
use super::verb::transfer::Mode;
use super::verb::unfinished::{After, AppendStep, Finish, Rewrite};
use crate::MailError;
use crate::meter::Meter;
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, Octets, Rights, Uid, UidSet};

/// How many messages are put into another account at once: so many are staged at a time.
pub const ACROSS_STEP: usize = 50;
/// How much of a body is read at once.
const PIECE: u64 = 256 << 10;

/// Where messages of another account come from and go to.
struct Way<'a> {
    from: &'a Account,
    snapshot: &'a Snapshot,
    target: &'a Account,
    place: (MailboxId, Rights),
    /// Hears of each message that was read, and how many there are.
    meter: (&'a Meter, usize),
}

impl Account {
    /// Copies messages of one of this account's mailboxes to a mailbox of `target`, all or none (RFC 9051 §6.4.7).
    /// `rights` are those in the target: flags that they do not allow are left out (RFC 4314 §4). To another account
    /// many are copied in several steps, which others see; if one of them fails, those before it are undone.
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
        let max = self.live.shared.options.copy_max;
        let snapshot = self.open(from).await?.current();
        let entries: Vec<_> = of_set(&snapshot, uids).take(max.saturating_add(1)).collect();
        if entries.len() > max {
            return Err(MailError::TooMany { max });
        }
        let uid_validity = target.status(to).await?.uid_validity;
        target.admit(&entries).await?;
        let meter = (meter, entries.len());
        let way = Way { from: self, snapshot: &snapshot, target, place: (to, rights), meter };
        let copying = async {
            let mut pairs = Vec::with_capacity(entries.len());
            let mut before = None;
            let mut steps = entries.chunks(ACROSS_STEP).peekable();
            while let Some(some) = steps.next() {
                let after = if steps.peek().is_some() { After::Undo } else { After::Nothing };
                let (put, row) = way.step((pairs.len(), some), before, after).await?;
                before = row;
                pairs.extend(put);
            }
            Ok(pairs)
        };
        let pairs = target.live.in_the_middle(copying).await?;
        Ok(Copied { uid_validity, pairs })
    }

    /// Moves messages of one of this account's mailboxes to a mailbox of `target` (RFC 6851); see
    /// [`Account::copy_to`]. Those that others take away meanwhile are left to them. Between accounts many are moved in
    /// several steps; after a crash in one of them its messages are in both, until the target's account is loaded or
    /// swept.
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
        let named: Vec<_> = of_set(&self.open(from).await?.current(), uids).map(|entry| entry.uid).collect();
        let uid_validity = target.status(to).await?.uid_validity;
        // Told when they are gone from here, which is when they are moved.
        let silent = Meter::default();
        let moving = async {
            let mut pairs = Vec::with_capacity(named.len());
            let (mut before, mut done) = (None, 0);
            for some in named.chunks(ACROSS_STEP) {
                done += some.len();
                // What others take away while this goes on is not moved by it.
                let snapshot = self.open(from).await?.current();
                let entries: Vec<_> = some.iter().filter_map(|uid| snapshot.get(*uid)).collect();
                if entries.is_empty() {
                    continue;
                }
                target.admit(&entries).await?;
                let way = Way { from: self, snapshot: &snapshot, target, place: (to, rights), meter: (&silent, 0) };
                let gone = UidSet::from_uids(entries.iter().map(|entry| entry.uid));
                let after = After::Leave { account: self.id(), mailbox: from, uids: gone.clone() };
                let (put, row) = way.step((0, &entries), before, after).await?;
                let removed = self.expunge(from, Expunge::These(gone), Cause::Imap).await?;
                let (moved, lost): (Vec<_>, Vec<_>) = put.partition(|(old, _)| removed.contains(*old));
                before = way.take_back(row, &lost).await?;
                pairs.extend(moved);
                meter.step(done, named.len()).await;
            }
            target.live.submit(Finish { number: before }).await?;
            Ok(pairs)
        };
        let pairs = target.live.in_the_middle(moving).await?;
        Ok(Copied { uid_validity, pairs })
    }

    /// Asks before anything is staged whether there is room for these messages; the batch decides.
    async fn admit(&self, entries: &[&Entry]) -> Result<(), MailError> {
        let size = entries.iter().map(|entry| u64::from(entry.size)).sum();
        let count = u64::try_from(entries.len()).unwrap_or(u64::MAX);
        if count > 0 && self.usage().await?.refuses(Octets(size), count) {
            return Err(MailError::OverQuota);
        }
        Ok(())
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

impl Way<'_> {
    /// Puts copies of these messages there, all or none, behind so many others; yields the old UIDs with the new ones, and
    /// the row of what is left to do.
    async fn step(
        &self,
        (done, entries): (usize, &[&Entry]),
        before: Option<u64>,
        after: After,
    ) -> Result<(impl Iterator<Item = (Uid, Uid)>, Option<u64>), MailError> {
        let (to, rights) = self.place;
        let emails: Vec<_> = entries.iter().map(|entry| entry.email).collect();
        let contents = self.from.contents(&emails).await?;
        let mut messages = Vec::with_capacity(entries.len());
        for (entry, content) in entries.iter().zip(contents) {
            let staged = self.from.stage_again(&content.ok_or(MailError::Gone)?, self.target).await?;
            let flags = FlagNames::of(rights.flags(entry.flags), &self.snapshot.keywords);
            messages.push(NewMessage { flags, internal_date: Some(entry.internal_date), ..NewMessage::new(staged) });
            self.meter.0.step(done.saturating_add(messages.len()), self.meter.1).await;
        }
        let step = AppendStep { append: Append { mailbox: to, messages }, before, after };
        let (appended, row) = self.target.live.submit(step).await?;
        let old: Vec<Uid> = entries.iter().map(|entry| entry.uid).collect();
        Ok((old.into_iter().zip(appended.uids), row))
    }

    /// Takes the copies of messages out again that somebody else has taken from where they were before MOVE could, so
    /// that they are not in two places; yields the row of what is left to do. [`MailError::Gone`] if somebody has ended
    /// this: then it was he who took them, and the copies are all there is.
    async fn take_back(&self, row: Option<u64>, lost: &[(Uid, Uid)]) -> Result<Option<u64>, MailError> {
        let Some(number) = row.filter(|_| !lost.is_empty()) else { return Ok(row) };
        let (target, mailbox) = (self.target, self.place.0);
        let uids = UidSet::from_uids(lost.iter().map(|(_, new)| *new));
        let end = End::Undo { mailbox, uids: uids.clone() };
        let number = target.live.submit(Rewrite { number, end }).await?;
        target.expunge(mailbox, Expunge::These(uids), Cause::Rule).await?;
        Ok(Some(number))
    }
}

/// The messages of a set.
pub(super) fn of_set<'a>(snapshot: &'a Snapshot, uids: &'a UidSet) -> impl Iterator<Item = &'a Entry> {
    uids.ranges()
        .iter()
        .filter_map(|range| Some((Uid::new(*range.start())?, *range.end())))
        .flat_map(move |(first, last)| snapshot.iter_from(first).take_while(move |entry| entry.uid.get() <= last))
}
