//! How often a POP3 program may sign in (RFC 2449 §6.5): who signed in when, and the longest wait that is set for anybody.

use super::cache::{damaged, get_parsed};
use super::settings::{LOGIN_DELAY_MAX, LoginDelay, SettingsRow};
use super::{Directory, DirectoryError};
use crate::keys;
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use store_kv::{Batch, Scan};
use types::{AccountId, Timestamp};

const FORMAT: u8 = 1;
/// Most accounts whose last sign-in is remembered: only those that have to wait are. Where there are more, some need not.
const REMEMBERED_MAX: usize = 100_000;

/// When accounts that have to wait signed in last; kept by each process for itself.
#[derive(Debug, Default)]
pub(super) struct SignIns(Mutex<HashMap<AccountId, Timestamp>>);

impl SignIns {
    /// Counts a sign-in, if the last one is long enough ago; else says how long to wait. The first is never refused.
    fn admit(&self, account: AccountId, delay: Duration, now: Timestamp) -> Result<(), Duration> {
        if delay.is_zero() {
            return Ok(());
        }
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(last) = last.get(&account) {
            // A clock that was set back must not lock anybody out.
            let since = now.0.checked_sub(last.0).and_then(|since| u64::try_from(since).ok());
            if let Some(wait) = since.and_then(|since| delay.checked_sub(Duration::from_millis(since)))
                && !wait.is_zero()
            {
                return Err(wait);
            }
        }
        if last.len() >= REMEMBERED_MAX {
            let oldest = now.before(LOGIN_DELAY_MAX);
            last.retain(|_, at| *at > oldest);
        }
        if last.len() < REMEMBERED_MAX || last.contains_key(&account) {
            last.insert(account, now);
        }
        Ok(())
    }

    fn forget(&self, account: AccountId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&account);
    }
}

/// The longest wait that is set, and how many accounts and domains it may be set for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LongestRow {
    changes: u64,
    delay: LoginDelay,
    holders: u64,
}

impl LongestRow {
    fn encode(self) -> Bytes {
        let mut row = RowWriter::new(FORMAT, 16);
        row.number(self.changes);
        row.number(self.delay.get().as_secs());
        row.number(self.holders);
        row.finish()
    }

    fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, FORMAT)?;
        let changes = row.number()?;
        let delay = LoginDelay::new(Duration::from_secs(row.number()?))?;
        let holders = row.number()?;
        row.end().map(|()| Self { changes, delay, holders })
    }

    fn count(&mut self, delay: LoginDelay) {
        if delay > self.delay {
            (self.delay, self.holders) = (delay, 0);
        }
        self.holders += u64::from(delay == self.delay);
    }
}

impl Directory {
    /// Counts a POP3 sign-in of somebody who has to wait so long between two; the error says how long he still has to.
    pub fn pop3_admit(&self, account: AccountId, delay: LoginDelay) -> Result<(), Duration> {
        self.sign_ins.admit(account, delay.get(), self.clock.now())
    }

    /// The sign-in that was counted came to nothing through a fault of ours.
    pub fn pop3_forget(&self, account: AccountId) {
        self.sign_ins.forget(account);
    }

    /// The longest wait that may hold for anybody, which is all that can be said before the name is known.
    pub async fn login_delay_longest(&self) -> Result<LoginDelay, DirectoryError> {
        let row = get_parsed(&self.cache, keys::longest_login_delay(), LongestRow::decode).await?;
        Ok(row.unwrap_or_default().delay.max(self.options.settings.login_delay))
    }

    /// Puts into a batch what a change of one row of settings means for the longest wait.
    pub(super) async fn put_longest_delay(
        &self,
        batch: &mut Batch,
        key: &Bytes,
        (before, after): (&SettingsRow, &SettingsRow),
    ) -> Result<(), DirectoryError> {
        let (before, after) = (before.login_delay(), after.login_delay());
        if before == after {
            return Ok(());
        }
        let longest = keys::longest_login_delay();
        let stored = self.engine.get(&longest).await?;
        let mut row = match &stored {
            Some(row) => LongestRow::decode(row).ok_or_else(damaged)?,
            None => LongestRow::default(),
        };
        if before == Some(row.delay) {
            row.holders = row.holders.saturating_sub(1);
        }
        if row.holders == 0 {
            // Whoever changes another one at the same time changes this row too, and one of the two is tried again.
            row = LongestRow { changes: row.changes, ..self.longest_but(key).await? };
        }
        if let Some(delay) = after {
            row.count(delay);
        }
        row.changes += 1;
        batch.expect(longest.clone(), stored);
        batch.put(longest, row.encode());
        Ok(())
    }

    /// The longest wait of all rows of settings but one.
    async fn longest_but(&self, key: &Bytes) -> Result<LongestRow, DirectoryError> {
        let mut longest = LongestRow::default();
        for prefix in keys::all_settings() {
            let mut next = Some(Scan::prefix(&prefix));
            while let Some(scan) = next {
                let page = self.engine.scan(&scan).await?;
                for (other, row) in &page.rows {
                    let row = SettingsRow::decode(row).ok_or_else(damaged)?;
                    if let Some(delay) = row.login_delay().filter(|_| other != key) {
                        longest.count(delay);
                    }
                }
                next = scan.after(&page);
            }
        }
        Ok(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sign_in_is_never_refused_and_the_next_waits_to_the_end() {
        let (sign_ins, delay) = (SignIns::default(), Duration::from_mins(1));
        let admit = |account: u32, at: i64| sign_ins.admit(AccountId(account), delay, Timestamp(at));
        assert_eq!(admit(20, 0), Ok(()));
        assert_eq!(admit(20, 59_999), Err(Duration::from_millis(1)));
        assert_eq!(admit(21, 59_999), Ok(()), "everybody waits for himself");
        assert_eq!(admit(20, 60_000), Ok(()), "what was refused did not count");
        assert_eq!(admit(20, 60_001), Err(Duration::from_millis(59_999)));
        assert_eq!(admit(20, 10), Ok(()), "a clock that was set back locks nobody out");
        sign_ins.forget(AccountId(20));
        assert_eq!(admit(20, 11), Ok(()));
        let none = sign_ins.admit(AccountId(22), Duration::ZERO, Timestamp(0));
        assert!(none.is_ok() && !sign_ins.0.lock().unwrap().contains_key(&AccountId(22)));
    }

    #[test]
    fn so_many_are_remembered_and_no_more() {
        let (sign_ins, delay) = (SignIns::default(), Duration::from_mins(1));
        for account in 0..=u32::try_from(REMEMBERED_MAX).unwrap() {
            assert!(sign_ins.admit(AccountId(account), delay, Timestamp(0)).is_ok());
        }
        assert_eq!(sign_ins.0.lock().unwrap().len(), REMEMBERED_MAX);
        let late = Timestamp(0).after(LOGIN_DELAY_MAX);
        assert!(sign_ins.admit(AccountId(7), delay, late).is_ok());
        assert_eq!(sign_ins.0.lock().unwrap().len(), 1, "those of long ago have nothing to wait for");
    }
}
