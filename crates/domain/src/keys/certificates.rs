//! Certificates that people sign in with: further rows of the directory.
//!
//! | kind | rest of the key | row |
//! |---|---|---|
//! | `k` | SHA-256 of a certificate | whose it is |
//! | `v` | account u32, number u32 | a certificate of the account |

use super::{DIRECTORY, key, rest};
use bytes::Bytes;
use types::{AccountId, CredentialId};

/// Whose a certificate is.
pub(crate) fn certificate(fingerprint: &[u8; 32]) -> Bytes {
    key(DIRECTORY, b'k', &[fingerprint])
}

/// All certificates.
pub(crate) fn certificates() -> Bytes {
    key(DIRECTORY, b'k', &[])
}

/// A certificate of an account.
pub(crate) fn account_certificate(account: AccountId, credential: CredentialId) -> Bytes {
    key(DIRECTORY, b'v', &[&account.0.to_be_bytes(), &credential.0.to_be_bytes()])
}

/// All certificates of an account.
pub(crate) fn account_certificates(account: AccountId) -> Bytes {
    key(DIRECTORY, b'v', &[&account.0.to_be_bytes()])
}

/// Reads the number off a key of [`account_certificate`].
pub(crate) fn account_certificate_of(key: &[u8]) -> Option<CredentialId> {
    Some(CredentialId(u32::from_be_bytes(rest(key).get(4..)?.try_into().ok()?)))
}
