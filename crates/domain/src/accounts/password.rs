//! New passwords, locks, and whether a session may go on.

use super::cache::damaged;
use super::credential::{Credential, Main, MainHash, PerHash, ScramSalt};
use super::exposure;
use super::hasher::{Offered, salt_of};
use super::sign_in::Named;
use super::{ATTEMPTS, AccountState, Directory, DirectoryError, Exposed, ImportedHash};
use crate::keys::{self, DIRECTORY};
use bytes::Bytes;
use store_kv::{Batch, Space};
use tokio::sync::watch;
use types::{AccountId, Address, CredentialId, CredentialRef, Secret, prepare_password};

/// How many channels tell of changes: sessions of accounts that share one are woken for nothing now and then.
pub(super) const REVOCATION_CHANNELS: usize = 64;

/// Whether a session may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    Good,
    /// The account was removed.
    AccountRemoved,
    /// The password that it signed in with was changed or removed, or its time is over. (One that is burnt does not end sessions: in one of
    /// them its owner reads the letter that says so.)
    PasswordReplaced,
}

impl Directory {
    /// Gives an account a new main password and unlocks it. Sessions that the old one opened end. One that was sent in
    /// clear cannot be set again.
    pub async fn password_set(&self, address: &Address, password: &Secret<String>) -> Result<(), DirectoryError> {
        let raw = password.clone();
        let password = prepare_password(raw.expose().as_bytes())?;
        let (account, row) = self.account_at(address).await?;
        let mut made = None;
        let mut differs_from = Vec::new();
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            // Looked at again when others were faster: they may have burnt it.
            let exposed = old.main.exposed.as_ref().map(|_| old.main.hash.clone());
            for burnt in exposed.iter().chain(&old.burnt) {
                if !differs_from.contains(burnt) {
                    let turn = self.hasher.turn_for(Some(burnt), None).await?;
                    let offered = Offered { raw: raw.clone(), prepared: password.clone() };
                    if self.hasher.check(turn, offered, Some(burnt.clone())).await? {
                        return Err(DirectoryError::SamePassword);
                    }
                    differs_from.push(burnt.clone());
                }
            }
            let salts = self.renewed_salts(&old, &row.address).await?;
            // Made again only if somebody else changed the salts meanwhile.
            let (hash, keys) = match made.take() {
                Some((with, before)) if with == salts => before,
                _ => self.hasher.make(password.clone(), salts.clone()).await?,
            };
            made = Some((salts.clone(), (hash.clone(), keys.clone())));
            let mut batch = Batch::new(DIRECTORY);
            exposure::forget(&mut batch, account, CredentialId::MAIN, old.main.exposed.as_ref());
            let main = Main { since: old.version + 1, hash: MainHash::Own(hash), keys, exposed: None };
            let new = Credential { main, salts, locked: false, burnt: exposed.or(old.burnt), ..old };
            if self.credential_put(account, stored, new, batch).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Locks an account's main password, or unlocks it. A locked one signs nobody in; who is signed in stays so.
    pub async fn password_lock(&self, address: &Address, locked: bool) -> Result<(), DirectoryError> {
        let (account, _) = self.account_at(address).await?;
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            let new = Credential { locked, ..old };
            if self.credential_put(account, stored, new, Batch::new(DIRECTORY)).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Makes what is missing of a main password that just was right: our hash in place of an imported one, SCRAM keys.
    pub(super) async fn bring_up_to_date(
        &self,
        named: &Named,
        credential: CredentialRef,
        password: &Secret<String>,
    ) -> Result<(), DirectoryError> {
        let Named { account, address, credential: stored } = named;
        match &stored.main.hash {
            MainHash::Imported(_) => self.rehash(*account, address, credential, password).await,
            MainHash::Own(_) if stored.main.keys.is_complete() => Ok(()),
            MainHash::Own(_) => self.keys_add(*account, address, credential, password).await,
        }
    }

    /// Puts our hash and keys in the place of an imported hash, in one batch. It is no change of the password.
    async fn rehash(
        &self,
        account: AccountId,
        address: &Address,
        credential: CredentialRef,
        password: &Secret<String>,
    ) -> Result<(), DirectoryError> {
        let mut made = None;
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            let is_imported = matches!(old.main.hash, MainHash::Imported(_));
            if !is_imported || old.current(CredentialId::MAIN) != Some(credential) {
                return Ok(());
            }
            let salts = self.complete_salts(&old.salts, address).await?;
            let (hash, keys) = match made.take() {
                Some((with, before)) if with == salts => before,
                _ => self.hasher.make(password.clone(), salts.clone()).await?,
            };
            made = Some((salts.clone(), (hash.clone(), keys.clone())));
            let main = Main { hash: MainHash::Own(hash), keys, ..old.main };
            let new = Credential { main, salts, ..old };
            if self.credential_put(account, stored, new, Batch::new(DIRECTORY)).await? {
                tracing::info!(%address, "an imported password hash is replaced by ours");
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Gives an account the hash of its main password that another server made, and unlocks it. Sessions that the old
    /// password opened end, SCRAM works from the first sign-in on that sends the password.
    ///
    /// # Errors
    /// [`DirectoryError::HashOfBurnt`] if its password was sent in clear: no hash tells whether it is that one again.
    pub async fn password_set_hash(&self, address: &Address, hash: &ImportedHash) -> Result<(), DirectoryError> {
        let (account, row) = self.account_at(address).await?;
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            if old.main.exposed.is_some() || old.burnt.is_some() {
                return Err(DirectoryError::HashOfBurnt);
            }
            let salts = self.renewed_salts(&old, &row.address).await?;
            let (hash, keys) = (MainHash::Imported(hash.clone()), PerHash::of(|_| None));
            let main = Main { since: old.version + 1, hash, keys, exposed: None };
            let new = Credential { main, salts, locked: false, ..old };
            if self.credential_put(account, stored, new, Batch::new(DIRECTORY)).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Writes SCRAM keys that were made from a password that just was right. It is no change of the password.
    pub(super) async fn keys_add(
        &self,
        account: AccountId,
        address: &Address,
        credential: CredentialRef,
        password: &Secret<String>,
    ) -> Result<(), DirectoryError> {
        for _ in 0..ATTEMPTS {
            let (stored, old) = self.credential_for_update(account).await?;
            if old.current(CredentialId::MAIN) != Some(credential) {
                return Ok(());
            }
            let salts = self.complete_salts(&old.salts, address).await?;
            let missing = PerHash::of(|hash| match old.main.keys.get(hash) {
                Some(_) => None,
                None => salts.get(hash).cloned(),
            });
            let made = self.hasher.make_keys(password.clone(), missing).await?;
            let keys = PerHash::of(|hash| old.main.keys.get(hash).or(made.get(hash)).cloned());
            let new = Credential { salts, main: Main { keys, ..old.main }, ..old };
            if self.credential_put(account, stored, new, Batch::new(DIRECTORY)).await? {
                return Ok(());
            }
        }
        Err(DirectoryError::Busy)
    }

    /// Whether a session that signed in with this password of this account may go on.
    pub async fn standing(&self, account: AccountId, credential: CredentialRef) -> Result<Standing, DirectoryError> {
        if self.state_of(account).await? != AccountState::Active {
            return Ok(Standing::AccountRemoved);
        }
        let Some(stored) = self.credential_now(account).await? else { return Ok(Standing::AccountRemoved) };
        let is_same = stored.current(credential.id) == Some(credential) || self.is_bound(account, credential).await?;
        let is_over = stored.app(credential.id).is_some_and(|app| app.is_over(self.clock.now()));
        Ok(if is_same && !is_over { Standing::Good } else { Standing::PasswordReplaced })
    }

    /// Moves when something of an account's passwords is changed or removed by this process, or the account itself, or
    /// those of a few others: a session waits for it beside its socket and then asks [`Directory::standing`].
    pub fn revocations(&self, account: AccountId) -> watch::Receiver<u64> {
        self.revocations.of(account).subscribe()
    }

    /// All salts of an account: those that there are, the others as they always were for its name.
    pub(super) async fn complete_salts(
        &self,
        salts: &PerHash<ScramSalt>,
        address: &Address,
    ) -> Result<PerHash<ScramSalt>, DirectoryError> {
        let (secret, name) = (self.secret().await?, super::sign_in::counted_name(address));
        let iterations = self.options.scram_iterations;
        Ok(PerHash::of(|hash| {
            let made_up = || salt_of(secret.expose(), hash, &name, iterations);
            Some(salts.get(hash).cloned().unwrap_or_else(made_up))
        }))
    }

    /// All salts of an account that gets a new main password: with the rounds of today where no app password's keys depend
    /// on those that there were. So rounds of earlier days, which some programs refuse and which tell a name that exists
    /// from one that does not, go with the password that they were made for.
    async fn renewed_salts(&self, old: &Credential, address: &Address) -> Result<PerHash<ScramSalt>, DirectoryError> {
        let salts = self.complete_salts(&old.salts, address).await?;
        let is_needed = |hash| old.apps.iter().any(|app| app.keys.get(hash).is_some());
        Ok(PerHash::of(|hash| match salts.get(hash)?.clone() {
            salt if is_needed(hash) => Some(salt),
            salt => Some(ScramSalt { iterations: self.options.scram_iterations, ..salt }),
        }))
    }

    /// An account's passwords as they stand in the store, and the row that [`Directory::credential_put`] depends on.
    pub(super) async fn credential_for_update(
        &self,
        account: AccountId,
    ) -> Result<(Bytes, Credential), DirectoryError> {
        let stored = self.engine.get(&keys::credential(account)).await?.ok_or(DirectoryError::NoSuchAccount)?;
        let credential = Credential::decode(&stored).ok_or_else(damaged)?;
        Ok((stored, credential))
    }

    /// Writes an account's passwords together with what is in the batch, in their next version, and tells who is signed in
    /// to look. `false` asks to decide anew, because somebody else was faster.
    pub(super) async fn credential_put(
        &self,
        account: AccountId,
        stored: Bytes,
        new: Credential,
        mut batch: Batch,
    ) -> Result<bool, DirectoryError> {
        let key = keys::credential(account);
        let version = new.version + 1;
        // A password is burnt, locked and changed also while the disk is nearly full. The row is small and bounded.
        batch.space = Space::Frees;
        batch.put(key.clone(), Credential { version, ..new }.encode());
        batch.expect(key, Some(stored));
        let is_done = self.commit(batch).await?;
        if is_done {
            self.revocations.tell(account);
        }
        Ok(is_done)
    }
}

/// The channels that tell sessions to look.
pub(super) struct Revocations([watch::Sender<u64>; REVOCATION_CHANNELS]);

impl Revocations {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| watch::Sender::new(0)))
    }

    fn of(&self, account: AccountId) -> &watch::Sender<u64> {
        let place = usize::try_from(account.0).unwrap_or(0) % REVOCATION_CHANNELS;
        let Self([first, ..]) = self;
        self.0.get(place).unwrap_or(first)
    }

    pub(super) fn tell(&self, account: AccountId) {
        self.of(account).send_modify(|count| *count = count.wrapping_add(1));
    }
}

impl Exposed {
    /// Whether it signs nobody in any more.
    pub fn is_locked(&self, now: types::Timestamp) -> bool {
        self.lock_at.is_some_and(|lock_at| lock_at <= now)
    }
}
