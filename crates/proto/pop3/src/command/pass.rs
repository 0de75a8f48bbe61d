//! PASS (RFC 1939 §7).

use super::{ArgumentError, Request};
use crate::Exposure;
use types::Secret;

/// A name and a password, from USER and PASS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordAttempt {
    /// The name as the client wrote it.
    pub user: String,
    /// The password: the rest of the line, spaces included.
    pub password: Secret<Vec<u8>>,
    /// Whether it came by a way that is offered.
    pub exposure: Exposure,
}

/// `PASS string`; a space belongs to the password (RFC 1939 §7).
pub(crate) fn parse(arguments: &[u8]) -> Result<Request, ArgumentError> {
    if arguments.is_empty() {
        return Err(ArgumentError::Password);
    }
    Ok(Request::Pass(Secret::new(arguments.to_vec())))
}
