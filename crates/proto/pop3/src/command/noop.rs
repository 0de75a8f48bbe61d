//! NOOP (RFC 1939 §5).

use super::{ArgumentError, Request, parse_nothing};

/// `NOOP`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_nothing(arguments).map(|()| Request::Noop)
}
