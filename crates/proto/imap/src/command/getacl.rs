//! GETACL (RFC 4314 §3.3).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// Whose access control list to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetAcl {
    /// The mailbox.
    pub mailbox: MailboxName,
}

/// ```text
/// getacl = "GETACL" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    Ok(Command::GetAcl(GetAcl { mailbox: cursor.mailbox()? }))
}
