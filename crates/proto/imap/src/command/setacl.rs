//! SETACL (RFC 4314 §3.1), and identifiers, which DELETEACL and LISTRIGHTS have too.

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::{MailboxName, Rights, prepare_password};

/// Longest identifier in bytes: more than a name to sign in with can have.
pub const IDENTIFIER_MAX: usize = 400;

/// Whom an entry of an access control list speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    /// A name to sign in with, or `anyone`; without its dash.
    pub name: Box<str>,
    /// It began with a dash: these rights are taken away (RFC 4314 §2).
    pub is_negative: bool,
}

/// What to do with the rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RightsChange {
    /// `lrs`: these and no others.
    Replace(Rights),
    /// `+lrs`: these too.
    Add(Rights),
    /// `-lrs`: not these.
    Remove(Rights),
}

/// An entry to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAcl {
    /// Whose list.
    pub mailbox: MailboxName,
    /// Whom.
    pub identifier: Identifier,
    /// What.
    pub change: RightsChange,
}

/// ```text
/// setacl     = "SETACL" SP mailbox SP identifier SP mod-rights
/// mod-rights = astring
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let identifier = parse_identifier(cursor)?;
    cursor.space()?;
    let text = cursor.astring()?;
    let (sign, letters) = match text.split_first() {
        Some((sign @ (b'+' | b'-'), letters)) => (Some(*sign), letters),
        _ => (None, &*text),
    };
    // RFC 4314 §3.1: a right that is not known must not be passed over.
    let unknown = ParseError::Syntax("There is no such right");
    let letters = std::str::from_utf8(letters).map_err(|_| unknown.clone())?;
    let rights = Rights::parse(letters).map_err(|_| unknown)?;
    let change = match sign {
        Some(b'+') => RightsChange::Add(rights),
        Some(_) => RightsChange::Remove(rights),
        None => RightsChange::Replace(rights),
    };
    Ok(Command::SetAcl(SetAcl { mailbox, identifier, change }))
}

/// `identifier = astring`, prepared as names to sign in with are (RFC 4314 §3: one that cannot be is a BAD).
pub(super) fn parse_identifier(cursor: &mut Cursor<'_>) -> Result<Identifier, ParseError> {
    const BROKEN: ParseError = ParseError::Syntax("That cannot be an identifier");
    let text = cursor.astring()?;
    let (is_negative, name) = match text.strip_prefix(b"-") {
        Some(name) => (true, name),
        None => (false, &*text),
    };
    if name.len() > IDENTIFIER_MAX {
        return Err(BROKEN);
    }
    let name = prepare_password(name).map_err(|_| BROKEN)?;
    Ok(Identifier { name: name.expose().as_str().into(), is_negative })
}
