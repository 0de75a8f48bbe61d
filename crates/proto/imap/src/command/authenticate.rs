//! AUTHENTICATE (RFC 3501 §6.2.2) with an initial response (RFC 4959).

use super::Command;
use crate::codec::{Cursor, ParseError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use types::Secret;

/// Longest name of a SASL mechanism (RFC 4422 §3.1).
pub const MECHANISM_LENGTH_MAX: usize = 20;

/// Most responses that a mechanism which sends the password has: LOGIN's name and password.
pub(crate) const RESPONSES_MAX: u8 = 2;

/// A SASL exchange begins.
#[derive(Debug, PartialEq, Eq)]
pub struct Authenticate {
    /// The mechanism's name in capitals.
    pub mechanism: Box<str>,
    /// The initial response, decoded; `Some` of nothing if it was `=` (RFC 4959 §3).
    pub initial_response: Option<Secret<Vec<u8>>>,
}

/// ```text
/// authenticate     = "AUTHENTICATE" SP auth-type [SP initial-resp]
/// auth-type        = atom
/// initial-resp     = base64 / "="
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mechanism = cursor.atom()?;
    if mechanism.len() > MECHANISM_LENGTH_MAX {
        return Err(ParseError::Syntax("The name of a mechanism is too long"));
    }
    let mut initial_response = None;
    if cursor.take_if(b' ') && !cursor.rest().is_empty() {
        let text = cursor.take_while(|b| b != b' ');
        initial_response = Some(if text == b"=" { Secret::new(Vec::new()) } else { decode(text)? });
    }
    Ok(Command::Authenticate(Authenticate { mechanism: mechanism.to_ascii_uppercase().into(), initial_response }))
}

/// Decodes base64 as RFC 4648 §4 has it, padding included.
pub(crate) fn decode(text: &[u8]) -> Result<Secret<Vec<u8>>, ParseError> {
    STANDARD.decode(text).map(Secret::new).map_err(|_| ParseError::Syntax("The response is not base64"))
}
