//! LSUB (RFC 3501 §6.3.9).

use super::Command;
use crate::codec::{Cursor, ListPattern, ParseError};

/// Which subscribed names to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lsub {
    /// What the names must fit. An empty pattern fits nothing.
    pub pattern: ListPattern,
}

/// ```text
/// lsub = "LSUB" SP mailbox SP list-mailbox
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let reference = cursor.astring()?;
    cursor.space()?;
    let pattern = cursor.list_mailbox()?;
    let pattern = if pattern.is_empty() {
        ListPattern::new("")?
    } else {
        ListPattern::parse(&reference, &pattern, cursor.enabled())?
    };
    Ok(Command::Lsub(Lsub { pattern }))
}
