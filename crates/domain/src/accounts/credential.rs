//! The row with what is kept of an account's passwords: the main one, its app passwords, what is known of them.
//!
//! One row, so that every change of it is one batch that knows what it changes: a password that is burnt and set anew at
//! the same time ends as one of both. What makes and checks hashes is in `hasher.rs`.

mod codec;

#[cfg(test)]
pub(super) use codec::row_of_format_one;
pub(super) use codec::{put_exposed, read_exposed};

use super::{Argon2Cost, Exposed, ImportedHash};
use crate::accounts::hasher::HASH_OCTETS;
use crate::keys;
use std::num::NonZeroU32;
use std::sync::Arc;
use types::{AccountId, CredentialId, CredentialRef, Protocols, ScramCandidate, ScramHash, Secret, Timestamp};

/// Bytes of a salt.
pub(super) const SALT_OCTETS: usize = 16;

/// An Argon2id hash with what it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PasswordHash {
    pub(super) cost: Argon2Cost,
    pub(super) salt: [u8; SALT_OCTETS],
    pub(super) hash: Secret<[u8; HASH_OCTETS]>,
}

/// What the main password is checked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MainHash {
    /// Made here.
    Own(PasswordHash),
    /// Made by another server; replaced at the first sign-in that sends the password.
    Imported(ImportedHash),
}

/// What all passwords of an account share for one hash function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ScramSalt {
    pub(super) salt: Box<[u8]>,
    pub(super) iterations: NonZeroU32,
}

/// The SCRAM keys of one password for one hash function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct KeyPair {
    pub(super) stored_key: Secret<Vec<u8>>,
    pub(super) server_key: Secret<Vec<u8>>,
}

/// One thing for each hash function, if it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PerHash<T> {
    one: Option<T>,
    two_256: Option<T>,
    two_512: Option<T>,
}

impl<T> PerHash<T> {
    pub(super) fn of(mut make: impl FnMut(ScramHash) -> Option<T>) -> Self {
        Self { one: make(ScramHash::Sha1), two_256: make(ScramHash::Sha256), two_512: make(ScramHash::Sha512) }
    }

    pub(super) fn get(&self, hash: ScramHash) -> Option<&T> {
        match hash {
            ScramHash::Sha1 => self.one.as_ref(),
            ScramHash::Sha256 => self.two_256.as_ref(),
            ScramHash::Sha512 => self.two_512.as_ref(),
        }
    }

    pub(super) fn is_complete(&self) -> bool {
        ScramHash::ALL.into_iter().all(|hash| self.get(hash).is_some())
    }

    /// Those that it is there for.
    pub(super) fn hashes(&self) -> Vec<ScramHash> {
        ScramHash::ALL.into_iter().filter(|hash| self.get(*hash).is_some()).collect()
    }
}

/// The main password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Main {
    /// The version that it came with.
    pub(super) since: u64,
    pub(super) hash: MainHash,
    pub(super) keys: PerHash<KeyPair>,
    pub(super) exposed: Option<Exposed>,
}

/// An app password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct App {
    pub(super) id: CredentialId,
    /// The version that it came with.
    pub(super) since: u64,
    /// The device, in its owner's words.
    pub(super) name: Box<str>,
    pub(super) scope: Protocols,
    pub(super) created: Timestamp,
    pub(super) expires: Option<Timestamp>,
    /// A fast hash: what is guessed has too many possibilities for that to matter.
    pub(super) hash: Secret<[u8; HASH_OCTETS]>,
    pub(super) keys: PerHash<KeyPair>,
    pub(super) exposed: Option<Exposed>,
}

/// An account's passwords.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    /// Ascends with every change, so that nothing remembered outlives one.
    pub(super) version: u64,
    /// The main password is locked by the operator.
    pub(super) locked: bool,
    pub(super) main: Main,
    /// The main password that was exposed last and is none any more: it must not come back.
    pub(super) burnt: Option<MainHash>,
    /// Stays when a password changes: app passwords' keys are made with it, and one that never changes looks like that
    /// of a name that does not exist. Only its rounds become those of today, where no app password needs the old ones.
    pub(super) salts: PerHash<ScramSalt>,
    /// The number of the next app password.
    pub(super) next: u32,
    pub(super) apps: Vec<App>,
}

impl Credential {
    /// A new account's.
    pub(super) fn new(hash: MainHash, keys: PerHash<KeyPair>, salts: PerHash<ScramSalt>) -> Self {
        let main = Main { since: 0, hash, keys, exposed: None };
        Self { version: 0, locked: false, main, burnt: None, salts, next: 1, apps: Vec::new() }
    }

    /// The app password of a number.
    pub(super) fn app(&self, id: CredentialId) -> Option<&App> {
        self.apps.iter().find(|app| app.id == id)
    }

    /// The name of an app password.
    pub(super) fn name(&self, id: CredentialId) -> Option<Box<str>> {
        self.app(id).map(|app| app.name.clone())
    }

    /// The password of a number as it is now.
    pub(super) fn current(&self, id: CredentialId) -> Option<CredentialRef> {
        let version = match id {
            CredentialId::MAIN => self.main.since,
            id => self.app(id)?.since,
        };
        Some(CredentialRef { id, version })
    }

    /// What is known of the password of a number having been sent in clear.
    pub(super) fn exposed(&self, id: CredentialId) -> Option<&Exposed> {
        match id {
            CredentialId::MAIN => self.main.exposed.as_ref(),
            id => self.app(id)?.exposed.as_ref(),
        }
    }

    /// All passwords that were sent in clear.
    pub(super) fn all_exposed(&self) -> impl Iterator<Item = (CredentialId, &Exposed)> {
        let main = self.main.exposed.as_ref().map(|exposed| (CredentialId::MAIN, exposed));
        let apps = self.apps.iter().filter_map(|app| Some((app.id, app.exposed.as_ref()?)));
        main.into_iter().chain(apps)
    }

    /// The keys of all passwords that have some for a hash function.
    pub(super) fn candidates(&self, hash: ScramHash) -> Arc<[ScramCandidate]> {
        let main = self.main.keys.get(hash).map(|keys| (CredentialId::MAIN, self.main.since, keys));
        let apps = self.apps.iter().filter_map(|app| Some((app.id, app.since, app.keys.get(hash)?)));
        let candidate = |(id, version, keys): (CredentialId, u64, &KeyPair)| ScramCandidate {
            credential: CredentialRef { id, version },
            stored_key: keys.stored_key.clone(),
            server_key: keys.server_key.clone(),
        };
        main.into_iter().chain(apps).map(candidate).collect()
    }
}

impl super::Directory {
    /// An account's passwords.
    pub(super) async fn credential(&self, account: AccountId) -> Result<Option<Credential>, super::DirectoryError> {
        Ok(super::cache::get_parsed(&self.cache, keys::credential(account), Credential::decode).await?)
    }

    /// The same from the store itself, for what decides whether somebody gets in or stays: a cache may be told late of
    /// what another process wrote.
    pub(super) async fn credential_now(&self, account: AccountId) -> Result<Option<Credential>, super::DirectoryError> {
        let row = self.engine.get(&keys::credential(account)).await?;
        Ok(row.map(|row| Credential::decode(&row).ok_or_else(super::cache::damaged)).transpose()?)
    }
}
