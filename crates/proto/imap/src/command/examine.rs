//! EXAMINE (RFC 3501 §6.3.2): SELECT, but nothing is changed.

use super::Command;
use crate::codec::{Cursor, ParseError};

/// ```text
/// examine = "EXAMINE" SP mailbox [select-params]
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    super::select::parse_arguments(cursor).map(Command::Examine)
}
