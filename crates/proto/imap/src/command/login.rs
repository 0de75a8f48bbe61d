//! LOGIN (RFC 3501 §6.2.3).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::response::Code;
use types::Secret;

/// A name and a password.
#[derive(Debug, PartialEq, Eq)]
pub struct Login {
    /// The name, in UTF-8.
    pub user: Box<str>,
    /// The password as it was sent; usually UTF-8.
    pub password: Secret<Vec<u8>>,
}

/// ```text
/// login    = "LOGIN" SP userid SP password
/// userid   = astring
/// password = astring
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let user = cursor.astring()?;
    cursor.space()?;
    let password = Secret::new(cursor.astring()?.into_owned());
    let unknown = |_| ParseError::Refusal(Code::AuthenticationFailed, "The name or the password is wrong");
    let user = std::str::from_utf8(&user).map_err(unknown)?.into();
    Ok(Command::Login(Login { user, password }))
}
