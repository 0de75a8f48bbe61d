//! LISTRIGHTS (RFC 4314 §3.4).

use super::Command;
use super::setacl::{Identifier, parse_identifier};
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// Whose rights can be set how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListRights {
    /// Where.
    pub mailbox: MailboxName,
    /// Whose.
    pub identifier: Identifier,
}

/// ```text
/// listrights = "LISTRIGHTS" SP mailbox SP identifier
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let identifier = parse_identifier(cursor)?;
    Ok(Command::ListRights(ListRights { mailbox, identifier }))
}
