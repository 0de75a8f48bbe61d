//! Who somebody is that signs in. A name that does not exist takes the same time and gets the same answers as a wrong
//! password.

use super::credential::{Credential, made_up_scram_keys};
use super::rows::{AccountState, AddressRow};
use super::{ATTEMPTS, Directory, DirectoryError, random};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use std::time::Duration;
use store_kv::Batch;
use types::{AccountId, Address, AddressPrefix, ScramHash, ScramKeys, Secret, Timestamp, prepare_password};

const FORMAT: u8 = 1;

/// What somebody offers.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// The password itself.
    Password(&'a Secret<String>),
    /// What the SCRAM exchange came to, with the keys that [`Directory::scram_keys`] gave: `true` if it was proved.
    Scram(bool),
}

/// Somebody who is who he says he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Whose account.
    pub account: AccountId,
    /// Its main address.
    pub address: Address,
}

/// Why nobody was signed in.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignInError {
    /// Name or password are wrong; which one is nobody's business.
    #[error("wrong name or password")]
    Denied,
    /// Too many failures from this address.
    #[error("too many failed attempts, wait {retry:?}")]
    Throttled {
        /// When it may try again.
        retry: Duration,
    },
    /// The password is right, but locked.
    #[error("this password is locked")]
    Locked,
    /// A fault of ours.
    #[error(transparent)]
    Fault(#[from] DirectoryError),
}

/// Whom a name names, if anybody.
struct Named {
    account: AccountId,
    address: Address,
    credential: Credential,
}

impl Directory {
    /// Checks who somebody is. `peer` is where from, for counting failures; `None` for a program on this machine.
    pub async fn sign_in(
        &self,
        name: &str,
        proof: Proof<'_>,
        peer: Option<AddressPrefix>,
    ) -> Result<SignIn, SignInError> {
        let (key, named) = self.named(name).await?;
        self.admit(peer, &key)?;
        let right = match proof {
            Proof::Scram(proved) => proved && named.is_some(),
            Proof::Password(password) => self.is_right(password, named.as_ref(), peer, &key).await?,
        };
        match named {
            Some(named) if right && named.credential.locked => Err(SignInError::Locked),
            Some(Named { account, address, .. }) if right => Ok(SignIn { account, address }),
            _ => {
                self.throttle.failed(peer, &key, self.clock.now());
                Err(SignInError::Denied)
            }
        }
    }

    /// The keys to check a SCRAM proof with; made-up ones, always the same, for a name that does not exist.
    pub async fn scram_keys(
        &self,
        name: &str,
        hash: ScramHash,
        peer: Option<AddressPrefix>,
    ) -> Result<ScramKeys, SignInError> {
        let ScramHash::Sha256 = hash;
        let (key, named) = self.named(name).await?;
        self.admit(peer, &key)?;
        let secret = self.secret().await?;
        let made_up = made_up_scram_keys(secret.expose(), &key, self.options.scram_iterations);
        Ok(named.map_or(made_up, |named| named.credential.scram))
    }

    fn admit(&self, peer: Option<AddressPrefix>, key: &str) -> Result<(), SignInError> {
        let retry = self.throttle.wait(peer, key, self.clock.now());
        if retry.is_zero() { Ok(()) } else { Err(SignInError::Throttled { retry }) }
    }

    async fn is_right(
        &self,
        raw: &Secret<String>,
        named: Option<&Named>,
        peer: Option<AddressPrefix>,
        key: &str,
    ) -> Result<bool, SignInError> {
        let prepared = prepare_password(raw.expose().as_bytes());
        // What can be no password is checked all the same, against nothing, for the time that takes.
        let (password, possible) = match prepared {
            Ok(password) => (password, true),
            Err(_) => (Secret::new(String::from("-")), false),
        };
        let named = named.filter(|_| possible);
        let entry = named.map(|n| self.verified.entry(n.account, n.credential.version, &password));
        let is_known = |now: Timestamp| entry.is_some_and(|entry| self.verified.is_known(entry, now));
        if is_known(self.clock.now()) {
            return Ok(true);
        }
        let turn = self.hasher.turn().await?;
        // Many may have waited for this turn: those of one device that opened all its connections at once, which are
        // known by now, or a guesser, who has used up his failures by now.
        if is_known(self.clock.now()) {
            return Ok(true);
        }
        self.admit(peer, key)?;
        let hash = named.map(|named| named.credential.hash.clone());
        let right = self.hasher.check(turn, password, hash).await?;
        if let Some(entry) = entry.filter(|_| right) {
            self.verified.remember(entry, self.clock.now());
        }
        Ok(right)
    }

    /// The account that a name to sign in with names, if it is in use.
    pub async fn account_of_name(&self, name: &str) -> Result<Option<AccountId>, DirectoryError> {
        Ok(self.named(name).await?.1.map(|named| named.account))
    }

    /// Whom a name names, and the name in the form in which failures are counted.
    async fn named(&self, name: &str) -> Result<(String, Option<Named>), DirectoryError> {
        let full = match &self.options.default_domain {
            Some(domain) if !name.contains('@') => format!("{name}@{domain}"),
            _ => name.to_owned(),
        };
        let Ok(address) = Address::parse(&full) else { return Ok((full.to_lowercase(), None)) };
        let key = format!("{}@{}", address.canonical_local(), address.domain());
        let Some(AddressRow::Account(account)) = self.address_row(&address).await? else { return Ok((key, None)) };
        let (row, credential) = (self.account_row(account).await?, self.credential(account).await?);
        let named = row.zip(credential).filter(|(row, _)| row.state == AccountState::Active);
        Ok((key, named.map(|(row, credential)| Named { account, address: row.address, credential })))
    }

    /// The secret that made-up keys come from; made at its first use.
    async fn secret(&self) -> Result<Secret<[u8; 32]>, DirectoryError> {
        let key = keys::directory_secret();
        for _ in 0..ATTEMPTS {
            if let Some(row) = self.cache.get(key.clone()).await? {
                let secret = RowReader::new(&row, FORMAT).and_then(|mut row| row.array());
                return Ok(Secret::new(secret.ok_or_else(super::cache::damaged)?));
            }
            let mut row = RowWriter::new(FORMAT, 32);
            row.raw(&random::<32>()?);
            let mut batch = Batch::new(DIRECTORY);
            batch.expect(key.clone(), None);
            batch.put(key.clone(), row.finish());
            self.commit(batch).await?;
        }
        Err(DirectoryError::Busy)
    }
}
