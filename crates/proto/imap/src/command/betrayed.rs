//! What a sign-in in clear has betrayed, however it is spelt. The grammar is for those who are let in; whoever listens on
//! the way reads a password as a person does, so what could be one is looked for as a person would (and then burnt).
//!
//! Nothing here decides what a command is answered, but that it is refused.

use super::authenticate::MECHANISM_LENGTH_MAX;
use super::{Authenticate, Command, Login};
use crate::codec::{Cursor, literal_announced};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use types::Secret;

/// Base64, with its padding or without.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// A sign-in that was refused in clear, and what it brought.
#[derive(Debug, PartialEq, Eq)]
pub enum Betrayed {
    /// LOGIN.
    Login(Login),
    /// AUTHENTICATE.
    Authenticate(Authenticate),
}

impl From<Betrayed> for Command {
    fn from(betrayed: Betrayed) -> Self {
        match betrayed {
            Betrayed::Login(login) => Self::Login(login),
            Betrayed::Authenticate(authenticate) => Self::Authenticate(authenticate),
        }
    }
}

/// Reads what stands behind the name of a command, literals included, whether they were asked for or not. `None` where
/// there is no password.
pub(crate) fn read(name: &str, arguments: &[u8]) -> Option<Betrayed> {
    match name {
        "LOGIN" => login(arguments).map(Betrayed::Login),
        "AUTHENTICATE" => authenticate(arguments).map(Betrayed::Authenticate),
        _ => None,
    }
}

/// A name, and as the password all that stands behind it.
fn login(arguments: &[u8]) -> Option<Login> {
    let (user, rest) = word(arguments)?;
    let rest = rest.trim_ascii_start();
    let password = if let Some((literal, _)) = literal(rest) {
        literal.to_vec()
    } else {
        let rest = rest.trim_ascii_end();
        let mut cursor = Cursor::new(rest);
        let quoted = cursor.string().ok().filter(|_| cursor.rest().is_empty());
        let bare = || rest.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")).unwrap_or(rest);
        quoted.map_or_else(|| bare().to_vec(), std::borrow::Cow::into_owned)
    };
    let user = String::from_utf8_lossy(&user).into_owned().into();
    (!password.is_empty()).then(|| Login { user, password: Secret::new(password) })
}

/// A mechanism, and as the initial response what stands behind it: base64, or the message as it is.
fn authenticate(arguments: &[u8]) -> Option<Authenticate> {
    let (mechanism, rest) = word(arguments)?;
    let mechanism = std::str::from_utf8(&mechanism).ok().filter(|name| name.len() <= MECHANISM_LENGTH_MAX)?;
    let response = word(rest).map(|(response, _)| FORGIVING.decode(&response).unwrap_or(response));
    let initial_response = response.map(Secret::new);
    Some(Authenticate { mechanism: mechanism.to_ascii_uppercase().into(), initial_response })
}

/// The next word, and what stands behind it.
fn word(arguments: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let arguments = arguments.trim_ascii_start();
    if let Some((literal, rest)) = literal(arguments) {
        return Some((literal.to_vec(), rest));
    }
    let mut cursor = Cursor::new(arguments);
    if let (Some(b'"'), Ok(quoted)) = (cursor.peek(), cursor.string()) {
        return Some((quoted.into_owned(), cursor.rest()));
    }
    let end = arguments.iter().position(u8::is_ascii_whitespace).unwrap_or(arguments.len());
    let (word, rest) = arguments.split_at_checked(end)?;
    (!word.is_empty()).then(|| (word.to_vec(), rest))
}

/// The literal at the front, as much of it as came, and what stands behind it.
fn literal(arguments: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr::memchr(b'\n', arguments)?.checked_add(1)?;
    let (line, rest) = arguments.split_at_checked(end)?;
    if memchr::memrchr(b'{', line) != Some(0) {
        return None;
    }
    let size = usize::try_from(literal_announced(line)?.size).unwrap_or(usize::MAX);
    Some(rest.split_at_checked(size).unwrap_or((rest, &[])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn login(arguments: &str) -> Option<(String, String)> {
        let Some(Betrayed::Login(login)) = read("LOGIN", arguments.as_bytes()) else { return None };
        Some((login.user.into(), String::from_utf8(login.password.expose().clone()).unwrap()))
    }

    #[test]
    fn a_password_is_seen_in_every_spelling_of_login() {
        for (arguments, password) in [
            (" anna tinte", "tinte"),
            ("  anna  tinte ", "tinte"),
            (" \"anna\" \"ti\\\"nte\"", "ti\"nte"),
            (" anna blaue tinte", "blaue tinte"),
            (" anna grüne[tinte](x)%*", "grüne[tinte](x)%*"),
            (" anna \"ti\"nte\"", "ti\"nte"),
            (" anna \"tinte", "\"tinte"),
            (" {4}\r\nanna tinte", "tinte"),
            (" {4+}\r\nanna {5}\r\ntinte", "tinte"),
            (" anna {11+}\r\nblaue tinte", "blaue tinte"),
            (" anna {99}\r\ntinte", "tinte"),
        ] {
            assert_eq!(login(arguments), Some(("anna".into(), password.into())), "{arguments:?}");
        }
        for none in ["", " ", " anna", " anna ", " {4}\r\nanna", " anna {0}\r\n", " anna \"\""] {
            assert_eq!(login(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_response_is_seen_in_every_spelling_of_authenticate() {
        for (arguments, response) in [
            (" plain", None),
            (" plain AGEAYg==", Some(&b"\0a\0b"[..])),
            (" plain AGEAYg", Some(b"\0a\0b")),
            (" plain AGEAYg== ", Some(b"\0a\0b")),
            (" \"PLAIN\" {8}\r\nAGEAYg==", Some(b"\0a\0b")),
            (" {5+}\r\nPLAIN {4+}\r\n\0a\0b", Some(b"\0a\0b")),
            (" {5}\r\nPLAIN AGEAYg==", Some(b"\0a\0b")),
        ] {
            let read = read("AUTHENTICATE", arguments.as_bytes());
            let Some(Betrayed::Authenticate(read)) = read else { panic!("{arguments:?}: {read:?}") };
            assert_eq!(&*read.mechanism, "PLAIN", "{arguments:?}");
            assert_eq!(read.initial_response.as_ref().map(|r| r.expose().as_slice()), response, "{arguments:?}");
        }
        assert_eq!(read("AUTHENTICATE", b""), None);
        assert!(read("AUTHENTICATE", b" X2345678901234567890").is_some(), "a name of the greatest length");
        assert_eq!(read("AUTHENTICATE", b" X23456789012345678901"), None, "no mechanism has such a name");
        assert_eq!(read("NOOP", b" a b"), None);
    }
}
