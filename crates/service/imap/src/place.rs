//! Which account a mailbox name leads to: nobody else takes a name apart.

use crate::session::Session;
use domain::{Account, MailError, MailboxInfo};
use service_session::Transport;
use types::MailboxName;

/// Whose a name is, whether there is such a mailbox or not.
pub(crate) struct Owner {
    /// The account in which the mailbox is or would be.
    pub(crate) account: Account,
    /// Its name there.
    pub(crate) name: MailboxName,
}

/// A mailbox that can be selected.
pub(crate) struct Place {
    /// The account it is in.
    pub(crate) account: Account,
    /// What that account knows of it; its name is the one it has there.
    pub(crate) mailbox: MailboxInfo,
}

impl<S: Transport> Session<S> {
    /// Whose a name is, as this session's user writes it.
    pub(crate) fn owner(&self, name: &MailboxName) -> Result<Owner, MailError> {
        let account = self.account().map_err(|_| MailError::NoSuchMailbox)?.clone();
        Ok(Owner { account, name: name.clone() })
    }

    /// The mailbox of a name, as this session's user writes it. One that is not there, that cannot be selected, or that
    /// the user may not know of is [`MailError::NoSuchMailbox`].
    pub(crate) async fn find(&self, name: &MailboxName) -> Result<Place, MailError> {
        let Owner { account, name } = self.owner(name)?;
        let mailboxes = account.mailboxes().await?;
        let mailbox = mailboxes.get(&name).filter(|m| m.selectable).ok_or(MailError::NoSuchMailbox)?.clone();
        Ok(Place { account, mailbox })
    }
}
