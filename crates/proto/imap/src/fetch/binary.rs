//! BINARY: sections without their transfer encoding (RFC 3516, RFC 9051 §6.4.5).

use super::item::Partial;
use super::section::{parse_part, write_part};
use crate::codec::{Cursor, ParseError};
use bytes::BytesMut;
use std::num::NonZeroU32;

/// A part, decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BinarySection {
    /// `.PEEK`: `\Seen` stays as it is.
    pub peek: bool,
    /// The part numbers from the outside in; empty for the message itself.
    pub part: Box<[NonZeroU32]>,
    /// Which bytes of what it decodes to; `None` for all.
    pub partial: Option<Partial>,
}

/// Reads a part behind its opening bracket, the closing one included.
///
/// ```text
/// section-binary = "[" [section-part] "]"
/// ```
pub(super) fn parse_section(cursor: &mut Cursor<'_>) -> Result<Box<[NonZeroU32]>, ParseError> {
    let (part, text_may_follow) = parse_part(cursor)?;
    if text_may_follow && !part.is_empty() {
        return Err(ParseError::Syntax("BINARY takes a part number"));
    }
    cursor.expect(b']', "A section is not closed")?;
    Ok(part.into())
}

/// Writes the part with its brackets, as a FETCH response repeats it.
pub(super) fn write_section(out: &mut BytesMut, part: &[NonZeroU32]) {
    out.extend_from_slice(b"[");
    write_part(out, part);
    out.extend_from_slice(b"]");
}
