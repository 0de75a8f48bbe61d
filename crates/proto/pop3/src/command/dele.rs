//! DELE (RFC 1939 §5).

use super::{ArgumentError, Request, parse_message_number};

/// `DELE msg`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_message_number(arguments.trim_ascii()).map(Request::Dele)
}
