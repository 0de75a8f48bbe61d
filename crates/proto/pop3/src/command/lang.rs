//! LANG (RFC 6856 §3).

use super::{ArgumentError, Request};

/// `LANG [language-range]`: a basic language range (RFC 4647 §2.1), `*` included.
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    let range = arguments.trim_ascii();
    if range.is_empty() {
        return Ok(Request::Lang(None));
    }
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'*');
    let text = std::str::from_utf8(range).ok().filter(|_| range.iter().all(fits));
    text.map(|range| Request::Lang(Some(range.to_owned()))).ok_or(ArgumentError::Language)
}
