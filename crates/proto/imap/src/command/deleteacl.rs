//! DELETEACL (RFC 4314 §3.2).

use super::Command;
use super::setacl::{Identifier, parse_identifier};
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// An entry to delete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeleteAcl {
    /// Whose list.
    pub mailbox: MailboxName,
    /// Whom.
    pub identifier: Identifier,
}

/// ```text
/// deleteacl = "DELETEACL" SP mailbox SP identifier
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let identifier = parse_identifier(cursor)?;
    Ok(Command::DeleteAcl(DeleteAcl { mailbox, identifier }))
}
