//! When each password of an account was last used, by which protocol and program: so that its owner and the operator know
//! their devices, and so that whoever reads mail by POP3 and by IMAP is told once what that means.
//!
//! Nobody was promised it: it is gathered in memory and written now and then, by [`Directory::write_uses`].

use super::cache::damaged;
use super::exposure::PROGRAM_MAX;
use super::notice::{Notice, put_notice};
use super::{AccountState, Directory, DirectoryError, Notices, OnDelete, Origin, SignIn};
use crate::keys::{self, DIRECTORY};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store_kv::{Batch, CommitError, Scan, StoreError};
use types::{AccountId, Address, CredentialId, MailProtocol, Timestamp};

/// Most uses that wait to be written; what comes beyond is not remembered.
pub const USES_WAITING_MAX: usize = 50_000;
/// How far apart POP3 and IMAP may be used to count as used side by side.
pub const SIDE_BY_SIDE: Duration = Duration::from_hours(7 * 24);
/// Uses that are written in one batch.
const STEP: usize = 500;
const FORMAT: u8 = 1;

/// How a password was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastUse {
    /// When: at the sign-in, or at the end of the session.
    pub at: Timestamp,
    /// From where; `None` for a program on this machine.
    pub peer: Option<IpAddr>,
    /// By which program, in its own words, at most [`PROGRAM_MAX`] bytes.
    pub program: Option<Box<str>>,
    /// The version of TLS.
    pub tls: Option<Box<str>>,
    /// By which mechanism or command.
    pub mechanism: Box<str>,
}

/// The use of a password for a protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UseInfo {
    /// The protocol.
    pub protocol: MailProtocol,
    /// The password.
    pub credential: CredentialId,
    /// The last time.
    pub last: LastUse,
    /// How many sessions are open now.
    pub sessions: usize,
}

/// Whose password for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    account: AccountId,
    protocol: MailProtocol,
    credential: CredentialId,
}

/// What is in memory.
#[derive(Default)]
pub(super) struct Uses(Mutex<State>);

#[derive(Default)]
struct State {
    /// Sessions that are open.
    open: HashMap<Key, usize>,
    /// What is not written yet.
    waiting: HashMap<Key, LastUse>,
}

impl Uses {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn remember(&mut self, key: Key, last: &LastUse) {
        if self.waiting.len() >= USES_WAITING_MAX && !self.waiting.contains_key(&key) {
            return;
        }
        let known = self.waiting.entry(key).or_insert_with(|| last.clone());
        if known.at <= last.at {
            known.clone_from(last);
        }
    }
}

/// A session that is open. It counts as a use until it is dropped.
pub struct InUse {
    directory: Arc<Directory>,
    key: Key,
    last: LastUse,
}

impl InUse {
    /// The program has said what it is.
    pub fn set_program(&mut self, program: &str) {
        self.last.program = Some(cut(program));
        self.directory.uses.state().remember(self.key, &self.last);
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        self.last.at = self.directory.clock.now();
        let mut state = self.directory.uses.state();
        state.remember(self.key, &self.last);
        if let Some(open) = state.open.get_mut(&self.key) {
            *open = open.saturating_sub(1);
            if *open == 0 {
                state.open.remove(&self.key);
            }
        }
    }
}

impl std::fmt::Debug for InUse {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InUse").field("key", &self.key).field("last", &self.last).finish_non_exhaustive()
    }
}

fn cut(program: &str) -> Box<str> {
    program.get(..program.floor_char_boundary(PROGRAM_MAX)).unwrap_or_default().into()
}

impl LastUse {
    fn encode(&self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 64);
        row.signed(self.at.0);
        // IPv4 in its IPv6 form; the address of nobody is that of nobody.
        let peer = self.peer.map_or(Ipv6Addr::UNSPECIFIED, |peer| match peer {
            IpAddr::V4(v4) => v4.to_ipv6_mapped(),
            IpAddr::V6(v6) => v6,
        });
        row.wide(peer.to_bits());
        for text in [self.program.as_deref(), self.tls.as_deref(), Some(&*self.mechanism)] {
            row.bytes(text.unwrap_or_default().as_bytes());
        }
        row.finish()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let at = Timestamp(row.signed()?);
        let peer = Ipv6Addr::from_bits(row.wide()?);
        let peer = (!peer.is_unspecified()).then(|| IpAddr::V6(peer).to_canonical());
        let mut text = || row.text().map(Box::<str>::from);
        let (program, tls, mechanism) = (text()?, text()?, text()?);
        let some = |text: Box<str>| (!text.is_empty()).then_some(text);
        row.end().map(|()| Self { at, peer, program: some(program), tls: some(tls), mechanism })
    }
}

impl Directory {
    /// Somebody has signed in; `tls` is the version of it.
    pub fn begin_use(self: &Arc<Self>, signed_in: &SignIn, origin: &Origin<'_>, tls: Option<&str>) -> InUse {
        let key = Key { account: signed_in.account, protocol: origin.protocol, credential: signed_in.credential.id };
        let last = LastUse {
            at: self.clock.now(),
            peer: origin.peer.map(|peer| peer.to_canonical()),
            program: origin.program.map(cut),
            tls: tls.map(Into::into),
            mechanism: origin.mechanism.into(),
        };
        let mut state = self.uses.state();
        *state.open.entry(key).or_default() += 1;
        state.remember(key, &last);
        drop(state);
        InUse { directory: Arc::clone(self), key, last }
    }

    /// What an account's passwords were last used for, the latest first.
    pub async fn uses(&self, account: AccountId) -> Result<Vec<UseInfo>, DirectoryError> {
        let mut all: BTreeMap<Key, LastUse> = self.written_uses(account).await?.into_iter().collect();
        let state = self.uses.state();
        for (key, last) in state.waiting.iter().filter(|(key, _)| key.account == account) {
            all.insert(*key, last.clone());
        }
        let info = |(key, last): (Key, LastUse)| {
            let sessions = state.open.get(&key).copied().unwrap_or(0);
            UseInfo { protocol: key.protocol, credential: key.credential, last, sessions }
        };
        let mut infos: Vec<_> = all.into_iter().map(info).collect();
        drop(state);
        infos.sort_by_key(|info| std::cmp::Reverse((info.sessions > 0, info.last.at)));
        Ok(infos)
    }

    async fn written_uses(&self, account: AccountId) -> Result<Vec<(Key, LastUse)>, DirectoryError> {
        let mut all = Vec::new();
        let mut scan = Some(Scan::prefix(&keys::last_uses(account)));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            for (key, row) in &page.rows {
                let (protocol, credential) = keys::last_use_of(key).ok_or_else(damaged)?;
                let protocol = MailProtocol::of_number(protocol).ok_or_else(damaged)?;
                let last = LastUse::decode(row).ok_or_else(damaged)?;
                all.push((Key { account, protocol, credential }, last));
            }
            scan = page_scan.after(&page);
        }
        Ok(all)
    }

    /// Writes what was gathered, and sees to it that those are told who read mail by POP3 and by IMAP. What could not be
    /// written waits for the next time.
    pub async fn write_uses(&self) -> Result<(), DirectoryError> {
        let waiting: BTreeMap<Key, LastUse> = std::mem::take(&mut self.uses.state().waiting).into_iter().collect();
        let all: Vec<_> = waiting.into_iter().collect();
        for (place, step) in all.chunks(STEP).enumerate() {
            if let Err(error) = self.write_some(step).await {
                let mut state = self.uses.state();
                all.iter().skip(place * STEP).for_each(|(key, last)| state.remember(*key, last));
                return Err(error);
            }
        }
        let mut readers: Vec<_> =
            all.iter().filter(|(key, _)| key.protocol != MailProtocol::Smtp).map(|(key, _)| key.account).collect();
        readers.dedup();
        for account in readers {
            self.look_after(account).await?;
        }
        Ok(())
    }

    async fn write_some(&self, uses: &[(Key, LastUse)]) -> Result<(), DirectoryError> {
        let mut batch = Batch::new(DIRECTORY);
        for (key, last) in uses {
            // Who was removed meanwhile leaves nothing behind.
            if self.account_row(key.account).await?.is_some_and(|row| row.state == AccountState::Active) {
                batch.put(keys::last_use(key.account, key.protocol.number(), key.credential), last.encode());
            }
        }
        self.commit_quietly(batch).await
    }

    /// Commits what no cache holds.
    async fn commit_quietly(&self, batch: Batch) -> Result<(), DirectoryError> {
        if batch.writes.is_empty() {
            return Ok(());
        }
        match self.engine.commit(batch).await {
            Ok(_) => Ok(()),
            Err(CommitError::Conflict { .. }) => Err(DirectoryError::Busy),
            Err(CommitError::Full) => Err(crate::MailError::StoreFull.into()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(defect) => Err(StoreError::Unavailable(defect.to_string().into()).into()),
        }
    }

    /// Forgets the uses of passwords that are no more, and tells who reads by both protocols.
    async fn look_after(&self, account: AccountId) -> Result<(), DirectoryError> {
        let (mut uses, credential) = (self.written_uses(account).await?, self.credential(account).await?);
        let Some(credential) = credential else { return Ok(()) };
        let certificates = self.certificate_numbers(account).await?;
        let mut gone = Batch::new(DIRECTORY);
        uses.retain(|(key, _)| {
            let is_there = credential.current(key.credential).is_some() || certificates.contains(&key.credential);
            if !is_there {
                gone.delete(keys::last_use(account, key.protocol.number(), key.credential));
            }
            is_there
        });
        self.commit_quietly(gone).await?;
        let latest = |protocol| uses.iter().filter(|(key, _)| key.protocol == protocol).map(|(_, last)| last.at).max();
        let both = latest(MailProtocol::Imap).zip(latest(MailProtocol::Pop3));
        if both.is_some_and(|(imap, pop3)| imap.since(pop3) <= SIDE_BY_SIDE && pop3.since(imap) <= SIDE_BY_SIDE) {
            self.tell_of_both(account).await?;
        }
        Ok(())
    }

    /// Writes the notice about POP3 beside IMAP: once ever, and only where POP3 takes mail away from IMAP.
    async fn tell_of_both(&self, account: AccountId) -> Result<(), DirectoryError> {
        let told = keys::told_of_both(account);
        if self.cache.get(told.clone()).await?.is_some() {
            return Ok(());
        }
        let settings = match self.settings(account).await {
            Err(DirectoryError::NoSuchAccount) => return Ok(()),
            settings => settings?,
        };
        // Who keeps what POP3 deletes loses nothing; what is switched off may be used as long as a session lasts.
        let takes_away = matches!(settings.on_delete, OnDelete::Delete | OnDelete::Trash);
        if settings.notices == Notices::Off || !takes_away {
            return Ok(());
        }
        let mut batch = Batch::new(DIRECTORY);
        // Not for an account that goes at the same time, which takes this mark along.
        let entry = keys::account_entry(account);
        batch.expect(entry.clone(), self.engine.get(&entry).await?);
        batch.expect(told.clone(), None);
        batch.put(told, Bytes::new());
        put_notice(&mut batch, self.clock.now(), account, CredentialId::MAIN, &Notice::BothProtocols);
        // Somebody was faster: he has told, or the next look will.
        self.commit(batch).await.map(|_| ())
    }

    /// Accounts that were told and still read by POP3 and by IMAP: their addresses, of the first `max` that were told.
    pub async fn both_protocols(&self, max: usize) -> Result<Vec<Address>, DirectoryError> {
        let since = self.clock.now().before(SIDE_BY_SIDE);
        let mut scan = Scan::prefix(&keys::all_told_of_both());
        scan.limit.rows = max.max(1);
        let mut addresses = Vec::new();
        for (key, _) in self.engine.scan(&scan).await?.rows {
            let account = keys::account_entry_of(&key).ok_or_else(damaged)?;
            let uses = self.uses(account).await?;
            let still = |protocol| uses.iter().any(|info| info.protocol == protocol && info.last.at >= since);
            if still(MailProtocol::Imap) && still(MailProtocol::Pop3) {
                addresses.extend(self.account_row(account).await?.map(|row| row.address));
            }
        }
        Ok(addresses)
    }

    /// Puts into a batch that an account is no more.
    pub(super) async fn release_uses(&self, batch: &mut Batch, account: AccountId) -> Result<(), DirectoryError> {
        batch.delete(keys::told_of_both(account));
        for (key, _) in self.written_uses(account).await? {
            batch.delete(keys::last_use(account, key.protocol.number(), key.credential));
        }
        self.uses.state().waiting.retain(|key, _| key.account != account);
        Ok(())
    }
}

#[cfg(test)]
#[path = "uses/tests.rs"]
mod tests;
