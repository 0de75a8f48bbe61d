//! SUBSCRIBE (RFC 3501 §6.3.6).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// A mailbox to subscribe to; it need not exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribe {
    /// The mailbox.
    pub mailbox: MailboxName,
}

/// ```text
/// subscribe = "SUBSCRIBE" SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Command::Subscribe(Subscribe { mailbox }))
}
