//! VRFY (RFC 5321 §4.1.1.6): it says nothing about anyone (§7.3).

use super::Request;
use crate::Reply;

/// `VRFY SP String`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, Reply> {
    if arguments.trim_ascii().is_empty() {
        return Err(Reply::new(501, 5, 4, "VRFY needs a name"));
    }
    Ok(Request::Vrfy)
}
