//! RCPT (RFC 5321 §4.1.1.3).

use super::mail::strip_prefix;
use super::{Request, parse_parameters};
use crate::path::{PathError, parse_forward_path};
use crate::{ForwardPath, Reply};

/// Someone the message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub forward_path: ForwardPath,
    /// Whether the path was written with more than ASCII; the machine refuses that without SMTPUTF8.
    pub(crate) utf8: bool,
}

/// `RCPT TO:<forward-path> [SP Rcpt-parameters]`; no extension that is offered has a parameter here.
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, Reply> {
    let path = strip_prefix(arguments, b"TO:").ok_or_else(|| Reply::new(501, 5, 2, "RCPT TO:<address> is needed"))?;
    let parsed = parse_forward_path(path).map_err(|error| match error {
        PathError::TooLong => Reply::new(501, 1, 3, "The recipient's address is too long"),
        PathError::Brackets | PathError::Address => Reply::new(501, 1, 3, "The recipient's address is malformed"),
    })?;
    if !parse_parameters(parsed.rest)?.is_empty() {
        return Err(Reply::new(555, 5, 4, "This parameter is not offered"));
    }
    Ok(Request::Rcpt(Recipient { forward_path: parsed.path, utf8: parsed.utf8 }))
}
