//! What passwords were last used for: a part of the directory, the system account 0.
//!
//! | kind | rest of the key | row |
//! |---|---|---|
//! | `u` | account u32, protocol u8, password u32 | when the password was last used for the protocol, and how |
//! | `t` | account u32 | a letter about POP3 beside IMAP was due once; no value |

use super::{DIRECTORY, key, rest};
use bytes::Bytes;
use types::{AccountId, CredentialId};

/// When a password was last used for a protocol.
pub(crate) fn last_use(account: AccountId, protocol: u8, credential: CredentialId) -> Bytes {
    key(DIRECTORY, b'u', &[&account.0.to_be_bytes(), &[protocol], &credential.0.to_be_bytes()])
}

/// All last uses of an account's passwords.
pub(crate) fn last_uses(account: AccountId) -> Bytes {
    key(DIRECTORY, b'u', &[&account.0.to_be_bytes()])
}

/// Reads protocol and password off a key of [`last_use`].
pub(crate) fn last_use_of(key: &[u8]) -> Option<(u8, CredentialId)> {
    let (protocol, credential) = rest(key).get(4..)?.split_first()?;
    Some((*protocol, CredentialId(u32::from_be_bytes(credential.try_into().ok()?))))
}

/// That an account was told of POP3 beside IMAP.
pub(crate) fn told_of_both(account: AccountId) -> Bytes {
    key(DIRECTORY, b't', &[&account.0.to_be_bytes()])
}

/// All accounts that were.
pub(crate) fn all_told_of_both() -> Bytes {
    key(DIRECTORY, b't', &[])
}
