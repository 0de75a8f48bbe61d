//! DELETE (RFC 3501 §6.3.4).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// A mailbox to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The client's spelling, if it is not the one that is kept (RFC 9051 §6.3.9.7).
    pub spelled: Option<Box<str>>,
}

/// ```text
/// delete = "DELETE" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let (mailbox, spelled) = cursor.mailbox_as_spelled()?;
    Ok(Command::Delete(Delete { mailbox, spelled }))
}
