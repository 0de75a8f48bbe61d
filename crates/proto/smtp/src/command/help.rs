//! HELP (RFC 5321 §4.1.1.8).

use super::Request;
use crate::Reply;

/// `HELP [ SP String ]`; there is one text for everything.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every parser in the registry")]
pub(crate) fn parse(_arguments: &[u8]) -> Result<Request, Reply> {
    Ok(Request::Help)
}
