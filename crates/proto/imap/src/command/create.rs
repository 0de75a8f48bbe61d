//! CREATE (RFC 3501 §6.3.3) with the USE of CREATE-SPECIAL-USE (RFC 6154 §3).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::response::Code;
use types::{MailboxName, SpecialUse};

/// A mailbox to make. A separator at the end of its name was taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Create {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// The client's spelling, if it is not the one that is kept (RFC 9051 §6.3.9.7).
    pub spelled: Option<Box<str>>,
    /// What it is for, each use once.
    pub special_uses: Vec<SpecialUse>,
}

/// ```text
/// create        = "CREATE" SP mailbox [create-params]
/// create-params = SP "(" create-param *(SP create-param) ")"
/// create-param  = "USE" SP "(" [use-attr *(SP use-attr)] ")"
/// use-attr      = "\" atom
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let (mailbox, spelled) = cursor.mailbox_to_create()?;
    let mut special_uses = Vec::new();
    if cursor.rest().starts_with(b" (") {
        cursor.take_if(b' ');
        cursor.take_if(b'(');
        loop {
            if !cursor.atom()?.eq_ignore_ascii_case("USE") {
                return Err(ParseError::Syntax("There is no such parameter"));
            }
            cursor.space()?;
            parse_uses(cursor, &mut special_uses)?;
            if cursor.take_if(b')') {
                break;
            }
            cursor.space()?;
        }
    }
    Ok(Command::Create(Create { mailbox, spelled, special_uses }))
}

/// Reads the attributes in their parentheses. The grammar allows uses that nobody knows yet: those are refused with a
/// code of their own (RFC 6154 §3).
fn parse_uses(cursor: &mut Cursor<'_>, uses: &mut Vec<SpecialUse>) -> Result<(), ParseError> {
    cursor.expect(b'(', "A list of uses is missing")?;
    let mut unknown = false;
    while !cursor.take_if(b')') {
        cursor.expect(b'\\', "A use begins with a backslash")?;
        match SpecialUse::parse(&format!("\\{}", cursor.atom()?)) {
            Some(known) if !uses.contains(&known) => uses.push(known),
            Some(_) => {}
            None => unknown = true,
        }
        if cursor.peek() != Some(b')') {
            cursor.space()?;
        }
    }
    if unknown { Err(ParseError::Refusal(Code::UseAttr, "There is no such use")) } else { Ok(()) }
}
