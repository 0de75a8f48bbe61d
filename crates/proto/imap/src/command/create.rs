//! CREATE (RFC 3501 §6.3.3).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// A mailbox to make. A separator at the end of its name was taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The mailbox.
    pub mailbox: MailboxName,
}

/// ```text
/// create = "CREATE" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox_to_create()?;
    Ok(Command::Create(Create { mailbox }))
}
