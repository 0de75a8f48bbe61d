//! GETQUOTA (RFC 9208 §4.1.1).

use super::Command;
use crate::codec::{Cursor, ParseError};

/// Longest name of a quota root in bytes.
pub const QUOTA_ROOT_MAX: usize = 400;

/// A quota root to tell of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetQuota {
    /// Its name.
    pub root: Box<str>,
}

/// ```text
/// getquota = "GETQUOTA" SP quota-root-name
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    Ok(Command::GetQuota(GetQuota { root: parse_root(cursor)? }))
}

/// `quota-root-name = astring`
pub(super) fn parse_root(cursor: &mut Cursor<'_>) -> Result<Box<str>, ParseError> {
    let text = cursor.astring()?;
    let root = std::str::from_utf8(&text).ok().filter(|root| root.len() <= QUOTA_ROOT_MAX);
    root.map(Box::from).ok_or(ParseError::Syntax("That cannot be a quota root"))
}
