//! The frame of every key: one byte of key space, four bytes of account id, then what the domain puts there.

use types::AccountId;

/// The space that account data lives in. Other first bytes are the engines' own.
pub const KEY_SPACE_ACCOUNT: u8 = b'a';
/// Longest key in bytes (LMDB's limit).
pub const KEY_MAX: usize = 511;
/// Longest value in bytes.
pub const VALUE_MAX: usize = 4 << 20;

/// What every key of an account begins with; the account is the contiguous range under it.
pub fn account_prefix(account: AccountId) -> [u8; 5] {
    let [a, b, c, d] = account.0.to_be_bytes();
    [KEY_SPACE_ACCOUNT, a, b, c, d]
}

/// The account that a key belongs to; `None` if it is no account key.
pub fn account_of(key: &[u8]) -> Option<AccountId> {
    match key {
        [KEY_SPACE_ACCOUNT, a, b, c, d, ..] => Some(AccountId(u32::from_be_bytes([*a, *b, *c, *d]))),
        _ => None,
    }
}
