//! A password that arrives in clear is burnt: it is known to whoever listened.
//!
//! It is checked at the same cost whoever it is said to be from and whatever comes of it, and nothing is returned: so no
//! session can answer differently. What follows, if it was right, happens behind the answer, whose time tells nothing
//! either. What comes in clear is counted apart from other failures, right or wrong: neither does the count tell, nor
//! does a badly set-up device slow down its owner's others.

use super::cache::damaged;
use super::credential::{App, Credential, Main};
use super::hasher::Offered;
use super::notice::{self, Notice, NoticeId, put_notice};
use super::sign_in::Named;
use super::{ATTEMPTS, Directory, DirectoryError, OnCleartext, Origin, app_password};
use crate::keys::{self, DIRECTORY};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store_kv::{Batch, Scan};
use tokio::sync::watch;
use types::{AccountId, Address, CredentialId, CredentialRef, MailProtocol, Secret, Timestamp, prepare_password};

/// How long before a lock its owner is reminded.
pub const REMIND_BEFORE: Duration = Duration::from_hours(24);
/// How much is kept, in bytes, of what a program says it is.
pub const PROGRAM_MAX: usize = 200;

/// How a password was sent in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposed {
    /// When.
    pub at: Timestamp,
    /// From where.
    pub peer: Option<IpAddr>,
    /// To which protocol.
    pub protocol: MailProtocol,
    /// By which program, in its own words, at most [`PROGRAM_MAX`] bytes.
    pub program: Option<Box<str>>,
    /// By which mechanism or command.
    pub mechanism: Box<str>,
    /// From when on it signs nobody in; `None` where it is only told.
    pub lock_at: Option<Timestamp>,
}

/// A password that was sent in clear and is still there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExposedInfo {
    /// Whose.
    pub account: AccountId,
    /// The account's main address.
    pub address: Address,
    /// Which password.
    pub credential: CredentialId,
    /// The app password's name; `None` for the main one.
    pub name: Option<Box<str>>,
    /// How.
    pub exposed: Exposed,
}

impl Directory {
    /// Takes notice of a password that came in clear; see the module.
    pub async fn exposed(self: &Arc<Self>, name: &str, password: &Secret<String>, origin: &Origin<'_>) {
        if let Err(error) = self.look_at(name, password, origin).await {
            tracing::error!(error = &error as &dyn std::error::Error, "cannot check a password that came in clear");
        }
    }

    async fn look_at(
        self: &Arc<Self>,
        name: &str,
        raw: &Secret<String>,
        origin: &Origin<'_>,
    ) -> Result<(), DirectoryError> {
        let (key, named) = self.named(name).await?;
        let (now, peer) = (self.clock.now(), origin.peer);
        if !self.throttle.wait(peer, &key, now).is_zero() || !self.clear.wait(peer, &key, now).is_zero() {
            return Ok(());
        }
        self.clear.failed(peer, &key, true, now);
        // What can be no password is checked all the same, against nothing, for the time that takes.
        let (password, named) = match prepare_password(raw.expose().as_bytes()) {
            Ok(password) => (password, named),
            Err(_) => (Secret::new(String::from("-")), None),
        };
        let secret = self.secret().await?;
        let account = named.as_ref().map_or(super::FIRST_ACCOUNT, |named| named.account);
        let app = app_password::hash(secret.expose(), account, &password);
        let app = named.as_ref().and_then(|named| app_password::find(&named.credential, &app));
        let hash = named.as_ref().map(|named| named.credential.main.hash.clone());
        let turn = self.hasher.turn_for(hash.as_ref(), origin.prefix()).await?;
        let offered = Offered { raw: raw.clone(), prepared: password };
        let is_main = self.hasher.check(turn, offered, hash).await?;
        let right = app.or(is_main.then_some(CredentialId::MAIN));
        if let Some((named, right)) = named.zip(right) {
            self.burn_later(&named, right, origin);
        }
        Ok(())
    }

    /// Burns a password in the background, once.
    fn burn_later(self: &Arc<Self>, named: &Named, id: CredentialId, origin: &Origin<'_>) {
        let Some(credential) = named.credential.current(id) else { return };
        let Some(guard) = Burning::begin(self, named.account, id) else { return };
        let program = origin.program.map(|program| {
            let end = program.floor_char_boundary(PROGRAM_MAX.min(program.len()));
            program.get(..end).unwrap_or_default().into()
        });
        let exposed = Exposed {
            at: self.clock.now(),
            peer: origin.peer,
            protocol: origin.protocol,
            program,
            mechanism: origin.mechanism.into(),
            lock_at: None,
        };
        let (account, address) = (named.account, named.address.clone());
        tokio::spawn(async move {
            let directory = Arc::clone(&guard.directory);
            match directory.burn(account, credential, exposed).await {
                Ok(Some(exposed)) => {
                    directory.exposed_count.fetch_add(1, Ordering::Relaxed);
                    tell(&address, id, &exposed);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(%address, error = &error as &dyn std::error::Error, "a password that came in clear is not burnt");
                }
            }
            drop(guard);
        });
    }

    /// Marks a password as exposed, if it is still the one that was sent and was not exposed before, together with its
    /// notices. Yields what was written.
    pub(super) async fn burn(
        &self,
        account: AccountId,
        credential: CredentialRef,
        exposed: Exposed,
    ) -> Result<Option<Exposed>, DirectoryError> {
        let lock_at = self.lock_at(account, credential.id, exposed.at).await?;
        let exposed = Exposed { lock_at, ..exposed };
        for _ in 0..ATTEMPTS {
            let (stored, old) = match self.credential_for_update(account).await {
                Err(DirectoryError::NoSuchAccount) => return Ok(None),
                other => other?,
            };
            // Set anew, removed, or burnt already: nothing to do.
            if old.current(credential.id) != Some(credential) || !is_news(old.exposed(credential.id), &exposed) {
                return Ok(None);
            }
            let mut batch = Batch::new(DIRECTORY);
            let name = old.name(credential.id);
            forget_reminder(&mut batch, account, credential.id, old.exposed(credential.id));
            put_notices(&mut batch, account, credential.id, name, &exposed);
            if self.credential_put(account, stored, mark(old, credential.id, &exposed), batch).await? {
                return Ok(Some(exposed));
            }
        }
        Err(DirectoryError::Busy)
    }

    /// From when on an exposed password is locked: an app password at once, the main one as it is set.
    async fn lock_at(
        &self,
        account: AccountId,
        credential: CredentialId,
        at: Timestamp,
    ) -> Result<Option<Timestamp>, DirectoryError> {
        if credential != CredentialId::MAIN {
            return Ok(Some(at));
        }
        Ok(match self.settings(account).await?.on_cleartext {
            OnCleartext::Burn => Some(at),
            OnCleartext::Grace => Some(at.after(self.options.grace)),
            OnCleartext::Warn => None,
        })
    }

    /// Waits until what came in clear before is burnt, if it was right. A clean stop waits for it, and so does every
    /// sign-in with a right password.
    pub async fn settled(&self, account: Option<AccountId>) {
        let mut changed = self.burning.changed.subscribe();
        while self.burning.is_busy(account) {
            if changed.changed().await.is_err() {
                return;
            }
        }
    }

    /// How many passwords were burnt since the start.
    pub fn exposed_count(&self) -> u64 {
        self.exposed_count.load(Ordering::Relaxed)
    }

    /// Passwords that were sent in clear and are still there, by account.
    pub async fn exposed_list(&self, limit: usize) -> Result<Vec<ExposedInfo>, DirectoryError> {
        let mut scan = Scan::prefix(&keys::all_exposed());
        scan.limit.rows = limit.max(1);
        let mut all = Vec::new();
        for (key, _) in self.engine.scan(&scan).await?.rows {
            let (account, id) = keys::exposed_of(&key).ok_or_else(damaged)?;
            let (row, credential) = (self.account_row(account).await?, self.credential(account).await?);
            let Some((row, credential)) = row.zip(credential) else { continue };
            let Some(exposed) = credential.exposed(id).cloned() else { continue };
            let name = credential.name(id);
            all.push(ExposedInfo { account, address: row.address, credential: id, name, exposed });
        }
        Ok(all)
    }
}

/// Whether an exposure says more than what is known: the first, or a later one that locks earlier, because the operator
/// wants it so since.
fn is_news(known: Option<&Exposed>, exposed: &Exposed) -> bool {
    let (Some(known), Some(lock_at)) = (known, exposed.lock_at) else { return known.is_none() };
    // One that came in before what is known is no news: another process noted it by a slower clock.
    known.lock_at.is_none_or(|known_lock| lock_at < known_lock && exposed.at >= known.at)
}

fn mark(old: Credential, id: CredentialId, exposed: &Exposed) -> Credential {
    if id == CredentialId::MAIN {
        return Credential { main: Main { exposed: Some(exposed.clone()), ..old.main }, ..old };
    }
    let mark = |app: App| if app.id == id { App { exposed: Some(exposed.clone()), ..app } } else { app };
    Credential { apps: old.apps.into_iter().map(mark).collect(), ..old }
}

/// When the owner is to be reminded, if there is time enough for that to make sense.
fn reminder_due(exposed: &Exposed) -> Option<Timestamp> {
    let due = exposed.lock_at?.before(REMIND_BEFORE);
    (due > exposed.at).then_some(due)
}

fn put_notices(batch: &mut Batch, account: AccountId, id: CredentialId, name: Option<Box<str>>, exposed: &Exposed) {
    batch.put(keys::exposed(account, id), bytes::Bytes::new());
    if let Some(due) = reminder_due(exposed) {
        let reminder = Notice::ExposedReminder { name: name.clone(), exposed: exposed.clone() };
        put_notice(batch, due, account, id, &reminder);
    }
    put_notice(batch, exposed.at, account, id, &Notice::Exposed { name, exposed: exposed.clone() });
}

/// Puts into a batch that a password is no more: nobody need be reminded of it.
pub(super) fn forget(batch: &mut Batch, account: AccountId, credential: CredentialId, exposed: Option<&Exposed>) {
    if exposed.is_some() {
        batch.delete(keys::exposed(account, credential));
    }
    forget_reminder(batch, account, credential, exposed);
}

fn forget_reminder(batch: &mut Batch, account: AccountId, credential: CredentialId, exposed: Option<&Exposed>) {
    if let Some(due) = exposed.and_then(reminder_due) {
        batch.delete(keys::notice(NoticeId { due, account, credential, kind: notice::REMINDER }));
    }
}

fn tell(address: &Address, credential: CredentialId, exposed: &Exposed) {
    let Exposed { peer, protocol, program, mechanism, lock_at, .. } = exposed;
    let peer = peer.map_or_else(String::new, |peer| peer.to_string());
    let program = program.as_deref().unwrap_or_default();
    let what = match lock_at {
        Some(_) => "a right password came in clear and is burnt",
        None => "a right password came in clear, its owner is told",
    };
    tracing::warn!(%address, %credential, peer, %protocol, ?program, %mechanism, "{what}");
}

/// What is being burnt.
pub(super) struct Burns {
    open: Mutex<HashMap<AccountId, Vec<CredentialId>>>,
    changed: watch::Sender<()>,
}

impl Burns {
    pub(super) fn new() -> Self {
        Self { open: Mutex::default(), changed: watch::Sender::new(()) }
    }

    fn is_busy(&self, account: Option<AccountId>) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        account.map_or_else(|| !open.is_empty(), |account| open.contains_key(&account))
    }
}

/// One of them; ends with it, also by a panic.
struct Burning {
    directory: Arc<Directory>,
    account: AccountId,
    credential: CredentialId,
}

impl Burning {
    /// `None` if it is under way already.
    fn begin(directory: &Arc<Directory>, account: AccountId, credential: CredentialId) -> Option<Self> {
        let mut open = directory.burning.open.lock().unwrap_or_else(PoisonError::into_inner);
        let of_account = open.entry(account).or_default();
        if of_account.contains(&credential) {
            return None;
        }
        of_account.push(credential);
        drop(open);
        Some(Self { directory: Arc::clone(directory), account, credential })
    }
}

impl Drop for Burning {
    fn drop(&mut self) {
        let burns = &self.directory.burning;
        let mut open = burns.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(of_account) = open.get_mut(&self.account) {
            of_account.retain(|credential| *credential != self.credential);
            if of_account.is_empty() {
                open.remove(&self.account);
            }
        }
        drop(open);
        burns.changed.send_replace(());
    }
}
