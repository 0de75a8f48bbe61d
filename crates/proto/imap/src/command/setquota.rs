//! SETQUOTA (RFC 9208 §4.1.3).

use super::Command;
use super::getquota::parse_root;
use crate::codec::{Cursor, ParseError};
use crate::response::{Code, QuotaResource};

/// Limits to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetQuota {
    /// The quota root.
    pub root: Box<str>,
    /// The new limits, each resource once; those that are not here have none any more.
    pub limits: Vec<(QuotaResource, u64)>,
}

/// ```text
/// setquota      = "SETQUOTA" SP quota-root-name SP setquota-list
/// setquota-list = "(" [setquota-resource *(SP setquota-resource)] ")"
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let root = parse_root(cursor)?;
    cursor.space()?;
    cursor.expect(b'(', "A list of limits is missing")?;
    let mut limits: Vec<(QuotaResource, u64)> = Vec::new();
    if cursor.take_if(b')') {
        return Ok(Command::SetQuota(SetQuota { root, limits }));
    }
    loop {
        let resource = QuotaResource::parse(cursor.atom()?)
            .ok_or(ParseError::Refusal(Code::Cannot, "That resource cannot be limited here"))?;
        if limits.iter().any(|(other, _)| *other == resource) {
            return Err(ParseError::Syntax("A resource is named twice"));
        }
        cursor.space()?;
        limits.push((resource, cursor.number64()?));
        if cursor.take_if(b')') {
            return Ok(Command::SetQuota(SetQuota { root, limits }));
        }
        cursor.space()?;
    }
}
