//! LIST (RFC 1939 §5).

use super::{ArgumentError, Request, parse_optional_message_number};

/// `LIST [msg]`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_optional_message_number(arguments).map(Request::List)
}
