//! Reading an account's state from the store, whole or after others changed it.
//!
//! A scan of several pages is not one snapshot, so the account row is read before and after: as every change rewrites
//! it, the same row both times means that nothing changed in between.

use super::live::{Core, Live};
use super::rows::{AccountRow, MailboxRow, PlacementRow};
use super::view::ViewCell;
use crate::row::corrupt;
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use store_kv::{PageLimit, Row, Scan};
use tokio::sync::MutexGuard;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, MailboxName, Uid};

/// How often reading is begun again because somebody else wrote meanwhile, before it is given up as busy.
const READS_MAX: usize = 16;
/// How many rows one page of a scan has: some hundred kilobytes.
const PAGE_ROWS: usize = 4096;
/// How long a lost wake-up from another process can go unnoticed while nobody asks.
const FOLLOW_EVERY: Duration = Duration::from_secs(30);

impl Live {
    /// All rows under a prefix.
    pub(super) async fn scan_all(
        &self,
        prefix: &[u8],
        mut each: impl FnMut(Row) -> Result<(), MailError>,
    ) -> Result<(), MailError> {
        let mut next =
            Some(Scan { limit: PageLimit { rows: PAGE_ROWS, ..PageLimit::default() }, ..Scan::prefix(prefix) });
        while let Some(scan) = next {
            let page = self.shared.engine.scan(&scan).await?;
            next = scan.after(&page);
            page.rows.into_iter().try_for_each(&mut each)?;
        }
        Ok(())
    }

    /// Makes the state what the store says. Costs one read of one row if it is already. The caller leads.
    pub(super) async fn refresh(self: &Arc<Self>, _lead: &MutexGuard<'_, ()>) -> Result<(), MailError> {
        if self.is_fresh() && (!self.shared.options.shared_store || self.is_current().await?) {
            return Ok(());
        }
        for _ in 0..READS_MAX {
            let before = self.shared.engine.get(&keys::account(self.id)).await?;
            let (core, snapshots) = self.read_state(before.clone()).await?;
            if self.shared.engine.get(&keys::account(self.id)).await? == before {
                self.replace(core, snapshots);
                self.trust();
                self.follow();
                return Ok(());
            }
        }
        Err(MailError::Busy)
    }

    /// Reads everything but the views, and of the views those whose mailbox has changed.
    async fn read_state(&self, stored: Option<Bytes>) -> Result<(Core, Vec<(MailboxId, Snapshot)>), MailError> {
        let mut core = Core { stored, ..Core::default() };
        if let Some(row) = &core.stored {
            core.account = AccountRow::decode(row).ok_or_else(|| corrupt("the row of an account"))?;
        }
        let mut rows = BTreeMap::new();
        self.scan_all(&keys::mailboxes(self.id), |(key, row)| {
            let mailbox = keys::mailbox_of(&key).zip(MailboxRow::decode(&row));
            let (id, row) = mailbox.ok_or_else(|| corrupt("the row of a mailbox"))?;
            rows.insert(id, Arc::new(row));
            Ok(())
        })
        .await?;
        core.names = rows.iter().map(|(id, row)| (row.name.clone(), *id)).collect();
        core.mailboxes = rows;
        self.scan_all(&keys::subscriptions(self.id), |(key, row)| {
            let name = std::str::from_utf8(&row).ok().and_then(|text| MailboxName::parse(text).ok());
            let subscription = name.zip(keys::subscription_of(&key));
            let (name, number) = subscription.ok_or_else(|| corrupt("a subscription"))?;
            core.subscriptions.insert(name, number);
            Ok(())
        })
        .await?;
        core.rebuild_list();
        let open: Vec<_> = self.read().views.iter().map(|(id, cell)| (*id, cell.snapshot())).collect();
        let mut snapshots = Vec::new();
        for (id, old) in open {
            match core.mailboxes.get(&id) {
                Some(row) if row.highest_modseq != old.highest_modseq || row.next_uid != next_uid(&old) => {
                    snapshots.push((id, self.read_snapshot(id, row, Some(&old)).await?));
                }
                _ => {}
            }
        }
        Ok((core, snapshots))
    }

    /// Reads a mailbox's messages. What has not changed since `old` is shared with it.
    async fn read_snapshot(
        &self,
        id: MailboxId,
        row: &MailboxRow,
        old: Option<&Snapshot>,
    ) -> Result<Snapshot, MailError> {
        let mut entries: Vec<Entry> = Vec::with_capacity(usize::try_from(row.messages).unwrap_or(0).min(1 << 20));
        let mut uidls = BTreeMap::new();
        self.scan_all(&keys::placements(self.id, id), |(key, row)| {
            let placement = keys::placement_of(&key).and_then(|uid| PlacementRow::decode(uid, &row));
            let placement = placement.ok_or_else(|| corrupt("a message's row"))?;
            if let Some(uidl) = placement.uidl {
                uidls.insert(placement.entry.uid, uidl);
            }
            entries.push(placement.entry);
            Ok(())
        })
        .await?;
        let mut snapshot = match old {
            None => Snapshot::empty(id, row.uid_validity).with_entries(entries),
            Some(old) => advance(old, &entries),
        };
        set_columns(&mut snapshot, row);
        snapshot.uidls = Arc::new(uidls);
        Ok(snapshot)
    }

    /// Opens a mailbox that is not open yet. The caller leads, and the state is fresh.
    pub(super) async fn load_view(
        self: &Arc<Self>,
        lead: &MutexGuard<'_, ()>,
        id: MailboxId,
    ) -> Result<Arc<ViewCell>, MailError> {
        for _ in 0..READS_MAX {
            let (row, open) = {
                let core = self.read();
                (Arc::clone(core.mailbox(id)?), core.views.get(&id).cloned())
            };
            if let Some(cell) = open {
                return Ok(cell);
            }
            let snapshot = self.read_snapshot(id, &row, None).await?;
            if !self.shared.options.shared_store || self.is_current().await? {
                let cell = ViewCell::new(snapshot);
                cell.touch(self.shared.tick());
                let mut core = self.write();
                core.views.insert(id, Arc::clone(&cell));
                core.trim_views();
                return Ok(cell);
            }
            self.refresh(lead).await?;
        }
        Err(MailError::Busy)
    }

    /// Puts a newly read state in place and tells the views.
    fn replace(&self, mut new: Core, snapshots: Vec<(MailboxId, Snapshot)>) {
        let counter = new.account.counter;
        {
            let mut core = self.write();
            new.views = std::mem::take(&mut core.views);
            new.recent = std::mem::take(&mut core.recent);
            new.recent.retain(|id, _| new.mailboxes.contains_key(id));
            new.views.retain(|id, cell| {
                let stays = new.mailboxes.get(id).is_some_and(|row| row.selectable);
                if !stays {
                    cell.delete();
                }
                stays
            });
            for (id, snapshot) in snapshots {
                if let Some(cell) = new.views.get(&id) {
                    cell.publish(Arc::new(snapshot));
                }
            }
            *core = new;
        }
        self.announce(counter);
    }

    /// Where other processes write to the same store, listens to them as long as the account is in memory.
    fn follow(self: &Arc<Self>) {
        if !self.shared.options.shared_store || self.is_followed.swap(true, Ordering::AcqRel) {
            return;
        }
        let mut watch = self.shared.engine.watch(&keys::account(self.id));
        let weak: Weak<Self> = Arc::downgrade(self);
        tokio::spawn(async move {
            loop {
                let _ = tokio::time::timeout(FOLLOW_EVERY, watch.changed()).await;
                let Some(live) = weak.upgrade() else { return };
                if let Err(error) = live.ready().await {
                    tracing::warn!(account = %live.id, error = &error as &dyn std::error::Error, "cannot follow");
                }
            }
        });
    }
}

/// Sets what a snapshot says of the mailbox as a whole.
pub(super) fn set_columns(snapshot: &mut Snapshot, row: &MailboxRow) {
    snapshot.uid_next = row.uid_next();
    snapshot.highest_modseq = row.highest_modseq;
    snapshot.keywords = row.keywords.clone();
}

fn next_uid(snapshot: &Snapshot) -> u64 {
    snapshot.uid_next.map_or(super::rows::UIDS_END, |uid| uid.get().into())
}

/// The old snapshot with what is different in `entries`.
fn advance(old: &Snapshot, entries: &[Entry]) -> Snapshot {
    let (mut changed, mut gone): (Vec<Entry>, Vec<Uid>) = Default::default();
    let mut before = old.iter().peekable();
    for entry in entries {
        while let Some(left) = before.next_if(|b| b.uid < entry.uid) {
            gone.push(left.uid);
        }
        match before.next_if(|b| b.uid == entry.uid) {
            Some(same) if same == entry => {}
            _ => changed.push(*entry),
        }
    }
    gone.extend(before.map(|left| left.uid));
    old.advanced(&changed, &gone)
}
