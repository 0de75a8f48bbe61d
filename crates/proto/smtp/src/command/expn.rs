//! EXPN (RFC 5321 §4.1.1.7): known, not offered.

use super::Request;
use crate::Reply;

/// `EXPN SP String`
#[expect(clippy::unnecessary_wraps, reason = "the signature of every parser in the registry")]
pub(crate) fn parse(_arguments: &[u8]) -> Result<Request, Reply> {
    Ok(Request::Expn)
}
