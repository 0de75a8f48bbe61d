//! What SCRAM keeps of passwords (RFC 5802 §3): plain data that the directory stores and the mechanism checks with.

use crate::{CredentialRef, Secret};
use std::num::NonZeroU32;
use std::sync::Arc;

/// Most passwords that one exchange can be about: an account's main one and its app passwords.
pub const SCRAM_CANDIDATES_MAX: usize = 1 + 100;

/// The hash function of a SCRAM mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScramHash {
    /// SCRAM-SHA-1 (RFC 5802), for old programs.
    Sha1,
    /// SCRAM-SHA-256 (RFC 7677).
    Sha256,
    /// SCRAM-SHA-512, a hash of the family of RFC 7677.
    Sha512,
}

impl ScramHash {
    /// All of them, the strongest last.
    pub const ALL: [Self; 3] = [Self::Sha1, Self::Sha256, Self::Sha512];
}

/// What one account's exchange is checked with. All passwords of an account share salt and rounds, so that one
/// challenge serves them all; which one the client has, its proof tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramKeys {
    /// The salt, at least 16 bytes.
    pub salt: Box<[u8]>,
    /// PBKDF2 rounds.
    pub iterations: NonZeroU32,
    /// The passwords it may be; never empty, at most [`SCRAM_CANDIDATES_MAX`].
    pub candidates: Arc<[ScramCandidate]>,
}

/// The keys of one password. Who has them can check a proof, but make none without guessing the password; they are
/// secret all the same, because `server_key` lets one pose as the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScramCandidate {
    /// Which password.
    pub credential: CredentialRef,
    /// `H(ClientKey)`.
    pub stored_key: Secret<Vec<u8>>,
    /// `HMAC(SaltedPassword, "Server Key")`.
    pub server_key: Secret<Vec<u8>>,
}

impl ScramKeys {
    /// The candidates, and then the first again and again, always [`SCRAM_CANDIDATES_MAX`]: whoever tries each of them
    /// against a proof, without stopping at the right one, tells nobody by his time how many passwords there are.
    pub fn walk(&self) -> impl Iterator<Item = &ScramCandidate> {
        let again = self.candidates.first().into_iter().cycle();
        self.candidates.iter().chain(again).take(SCRAM_CANDIDATES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CredentialId;

    #[test]
    fn a_walk_has_the_same_length_whatever_there_is() {
        for count in [1, 2, SCRAM_CANDIDATES_MAX] {
            let candidate = |id| ScramCandidate {
                credential: CredentialRef { id: CredentialId(id), version: 1 },
                stored_key: Secret::new(vec![]),
                server_key: Secret::new(vec![]),
            };
            let candidates = (0..u32::try_from(count).unwrap()).map(candidate).collect();
            let keys = ScramKeys { salt: Box::default(), iterations: NonZeroU32::MIN, candidates };
            assert_eq!(keys.walk().count(), SCRAM_CANDIDATES_MAX);
            assert!(keys.walk().take(count).eq(keys.candidates.iter()));
        }
    }
}
