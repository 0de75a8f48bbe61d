//! What SCRAM keeps of a password (RFC 5802 §3): plain data that the directory stores and the mechanism checks with.

use crate::Secret;
use std::num::NonZeroU32;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramHash {
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
}

/// The keys of one password. Who has them can check a proof, but make none without guessing the password; they are
/// secret all the same, because `server_key` lets one pose as the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramKeys {
    /// The salt, at least 16 bytes of chance.
    pub salt: Box<[u8]>,
    /// PBKDF2 rounds.
    pub iterations: NonZeroU32,
    /// `H(ClientKey)`.
    pub stored_key: Secret<Vec<u8>>,
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: Secret<Vec<u8>>,
}
