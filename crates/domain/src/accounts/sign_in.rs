//! Who somebody is that signs in. A name that does not exist takes the same time and gets the same answers as a wrong
//! password.

use super::credential::{Credential, ScramSalt};
use super::hasher::{Offered, made_up_candidate, salt_of};
use super::rows::{AccountState, AddressRow};
use super::turns::Overloaded;
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
    /// The connection's number, for the log.
    pub connection: u64,
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
    /// Too many passwords are being checked now: temporary.
    #[error("too many passwords are being checked")]
    Busy,
    /// A fault of ours.
    #[error(transparent)]
    Fault(#[from] DirectoryError),
}

impl From<Overloaded> for SignInError {
    fn from(_: Overloaded) -> Self {
        Self::Busy
    }
}

/// Where somebody comes from, as guesses are counted.
#[derive(Clone, Copy)]
struct Whence<'a> {
    peer: Option<IpAddr>,
    /// The account signs in from there at times.
    is_familiar: bool,
    /// The name in the form in which failures are counted.
    name: &'a str,
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
        let from = self.whence(&key, named.as_ref(), origin).await?;
        let checked = match self.admit(from) {
            Ok(()) => self.which(proof, named.as_ref(), from).await,
            Err(throttled) => Err(throttled),
        };
        if matches!(checked, Err(SignInError::Throttled { .. })) {
            self.count_failure(origin.peer).await;
        }
        let right = checked?;
        let Some((named, right)) = named.zip(right) else {
            self.throttle.failed(from.peer, &key, from.is_familiar, self.clock.now());
            self.count_failure(origin.peer).await;
            return Err(SignInError::Denied);
        };
        let signed_in = self.judge(named, right, origin).await?;
        self.note_sign_in(signed_in.account, origin.peer).await;
        Ok(signed_in)
    }

    /// Which of somebody's passwords is proved, if any.
    async fn which(
        &self,
        proof: Proof<'_>,
        named: Option<&Named>,
        from: Whence<'_>,
    ) -> Result<Option<CredentialRef>, SignInError> {
        match proof {
            Proof::Scram(proved) => {
                // What was proved must still be it.
                let is_current =
                    |proved: &CredentialRef| named.and_then(|n| n.credential.current(proved.id)) == Some(*proved);
                let right = proved.filter(is_current);
                // Whoever may not guess now may not be told either whether he guessed right.
                if right.is_none_or(|right| right.id == CredentialId::MAIN) {
                    self.admit_guess(from)?;
                }
                Ok(right)
            }
            Proof::Password(password) => self.which_is(password, named, from).await,
        }
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
        let from = self.whence(&key, named.as_ref(), origin).await?;
        self.admit(from)?;
        // An app password is not to be guessed: it is made of chance. So it is good also while others guess.
        let apps_only = self.admit_guess(from).is_err();
        let secret = self.secret().await?;
        // An account whose keys for this hash are not made yet is like a name that does not exist.
        let key = named.as_ref().map_or(key, |named| counted_name(&named.address));
        let made_up = made_up_candidate(secret.expose(), hash, &key);
        let made_up_salt = salt_of(secret.expose(), hash, &key, self.options.scram_iterations);
        let stored = named.and_then(|named| {
            let mut candidates = named.credential.candidates(hash);
            if apps_only {
                let apps = candidates.iter().filter(|candidate| candidate.credential.id != CredentialId::MAIN);
                candidates = apps.cloned().collect();
            }
            named.credential.salts.get(hash).cloned().map(|salt| (salt, candidates))
        });
        let (ScramSalt { salt, iterations }, candidates) = stored.unwrap_or_else(|| (made_up_salt, Arc::from([])));
        let candidates = if candidates.is_empty() { Arc::from([made_up]) } else { candidates };
        Ok(ScramKeys { salt, iterations, candidates })
    }

    async fn whence<'a>(
        &self,
        name: &'a str,
        named: Option<&Named>,
        origin: &Origin<'_>,
    ) -> Result<Whence<'a>, DirectoryError> {
        let is_familiar = match (named, origin.peer) {
            (Some(named), Some(peer)) => self.is_familiar(named.account, peer).await?,
            _ => false,
        };
        Ok(Whence { peer: origin.peer, is_familiar, name })
    }

    /// Whether this place may try this name at all.
    fn admit(&self, from: Whence<'_>) -> Result<(), SignInError> {
        let retry = self.throttle.wait(from.peer, from.name, self.clock.now());
        if retry.is_zero() { Ok(()) } else { Err(SignInError::Throttled { retry }) }
    }

    /// Whether it may try what can be guessed, while others guess from elsewhere.
    fn admit_guess(&self, from: Whence<'_>) -> Result<(), SignInError> {
        if from.is_familiar {
            return Ok(());
        }
        let retry = self.throttle.wait_stranger(from.peer, from.name, self.clock.now());
        if retry.is_zero() { Ok(()) } else { Err(SignInError::Throttled { retry }) }
    }

    /// Which of somebody's passwords this is.
    async fn which_is(
        &self,
        raw: &Secret<String>,
        named: Option<&Named>,
        from: Whence<'_>,
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
        self.admit_guess(from)?;
        let main = named.and_then(|named| named.credential.current(CredentialId::MAIN));
        let entry = named.map(|n| self.verified.entry(n.account, n.credential.version, &password));
        let is_known = |now: Timestamp| entry.is_some_and(|entry| self.verified.is_known(entry, now));
        if is_known(self.clock.now()) {
            return Ok(main);
        }
        let hash = named.map(|named| named.credential.main.hash.clone());
        let turn = self.hasher.turn_for(hash.as_ref(), from.peer.map(AddressPrefix::of)).await?;
        // Many may have waited for this turn: those of one device that opened all its connections at once, which are
        // known by now, or a guesser, who has used up his failures by now.
        if is_known(self.clock.now()) {
            return Ok(main);
        }
        self.admit(from)?;
        self.admit_guess(from)?;
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
