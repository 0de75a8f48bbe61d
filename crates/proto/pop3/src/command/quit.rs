//! QUIT (RFC 1939 §4, §6).

use super::{ArgumentError, Request, parse_nothing};

/// `QUIT`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_nothing(arguments).map(|()| Request::Quit)
}
