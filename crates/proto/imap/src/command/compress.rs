//! COMPRESS (RFC 4978): what it asks for is the session's; the bytes never come here compressed.

use super::Command;
use crate::codec::{Cursor, ParseError};

/// ```text
/// compress  = "COMPRESS" SP algorithm
/// algorithm = "DEFLATE"
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    // RFC 4978 §3: an unknown argument is a BAD.
    if cursor.atom()?.eq_ignore_ascii_case("DEFLATE") {
        Ok(Command::Compress)
    } else {
        Err(ParseError::Syntax("DEFLATE is the only way to compress"))
    }
}
