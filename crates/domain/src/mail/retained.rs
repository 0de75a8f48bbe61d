//! Looking at the retention space, taking messages out of it, and letting go what is there for too long.

use super::account::Account;
use super::live::Live;
use super::mailboxes::Mailboxes;
use super::rows::{DeletedRow, MailboxRow, PlacementRow, RetainedRow};
use super::values::{Cause, FlagNames, Restored, Retained, RetainedId, Swept};
use super::verb::restore::{RESTORE_STEP, Restore};
use super::verb::sweep::Sweep;
use crate::row::corrupt;
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;
use store_kv::{PageLimit, Row, Scan};
use types::{Keywords, MailboxId, MailboxName, Octets, Timestamp, TraceId};

/// Longest form of a [`RetainedCursor`] that is read, in bytes.
const CURSOR_TEXT_MAX: usize = 256;

/// Where the next page of retained messages begins. Opaque; its text reads back, for whoever pages over a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetainedCursor(Bytes);

impl fmt::Display for RetainedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl RetainedCursor {
    /// Reads what `Display` writes. One of another account leads to an empty page.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() > CURSOR_TEXT_MAX || !digits.len().is_multiple_of(2) {
            return None;
        }
        let value = |digit: &u8| char::from(*digit).to_digit(16).and_then(|value| u8::try_from(value).ok());
        let byte = |pair: &[u8]| {
            let [high, low] = pair else { return None };
            Some(value(high)? << 4 | value(low)?)
        };
        digits.chunks(2).map(byte).collect::<Option<Vec<u8>>>().map(|key| Self(key.into()))
    }
}

/// Some retained messages.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetainedPage {
    /// Expunged ones first, those that go first in front; then those of deleted mailboxes.
    pub messages: Vec<Retained>,
    /// Where the next page begins; `None` at the end.
    pub next: Option<RetainedCursor>,
}

/// What a mailbox, living or deleted, lends its retained messages.
struct Home {
    name: MailboxName,
    keywords: Keywords,
    /// When and until when, if it is deleted.
    deleted: Option<(Timestamp, Timestamp)>,
}

impl Account {
    /// A page of the messages that can be had back, at most `limit`.
    pub async fn retained(&self, from: Option<&RetainedCursor>, limit: usize) -> Result<RetainedPage, MailError> {
        self.live.ready().await?;
        let homes = self.live.homes().await?;
        let limit = PageLimit { rows: limit.max(1), ..PageLimit::default() };
        let expunged = Scan { limit, ..Scan::prefix(&keys::all_retained(self.id())) };
        let mut ranges = vec![expunged];
        let mut ghosts: Vec<_> = homes.iter().filter(|(_, home)| home.deleted.is_some()).map(|(id, _)| *id).collect();
        ghosts.sort_unstable();
        ranges.extend(ghosts.iter().map(|id| Scan { limit, ..Scan::prefix(&keys::placements(self.id(), *id)) }));
        // Deleted mailboxes' messages sort before expunged ones in the store, so position goes by range, then by key.
        let mut page = RetainedPage::default();
        let first = from.map_or(0, |cursor| {
            ranges.iter().position(|r| r.start <= cursor.0 && cursor.0 < r.end).unwrap_or(ranges.len())
        });
        let starts: Vec<_> = ranges.iter().map(|range| range.start.clone()).collect();
        for (place, mut scan) in ranges.into_iter().enumerate().skip(first) {
            if let Some(cursor) = from.filter(|_| place == first) {
                scan.start = cursor.0.clone();
            }
            scan.limit.rows = limit.rows - page.messages.len();
            let rows = self.live.shared.engine.scan(&scan).await?;
            for (key, row) in &rows.rows {
                page.messages.extend(retained_of(&homes, key, row)?);
            }
            if let Some(next) = scan.after(&rows) {
                page.next = Some(RetainedCursor(next.start));
                return Ok(page);
            }
            if page.messages.len() >= limit.rows {
                page.next = starts.get(place + 1).cloned().map(RetainedCursor);
                return Ok(page);
            }
        }
        Ok(page)
    }

    /// Brings retained messages back to their mailbox. One that was deleted comes back by its name, or they go into the one
    /// that has this name now; where there can be none, they go to INBOX. Those that are gone for good are left out of the
    /// answer. Many are done in several steps.
    pub async fn restore(&self, messages: &[RetainedId]) -> Result<Vec<Restored>, MailError> {
        let mut messages = messages.to_vec();
        messages.sort_unstable();
        messages.dedup();
        let mut restored = Vec::with_capacity(messages.len());
        for step in messages.chunks(RESTORE_STEP) {
            let homes = self.homes_again(step).await?;
            restored.extend(self.live.submit(Restore { messages: step.to_vec(), homes }).await?);
        }
        Ok(restored)
    }

    /// Where messages of deleted mailboxes go: mailboxes of the same names, which are made where they are missing.
    async fn homes_again(&self, messages: &[RetainedId]) -> Result<BTreeMap<MailboxId, MailboxId>, MailError> {
        let mut homes = BTreeMap::new();
        let mut wanted: Vec<_> = messages.iter().map(|id| id.mailbox).collect();
        wanted.sort_unstable();
        wanted.dedup();
        for old in wanted {
            self.live.ready().await?;
            if self.live.read().mailbox(old).is_ok() {
                continue;
            }
            let Some(row) = self.live.shared.engine.get(&keys::deleted_mailbox(self.id(), old)).await? else {
                continue;
            };
            let name = DeletedRow::decode(&row).ok_or_else(|| corrupt("the row of a deleted mailbox"))?.name;
            let is_there = |list: &Mailboxes| list.get(&name).filter(|info| info.selectable).map(|info| info.id);
            let known = is_there(&*self.mailboxes().await?);
            let home = match known {
                Some(home) => Some(home),
                None => match self.create(&name, None).await {
                    Ok(home) => Some(home),
                    Err(MailError::AlreadyExists) => is_there(&*self.mailboxes().await?),
                    // No room for another mailbox: better in INBOX than nowhere.
                    Err(MailError::TooManyMailboxes | MailError::OverQuota) => None,
                    Err(error) => return Err(error),
                },
            };
            homes.extend(home.map(|home| (old, home)));
        }
        Ok(homes)
    }
}

fn retained_of(homes: &HashMap<MailboxId, Home>, key: &[u8], row: &[u8]) -> Result<Option<Retained>, MailError> {
    let is_expunged = keys::is_retained(key);
    let (id, placement, removed, cause, with_mailbox) =
        if let Some((expiry, mailbox, uid)) = keys::retained_of(key).filter(|_| is_expunged) {
            let row = RetainedRow::decode(uid, row).ok_or_else(|| corrupt("a retained message"))?;
            (RetainedId { expiry, mailbox, uid }, row.placement, row.removed, row.cause, false)
        } else {
            let uid = keys::placement_of(key).ok_or_else(|| corrupt("a message's row"))?;
            let mailbox = keys::placement_mailbox_of(key).ok_or_else(|| corrupt("a message's row"))?;
            let placement = PlacementRow::decode(uid, row).ok_or_else(|| corrupt("a message's row"))?;
            let Some((removed, expiry)) = homes.get(&mailbox).and_then(|home| home.deleted) else { return Ok(None) };
            (RetainedId { expiry, mailbox, uid }, placement, removed, Cause::Imap, true)
        };
    let home = homes.get(&id.mailbox);
    let keywords = home.map(|home| home.keywords.clone()).unwrap_or_default();
    let entry = placement.entry;
    Ok(Some(Retained {
        id,
        mailbox_name: home.map(|home| home.name.clone()),
        email: entry.email,
        flags: FlagNames::of(entry.flags, &keywords),
        internal_date: entry.internal_date,
        size: Octets(entry.size.into()),
        removed,
        cause,
        with_mailbox,
    }))
}

impl Live {
    async fn homes(&self) -> Result<HashMap<MailboxId, Home>, MailError> {
        let mut homes = HashMap::new();
        self.scan_all(&keys::deleted_mailboxes(self.id), |(key, row): Row| {
            let deleted = keys::mailbox_of(&key).zip(DeletedRow::decode(&row));
            let (id, row) = deleted.ok_or_else(|| corrupt("the row of a deleted mailbox"))?;
            homes.insert(id, Home { name: row.name, keywords: row.keywords, deleted: Some((row.removed, row.expiry)) });
            Ok(())
        })
        .await?;
        for (id, row) in &self.read().mailboxes {
            let home = Home { name: row.name.clone(), keywords: row.keywords.clone(), deleted: None };
            homes.insert(*id, home);
        }
        Ok(homes)
    }

    /// Whether a sweep would find something in this account. Asks the store, and loads nothing.
    pub(super) async fn has_something_to_sweep(&self, now: Timestamp) -> Result<bool, MailError> {
        let engine = &self.shared.engine;
        if engine.get(&keys::account(self.id)).await?.is_none() {
            return Ok(false);
        }
        if self.has_unfinished().await? {
            return Ok(true);
        }
        let first =
            |prefix: &[u8]| Scan { limit: PageLimit { rows: 1, ..PageLimit::default() }, ..Scan::prefix(prefix) };
        let retained = engine.scan(&first(&keys::all_retained(self.id))).await?;
        if retained.rows.iter().any(|(key, _)| keys::retained_of(key).is_some_and(|(expiry, ..)| expiry <= now)) {
            return Ok(true);
        }
        let forgotten = TraceId::new(now.before(self.shared.options.delivery_memory), [0; 10]);
        let scan = first(&keys::deliveries(self.id, TraceId(0)));
        let scan = Scan { end: keys::deliveries(self.id, forgotten), ..scan };
        if scan.start < scan.end && !engine.scan(&scan).await?.rows.is_empty() {
            return Ok(true);
        }
        let mut is_due = false;
        self.scan_all(&keys::deleted_mailboxes(self.id), |(_, row): Row| {
            let row = DeletedRow::decode(&row).ok_or_else(|| corrupt("the row of a deleted mailbox"))?;
            is_due |= row.expiry <= now;
            Ok(())
        })
        .await?;
        Ok(is_due)
    }

    /// Sweeps this account.
    pub(super) async fn sweep(self: &Arc<Self>, now: Timestamp) -> Result<Swept, MailError> {
        self.ready().await?;
        // What cannot be ended does not keep the rest here.
        let ended = self.finish_all().await;
        // Tombstones stay as long as chunks lack what they tell.
        let stale: Vec<_> = {
            let core = self.read();
            let is_stale = |row: &MailboxRow| row.chunk_end > 0 && row.chunk_changes > 0;
            core.mailboxes.iter().filter(|(_, row)| is_stale(row)).map(|(id, _)| *id).collect()
        };
        for mailbox in stale {
            self.fold_now(mailbox).await?;
        }
        let mut total = Swept::default();
        loop {
            let (swept, emails, has_more) = self.submit(Sweep { now }).await?;
            total.messages += swept.messages;
            total.bodies += swept.bodies;
            for email in emails {
                self.shared.contents.forget(self.id, email);
            }
            if !has_more {
                return ended.map(|()| total);
            }
        }
    }
}
