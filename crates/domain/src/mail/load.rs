//! Reading an account's state from the store, whole or after others changed it.
//!
//! A scan of several pages is not one snapshot, so the account row is read before and after: as every change rewrites
//! it, the same row both times means that nothing changed in between.

use super::acl::Acl;
use super::annotations::AnnotationIndex;
use super::chunk::ChunkReader;
use super::live::{Core, Live};
use super::rows::{AccountRow, MailboxRow, PlacementRow, TombstoneRow};
use super::view::ViewCell;
use crate::row::corrupt;
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;
use store_kv::{PageLimit, Row, Scan};
use tokio::sync::MutexGuard;
use types::snapshot::{Entry, Snapshot};
use types::{MailboxId, MailboxName, Uid};

/// How often reading is begun again because somebody else wrote meanwhile, before it is given up as busy. Where several
/// processes write without a pause, most readings are for nothing.
const READS_MAX: usize = 128;
/// How many rows one page of a scan has: some hundred kilobytes.
const PAGE_ROWS: usize = 4096;
/// UIDLs that do not follow from the content.
type Uidls = BTreeMap<Uid, Box<str>>;

/// How many bytes of chunks one page has.
const CHUNK_PAGE_BYTES: usize = 4 << 20;
/// How long a lost wake-up from another process can go unnoticed while nobody asks.
const FOLLOW_EVERY: Duration = Duration::from_secs(30);

impl Live {
    /// All rows under a prefix.
    pub(super) async fn scan_all(
        &self,
        prefix: &[u8],
        each: impl FnMut(Row) -> Result<(), MailError>,
    ) -> Result<(), MailError> {
        let limit = PageLimit { rows: PAGE_ROWS, ..PageLimit::default() };
        self.scan_range(Scan { limit, ..Scan::prefix(prefix) }, each).await
    }

    /// All rows of a range, page by page.
    async fn scan_range(
        &self,
        scan: Scan,
        mut each: impl FnMut(Row) -> Result<(), MailError>,
    ) -> Result<(), MailError> {
        let mut next = Some(scan);
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
                let has_unfinished = core.has_unfinished;
                self.replace(core, snapshots);
                self.trust();
                self.follow();
                if has_unfinished {
                    self.finish_soon();
                }
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
        self.read_sharing(&mut core).await?;
        core.has_unfinished = self.has_unfinished().await?;
        core.rebuild_list(self.id);
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

    /// Reads the access control lists and which annotations there are.
    async fn read_sharing(&self, core: &mut Core) -> Result<(), MailError> {
        self.scan_all(&keys::acls(self.id), |(key, row)| {
            let acl = keys::mailbox_of(&key).zip(Acl::decode(&row));
            let (id, acl) = acl.ok_or_else(|| corrupt("an access control list"))?;
            core.acls.insert(id, Arc::new(acl));
            Ok(())
        })
        .await?;
        self.scan_all(&keys::all_annotations(self.id), |(key, row)| {
            let index = keys::mailbox_of(&key).zip(AnnotationIndex::decode(&row));
            let (id, index) = index.ok_or_else(|| corrupt("a list of annotations"))?;
            core.annotations.insert(id, Arc::new(index));
            Ok(())
        })
        .await
    }

    /// Whether something of the account is unfinished, or in somebody's hands.
    pub(super) async fn has_unfinished(&self) -> Result<bool, MailError> {
        let limit = PageLimit { rows: 1, ..PageLimit::default() };
        let scan = Scan { limit, ..Scan::prefix(&keys::all_unfinished(self.id)) };
        Ok(!self.shared.engine.scan(&scan).await?.rows.is_empty())
    }

    /// Reads a mailbox's messages. What has not changed since `old` is shared with it.
    async fn read_snapshot(
        &self,
        id: MailboxId,
        row: &MailboxRow,
        old: Option<&Snapshot>,
    ) -> Result<Snapshot, MailError> {
        let (read, uidls) = if let Some(read) = self.read_chunks(id, row).await? {
            read
        } else {
            let (mut entries, mut uidls) = (Vec::new(), BTreeMap::new());
            self.read_placements(id, Uid::MIN, &mut entries, &mut uidls).await?;
            (Snapshot::empty(id, row.uid_validity).with_entries(entries), uidls)
        };
        let mut snapshot = old.map(|old| advance(old, &read)).unwrap_or(read);
        set_columns(&mut snapshot, row);
        snapshot.uidls = Arc::new(uidls);
        Ok(snapshot)
    }

    /// Reads messages one row each, from a UID on.
    async fn read_placements(
        &self,
        id: MailboxId,
        from: Uid,
        entries: &mut Vec<Entry>,
        uidls: &mut Uidls,
    ) -> Result<(), MailError> {
        let end = Scan::prefix(&keys::placements(self.id, id)).end;
        self.scan_range(Scan::range(keys::placement(self.id, id, from), end), |(key, row)| {
            let placement = keys::placement_of(&key).and_then(|uid| PlacementRow::decode(uid, &row));
            let placement = placement.ok_or_else(|| corrupt("a message's row"))?;
            if let Some(uidl) = placement.uidl {
                uidls.insert(placement.entry.uid, uidl);
            }
            entries.push(placement.entry);
            Ok(())
        })
        .await
    }

    /// Reads messages from chunks, then what changed since and what came after. `None` if there are no chunks, if too
    /// much has changed, or if what is found is not what the mailbox's row says: chunks are copies, the rows are the
    /// truth.
    async fn read_chunks(&self, id: MailboxId, row: &MailboxRow) -> Result<Option<(Snapshot, Uidls)>, MailError> {
        let Some(end) = u32::try_from(row.chunk_end).ok().and_then(Uid::new) else { return Ok(None) };
        let mut reader = ChunkReader::default();
        let mut snapshot = Snapshot::empty(id, row.uid_validity);
        let mut is_damaged = false;
        let limit = PageLimit { rows: PAGE_ROWS, bytes: CHUNK_PAGE_BYTES };
        self.scan_range(Scan { limit, ..Scan::prefix(&keys::chunks(self.id, id)) }, |(key, row)| {
            match keys::chunk_of(&key).and_then(|index| reader.read(index, &row)) {
                Some(entries) => snapshot.push(entries),
                None => is_damaged = true,
            }
            Ok(())
        })
        .await?;
        if is_damaged {
            tracing::warn!(account = %self.id, mailbox = %id, "a chunk is damaged; its messages are read one by one");
            return Ok(None);
        }
        let most = usize::try_from(snapshot.len() / 4).unwrap_or(usize::MAX).saturating_add(PAGE_ROWS);
        let Some(touched) = self.read_changes(id, row, end, most).await? else { return Ok(None) };
        let mut uidls = reader.uidls;
        let (mut changed, gone) = self.read_again(id, &touched, &snapshot, &mut uidls).await?;
        self.read_placements(id, end, &mut changed, &mut uidls).await?;
        if !changed.is_empty() || !gone.is_empty() {
            snapshot = snapshot.advanced(&changed, &gone);
        }
        Ok((u64::from(snapshot.len()) == row.messages).then_some((snapshot, uidls)))
    }

    /// The messages in chunks that were changed since these were written; `None` if they are more than `most`.
    async fn read_changes(
        &self,
        id: MailboxId,
        row: &MailboxRow,
        end: Uid,
        most: usize,
    ) -> Result<Option<BTreeSet<Uid>>, MailError> {
        let mut touched = BTreeSet::new();
        let since = row.chunk_modseq.next();
        for (prefix, start) in [
            (keys::changes(self.id, id), keys::change(self.id, id, since)),
            (keys::tombstones(self.id, id), keys::tombstone(self.id, id, since)),
        ] {
            self.scan_range(Scan { start, ..Scan::prefix(&prefix) }, |(_, row)| {
                let change = TombstoneRow::decode(&row).ok_or_else(|| corrupt("a change"))?;
                let uids = change.ranges.iter().flat_map(|(first, last)| *first..=*last);
                touched.extend(uids.take_while(|uid| *uid < end.get()).take(most + 1).filter_map(Uid::new));
                Ok(())
            })
            .await?;
            if touched.len() > most {
                return Ok(None);
            }
        }
        Ok(Some(touched))
    }

    /// Reads messages again that were changed since they were put into chunks: those that are there, and those of the
    /// snapshot that are not.
    async fn read_again(
        &self,
        id: MailboxId,
        touched: &BTreeSet<Uid>,
        snapshot: &Snapshot,
        uidls: &mut Uidls,
    ) -> Result<(Vec<Entry>, Vec<Uid>), MailError> {
        let (mut changed, mut gone) = (Vec::new(), Vec::new());
        if touched.is_empty() {
            return Ok((changed, gone));
        }
        let keys: Vec<_> = touched.iter().map(|uid| keys::placement(self.id, id, *uid)).collect();
        let rows = self.shared.engine.get_many(&keys).await?;
        for (uid, row) in touched.iter().zip(rows) {
            uidls.remove(uid);
            let Some(row) = row else {
                gone.extend(snapshot.get(*uid).map(|entry| entry.uid));
                continue;
            };
            let placement = PlacementRow::decode(*uid, &row).ok_or_else(|| corrupt("a message's row"))?;
            if let Some(uidl) = placement.uidl {
                uidls.insert(*uid, uidl);
            }
            changed.push(placement.entry);
        }
        Ok((changed, gone))
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
                self.shared.count_loaded(snapshot.len());
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

/// The old snapshot with what is different in a newly read one.
fn advance(old: &Snapshot, read: &Snapshot) -> Snapshot {
    let diff = read.diff(old);
    let mut changed: Vec<Entry> = diff.added.iter().chain(&diff.changed).map(|entry| **entry).collect();
    changed.sort_unstable_by_key(|entry| entry.uid);
    let gone: Vec<Uid> = diff.gone.iter().map(|entry| entry.uid).collect();
    old.advanced(&changed, &gone)
}
