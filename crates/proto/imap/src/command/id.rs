//! ID (RFC 2971).

use super::Command;
use crate::codec::{Cursor, ParseError};

/// Most fields (RFC 2971 §3.3).
pub const ID_FIELDS_MAX: usize = 30;
/// Longest field name in bytes (RFC 2971 §3.3).
pub const ID_NAME_MAX: usize = 30;
/// Longest field value in bytes (RFC 2971 §3.3).
pub const ID_VALUE_MAX: usize = 1024;

/// What a client says of itself; unproven text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Id {
    /// Names and values; bytes that are no UTF-8 are replaced.
    pub fields: Vec<(Box<str>, Option<Box<str>>)>,
}

/// ```text
/// id             = "ID" SP id-params-list
/// id-params-list = "(" [string SP nstring *(SP string SP nstring)] ")" / nil
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut id = Id::default();
    if cursor.take_word("NIL") {
        return Ok(Command::Id(id));
    }
    cursor.expect(b'(', "ID takes a list or NIL")?;
    while !cursor.take_if(b')') {
        if !id.fields.is_empty() {
            cursor.space()?;
        }
        let name = cursor.string()?;
        cursor.space()?;
        let value = cursor.nstring()?;
        let too_long = name.len() > ID_NAME_MAX || value.as_ref().is_some_and(|v| v.len() > ID_VALUE_MAX);
        if too_long || id.fields.len() >= ID_FIELDS_MAX {
            return Err(ParseError::Syntax("ID has too many or too long fields"));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into();
        id.fields.push((text(&name), value.as_deref().map(text)));
    }
    Ok(Command::Id(id))
}
