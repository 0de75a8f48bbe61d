//! COPY and UID COPY (RFC 3501 §6.4.7).

use super::Command;
use crate::codec::{Cursor, MessageSet, ParseError};
use types::MailboxName;

/// Messages to copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copy {
    /// The messages.
    pub messages: MessageSet,
    /// Where they go.
    pub mailbox: MailboxName,
}

/// ```text
/// copy = "COPY" SP sequence-set SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let messages = MessageSet::parse(cursor, uid)?;
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Command::Copy(Copy { messages, mailbox }))
}
