//! UTF8 (RFC 6856 §2.1).

use super::{ArgumentError, Request, parse_nothing};

/// `UTF8`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    parse_nothing(arguments).map(|()| Request::Utf8)
}
