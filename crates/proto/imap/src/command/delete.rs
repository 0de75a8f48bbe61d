//! DELETE (RFC 3501 §6.3.4).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// A mailbox to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delete {
    /// The mailbox.
    pub mailbox: MailboxName,
}

/// ```text
/// delete = "DELETE" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Command::Delete(Delete { mailbox }))
}
