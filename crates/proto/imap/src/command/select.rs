//! SELECT (RFC 3501 §6.3.1) with its CONDSTORE parameter (RFC 7162 §3.1.8).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// Which mailbox to open; SELECT and EXAMINE have the same arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Whether CONDSTORE is to be enabled with it.
    pub condstore: bool,
}

pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    parse_arguments(cursor).map(Command::Select)
}

/// ```text
/// select        = "SELECT" SP mailbox [select-params]
/// select-params = SP "(" select-param *(SP select-param) ")"
/// select-param  = "CONDSTORE"
/// ```
pub(super) fn parse_arguments(cursor: &mut Cursor<'_>) -> Result<Select, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    let mut condstore = false;
    if cursor.rest().starts_with(b" (") {
        cursor.space()?;
        cursor.expect(b'(', "A parameter list is missing")?;
        loop {
            if !cursor.atom()?.eq_ignore_ascii_case("CONDSTORE") {
                return Err(ParseError::Syntax("There is no such parameter"));
            }
            condstore = true;
            if cursor.take_if(b')') {
                break;
            }
            cursor.space()?;
        }
    }
    Ok(Select { mailbox, condstore })
}
