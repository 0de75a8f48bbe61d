//! GETQUOTAROOT (RFC 9208 §4.1.2).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// Whose quota roots to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQuotaRoot {
    /// The mailbox; it need not exist.
    pub mailbox: MailboxName,
}

/// ```text
/// getquotaroot = "GETQUOTAROOT" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    Ok(Command::GetQuotaRoot(GetQuotaRoot { mailbox: cursor.mailbox()? }))
}
