//! RENAME INBOX (RFC 9051 §6.3.6): INBOX stays and gives its messages to a new mailbox. Who tries again after a crash finds
//! either nothing done, or the mailbox with its messages.

use super::annotate::CopyAnnotations;
use super::mailbox::Create;
use super::transfer::{Mode, Transfer};
use crate::MailError;
use crate::mail::tx::{Stop, Tx};
use crate::mail::writer::Verb;
use std::sync::Arc;
use types::{MailboxId, MailboxName, Rights, Uid, UidSet};

/// Makes the mailbox and moves the first step of the messages there.
#[derive(Debug)]
pub(crate) struct RenameInbox {
    pub(crate) to: MailboxName,
}

impl Verb for RenameInbox {
    /// INBOX, the new mailbox, and where the next step begins.
    type Answer = (MailboxId, MailboxId, Option<Uid>);

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let inbox = tx.names().iter().find(|(name, _)| name.is_inbox()).map(|(_, id)| *id);
        let inbox = inbox.ok_or(MailError::NoSuchMailbox)?;
        // What is needed is looked at first: once the mailbox is made, nothing may fail any more.
        tx.mailbox(inbox)?;
        tx.view(inbox)?;
        CopyAnnotations::fetch(tx, inbox)?;
        let target = Create { name: self.to.clone(), special_use: None }.apply(tx)?;
        CopyAnnotations { from: inbox, to: target }.apply(tx)?;
        let everything = Arc::new(UidSet::from_ranges([1..=u32::MAX]));
        let first =
            Transfer { mode: Mode::Move, source: inbox, uids: everything, from: Uid::MIN, target, rights: Rights::ALL };
        let (_, rest) = first.apply(tx)?;
        Ok((inbox, target, rest))
    }
}
