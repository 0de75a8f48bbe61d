//! SETMETADATA (RFC 5464 §4.3).

use super::Command;
use super::getmetadata::{ENTRIES_MAX, parse_name};
use crate::codec::{Cursor, ParseError};
use bytes::Bytes;
use types::{EntryName, MailboxName};

/// Annotations to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetMetadata {
    /// The mailbox; `None` for the server.
    pub mailbox: Option<MailboxName>,
    /// Entries with their new values; `None` removes one.
    pub values: Vec<(EntryName, Option<Bytes>)>,
}

/// ```text
/// setmetadata  = "SETMETADATA" SP mailbox SP entry-values
/// entry-values = "(" entry-value *(SP entry-value) ")"
/// entry-value  = entry SP value
/// value        = nstring / literal8
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox_or_server()?;
    cursor.space()?;
    cursor.expect(b'(', "A list of entries is missing")?;
    let mut values = Vec::new();
    loop {
        let name = parse_name(cursor)?;
        if !name.can_hold_value() {
            return Err(ParseError::Syntax("An entry of that name has no value"));
        }
        cursor.space()?;
        let value = cursor.nstring8()?;
        values.push((name, value.map(|value| Bytes::copy_from_slice(&value))));
        if values.len() > ENTRIES_MAX {
            return Err(ParseError::Syntax("Too many entries"));
        }
        if cursor.take_if(b')') {
            return Ok(Command::SetMetadata(SetMetadata { mailbox, values }));
        }
        cursor.space()?;
    }
}
