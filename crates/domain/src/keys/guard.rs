//! Keys of what keeps guessers out, in the directory's account.
//!
//! | kind | rest of the key | row |
//! |---|---|---|
//! | `p` | account u32 | where the account is known to sign in from |
//! | `b` | 4 or 6, first address, length u8 | the bans of a range of addresses |

use super::{DIRECTORY, account_entry_of, key, rest};
use bytes::Bytes;
use std::net::IpAddr;
use types::{AccountId, AddressRange};

/// Where an account is known to sign in from.
pub(crate) fn familiar(account: AccountId) -> Bytes {
    key(DIRECTORY, b'p', &[&account.0.to_be_bytes()])
}

/// The same of all accounts.
pub(crate) fn all_familiar() -> Bytes {
    key(DIRECTORY, b'p', &[])
}

/// Reads the account off a key of [`familiar`].
pub(crate) fn familiar_of(key: &[u8]) -> Option<AccountId> {
    account_entry_of(key)
}

/// The bans of a range of addresses: 4 or 6, its first address, its length.
pub(crate) fn ban(range: AddressRange) -> Bytes {
    let length = [range.length()];
    match range.base() {
        IpAddr::V4(base) => key(DIRECTORY, b'b', &[&[4], &base.octets(), &length]),
        IpAddr::V6(base) => key(DIRECTORY, b'b', &[&[6], &base.octets(), &length]),
    }
}

/// All bans.
pub(crate) fn bans() -> Bytes {
    key(DIRECTORY, b'b', &[])
}

/// Reads the range off a key of [`ban`].
pub(crate) fn ban_of(key: &[u8]) -> Option<AddressRange> {
    let (base, length) = match rest(key).split_first()? {
        (4, rest) => rest.split_first_chunk::<4>().map(|(base, length)| (IpAddr::from(*base), length))?,
        (6, rest) => rest.split_first_chunk::<16>().map(|(base, length)| (IpAddr::from(*base), length))?,
        _ => return None,
    };
    let [length] = length.try_into().ok()?;
    AddressRange::new(base, length)
}
