//! Passwords, prepared once so that every program and every mechanism means the same bytes.

use crate::Secret;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

/// Longest password in bytes, before and after preparation.
pub const PASSWORD_MAX: usize = 1000;

/// Why bytes are no password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Nothing.
    #[error("a password has at least one character")]
    Empty,
    /// More than [`PASSWORD_MAX`].
    #[error("a password has at most {PASSWORD_MAX} bytes")]
    TooLong,
    /// Not UTF-8, or a control character.
    #[error("a password is text in UTF-8 without control characters")]
    Characters,
}

/// Prepares a password as the profile `OpaqueString` does (RFC 8265 §4.2.2): other spaces become U+0020, then normal
/// form C. Control characters are refused. For ASCII this is what `SASLprep` (RFC 4013) makes of it.
///
/// Deviation: code points that PRECIS disallows for being unassigned are not looked up, so that a password does not
/// stop working, or start to, with a new Unicode version.
pub fn prepare_password(raw: &[u8]) -> Result<Secret<String>, PasswordError> {
    if raw.is_empty() {
        return Err(PasswordError::Empty);
    }
    if raw.len() > PASSWORD_MAX {
        return Err(PasswordError::TooLong);
    }
    let text = std::str::from_utf8(raw).map_err(|_| PasswordError::Characters)?;
    if text.chars().any(char::is_control) {
        return Err(PasswordError::Characters);
    }
    if text.is_ascii() {
        return Ok(Secret::new(text.to_owned()));
    }
    // Room for the longest result there can be (a character grows at most threefold under NFC), so that the string
    // never moves and leaves a copy behind.
    let mut prepared = String::with_capacity(3 * text.len());
    prepared.extend(text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).nfc());
    if prepared.len() > PASSWORD_MAX {
        prepared.zeroize();
        return Err(PasswordError::TooLong);
    }
    Ok(Secret::new(prepared))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_password_is_one_password() {
        let prepared = |text: &str| prepare_password(text.as_bytes()).map(|p| p.expose().clone());
        assert_eq!(prepared("Tinte und Feder"), Ok("Tinte und Feder".into()));
        assert_eq!(prepared("u\u{308}ber\u{a0}all"), Ok("über all".into()));
        assert_eq!(prepared(""), Err(PasswordError::Empty));
        assert_eq!(prepared("a\u{0}b"), Err(PasswordError::Characters));
        assert_eq!(prepare_password(&[0xff]).map(|_| ()), Err(PasswordError::Characters));
    }

    #[test]
    fn a_password_fits_at_the_limit_and_not_past_it() {
        assert!(prepare_password(&[b'x'; PASSWORD_MAX]).is_ok());
        assert_eq!(prepare_password(&[b'x'; PASSWORD_MAX + 1]).map(|_| ()), Err(PasswordError::TooLong));
    }
}
