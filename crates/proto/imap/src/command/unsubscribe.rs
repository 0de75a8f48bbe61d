//! UNSUBSCRIBE (RFC 3501 §6.3.7).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// A mailbox to unsubscribe from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The mailbox.
    pub mailbox: MailboxName,
}

/// ```text
/// unsubscribe = "UNSUBSCRIBE" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Command::Unsubscribe(Unsubscribe { mailbox }))
}
