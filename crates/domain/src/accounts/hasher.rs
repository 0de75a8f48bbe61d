//! Makes and checks password hashes, a bounded number at once, off the threads that serve connections: Argon2id for who
//! sends a password, SCRAM keys for who proves it.

use super::credential::{KeyPair, MainHash, PasswordHash, PerHash, SALT_OCTETS, ScramSalt};
use super::turns::{Figures, Overloaded, Turn, Turns};
use super::{DirectoryError, random};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;
use std::sync::Arc;
use subtle::ConstantTimeEq;
use types::{AddressPrefix, CredentialId, CredentialRef, ScramCandidate, ScramHash, Secret};

/// Memory of one Argon2id hash in KiB, as OWASP recommends for two passes and one lane.
pub const ARGON2_MEMORY_KIB: u32 = 19 * 1024;
/// Passes over it.
pub const ARGON2_PASSES: u32 = 2;
/// PBKDF2 rounds of SCRAM keys. RFC 7677 §4 wants at least 4096; a stolen store is as strong as this. Cyrus SASL, which
/// mbsync, mutt and many others sign in with, refuses a server that asks for more than 65,536.
pub const SCRAM_ITERATIONS: NonZeroU32 = match NonZeroU32::new(65_536) {
    Some(rounds) => rounds,
    None => NonZeroU32::MAX,
};

/// Most passwords that are checked at once.
const CONCURRENT_MAX: u32 = 1024;

/// Bytes of an Argon2id hash.
pub(super) const HASH_OCTETS: usize = 32;

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

/// A password that somebody sent.
#[derive(Clone)]
pub(super) struct Offered {
    /// As it came: other servers hashed it so.
    pub(super) raw: Secret<String>,
    /// As ours are made of it.
    pub(super) prepared: Secret<String>,
}

pub(super) struct Hasher {
    cost: Argon2Cost,
    /// A turn for each [`Argon2Cost`] of memory.
    turns: Arc<Turns>,
    concurrent: u32,
    /// What the password of a name that does not exist is checked against: never right, and just as costly.
    dummy: PasswordHash,
}

impl Hasher {
    pub(super) fn new(cost: Argon2Cost, concurrent: usize, waiting_max: usize) -> Result<Self, DirectoryError> {
        // Refused now rather than at the first sign-in.
        params(cost)?;
        let dummy = PasswordHash { cost, salt: random()?, hash: Secret::new(random()?) };
        let concurrent = u32::try_from(concurrent).unwrap_or(u32::MAX).clamp(1, CONCURRENT_MAX);
        Ok(Self { cost, turns: Turns::new(concurrent, waiting_max), concurrent, dummy })
    }

    /// Makes all that is kept of a new password (prepared).
    pub(super) async fn make(
        &self,
        password: Secret<String>,
        salts: PerHash<ScramSalt>,
    ) -> Result<(PasswordHash, PerHash<KeyPair>), DirectoryError> {
        let turn = self.turn(None).await?;
        let (cost, salt) = (self.cost, random()?);
        run(turn, move || {
            let hash = PasswordHash { cost, salt, hash: derive(&password, &salt, cost)? };
            Ok((hash, derive_all_keys(&password, &salts)))
        })
        .await
    }

    /// Makes the SCRAM keys of a password (prepared) for those salts that there are.
    pub(super) async fn make_keys(
        &self,
        password: Secret<String>,
        salts: PerHash<ScramSalt>,
    ) -> Result<PerHash<KeyPair>, DirectoryError> {
        let turn = self.turn(None).await?;
        run(turn, move || Ok(derive_all_keys(&password, &salts))).await
    }

    /// Waits for a turn.
    pub(super) async fn turn(&self, peer: Option<AddressPrefix>) -> Result<Turn, Overloaded> {
        self.turns.turn(peer, 1).await
    }

    pub(super) fn figures(&self) -> Figures {
        self.turns.figures()
    }

    /// Waits for a turn to check a password against this hash. An imported one takes as many as its memory needs, all if
    /// there are not so many: then it is checked alone.
    pub(super) async fn turn_for(
        &self,
        hash: Option<&MainHash>,
        peer: Option<AddressPrefix>,
    ) -> Result<Turn, Overloaded> {
        let Some(MainHash::Imported(hash)) = hash else { return self.turn(peer).await };
        let turns = hash.memory_kib().div_ceil(self.cost.memory_kib).clamp(1, self.concurrent);
        self.turns.turn(peer, turns).await
    }

    /// Whether a password is the one of this hash; `None` stands for a name that does not exist.
    ///
    /// A password that is wrong costs an Argon2id in any case, so that an account whose imported hash is cheap is not told
    /// from a name that does not exist. One whose hash is dearer takes longer, until its first sign-in.
    pub(super) async fn check(
        &self,
        turn: Turn,
        offered: Offered,
        hash: Option<MainHash>,
    ) -> Result<bool, DirectoryError> {
        let dummy = self.dummy.clone();
        run(turn, move || {
            let (stored, is_real) = match hash {
                Some(MainHash::Own(hash)) => (hash, true),
                Some(MainHash::Imported(hash)) if hash.is_of(&offered.raw) => return Ok(true),
                Some(MainHash::Imported(_)) | None => (dummy, false),
            };
            let derived = derive(&offered.prepared, &stored.salt, stored.cost)?;
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
        drop(turn);
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

fn derive_all_keys(password: &Secret<String>, salts: &PerHash<ScramSalt>) -> PerHash<KeyPair> {
    PerHash::of(|hash| salts.get(hash).map(|salt| derive_keys(hash, password, salt)))
}

/// The SCRAM keys of a password (prepared), RFC 5802 §3.
pub(super) fn derive_keys(hash: ScramHash, password: &Secret<String>, salt: &ScramSalt) -> KeyPair {
    let (rounds, mac, plain) = match hash {
        ScramHash::Sha1 => {
            (pbkdf2::PBKDF2_HMAC_SHA1, hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &digest::SHA1_FOR_LEGACY_USE_ONLY)
        }
        ScramHash::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, hmac::HMAC_SHA256, &digest::SHA256),
        ScramHash::Sha512 => (pbkdf2::PBKDF2_HMAC_SHA512, hmac::HMAC_SHA512, &digest::SHA512),
    };
    let mut salted = vec![0; plain.output_len()];
    pbkdf2::derive(rounds, salt.iterations, &salt.salt, password.expose().as_bytes(), &mut salted);
    let salted = Secret::new(salted);
    let salted = hmac::Key::new(mac, salted.expose());
    let client_key = Secret::new(hmac::sign(&salted, b"Client Key").as_ref().to_vec());
    let stored_key = Secret::new(digest::digest(plain, client_key.expose()).as_ref().to_vec());
    let server_key = Secret::new(hmac::sign(&salted, b"Server Key").as_ref().to_vec());
    KeyPair { stored_key, server_key }
}

/// What is made up, always the same for the same name: a name that does not exist must look like one that does.
struct MadeUp<'a> {
    secret: &'a [u8; 32],
    hash: ScramHash,
    name: &'a str,
}

impl MadeUp<'_> {
    fn part(&self, part: &str, octets: usize) -> Vec<u8> {
        let mut hasher = blake3::Hasher::new_keyed(self.secret);
        // SHA-256 was there first, when there was no need to name the hash.
        let label = match self.hash {
            ScramHash::Sha1 => "sha-1 ",
            ScramHash::Sha256 => "",
            ScramHash::Sha512 => "sha-512 ",
        };
        hasher.update(label.as_bytes()).update(part.as_bytes()).update(self.name.as_bytes());
        let mut bytes = vec![0; octets];
        hasher.finalize_xof().fill(&mut bytes);
        bytes
    }
}

/// The salt of a name: that of its account, and just so of a name that has none.
pub(super) fn salt_of(secret: &[u8; 32], hash: ScramHash, name: &str, iterations: NonZeroU32) -> ScramSalt {
    let salt = MadeUp { secret, hash, name }.part("salt", SALT_OCTETS);
    ScramSalt { salt: salt.into(), iterations }
}

/// Keys that nobody can prove to have the password of.
pub(super) fn made_up_candidate(secret: &[u8; 32], hash: ScramHash, name: &str) -> ScramCandidate {
    let made_up = MadeUp { secret, hash, name };
    let octets = match hash {
        ScramHash::Sha1 => 20,
        ScramHash::Sha256 => 32,
        ScramHash::Sha512 => 64,
    };
    let key = |label| Secret::new(made_up.part(label, octets));
    let credential = CredentialRef { id: CredentialId::MAIN, version: 0 };
    ScramCandidate { credential, stored_key: key("stored"), server_key: key("server") }
}

#[cfg(test)]
mod tests {
    use super::*;

    const COST: Argon2Cost = Argon2Cost { memory_kib: 8, passes: 1 };
    const ROUNDS: NonZeroU32 = NonZeroU32::MIN;

    fn password(text: &str) -> Secret<String> {
        Secret::new(text.into())
    }

    #[tokio::test]
    async fn a_password_is_its_own_hash_and_no_other() {
        let hasher = Hasher::new(COST, 2, 8).unwrap();
        let salts = PerHash::of(|hash| Some(salt_of(&[7; 32], hash, "ann", ROUNDS)));
        let (made, keys) = hasher.make(password("tinte"), salts).await.unwrap();
        assert!(ScramHash::ALL.into_iter().all(|hash| keys.get(hash).is_some()));
        for (text, hash, right) in
            [("tinte", Some(made.clone()), true), ("Tinte", Some(made.clone()), false), ("tinte", None, false)]
        {
            let turn = hasher.turn(None).await.unwrap();
            assert_eq!(
                hasher
                    .check(turn, Offered { raw: password(text), prepared: password(text) }, hash.map(MainHash::Own))
                    .await
                    .unwrap(),
                right,
                "{text}"
            );
        }
    }

    #[test]
    fn scram_keys_are_those_of_the_rfcs() {
        // RFC 5802 §5 and RFC 7677 §3: the keys that their examples prove, checked by the server signature's own steps
        // in `proto-sasl`. For SHA-512 there is no example.
        let sha_1 = [0x41, 0x25, 0xc2, 0x47, 0xe4, 0x3a, 0xb1, 0xe9, 0x3c, 0x6d, 0xff, 0x76];
        let sha_256 = [0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36, 0xfa, 0x81];
        let stored = |hash, salt: &[u8]| {
            let salt = ScramSalt { salt: salt.into(), iterations: NonZeroU32::new(4096).unwrap() };
            let keys = derive_keys(hash, &password("pencil"), &salt);
            keys.stored_key.expose().iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
        };
        assert_eq!(stored(ScramHash::Sha1, &sha_1), "e9d94660c39d65c38fbad91c358f14da0eef2bd6");
        let expected = "586e5df283e6dceb5c3e791d8b8528ec191e664045ce971792e2e6b5bb13e2a6";
        assert_eq!(stored(ScramHash::Sha256, &sha_256), expected);
        assert_eq!(stored(ScramHash::Sha512, &sha_256).len(), 128);
    }

    #[test]
    fn made_up_keys_are_the_same_each_time_and_differ_by_name_and_hash() {
        let keys = |hash, name| (salt_of(&[7; 32], hash, name, ROUNDS), made_up_candidate(&[7; 32], hash, name));
        let mut salts = std::collections::HashSet::new();
        for (hash, octets) in ScramHash::ALL.into_iter().zip([20, 32, 64]) {
            assert_eq!(keys(hash, "ann"), keys(hash, "ann"));
            let (salt, candidate) = keys(hash, "ann");
            assert_eq!((salt.salt.len(), candidate.stored_key.expose().len()), (SALT_OCTETS, octets));
            assert!(salts.insert(salt.salt) && salts.insert(keys(hash, "bob").0.salt));
        }
    }

    #[test]
    fn a_cost_that_cannot_be_is_refused_at_once() {
        let cost = Argon2Cost { memory_kib: 1, passes: 1 };
        assert!(Hasher::new(cost, 1, 8).is_err());
    }
}
