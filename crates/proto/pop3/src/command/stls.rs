//! STLS (RFC 2595 §4).

use super::{ArgumentError, Request, parse_nothing};

/// `STLS`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_nothing(arguments).map(|()| Request::Stls)
}
