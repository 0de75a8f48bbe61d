//! UIDBATCHES (RFC 10022 §3.1).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::response::Code;
use std::num::NonZeroU32;
use std::ops::RangeInclusive;

/// Which parts of the open mailbox to tell the UIDs of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UidBatches {
    /// How many messages a batch has.
    pub size: NonZeroU32,
    /// Only these, counted from one at the highest UIDs; `None` asks for all of them. Never empty.
    pub batches: Option<RangeInclusive<u32>>,
}

/// ```text
/// message-batches = "UIDBATCHES" SP nz-number [SP nz-number ":" nz-number]
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let size = cursor.nz_number()?;
    let mut batches = None;
    if cursor.take_if(b' ') {
        let first = cursor.nz_number()?;
        cursor.expect(b':', "Batches are a range")?;
        let last = cursor.nz_number()?;
        if first > last {
            // RFC 10022 §3.1.5
            return Err(ParseError::Misuse(Code::ClientBug, "The first batch comes before the last"));
        }
        batches = Some(first.get()..=last.get());
    }
    Ok(Command::UidBatches(UidBatches { size, batches }))
}
