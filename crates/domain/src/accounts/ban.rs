//! Bans: ranges of addresses that nobody may connect from. Made by the operator, or by sustained failures to sign in,
//! each of those twice as long as the one before, up to a day.
//!
//! All of them stand in memory, so that a connection costs a lookup; each is durable before it holds. What never is
//! banned: this machine and private networks (behind a gateway everybody has one address), the last address of an
//! operator, and, by failures, networks that somebody signed in from lately: those are slowed down only.

mod row;
#[cfg(test)]
mod tests;

use super::throttle::{Allowance, Buckets};
use super::{Directory, DirectoryError};
use crate::keys::{self, DIRECTORY};
use row::BanRow;
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store_kv::{Batch, Scan, Space};
use types::{AccountId, Address, AddressPrefix, AddressRange, Timestamp};

/// Most ranges that are banned or were lately. Past it failures ban nobody, they are slowed down only.
pub const BANS_MAX: usize = 10_000;
/// Longest reason in bytes.
pub const BAN_REASON_MAX: usize = 200;
/// How many bans of one range are remembered.
pub const BAN_HISTORY_MAX: usize = 8;
/// How long a ban that ended is remembered.
pub const BAN_REMEMBERED: Duration = Duration::from_hours(30 * 24);
/// How long it makes the next one longer.
const DOUBLES_WITHIN: Duration = Duration::from_hours(7 * 24);
/// Most networks that are remembered as somebody's.
const TRUSTED_MAX: usize = 200_000;

/// When failures ban.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanOptions {
    /// Failures of an address prefix before it is banned, and how soon one is forgotten; `None`: failures never ban.
    pub after: Option<Allowance>,
    /// How long the first time.
    pub first: Duration,
    /// How long at most.
    pub longest: Duration,
    /// Most prefixes whose failures are counted.
    pub counted_max: usize,
}

impl Default for BanOptions {
    fn default() -> Self {
        Self {
            after: Some(Allowance { burst: 40, every: Duration::from_mins(5) }),
            first: Duration::from_mins(10),
            longest: Duration::from_hours(24),
            counted_max: 50_000,
        }
    }
}

/// Who banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BannedBy {
    /// The operator, by hand.
    Operator,
    /// Too many failures.
    Failures,
}

/// One ban.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None` for ever.
    pub until: Option<Timestamp>,
    /// By whom.
    pub by: BannedBy,
    /// Why, in plain words.
    pub reason: Box<str>,
    /// When the operator ended it before its time.
    pub lifted: Option<Timestamp>,
}

impl Ban {
    /// Whether it holds.
    pub fn holds(&self, now: Timestamp) -> bool {
        self.lifted.is_none() && self.until.is_none_or(|until| now < until)
    }

    /// When it ended or will; `None` for never.
    pub fn end(&self) -> Option<Timestamp> {
        self.lifted.or(self.until)
    }
}

/// What is known of a range of addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BanInfo {
    /// Which.
    pub range: AddressRange,
    /// Its bans, the last one last.
    pub history: Vec<Ban>,
}

/// What is known of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// All bans that are or were for it.
    pub bans: Vec<BanInfo>,
    /// Failures that count against it now.
    pub failures: u32,
    /// So many would ban it; `None` where failures ban nobody.
    pub failures_max: Option<u32>,
    /// Somebody signed in from around it lately, so that failures do not ban it.
    pub is_trusted: bool,
}

/// Why nothing was banned, or no ban was taken back.
#[derive(Clone, Debug, thiserror::Error)]
pub enum BanError {
    /// It is this machine's or a private network's, or a range with such addresses in it.
    #[error("it has addresses of this machine or of private networks: behind a gateway that may be everybody")]
    Private,
    /// An operator signed in from there last.
    #[error("{0}, who is an operator, signed in from there last")]
    Operator(Address),
    /// There are [`BANS_MAX`].
    #[error("there are {BANS_MAX} bans already")]
    Full,
    /// It is not banned.
    #[error("it is not banned")]
    NotBanned,
    /// The reason is too long.
    #[error("a reason has at most {BAN_REASON_MAX} bytes")]
    Reason,
    /// The directory failed.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
}

/// All bans in memory.
pub(super) struct Bans {
    options: BanOptions,
    state: Mutex<State>,
    /// Held by whoever changes a row, over its commit.
    changing: tokio::sync::Mutex<()>,
    made: AtomicU64,
}

struct State {
    rows: HashMap<AddressRange, BanRow>,
    /// How many rows there are of each length, IPv4 and IPv6: what a lookup has to ask for.
    lengths: BTreeMap<(bool, u8), usize>,
    failures: Buckets<AddressPrefix>,
    trusted: HashMap<AddressRange, Timestamp>,
    operators: HashMap<AccountId, IpAddr>,
}

impl Bans {
    pub(super) fn new(options: BanOptions) -> Self {
        let state = State {
            rows: HashMap::new(),
            lengths: BTreeMap::new(),
            failures: Buckets::new(),
            trusted: HashMap::new(),
            operators: HashMap::new(),
        };
        Self { options, state: Mutex::new(state), changing: tokio::sync::Mutex::default(), made: AtomicU64::new(0) }
    }

    /// Takes note of where somebody signed in from.
    pub(super) fn trust(&self, account: AccountId, address: IpAddr, is_operator: bool, seen: Timestamp) {
        let mut state = self.lock();
        if state.trusted.len() >= TRUSTED_MAX {
            let old = seen.before(super::familiar::FAMILIAR_FOR / 2);
            state.trusted.retain(|_, seen| *seen > old);
        }
        let network = AddressRange::network_of(address);
        if state.trusted.len() < TRUSTED_MAX || state.trusted.contains_key(&network) {
            let known = state.trusted.entry(network).or_insert(seen);
            *known = (*known).max(seen);
        }
        if is_operator {
            state.operators.insert(account, address);
        }
    }

    /// Counts a failure; yields whether the prefix has had enough of them to be banned.
    fn failed(&self, address: IpAddr, now: Timestamp) -> bool {
        let Some(after) = self.options.after else { return false };
        if AddressRange::single(address).meets_private() {
            return false;
        }
        let mut state = self.lock();
        if state.is_trusted(address, now) {
            return false;
        }
        let prefix = AddressPrefix::of(address);
        let is_over = !state.failures.wait(prefix, after, now).is_zero();
        state.failures.spend(prefix, after, now, self.options.counted_max);
        is_over
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn is_trusted(&self, address: IpAddr, now: Timestamp) -> bool {
        let seen = self.trusted.get(&AddressRange::network_of(address));
        seen.is_some_and(|seen| now.since(*seen) < super::familiar::FAMILIAR_FOR)
    }

    /// The rows of all ranges that an address is in.
    fn covering(&self, address: IpAddr) -> impl Iterator<Item = (AddressRange, &BanRow)> {
        let is_v4 = address.to_canonical().is_ipv4();
        let ranges = self.lengths.range((is_v4, 0)..=(is_v4, u8::MAX));
        let ranges = ranges.filter_map(move |((_, length), _)| AddressRange::new(address, *length));
        ranges.filter_map(|range| Some((range, self.rows.get(&range)?)))
    }

    fn put(&mut self, range: AddressRange, row: BanRow) {
        if self.rows.insert(range, row).is_none() {
            *self.lengths.entry((range.base().is_ipv4(), range.length())).or_insert(0) += 1;
        }
    }

    fn remove(&mut self, range: AddressRange) {
        if self.rows.remove(&range).is_none() {
            return;
        }
        let key = (range.base().is_ipv4(), range.length());
        if let Some(count) = self.lengths.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                self.lengths.remove(&key);
            }
        }
    }
}

impl Directory {
    /// Whether nobody may connect from an address now. A lookup in memory.
    pub fn is_banned(&self, address: IpAddr) -> bool {
        let now = self.clock.now();
        self.bans.lock().covering(address).any(|(_, row)| row.holds(now))
    }

    /// How many ranges are banned now.
    pub fn bans_count(&self) -> usize {
        let now = self.clock.now();
        self.bans.lock().rows.values().filter(|row| row.holds(now)).count()
    }

    /// How many bans failures made since the start.
    pub fn bans_made(&self) -> u64 {
        self.bans.made.load(Ordering::Relaxed)
    }

    /// All that is banned now, in order of addresses.
    pub fn ban_list(&self) -> Vec<BanInfo> {
        let now = self.clock.now();
        let state = self.bans.lock();
        let mut all: Vec<_> =
            state.rows.iter().filter(|(_, row)| row.holds(now)).map(|(range, row)| row.info(*range)).collect();
        all.sort_unstable_by_key(|info| info.range);
        all
    }

    /// What is known of an address.
    pub fn ban_why(&self, address: IpAddr) -> Why {
        let (now, after) = (self.clock.now(), self.bans.options.after);
        let state = self.bans.lock();
        let prefix = AddressPrefix::of(address);
        Why {
            bans: state.covering(address).map(|(range, row)| row.info(range)).collect(),
            failures: after.map_or(0, |after| state.failures.spent(prefix, after, now)),
            failures_max: after.map(|after| after.burst),
            is_trusted: state.is_trusted(address, now),
        }
    }

    /// Bans a range of addresses, for a time or for ever. `forced` bans private networks too, and where an operator is.
    pub async fn ban_add(
        &self,
        range: AddressRange,
        time: Option<Duration>,
        reason: &str,
        forced: bool,
    ) -> Result<Ban, BanError> {
        if reason.len() > BAN_REASON_MAX {
            return Err(BanError::Reason);
        }
        if !forced {
            if range.meets_private() {
                return Err(BanError::Private);
            }
            if let Some(operator) = self.operator_in(range).await? {
                return Err(BanError::Operator(operator));
            }
        }
        let _changing = self.bans.changing.lock().await;
        let now = self.clock.now();
        let until = time.map(|time| now.after(time));
        let ban = Ban { since: now, until, by: BannedBy::Operator, reason: reason.into(), lifted: None };
        self.ban_put(range, ban.clone()).await?;
        Ok(ban)
    }

    /// Takes the ban of exactly this range back.
    pub async fn ban_remove(&self, range: AddressRange) -> Result<(), BanError> {
        let _changing = self.bans.changing.lock().await;
        let now = self.clock.now();
        let old = self.bans.lock().rows.get(&range).cloned();
        let mut row = old.filter(|row| row.holds(now)).ok_or(BanError::NotBanned)?;
        row.lift(now);
        self.ban_commit(range, Some(row)).await?;
        self.bans.lock().failures.forget(&AddressPrefix::of(range.base()));
        Ok(())
    }

    /// The operator who signed in from a range last, if any did.
    async fn operator_in(&self, range: AddressRange) -> Result<Option<Address>, DirectoryError> {
        let operators: Vec<_> = {
            let state = self.bans.lock();
            state.operators.iter().filter(|(_, at)| range.contains(**at)).map(|(account, _)| *account).collect()
        };
        for account in operators {
            if let Some(row) = self.account_row(account).await?.filter(|row| row.marks.admin) {
                return Ok(Some(row.address));
            }
        }
        Ok(None)
    }

    /// Counts a failure to sign in, and bans where there were too many.
    pub(super) async fn count_failure(&self, address: Option<IpAddr>) {
        let Some(address) = address.map(|address| address.to_canonical()) else { return };
        if !self.bans.failed(address, self.clock.now()) {
            return;
        }
        // While another ban is being written this one waits for the next failure.
        let Ok(_changing) = self.bans.changing.try_lock() else { return };
        if let Err(error) = self.ban_for_failures(address).await {
            tracing::warn!(%address, error = &error as &dyn std::error::Error, "an address is not banned");
        }
    }

    async fn ban_for_failures(&self, address: IpAddr) -> Result<(), BanError> {
        let (now, options) = (self.clock.now(), self.bans.options);
        let Some(after) = options.after else { return Ok(()) };
        let prefix = AddressPrefix::of(address);
        let range = AddressRange::new(address, if address.is_ipv4() { 32 } else { 64 });
        let range = range.unwrap_or_else(|| AddressRange::single(address));
        if self.is_banned(address) || self.operator_in(range).await?.is_some() {
            return Ok(());
        }
        let strikes = {
            let state = self.bans.lock();
            state.rows.get(&range).map_or(0, |row| row.strikes(now.before(DOUBLES_WITHIN)))
        };
        let time = options.first.saturating_mul(1_u32.checked_shl(strikes).unwrap_or(u32::MAX)).min(options.longest);
        let reason = format!("{} failed sign-ins", after.burst.saturating_add(1));
        let ban = Ban {
            since: now,
            until: Some(now.after(time)),
            by: BannedBy::Failures,
            reason: reason.into(),
            lifted: None,
        };
        self.ban_put(range, ban).await?;
        self.bans.lock().failures.forget(&prefix);
        self.bans.made.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%range, minutes = time.as_secs() / 60, "banned after too many failed sign-ins");
        Ok(())
    }

    /// Adds a ban to a range's; to be called by whoever holds the lock of changes.
    async fn ban_put(&self, range: AddressRange, ban: Ban) -> Result<(), BanError> {
        let old = {
            let state = self.bans.lock();
            if state.rows.len() >= BANS_MAX && !state.rows.contains_key(&range) {
                return Err(BanError::Full);
            }
            state.rows.get(&range).cloned()
        };
        let mut row = old.unwrap_or_default();
        row.add(ban);
        self.ban_commit(range, Some(row)).await.map_err(BanError::from)
    }

    async fn ban_commit(&self, range: AddressRange, row: Option<BanRow>) -> Result<(), DirectoryError> {
        let key = keys::guard::ban(range);
        let mut batch = Batch::new(DIRECTORY);
        if let Some(row) = &row {
            batch.put(key, row.encode());
        } else {
            batch.space = Space::Frees;
            batch.delete(key);
        }
        if !self.commit(batch).await? {
            return Err(DirectoryError::Busy);
        }
        let mut state = self.bans.lock();
        match row {
            Some(row) => state.put(range, row),
            None => state.remove(range),
        }
        Ok(())
    }

    /// Reads all bans, and whom they spare. To be called once, before anybody is let in.
    pub async fn bans_load(&self) -> Result<(), DirectoryError> {
        let mut next = Some(Scan::prefix(&keys::guard::bans()));
        while let Some(scan) = next {
            let page = self.engine.scan(&scan).await?;
            for (key, value) in &page.rows {
                let ban = keys::guard::ban_of(key).zip(BanRow::decode(value));
                let (range, row) = ban.ok_or_else(super::cache::damaged)?;
                self.bans.lock().put(range, row);
            }
            next = scan.after(&page);
        }
        self.familiar_load().await
    }

    /// Forgets bans that ended long ago. To be called now and then.
    pub async fn bans_sweep(&self) -> Result<(), DirectoryError> {
        let _changing = self.bans.changing.lock().await;
        let before = self.clock.now().before(BAN_REMEMBERED);
        let over: Vec<AddressRange> = {
            let state = self.bans.lock();
            state.rows.iter().filter(|(_, row)| row.is_over(before)).map(|(range, _)| *range).collect()
        };
        for range in over {
            self.ban_commit(range, None).await?;
        }
        Ok(())
    }
}
