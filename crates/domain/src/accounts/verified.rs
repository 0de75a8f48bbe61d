//! Passwords that were right a moment ago, so that a device that reconnects costs a hash of microseconds.
//!
//! An entry is a hash, keyed with chance of this process, of account, credential version and password: a changed or
//! locked credential has another version, and a dump of this memory tells no password without a guess at it.

use super::{DirectoryError, random};
use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use types::{AccountId, Secret, Timestamp};

pub(super) struct Verified {
    key: Secret<[u8; 32]>,
    remember: Duration,
    max: usize,
    entries: Mutex<HashMap<[u8; 32], Timestamp>>,
}

/// A password of an account, hashed.
#[derive(Clone, Copy)]
pub(super) struct Entry([u8; 32]);

impl Verified {
    pub(super) fn new(remember: Duration, max: usize) -> Result<Self, DirectoryError> {
        Ok(Self { key: Secret::new(random()?), remember, max, entries: Mutex::default() })
    }

    pub(super) fn entry(&self, account: AccountId, version: u64, password: &Secret<String>) -> Entry {
        let mut hasher = blake3::Hasher::new_keyed(self.key.expose());
        hasher.update(&account.0.to_be_bytes()).update(&version.to_be_bytes());
        hasher.update(password.expose().as_bytes());
        Entry(*hasher.finalize().as_bytes())
    }

    pub(super) fn is_known(&self, entry: Entry, now: Timestamp) -> bool {
        self.entries().get(&entry.0).is_some_and(|until| now < *until)
    }

    pub(super) fn remember(&self, entry: Entry, now: Timestamp) {
        let mut entries = self.entries();
        if entries.len() >= self.max {
            entries.retain(|_, until| now < *until);
            if entries.len() >= self.max {
                entries.clear();
            }
        }
        entries.insert(entry.0, now.after(self.remember));
    }

    fn entries(&self) -> MutexGuard<'_, HashMap<[u8; 32], Timestamp>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_for_its_time_and_its_version() {
        let verified = Verified::new(Duration::from_mins(1), 2).unwrap();
        let password = Secret::new(String::from("tinte"));
        let entry = |account, version| verified.entry(AccountId(account), version, &password);
        verified.remember(entry(16, 1), Timestamp(0));
        assert!(verified.is_known(entry(16, 1), Timestamp(59_999)));
        assert!(!verified.is_known(entry(16, 1), Timestamp(60_000)));
        assert!(!verified.is_known(entry(16, 2), Timestamp(0)) && !verified.is_known(entry(17, 1), Timestamp(0)));
        verified.remember(entry(17, 1), Timestamp(0));
        verified.remember(entry(18, 1), Timestamp(0));
        assert!(!verified.is_known(entry(17, 1), Timestamp(0)), "full: all went");
        assert!(verified.is_known(entry(18, 1), Timestamp(0)));
    }
}
