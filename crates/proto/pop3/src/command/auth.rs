//! AUTH and the lines of its exchange (RFC 5034 §4).

use super::{ArgumentError, Request};
use crate::Exposure;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use types::Secret;

/// Longest name of a mechanism (RFC 4422 §3.1).
const MECHANISM_MAX: usize = 20;

/// Most responses that a mechanism which sends the password has: LOGIN's name and password.
pub(crate) const RESPONSES_MAX: u8 = 2;

/// A SASL exchange begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthStart {
    /// The mechanism's name in capitals: one that the policy lists.
    pub mechanism: String,
    /// The initial response, decoded; empty where the client sent `=`.
    pub initial_response: Option<Secret<Vec<u8>>>,
    /// Whether it came by a way that is offered. In the clear there always is an initial response, and the only answer
    /// is `login_failed`.
    pub exposure: Exposure,
}

/// What stands behind AUTH.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) mechanism: String,
    pub(crate) initial_response: Option<Secret<Vec<u8>>>,
}

/// `AUTH mechanism [initial-response]`
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    let mut words = arguments.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mechanism = words.next().ok_or(ArgumentError::Mechanism)?;
    let fits = mechanism.len() <= MECHANISM_MAX
        && mechanism.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if !fits {
        return Err(ArgumentError::Mechanism);
    }
    let mechanism = String::from_utf8_lossy(mechanism).to_ascii_uppercase();
    let initial_response = match words.next() {
        None => None,
        Some(b"=") => Some(Secret::new(Vec::new())),
        Some(word) => Some(parse_response(word)?),
    };
    if words.next().is_some() {
        return Err(ArgumentError::Superfluous);
    }
    Ok(Request::Auth(Arguments { mechanism, initial_response }))
}

/// `base64` of an exchange.
pub(crate) fn parse_response(line: &[u8]) -> Result<Secret<Vec<u8>>, ArgumentError> {
    STANDARD.decode(line).map(Secret::new).map_err(|_| ArgumentError::Base64)
}
