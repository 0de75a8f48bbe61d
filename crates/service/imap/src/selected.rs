//! The open mailbox of a session: what stands now and what the session was told.

use crate::contexts::Context;
use crate::rights::{Action, require};
use crate::status;
use domain::{Account, View};
use proto_imap::command::UidBatches;
use proto_imap::{SessionView, Status};
use types::{MailboxId, MailboxName, Rights, Uid};

/// A UIDBATCHES, and the mailbox as it was told then.
pub(crate) struct AskedBatches {
    pub(crate) request: UidBatches,
    /// How many messages there were.
    pub(crate) exists: u32,
    /// The highest UID.
    pub(crate) last: u32,
}

/// A selected mailbox.
pub(crate) struct Selected {
    /// The account it is in: not always that of the session's user.
    pub(crate) account: Account,
    pub(crate) id: MailboxId,
    /// As the session's user names it.
    pub(crate) name: MailboxName,
    /// Opened with EXAMINE.
    pub(crate) read_only: bool,
    /// What the session's user may do in it; looked at anew before each command.
    pub(crate) rights: Rights,
    /// What stands now.
    pub(crate) view: View,
    /// What the session was told.
    pub(crate) told: SessionView,
    /// Searches whose changes are told.
    pub(crate) contexts: Vec<Context>,
    /// Messages that the session put here itself since news were told: it is not sent what it knows (RFC 5465 §5.2).
    pub(crate) own: Vec<Uid>,
    /// What UIDBATCHES was asked for last.
    pub(crate) batches: Option<AskedBatches>,
}

impl Selected {
    /// Whether one of these rights can be used: not in a mailbox that was opened with EXAMINE.
    pub(crate) fn may(&self, rights: Rights) -> bool {
        !self.read_only && self.rights.has_any(rights)
    }

    /// Whether this may be done with it: else the answer.
    pub(crate) fn require(&self, action: Action) -> Result<(), Status> {
        if self.read_only {
            return Err(status::read_only());
        }
        require(self.rights, action).map_err(|failure| status::of_mail(&failure))
    }
}
