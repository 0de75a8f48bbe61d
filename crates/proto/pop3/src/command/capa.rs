//! CAPA (RFC 2449 §5).

use super::{ArgumentError, Request, parse_nothing};

/// `CAPA`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_nothing(arguments).map(|()| Request::Capa)
}
