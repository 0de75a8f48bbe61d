//! RENAME (RFC 3501 §6.3.5).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// A mailbox to rename, with those below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rename {
    /// Its name now.
    pub from: MailboxName,
    /// Its name afterwards.
    pub to: MailboxName,
    /// The client's spelling of that, if it is not the one that is kept (RFC 9051 §6.3.9.7).
    pub spelled: Option<Box<str>>,
}

/// ```text
/// rename = "RENAME" SP mailbox SP mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let from = cursor.mailbox()?;
    cursor.space()?;
    let (to, spelled) = cursor.mailbox_to_create()?;
    Ok(Command::Rename(Rename { from, to, spelled }))
}
