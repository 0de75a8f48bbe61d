//! MOVE and UID MOVE (RFC 6851 §3).

use super::Command;
use crate::codec::{Cursor, MessageSet, ParseError};
use types::MailboxName;

/// Messages to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The messages.
    pub messages: MessageSet,
    /// Where they go.
    pub mailbox: MailboxName,
}

/// ```text
/// move = "MOVE" SP sequence-set SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let messages = MessageSet::parse(cursor, uid)?;
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    Ok(Command::Move(Move { messages, mailbox }))
}
