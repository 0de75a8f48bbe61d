//! Steps of what takes several batches: each says with its own batch how all of it ends (`mail/unfinished.rs`).

use super::append::Append;
use crate::mail::tx::{Stop, Tx};
use crate::mail::unfinished::{End, UnfinishedRow};
use crate::mail::values::Appended;
use crate::mail::writer::Verb;
use crate::{MailError, keys};
use store_kv::Space;
use types::{AccountId, MailboxId, UidSet};

/// How it ends if there is no further step.
#[derive(Clone, Debug)]
pub(crate) enum After {
    /// It is finished.
    Nothing,
    /// What was put here so far goes again.
    Undo,
    /// These messages of another account go there.
    Leave { account: AccountId, mailbox: MailboxId, uids: UidSet },
}

/// Puts messages from another account into a mailbox: one step of it.
#[derive(Debug)]
pub(crate) struct AppendStep {
    pub(crate) append: Append,
    /// The row that the step before has left. [`MailError::Gone`] if it is not there: somebody has ended this.
    pub(crate) before: Option<u64>,
    pub(crate) after: After,
}

impl Verb for AppendStep {
    /// What was done, and the row of what is left to do.
    type Answer = (Appended, Option<u64>);

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        let before = match self.before {
            Some(number) => {
                let row = tx.get(keys::unfinished(tx.id, number))?;
                let row = row.and_then(|row| UnfinishedRow::decode(&row));
                Some((number, row.ok_or(MailError::Gone)?))
            }
            None => None,
        };
        let appended = self.append.put(tx, None)?;
        let mut so_far = Vec::new();
        if let Some((number, row)) = before {
            if let End::Undo { uids, .. } = row.end {
                so_far.extend_from_slice(uids.ranges());
            }
            tx.delete_and_keep(keys::unfinished(tx.id, number));
        }
        let mailbox = self.append.mailbox;
        so_far.extend(appended.uids.iter().map(|uid| uid.get()..=uid.get()));
        let end = match &self.after {
            After::Nothing => return Ok((appended, None)),
            After::Undo => End::Undo { mailbox, uids: UidSet::from_ranges(so_far) },
            After::Leave { account, mailbox, uids } => {
                End::Leave { account: *account, mailbox: *mailbox, uids: uids.clone() }
            }
        };
        Ok((appended, Some(write(tx, end))))
    }
}

/// Writes down how something ends that this batch has begun or gone on with: behind its change, whose number it takes.
pub(super) fn write(tx: &mut Tx<'_>, end: End) -> u64 {
    // No other change of this account has it.
    let number = tx.account().counter.0;
    let row = UnfinishedRow { at: tx.now(), end };
    tx.put_and_keep(keys::unfinished(tx.id, number), row.encode());
    number
}

/// Writes down anew how something ends, under another number: whoever still holds the old one finds nothing there.
#[derive(Debug)]
pub(crate) struct Rewrite {
    /// Its row. [`MailError::Gone`] if it is not there: somebody was faster.
    pub(crate) number: u64,
    pub(crate) end: End,
}

impl Verb for Rewrite {
    /// The new number.
    type Answer = u64;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<u64, Stop> {
        let key = keys::unfinished(tx.id, self.number);
        if tx.get(key.clone())?.is_none() {
            return Err(MailError::Gone.into());
        }
        tx.next_modseq();
        tx.delete_and_keep(key);
        Ok(write(tx, self.end.clone()))
    }

    fn space(&self) -> Space {
        Space::Frees
    }
}

/// Something is finished.
#[derive(Debug)]
pub(crate) struct Finish {
    /// Its row; `None` does nothing, and is answered when all that came before is done.
    pub(crate) number: Option<u64>,
}

impl Verb for Finish {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        let Some(key) = self.number.map(|number| keys::unfinished(tx.id, number)) else { return Ok(()) };
        if tx.get(key.clone())?.is_some() {
            tx.next_modseq();
            tx.delete_and_keep(key);
        }
        Ok(())
    }

    fn space(&self) -> Space {
        Space::Frees
    }
}
