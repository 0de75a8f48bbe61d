//! UIDL (RFC 1939 §7).

use super::{ArgumentError, Request, parse_optional_message_number};

/// `UIDL [msg]`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_optional_message_number(arguments).map(Request::Uidl)
}
