//! MYRIGHTS (RFC 4314 §3.5).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// Where to tell one's own rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyRights {
    /// The mailbox.
    pub mailbox: MailboxName,
}

/// ```text
/// myrights = "MYRIGHTS" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    Ok(Command::MyRights(MyRights { mailbox: cursor.mailbox()? }))
}
