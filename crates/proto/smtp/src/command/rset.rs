//! RSET (RFC 5321 §4.1.1.5).

use super::{Request, parse_nothing};
use crate::Reply;

/// `RSET`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, Reply> {
    parse_nothing(arguments).map(|()| Request::Rset)
}
