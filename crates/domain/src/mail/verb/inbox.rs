//! RENAME INBOX (RFC 9051 §6.3.6): INBOX stays and gives its messages to a new mailbox: in one change, or in the first of
//! several. Then it is written down that the others follow, so that after a crash either nothing is done, or all of it
//! will be (`mail/unfinished.rs`).

use super::annotate::CopyAnnotations;
use super::mailbox::Create;
use super::transfer::{Mode, Transfer};
use super::unfinished::write;
use crate::MailError;
use crate::mail::tx::{Stop, Tx};
use crate::mail::unfinished::End;
use crate::mail::writer::Verb;
use std::sync::Arc;
use types::{MailboxId, MailboxName, Rights, Uid, UidSet};

/// Makes the mailbox and moves the first step of the messages there.
#[derive(Debug)]
pub(crate) struct RenameInbox {
    pub(crate) to: MailboxName,
}

/// What is left to do.
#[derive(Debug)]
pub(crate) struct Rest {
    /// The row that says so.
    pub(crate) number: u64,
    pub(crate) inbox: MailboxId,
    pub(crate) target: MailboxId,
    /// The next of the messages that were there, and the last.
    pub(crate) uids: (Uid, Uid),
}

impl Verb for RenameInbox {
    type Answer = Option<Rest>;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let inbox = tx.names().iter().find(|(name, _)| name.is_inbox()).map(|(_, id)| *id);
        let inbox = inbox.ok_or(MailError::NoSuchMailbox)?;
        // What is needed is looked at first: once the mailbox is made, nothing may fail any more.
        let last = tx.mailbox(inbox)?.next_uid - 1;
        tx.view(inbox)?;
        CopyAnnotations::fetch(tx, inbox)?;
        let target = Create { name: self.to.clone(), special_use: None }.apply(tx)?;
        CopyAnnotations { from: inbox, to: target }.apply(tx)?;
        let everything = Arc::new(UidSet::from_ranges([1..=u32::MAX]));
        let first =
            Transfer { mode: Mode::Move, source: inbox, uids: everything, from: Uid::MIN, target, rights: Rights::ALL };
        let (_, rest) = first.apply(tx)?;
        let last = u32::try_from(last).ok().and_then(Uid::new);
        Ok(rest.zip(last).map(|(next, last)| {
            let number = write(tx, End::Follow { from: inbox, last, to: target });
            Rest { number, inbox, target, uids: (next, last) }
        }))
    }
}
