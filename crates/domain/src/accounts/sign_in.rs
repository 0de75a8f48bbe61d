//! Who somebody is that signs in. A name that does not exist takes the same time and gets the same answers as a wrong
//! password.

use super::credential::{Credential, ScramSalt};
use super::hasher::{Offered, made_up_candidate, salt_of};
use super::rows::{AccountState, AddressRow};
use super::{ATTEMPTS, Directory, DirectoryError, FIRST_ACCOUNT, MainPassword, app_password, random};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use store_kv::Batch;
use types::{
    AccountId, Address, AddressPrefix, CredentialId, CredentialRef, MailProtocol, ScramHash, ScramKeys, Secret,
    Timestamp, prepare_password,
};

const FORMAT: u8 = 1;

/// Where a sign-in comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The other end; `None` for a program on this machine, whose failures are not counted.
    pub peer: Option<IpAddr>,
    /// The protocol that is signed in to.
    pub protocol: MailProtocol,
    /// The program, as it says itself: by IMAP's ID, by EHLO.
    pub program: Option<&'a str>,
    /// The SASL mechanism, or the protocol's own command.
    pub mechanism: &'a str,
}

impl Origin<'_> {
    /// What failures are counted under.
    pub(super) fn prefix(&self) -> Option<AddressPrefix> {
        self.peer.map(AddressPrefix::of)
    }
}

/// What somebody offers.
#[derive(Clone, Copy, Debug)]
pub enum Proof<'a> {
    /// The password itself.
    Password(&'a Secret<String>),
    /// What the SCRAM exchange came to, with the keys that [`Directory::scram_keys`] gave: which password was proved;
    /// `None` if none was.
    Scram(Option<CredentialRef>),
}

/// Somebody who is who he says he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// Whose account.
    pub account: AccountId,
    /// Its main address.
    pub address: Address,
    /// By which of its passwords, in which version: what [`Directory::standing`] is asked with.
    pub credential: CredentialRef,
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
    /// The password is right, but locked by the operator.
    #[error("this password is locked")]
    Locked,
    /// The password is right, but was sent in clear and is locked for that, or its time is over.
    #[error("this password is not valid any more")]
    Expired,
    /// The password is right, but not for this protocol.
    #[error("this password is not for this protocol")]
    NotPermitted,
    /// A fault of ours.
    #[error(transparent)]
    Fault(#[from] DirectoryError),
}

/// Whom a name names, if anybody.
pub(super) struct Named {
    pub(super) account: AccountId,
    pub(super) address: Address,
    pub(super) credential: Credential,
}

impl Directory {
    /// Checks who somebody is.
    pub async fn sign_in(&self, name: &str, proof: Proof<'_>, origin: &Origin<'_>) -> Result<SignIn, SignInError> {
        let (key, named) = self.named(name).await?;
        let prefix = origin.prefix();
        self.admit(prefix, &key)?;
        let right = match proof {
            // What was proved must still be it.
            Proof::Scram(proved) => {
                let is_current = |named: &&Named| proved.is_some_and(|p| named.credential.current(p.id) == Some(p));
                named.as_ref().filter(is_current).and(proved)
            }
            Proof::Password(password) => self.which_is(password, named.as_ref(), prefix, &key).await?,
        };
        let Some((named, right)) = named.zip(right) else {
            self.throttle.failed(prefix, &key, self.clock.now());
            return Err(SignInError::Denied);
        };
        self.judge(named, right, origin).await
    }

    /// What becomes of somebody whose password is right.
    async fn judge(&self, named: Named, right: CredentialRef, origin: &Origin<'_>) -> Result<SignIn, SignInError> {
        let Named { account, address, .. } = named;
        self.settled(Some(account)).await;
        // It may have been locked, burnt or set anew while this one waited for its turn.
        let anew = self.credential_now(account).await?.filter(|anew| anew.current(right.id) == Some(right));
        let credential = anew.ok_or(SignInError::Denied)?;
        let now = self.clock.now();
        let app = credential.app(right.id);
        if app.is_none() && credential.locked {
            return Err(SignInError::Locked);
        }
        let is_burnt = credential.exposed(right.id).is_some_and(|exposed| exposed.is_locked(now));
        if is_burnt || app.is_some_and(|app| app.is_over(now)) {
            return Err(SignInError::Expired);
        }
        let permitted = match app {
            Some(app) => app.scope.contains(origin.protocol),
            None => self.settings(account).await?.main_password == MainPassword::Everywhere,
        };
        if !permitted {
            return Err(SignInError::NotPermitted);
        }
        Ok(SignIn { account, address, credential: right })
    }

    /// The keys to check a SCRAM proof with; made-up ones, always the same, for a name that does not exist.
    pub async fn scram_keys(&self, name: &str, hash: ScramHash, origin: &Origin<'_>) -> Result<ScramKeys, SignInError> {
        let (key, named) = self.named(name).await?;
        self.admit(origin.prefix(), &key)?;
        let secret = self.secret().await?;
        // An account whose keys for this hash are not made yet is like a name that does not exist.
        let key = named.as_ref().map_or(key, |named| counted_name(&named.address));
        let made_up = made_up_candidate(secret.expose(), hash, &key);
        let made_up_salt = salt_of(secret.expose(), hash, &key, self.options.scram_iterations);
        let stored = named.and_then(|named| {
            let candidates = named.credential.candidates(hash);
            named.credential.salts.get(hash).cloned().map(|salt| (salt, candidates))
        });
        let (ScramSalt { salt, iterations }, candidates) = stored.unwrap_or_else(|| (made_up_salt, Arc::from([])));
        let candidates = if candidates.is_empty() { Arc::from([made_up]) } else { candidates };
        Ok(ScramKeys { salt, iterations, candidates })
    }

    fn admit(&self, peer: Option<AddressPrefix>, key: &str) -> Result<(), SignInError> {
        let retry = self.throttle.wait(peer, key, self.clock.now());
        if retry.is_zero() { Ok(()) } else { Err(SignInError::Throttled { retry }) }
    }

    /// Which of somebody's passwords this is.
    async fn which_is(
        &self,
        raw: &Secret<String>,
        named: Option<&Named>,
        peer: Option<AddressPrefix>,
        key: &str,
    ) -> Result<Option<CredentialRef>, SignInError> {
        let prepared = prepare_password(raw.expose().as_bytes());
        // What can be no password is checked all the same, against nothing, for the time that takes.
        let (password, possible) = match prepared {
            Ok(password) => (password, true),
            Err(_) => (Secret::new(String::from("-")), false),
        };
        let named = named.filter(|_| possible);
        if app_password::has_form(&password) {
            let account = named.map_or(FIRST_ACCOUNT, |named| named.account);
            let hash = app_password::hash(self.secret().await?.expose(), account, &password);
            let found = named.and_then(|named| named.credential.current(app_password::find(&named.credential, &hash)?));
            if found.is_some() {
                return Ok(found);
            }
        }
        let main = named.and_then(|named| named.credential.current(CredentialId::MAIN));
        let entry = named.map(|n| self.verified.entry(n.account, n.credential.version, &password));
        let is_known = |now: Timestamp| entry.is_some_and(|entry| self.verified.is_known(entry, now));
        if is_known(self.clock.now()) {
            return Ok(main);
        }
        let hash = named.map(|named| named.credential.main.hash.clone());
        let turn = self.hasher.turn_for(hash.as_ref()).await?;
        // Many may have waited for this turn: those of one device that opened all its connections at once, which are
        // known by now, or a guesser, who has used up his failures by now.
        if is_known(self.clock.now()) {
            return Ok(main);
        }
        self.admit(peer, key)?;
        let offered = Offered { raw: raw.clone(), prepared: password.clone() };
        if !self.hasher.check(turn, offered, hash).await? {
            return Ok(None);
        }
        if let Some(entry) = entry {
            self.verified.remember(entry, self.clock.now());
        }
        if let Some((named, main)) = named.zip(main)
            && let Err(error) = self.bring_up_to_date(named, main, &password).await
        {
            // The next sign-in tries again; this one is right all the same.
            tracing::warn!(account = %named.account, error = &error as &dyn std::error::Error, "hash or SCRAM keys are not made");
        }
        Ok(main)
    }

    /// The account that a name to sign in with names, if it is in use.
    pub async fn account_of_name(&self, name: &str) -> Result<Option<AccountId>, DirectoryError> {
        Ok(self.named(name).await?.1.map(|named| named.account))
    }

    /// Whom a name names, and the name in the form in which failures are counted.
    pub(super) async fn named(&self, name: &str) -> Result<(String, Option<Named>), DirectoryError> {
        let full = match &self.options.default_domain {
            Some(domain) if !name.contains('@') => format!("{name}@{domain}"),
            _ => name.to_owned(),
        };
        let Ok(address) = Address::parse(&full) else { return Ok((full.to_lowercase(), None)) };
        let key = counted_name(&address);
        let Some(AddressRow::Account(account)) = self.address_row(&address).await? else { return Ok((key, None)) };
        let (row, credential) = (self.account_row(account).await?, self.credential(account).await?);
        let named = row.zip(credential).filter(|(row, _)| row.state == AccountState::Active);
        Ok((key, named.map(|(row, credential)| Named { account, address: row.address, credential })))
    }

    /// The secret that made-up keys come from; made at its first use.
    pub(super) async fn secret(&self) -> Result<Secret<[u8; 32]>, DirectoryError> {
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

/// An address in the form in which failures are counted, and from which what is made up is made.
pub(super) fn counted_name(address: &Address) -> String {
    format!("{}@{}", address.canonical_local(), address.domain())
}
