//! The open mailbox of a session: what stands now and what the session was told.

use bytes::BytesMut;
use domain::View;
use proto_imap::SessionView;
use proto_imap::view::{Expunges, UpdateForm, Updates};
use types::{MailboxId, MailboxName};

/// A selected mailbox.
pub(crate) struct Selected {
    pub(crate) id: MailboxId,
    pub(crate) name: MailboxName,
    /// Opened with EXAMINE.
    pub(crate) read_only: bool,
    /// What stands now.
    pub(crate) view: View,
    /// What the session was told.
    pub(crate) told: SessionView,
}

impl Selected {
    /// Tells what happened since the last time.
    pub(crate) fn tell(&mut self, out: &mut BytesMut, expunges: Expunges, form: UpdateForm) -> Updates {
        let current = self.view.current();
        let updates = self.told.sync(&current, expunges);
        updates.encode(out, &current.keywords, form);
        updates
    }
}
