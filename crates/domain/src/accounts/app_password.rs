//! App passwords: made by the server, one for each device, limited to protocols and in time.
//!
//! They have so much chance in them that a fast hash keeps them, so that a sign-in costs no Argon2id for each of them. What
//! has not their form is never looked for among them.

use super::credential::{App, Credential};
use super::exposure::forget;
use super::{ATTEMPTS, Directory, DirectoryError, Exposed, random};
use crate::keys::DIRECTORY;
use store_kv::Batch;
use subtle::ConstantTimeEq;
use types::{AccountId, Address, CredentialId, Protocols, SCRAM_CANDIDATES_MAX, ScramHash, Secret, Timestamp};

/// Most app passwords of one account.
pub const APP_PASSWORDS_MAX: usize = SCRAM_CANDIDATES_MAX - 1;
/// Longest name of an app password in bytes.
pub const APP_PASSWORD_NAME_MAX: usize = 64;

/// What an app password is written with: small letters and digits, without those that look like others.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Groups of characters.
const GROUPS: usize = 5;
/// Characters of a group: five bits each, a hundred in all.
const GROUP: usize = 4;
/// Characters of an app password, the dashes included.
const LENGTH: usize = GROUPS * (GROUP + 1) - 1;

/// What a new app password shall be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAppPassword {
    /// The device, in its owner's words: no other app password of the account has this name.
    pub name: String,
    /// What it signs in to.
    pub scope: Protocols,
    /// When it ends.
    pub expires: Option<Timestamp>,
}

/// An app password that was just made; nobody can ask for it again.
#[derive(Debug)]
pub struct MadeAppPassword {
    /// Its number.
    pub credential: CredentialId,
    /// The password.
    pub password: Secret<String>,
}

/// One of an account's passwords, as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordInfo {
    /// Its number; 0 is the main one.
    pub credential: CredentialId,
    /// Its name; `None` for the main one.
    pub name: Option<Box<str>>,
    /// What it signs in to.
    pub scope: Protocols,
    /// Since when there is an app password.
    pub created: Option<Timestamp>,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// How it was sent in clear.
    pub exposed: Option<Exposed>,
    /// Whether it signs nobody in now: locked by the operator, burnt, or past its end.
    pub locked: bool,
    /// What SCRAM has keys of it for. The others are made at the next sign-in that sends it.
    pub scram: Vec<ScramHash>,
}

impl Directory {
    /// Makes an app password. What is returned is shown to its owner and then forgotten.
    pub async fn app_password_add(
        &self,
        address: &Address,
        new: NewAppPassword,
    ) -> Result<MadeAppPassword, DirectoryError> {
        let name = new.name.trim();
        if name.is_empty() || name.len() > APP_PASSWORD_NAME_MAX || name.chars().any(char::is_control) {
            return Err(DirectoryError::PasswordName);
        }
        let (account, row) = self.account_at(address).await?;
        let secret = self.secret().await?;
        let password = generate()?;
        let hash = hash(secret.expose(), account, &password);
        let mut made = None;
        let created = self.clock.now();
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            if old.apps.len() >= APP_PASSWORDS_MAX {
                return Err(DirectoryError::TooManyPasswords);
            }
            if old.apps.iter().any(|app| &*app.name == name) {
                return Err(DirectoryError::AlreadyExists);
            }
            let salts = self.complete_salts(&old.salts, &row.address).await?;
            // Made again only if somebody else changed the salts meanwhile.
            let keys = match made.take() {
                Some((with, before)) if with == salts => before,
                _ => self.hasher.make_keys(password.clone(), salts.clone()).await?,
            };
            made = Some((salts.clone(), keys.clone()));
            let (id, since) = (CredentialId(old.next), old.version + 1);
            let next = old.next.checked_add(1).ok_or(DirectoryError::TooManyPasswords)?;
            let NewAppPassword { scope, expires, .. } = new;
            let app =
                App { id, since, name: name.into(), scope, created, expires, hash: hash.clone(), keys, exposed: None };
            let mut credential = Credential { salts, next, ..old };
            credential.apps.push(app);
            if self.credential_put(account, stored, credential, Batch::new(DIRECTORY)).await? {
                return Ok(MadeAppPassword { credential: id, password });
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Removes an app password; sessions that it opened end.
    pub async fn app_password_remove(&self, address: &Address, credential: CredentialId) -> Result<(), DirectoryError> {
        let (account, _) = self.account_at(address).await?;
        for _ in 0..ATTEMPTS {
            let (stored, mut old) = self.credential_for_update(account).await?;
            let place = old.apps.iter().position(|app| app.id == credential);
            let app = old.apps.remove(place.ok_or(DirectoryError::NoSuchPassword)?);
            let mut batch = Batch::new(DIRECTORY);
            forget(&mut batch, account, credential, app.exposed.as_ref());
            if self.credential_put(account, stored, old, batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// An account's passwords, the main one first.
    pub async fn password_list(&self, address: &Address) -> Result<Vec<PasswordInfo>, DirectoryError> {
        let (account, _) = self.account_at(address).await?;
        let credential = self.credential(account).await?.ok_or(DirectoryError::NoSuchAccount)?;
        let now = self.clock.now();
        let is_locked = |exposed: Option<&Exposed>| exposed.is_some_and(|exposed| exposed.is_locked(now));
        let main = PasswordInfo {
            credential: CredentialId::MAIN,
            name: None,
            scope: Protocols::ALL,
            created: None,
            expires: None,
            exposed: credential.main.exposed.clone(),
            locked: credential.locked || is_locked(credential.main.exposed.as_ref()),
            scram: credential.main.keys.hashes(),
        };
        let app = |app: &App| PasswordInfo {
            credential: app.id,
            name: Some(app.name.clone()),
            scope: app.scope,
            created: Some(app.created),
            expires: app.expires,
            exposed: app.exposed.clone(),
            locked: is_locked(app.exposed.as_ref()) || app.is_over(now),
            scram: app.keys.hashes(),
        };
        Ok(std::iter::once(main).chain(credential.apps.iter().map(app)).collect())
    }
}

impl App {
    /// Whether its time is over.
    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }
}

/// What is kept of an app password.
pub(super) fn hash(secret: &[u8; 32], account: AccountId, password: &Secret<String>) -> Secret<[u8; 32]> {
    let mut hasher = blake3::Hasher::new_keyed(secret);
    hasher.update(b"app password\0").update(&account.0.to_be_bytes()).update(password.expose().as_bytes());
    Secret::new(*hasher.finalize().as_bytes())
}

/// Which app password has this hash. All are looked at, whichever it is.
pub(super) fn find(credential: &Credential, hash: &Secret<[u8; 32]>) -> Option<CredentialId> {
    let mut found = None;
    for app in &credential.apps {
        if bool::from(app.hash.expose().ct_eq(hash.expose())) {
            found = Some(app.id);
        }
    }
    found
}

/// Whether a password can be an app password.
pub(super) fn has_form(password: &Secret<String>) -> bool {
    let bytes = password.expose().as_bytes();
    let is_right = |(place, byte): (usize, &u8)| match place % (GROUP + 1) {
        GROUP => *byte == b'-',
        _ => ALPHABET.contains(byte),
    };
    bytes.len() == LENGTH && bytes.iter().enumerate().all(is_right)
}

fn generate() -> Result<Secret<String>, DirectoryError> {
    let chance = Secret::new(random::<{ GROUPS * GROUP }>()?);
    // Room for all of it, so that the string never moves and leaves a copy behind.
    let mut password = String::with_capacity(LENGTH);
    for (place, byte) in chance.expose().iter().enumerate() {
        if place > 0 && place % GROUP == 0 {
            password.push('-');
        }
        // 32 characters: each has the same chance.
        let character = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
        password.push(char::from(character));
    }
    Ok(Secret::new(password))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_has_the_form_and_other_passwords_have_not() {
        let made = generate().unwrap();
        assert!(has_form(&made) && made.expose().len() == LENGTH);
        assert_ne!(made.expose(), generate().unwrap().expose());
        for other in ["tinte", "abcd-abcd-abcd-abcd-abc", "abcd-abcd-abcd-abcd-abcl", "abcdeabcd-abcd-abcd-abcd"] {
            assert!(!has_form(&Secret::new(other.into())), "{other}");
        }
        assert!(has_form(&Secret::new("abcd-abcd-abcd-abcd-ab2k".into())));
        let distinct: std::collections::HashSet<_> = ALPHABET.iter().collect();
        assert_eq!(distinct.len(), 32);
    }
}
