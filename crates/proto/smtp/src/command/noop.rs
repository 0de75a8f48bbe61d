//! NOOP (RFC 5321 §4.1.1.9).

use super::Request;
use crate::Reply;

/// `NOOP [ SP String ]`; what the string says is ignored.
#[expect(clippy::unnecessary_wraps, reason = "the signature of every parser in the registry")]
pub(crate) fn parse(_arguments: &[u8]) -> Result<Request, Reply> {
    Ok(Request::Noop)
}
