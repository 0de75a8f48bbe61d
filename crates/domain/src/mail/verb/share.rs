//! SETACL and DELETEACL (RFC 4314 §3.1, §3.2).

use crate::MailError;
use crate::mail::acl::{AclChange, AclKey};
use crate::mail::tx::{Stop, Tx};
use crate::mail::writer::Verb;
use std::sync::Arc;
use store_kv::Space;
use types::MailboxId;

/// Changes one entry of a mailbox's access control list.
#[derive(Debug)]
pub(crate) struct SetAcl {
    pub(crate) mailbox: MailboxId,
    pub(crate) key: AclKey,
    pub(crate) change: AclChange,
}

impl Verb for SetAcl {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        // A placeholder has a list too: it says who may make mailboxes below it.
        tx.any_mailbox(self.mailbox).ok_or(MailError::NoSuchMailbox)?;
        let before = tx.acl(self.mailbox);
        let acl = before.changed(tx.id, self.key, self.change).ok_or(MailError::AclFull)?;
        if acl != *before {
            tx.next_modseq();
            tx.set_acl(self.mailbox, Arc::new(acl));
        }
        Ok(())
    }

    fn space(&self) -> Space {
        match self.change {
            AclChange::Delete | AclChange::Remove(_) => Space::Frees,
            AclChange::Add(_) | AclChange::Replace(_) => Space::Grows,
        }
    }
}
