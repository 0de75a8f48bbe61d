//! What is kept of a password, and how it is checked: Argon2id for who sends it, SCRAM keys for who proves it.

use super::{DirectoryError, random};
use crate::keys;
use crate::row::{RowReader, RowWriter};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{digest, hmac, pbkdf2};
use bytes::Bytes;
use std::num::NonZeroU32;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use tokio::sync::Semaphore;
use types::{AccountId, ScramKeys, Secret};

/// Memory of one Argon2id hash in KiB, as OWASP recommends for two passes and one lane.
pub const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
pub const ARGON2_PASSES: u32 = 2;
/// PBKDF2 rounds of SCRAM-SHA-256 keys. RFC 7677 §4 wants at least 4096; a stolen store is as strong as this. Cyrus SASL,
/// which mbsync, mutt and many others sign in with, refuses a server that asks for more than 65,536.
pub const SCRAM_ITERATIONS: NonZeroU32 = match NonZeroU32::new(65_536) {
    Some(rounds) => rounds,
    None => NonZeroU32::MAX,
};

/// Bytes of a salt.
const SALT_OCTETS: usize = 16;
/// Bytes of a hash and of a key.
const HASH_OCTETS: usize = 32;

const FORMAT: u8 = 1;

/// What one Argon2id hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2Cost {
    /// Memory in KiB, at least 8.
    pub memory_kib: u32,
    /// Passes, at least 1.
    pub passes: u32,
}

impl Default for Argon2Cost {
    fn default() -> Self {
        Self { memory_kib: ARGON2_MEMORY_KIB, passes: ARGON2_PASSES }
    }
}

/// An Argon2id hash with what it was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct PasswordHash {
    pub(super) cost: Argon2Cost,
    pub(super) salt: [u8; SALT_OCTETS],
    pub(super) hash: Secret<[u8; HASH_OCTETS]>,
}

/// An account's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    /// Ascends with every change, so that nothing remembered outlives one.
    pub(super) version: u64,
    pub(super) locked: bool,
    pub(super) hash: PasswordHash,
    pub(super) scram: ScramKeys,
}

impl Credential {
    pub(super) fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 192);
        row.number(self.version);
        row.byte(u8::from(self.locked));
        row.number(u64::from(self.hash.cost.memory_kib));
        row.number(u64::from(self.hash.cost.passes));
        row.raw(&self.hash.salt);
        row.raw(self.hash.hash.expose());
        row.number(u64::from(self.scram.iterations.get()));
        row.bytes(&self.scram.salt);
        row.bytes(self.scram.stored_key.expose());
        row.bytes(self.scram.server_key.expose());
        row.finish()
    }

    pub(super) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let (version, locked) = (row.number()?, row.byte()? != 0);
        let cost = Argon2Cost { memory_kib: row.number32()?, passes: row.number32()? };
        let hash = PasswordHash { cost, salt: row.array()?, hash: Secret::new(row.array()?) };
        let iterations = NonZeroU32::new(row.number32()?)?;
        let salt = row.bytes()?.into();
        let mut key = || row.bytes().map(|key| Secret::new(key.to_vec()));
        let scram = ScramKeys { salt, iterations, stored_key: key()?, server_key: key()? };
        row.end().map(|()| Self { version, locked, hash, scram })
    }
}

/// Makes and checks hashes, a bounded number at once, off the threads that serve connections.
pub(super) struct Hasher {
    cost: Argon2Cost,
    iterations: NonZeroU32,
    pool: Arc<Semaphore>,
    /// What the password of a name that does not exist is checked against: never right, and just as costly.
    dummy: PasswordHash,
}

/// The right to check one password.
pub(super) struct Turn(tokio::sync::OwnedSemaphorePermit);

impl Hasher {
    pub(super) fn new(cost: Argon2Cost, iterations: NonZeroU32, concurrent: usize) -> Result<Self, DirectoryError> {
        // Refused now rather than at the first sign-in.
        params(cost)?;
        let dummy = PasswordHash { cost, salt: random()?, hash: Secret::new(random()?) };
        Ok(Self { cost, iterations, pool: Arc::new(Semaphore::new(concurrent.max(1))), dummy })
    }

    /// Makes all that is kept of a new password (prepared).
    pub(super) async fn make(&self, password: Secret<String>) -> Result<Credential, DirectoryError> {
        let turn = self.turn().await?;
        let (cost, iterations) = (self.cost, self.iterations);
        let (salt, scram_salt) = (random()?, random::<SALT_OCTETS>()?);
        run(turn, move || {
            let hash = PasswordHash { cost, salt, hash: derive(&password, &salt, cost)? };
            let scram = derive_scram_keys(&password, &scram_salt, iterations);
            Ok(Credential { version: 0, locked: false, hash, scram })
        })
        .await
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self) -> Result<Turn, DirectoryError> {
        let turn = Arc::clone(&self.pool).acquire_owned().await;
        turn.map(Turn).map_err(|closed| DirectoryError::System(closed.to_string().into()))
    }

    /// Whether a password (prepared) is the one of this hash; `None` stands for a name that does not exist.
    pub(super) async fn check(
        &self,
        turn: Turn,
        password: Secret<String>,
        hash: Option<PasswordHash>,
    ) -> Result<bool, DirectoryError> {
        let is_real = hash.is_some();
        let stored = hash.unwrap_or_else(|| self.dummy.clone());
        run(turn, move || {
            let derived = derive(&password, &stored.salt, stored.cost)?;
            Ok(bool::from(derived.expose().ct_eq(stored.hash.expose())) && is_real)
        })
        .await
    }
}

async fn run<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, DirectoryError> + Send + 'static,
) -> Result<T, DirectoryError> {
    let ran = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(turn.0);
        result
    });
    ran.await.unwrap_or_else(|error| Err(DirectoryError::System(error.to_string().into())))
}

fn params(cost: Argon2Cost) -> Result<Params, DirectoryError> {
    Params::new(cost.memory_kib, cost.passes, 1, Some(HASH_OCTETS)).map_err(system)
}

fn system(error: argon2::Error) -> DirectoryError {
    DirectoryError::System(error.to_string().into())
}

fn derive(
    password: &Secret<String>,
    salt: &[u8],
    cost: Argon2Cost,
) -> Result<Secret<[u8; HASH_OCTETS]>, DirectoryError> {
    let mut hash = [0; HASH_OCTETS];
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params(cost)?);
    argon2.hash_password_into(password.expose().as_bytes(), salt, &mut hash).map_err(system)?;
    Ok(Secret::new(hash))
}

/// The SCRAM-SHA-256 keys of a password (prepared), RFC 5802 §3.
pub(super) fn derive_scram_keys(password: &Secret<String>, salt: &[u8], iterations: NonZeroU32) -> ScramKeys {
    let mut salted = vec![0; HASH_OCTETS];
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, salt, password.expose().as_bytes(), &mut salted);
    let salted = Secret::new(salted);
    let salted = hmac::Key::new(hmac::HMAC_SHA256, salted.expose());
    let client_key = Secret::new(hmac::sign(&salted, b"Client Key").as_ref().to_vec());
    let stored_key = Secret::new(digest::digest(&digest::SHA256, client_key.expose()).as_ref().to_vec());
    let server_key = Secret::new(hmac::sign(&salted, b"Server Key").as_ref().to_vec());
    ScramKeys { salt: salt.into(), iterations, stored_key, server_key }
}

/// Keys for a name that does not exist: always the same for the same name, and nobody can prove to have their password.
pub(super) fn made_up_scram_keys(secret: &[u8; 32], name: &str, iterations: NonZeroU32) -> ScramKeys {
    let part = |label: &str| {
        let mut hasher = blake3::Hasher::new_keyed(secret);
        hasher.update(label.as_bytes()).update(name.as_bytes());
        hasher.finalize().as_bytes().to_vec()
    };
    let salt = part("salt").into_iter().take(SALT_OCTETS).collect();
    let (stored_key, server_key) = (Secret::new(part("stored")), Secret::new(part("server")));
    ScramKeys { salt, iterations, stored_key, server_key }
}

impl super::Directory {
    /// An account's credential.
    pub(super) async fn credential(&self, account: AccountId) -> Result<Option<Credential>, DirectoryError> {
        Ok(super::cache::get_parsed(&self.cache, keys::credential(account), Credential::decode).await?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1 };

    fn password(text: &str) -> Secret<String> {
        Secret::new(text.into())
    }

    #[tokio::test]
    async fn a_password_is_its_own_hash_and_no_other() {
        let hasher = Hasher::new(COST, NonZeroU32::MIN, 2).unwrap();
        let made = hasher.make(password("tinte")).await.unwrap();
        assert_eq!(Credential::decode(&made.encode()).as_ref(), Some(&made));
        for (text, hash, right) in [
            ("tinte", Some(made.hash.clone()), true),
            ("Tinte", Some(made.hash.clone()), false),
            ("tinte", None, false),
        ] {
            let turn = hasher.turn().await.unwrap();
            assert_eq!(hasher.check(turn, password(text), hash).await.unwrap(), right, "{text}");
        }
    }

    #[test]
    fn scram_keys_are_those_of_the_rfc() {
        // RFC 7677 §3: the keys that its example proves, checked by the server signature's own steps in `proto-sasl`.
        let salt = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let keys = derive_scram_keys(&password("pencil"), &salt, NonZeroU32::new(4096).unwrap());
        let hex = |bytes: &[u8]| blake3::Hash::from_slice(bytes).unwrap().to_hex().to_string();
        assert_eq!(hex(keys.stored_key.expose()), "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6");
    }

    #[test]
    fn made_up_keys_are_the_same_each_time_and_differ_by_name() {
        let keys = |name| made_up_scram_keys(&[7; 32], name, NonZeroU32::MIN);
        assert_eq!(keys("ann"), keys("ann"));
        assert_ne!(keys("ann").salt, keys("bob").salt);
        assert_eq!(keys("ann").salt.len(), SALT_OCTETS);
    }

    #[test]
    fn a_cost_that_cannot_be_is_refused_at_once() {
        let cost = Argon2Cost { memory_kib: 1, passes: 1 };
        assert!(Hasher::new(cost, NonZeroU32::MIN, 1).is_err());
    }
}
