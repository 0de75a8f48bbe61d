//! USER (RFC 1939 §7).

use super::{ArgumentError, Request};

/// `USER name`; the name is the rest of the line, so that one with spaces can sign in too.
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    let name = std::str::from_utf8(arguments.trim_ascii()).map_err(|_| ArgumentError::Name)?;
    if name.is_empty() || name.chars().any(char::is_control) {
        return Err(ArgumentError::Name);
    }
    Ok(Request::User(name.to_owned()))
}
