//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1).

use super::Command;
use crate::codec::{Cursor, MessageSet, ParseError};

/// Which messages with `\Deleted` to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expunge {
    /// Only these; `None` means all of them.
    pub uids: Option<MessageSet>,
}

/// ```text
/// expunge     = "EXPUNGE"
/// uid-expunge = "UID" SP "EXPUNGE" SP sequence-set
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    let mut uids = None;
    if uid {
        cursor.space()?;
        uids = Some(MessageSet::parse(cursor, true)?);
    }
    Ok(Command::Expunge(Expunge { uids }))
}
