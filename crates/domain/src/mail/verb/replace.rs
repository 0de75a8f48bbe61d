//! REPLACE (RFC 8508): a message comes and another goes, in one change.

use super::append::Append;
use super::expunge::Remove;
use crate::MailError;
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::Appended;
use crate::mail::writer::Verb;
use types::{Octets, Uid};

/// Puts one message there and removes one.
#[derive(Debug)]
pub(crate) struct Replace {
    pub(crate) append: Append,
    /// The message that goes.
    pub(crate) uid: Uid,
    /// Its removal, and of nothing else.
    pub(crate) remove: Remove,
}

impl Verb for Replace {
    type Answer = Appended;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Appended, Stop> {
        // The removal is looked at first: once the message is put there, nothing may fail any more.
        tx.mailbox(self.remove.mailbox)?;
        let view = tx.view(self.remove.mailbox)?;
        let old = view.get(self.uid).copied().ok_or(MailError::Gone)?;
        let appended = self.append.put(tx, Some(Octets(old.size.into())))?;
        let (gone, _) = self.remove.apply(tx)?;
        assert!(gone == [self.uid], "the message that was seen goes");
        Ok(appended)
    }
}
