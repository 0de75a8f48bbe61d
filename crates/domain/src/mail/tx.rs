//! What a verb works on: the account's state with the changes of this batch laid over it.
//!
//! A verb first looks and decides, then changes. While it looks it may find that something is not in memory; it then
//! stops with [`Stop::Need`], the writer fetches that, and the verb is applied anew. So a verb is plain, synchronous
//! code, and one that fails has changed nothing.

use super::acl::Acl;
use super::annotations::AnnotationIndex;
use super::live::{Core, Shared};
use super::load::set_columns;
use super::rows::{AccountRow, DeliveredRow, MailboxRow};
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use store_kv::{Batch, BodyChange, Row, Scan, Space};
use types::snapshot::{Entry, Snapshot};
use types::{AccountId, MailboxId, MailboxName, ModSeq, Timestamp, TraceId, Uid, UidValidity};

/// Why a verb stopped.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is to be fetched first.
    Need(Need),
    /// It cannot be done.
    Fail(MailError),
}

/// What a verb needs.
#[derive(Debug)]
pub(crate) enum Need {
    /// A mailbox's messages.
    View(MailboxId),
    /// The values of keys.
    Keys(Vec<Bytes>),
    /// First pages of ranges.
    Scans(Vec<Scan>),
}

impl From<MailError> for Stop {
    fn from(error: MailError) -> Self {
        Self::Fail(error)
    }
}

/// A mailbox's messages with the changes of this batch.
#[derive(Debug)]
struct Delta {
    snapshot: Arc<Snapshot>,
    changed: Vec<Entry>,
    gone: Vec<Uid>,
    uidls: Vec<(Uid, Box<str>)>,
}

impl Delta {
    fn settle(&mut self) {
        if self.changed.is_empty() && self.gone.is_empty() {
            return;
        }
        let mut next = self.snapshot.advanced(&self.changed, &self.gone);
        if !next.uidls.is_empty() || !self.uidls.is_empty() {
            let has = |uid: &Uid| next.uidls.contains_key(uid);
            if !self.uidls.is_empty() || self.gone.iter().any(has) {
                let uidls = Arc::make_mut(&mut next.uidls);
                self.gone.iter().for_each(|uid| {
                    uidls.remove(uid);
                });
                for (uid, uidl) in self.uidls.drain(..) {
                    uidls.insert(uid, uidl);
                }
            }
        }
        self.changed.clear();
        self.gone.clear();
        self.snapshot = Arc::new(next);
    }
}

/// The changes of one batch.
#[derive(Debug)]
pub(crate) struct Work {
    /// What the batch is made from, and wants unchanged.
    stored: Option<Bytes>,
    before: ModSeq,
    pub(super) batch: Batch,
    pub(super) account: AccountRow,
    /// Changed mailboxes; `None` for those that are gone.
    pub(super) mailboxes: HashMap<MailboxId, Option<MailboxRow>>,
    /// All names, if that changed.
    pub(super) names: Option<BTreeMap<MailboxName, MailboxId>>,
    pub(super) subscriptions: Option<BTreeMap<MailboxName, u32>>,
    /// Changed access control lists.
    pub(super) acls: HashMap<MailboxId, Arc<Acl>>,
    /// Changed lists of annotations.
    pub(super) annotations: HashMap<MailboxId, Arc<AnnotationIndex>>,
    deltas: HashMap<MailboxId, Delta>,
    fetched: HashMap<Bytes, Option<Bytes>>,
    scanned: HashMap<Bytes, Vec<Row>>,
    /// Deliveries of this batch.
    deliveries: Vec<(TraceId, Box<str>, DeliveredRow)>,
    /// About how many bytes the batch has.
    bytes: usize,
    now: Timestamp,
}

impl Work {
    pub(super) fn new(id: AccountId, core: &Core, now: Timestamp) -> Self {
        let mut batch = Batch::new(id);
        // Until a verb says that it grows the store, the batch only frees.
        batch.space = Space::Frees;
        Self {
            stored: core.stored.clone(),
            before: core.account.counter,
            batch,
            account: core.account.clone(),
            mailboxes: HashMap::new(),
            names: None,
            subscriptions: None,
            acls: HashMap::new(),
            annotations: HashMap::new(),
            deltas: HashMap::new(),
            fetched: HashMap::new(),
            scanned: HashMap::new(),
            deliveries: Vec::new(),
            bytes: 0,
            now,
        }
    }

    /// Whether nothing was changed: every change takes a change number.
    pub(super) fn is_empty(&self) -> bool {
        let is_empty = self.account.counter == self.before;
        assert!(!is_empty || self.batch.writes.is_empty(), "every change takes a change number");
        is_empty
    }

    /// Whether the state is still the one that the batch was made from.
    pub(super) fn is_of(&self, core: &Core) -> bool {
        self.stored == core.stored
    }

    /// How large the batch has become: writes and bytes.
    pub(super) fn size(&self) -> (usize, usize) {
        (self.batch.writes.len(), self.bytes)
    }

    /// Whether this batch has changed a mailbox.
    pub(super) fn touches(&self, id: MailboxId) -> bool {
        self.mailboxes.contains_key(&id)
    }

    pub(super) fn fetched(&mut self, keys: Vec<Bytes>, values: Vec<Option<Bytes>>) {
        self.fetched.extend(keys.into_iter().zip(values));
    }

    pub(super) fn scanned(&mut self, start: Bytes, rows: Vec<Row>) {
        self.scanned.insert(start, rows);
    }

    /// Adds the rows that every change rewrites, and the guard.
    pub(super) fn seal(&mut self, core: &Core, id: AccountId) -> Batch {
        for (mailbox, row) in &self.mailboxes {
            match row {
                Some(row) => {
                    let recent = core.first_recent(*mailbox, row);
                    self.batch.put(keys::mailbox(id, *mailbox), row.encode(recent));
                }
                None => self.batch.delete(keys::mailbox(id, *mailbox)),
            }
        }
        self.batch.put(keys::account(id), self.account.encode());
        self.batch.expect(keys::account(id), self.stored.clone());
        std::mem::replace(&mut self.batch, Batch::new(id))
    }

    /// The new snapshots of the mailboxes that are open.
    pub(super) fn snapshots(&mut self, core: &Core) -> Vec<(MailboxId, Arc<Snapshot>)> {
        let mut out = Vec::new();
        for (id, row) in &self.mailboxes {
            let Some(row) = row else { continue };
            let mut snapshot = if let Some(mut delta) = self.deltas.remove(id) {
                delta.settle();
                delta.snapshot
            } else {
                let Some(snapshot) = core.views.get(id).map(|cell| cell.snapshot()) else { continue };
                if snapshot.highest_modseq == row.highest_modseq && snapshot.uid_next == row.uid_next() {
                    // Nothing that anybody sees.
                    continue;
                }
                snapshot
            };
            set_columns(Arc::make_mut(&mut snapshot), row);
            out.push((*id, snapshot));
        }
        out
    }
}

/// A verb's hands on the state.
pub(crate) struct Tx<'a> {
    pub(super) core: &'a Core,
    pub(super) work: &'a mut Work,
    pub(super) shared: &'a Shared,
    pub(super) id: AccountId,
}

impl Tx<'_> {
    /// When this batch happens.
    pub(crate) fn now(&self) -> Timestamp {
        self.work.now
    }

    /// The account row.
    pub(crate) fn account(&mut self) -> &mut AccountRow {
        &mut self.work.account
    }

    /// Takes the next change number.
    pub(crate) fn next_modseq(&mut self) -> ModSeq {
        self.work.account.counter = self.work.account.counter.next();
        self.work.account.counter
    }

    /// Takes a UIDVALIDITY that is greater than all before, by the clock where that is later.
    pub(crate) fn next_uid_validity(&mut self) -> Result<UidValidity, Stop> {
        let seconds = u32::try_from(self.work.now.unix_seconds()).unwrap_or(0);
        let next = self.work.account.uid_validity.checked_add(1).map(|next| next.max(seconds));
        let validity = next.and_then(UidValidity::new).ok_or(MailError::UidsExhausted)?;
        self.work.account.uid_validity = validity.get();
        Ok(validity)
    }

    /// A mailbox's row, selectable or not.
    pub(crate) fn any_mailbox(&self, id: MailboxId) -> Option<&MailboxRow> {
        match self.work.mailboxes.get(&id) {
            Some(row) => row.as_ref(),
            None => self.core.mailboxes.get(&id).map(|row| &**row),
        }
    }

    /// The row of a mailbox that can be selected.
    pub(crate) fn mailbox(&self, id: MailboxId) -> Result<&MailboxRow, Stop> {
        let row = self.any_mailbox(id).filter(|row| row.selectable);
        row.ok_or(Stop::Fail(MailError::NoSuchMailbox))
    }

    /// Changes a mailbox's row.
    pub(crate) fn set_mailbox(&mut self, id: MailboxId, row: Option<MailboxRow>) {
        self.work.mailboxes.insert(id, row);
    }

    /// A mailbox's access control list.
    pub(crate) fn acl(&self, id: MailboxId) -> Arc<Acl> {
        self.work.acls.get(&id).or_else(|| self.core.acls.get(&id)).cloned().unwrap_or_default()
    }

    /// Changes a mailbox's access control list; an empty one is none.
    pub(crate) fn set_acl(&mut self, id: MailboxId, acl: Arc<Acl>) {
        if acl.is_empty() {
            self.delete(keys::acl(self.id, id));
        } else {
            self.put(keys::acl(self.id, id), acl.encode());
        }
        self.work.acls.insert(id, acl);
    }

    /// Which annotations a mailbox has; 0 for the account.
    pub(crate) fn annotations(&self, id: MailboxId) -> Arc<AnnotationIndex> {
        self.work.annotations.get(&id).or_else(|| self.core.annotations.get(&id)).cloned().unwrap_or_default()
    }

    /// Octets of all annotations' values in the account.
    pub(crate) fn annotation_octets(&self) -> u64 {
        let unchanged = self.core.annotations.iter().filter(|(id, _)| !self.work.annotations.contains_key(id));
        unchanged.map(|(_, index)| index.octets()).chain(self.work.annotations.values().map(|i| i.octets())).sum()
    }

    /// Changes the list of a mailbox's annotations; an empty one is none.
    pub(crate) fn set_annotations(&mut self, id: MailboxId, index: Arc<AnnotationIndex>) {
        if index.is_empty() {
            self.delete(keys::annotations(self.id, id));
        } else {
            self.put(keys::annotations(self.id, id), index.encode());
        }
        self.work.annotations.insert(id, index);
    }

    /// Takes everything away that belongs to a mailbox which goes, but its messages: rights and annotations.
    pub(crate) fn strip(&mut self, id: MailboxId) {
        if !self.acl(id).is_empty() {
            self.set_acl(id, Arc::default());
        }
        let index = self.annotations(id);
        if !index.is_empty() {
            for (holder, name) in index.all() {
                self.delete_and_keep(keys::annotation(self.id, id, holder, name));
            }
            self.set_annotations(id, Arc::default());
        }
    }

    /// All names.
    pub(crate) fn names(&self) -> &BTreeMap<MailboxName, MailboxId> {
        self.work.names.as_ref().unwrap_or(&self.core.names)
    }

    /// All names, to be changed.
    pub(crate) fn names_mut(&mut self) -> &mut BTreeMap<MailboxName, MailboxId> {
        self.work.names.get_or_insert_with(|| self.core.names.clone())
    }

    /// All subscriptions with their numbers.
    pub(crate) fn subscriptions(&self) -> &BTreeMap<MailboxName, u32> {
        self.work.subscriptions.as_ref().unwrap_or(&self.core.subscriptions)
    }

    /// All subscriptions, to be changed.
    pub(crate) fn subscriptions_mut(&mut self) -> &mut BTreeMap<MailboxName, u32> {
        self.work.subscriptions.get_or_insert_with(|| self.core.subscriptions.clone())
    }

    /// A mailbox's messages as this batch has left them so far. Must be called before [`Tx::record`] by everyone who
    /// does more than add messages.
    pub(crate) fn view(&mut self, id: MailboxId) -> Result<Arc<Snapshot>, Stop> {
        if let Some(delta) = self.work.deltas.get_mut(&id) {
            delta.settle();
            return Ok(Arc::clone(&delta.snapshot));
        }
        let cell = self.core.views.get(&id).ok_or(Stop::Need(Need::View(id)))?;
        Ok(cell.snapshot())
    }

    /// Records what changes in a mailbox's messages, both lists ascending; new messages have UIDs past all there are.
    /// If nobody looks at the mailbox, there is nothing to record.
    pub(crate) fn record(&mut self, id: MailboxId, changed: Vec<Entry>, mut gone: Vec<Uid>) {
        let delta = match self.work.deltas.entry(id) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let Some(cell) = self.core.views.get(&id) else { return };
                let (changed, gone, uidls) = Default::default();
                entry.insert(Delta { snapshot: cell.snapshot(), changed, gone, uidls })
            }
        };
        if delta.changed.is_empty() {
            delta.changed = changed;
        } else {
            delta.changed.extend(changed);
        }
        delta.gone.append(&mut gone);
    }

    /// Records the UIDL of a message that was just recorded.
    pub(crate) fn record_uidl(&mut self, id: MailboxId, uid: Uid, uidl: &str) {
        if let Some(delta) = self.work.deltas.get_mut(&id) {
            delta.uidls.push((uid, uidl.into()));
        }
    }

    /// Sets a key.
    pub(crate) fn put(&mut self, key: Bytes, value: Bytes) {
        self.work.bytes += key.len() + value.len();
        self.work.batch.put(key, value);
    }

    /// Sets a key that a later verb of the same batch may [`Tx::get`].
    pub(crate) fn put_and_keep(&mut self, key: Bytes, value: Bytes) {
        self.work.fetched.insert(key.clone(), Some(value.clone()));
        self.put(key, value);
    }

    /// Deletes a key.
    pub(crate) fn delete(&mut self, key: Bytes) {
        self.work.bytes += key.len();
        self.work.batch.delete(key);
    }

    /// Deletes a key that a later verb of the same batch may [`Tx::get`].
    pub(crate) fn delete_and_keep(&mut self, key: Bytes) {
        self.work.fetched.insert(key.clone(), None);
        self.delete(key);
    }

    /// Changes a reference to a body.
    pub(crate) fn body(&mut self, change: BodyChange) {
        self.work.batch.bodies.push(change);
    }

    /// Says that this verb needs room on the disk.
    pub(crate) fn set_space(&mut self, space: Space) {
        if space == Space::Grows {
            self.work.batch.space = Space::Grows;
        }
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: Bytes) -> Result<Option<Bytes>, Stop> {
        match self.work.fetched.get(&key) {
            Some(value) => Ok(value.clone()),
            None => Err(Stop::Need(Need::Keys(vec![key]))),
        }
    }

    /// Makes sure that [`Tx::get`] has all of these.
    pub(crate) fn need_keys(&self, keys: impl IntoIterator<Item = Bytes>) -> Result<(), Stop> {
        let missing: Vec<_> = keys.into_iter().filter(|key| !self.work.fetched.contains_key(key)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Stop::Need(Need::Keys(missing))) }
    }

    /// The first page of a range, as the store has it: without the changes of this batch.
    pub(crate) fn scan(&self, scan: &Scan) -> Result<&[Row], Stop> {
        let rows = self.work.scanned.get(&scan.start);
        rows.map(Vec::as_slice).ok_or_else(|| Stop::Need(Need::Scans(vec![scan.clone()])))
    }

    /// Makes sure that [`Tx::scan`] has all of these.
    pub(crate) fn need_scans(&self, scans: impl IntoIterator<Item = Scan>) -> Result<(), Stop> {
        let missing: Vec<_> = scans.into_iter().filter(|s| !self.work.scanned.contains_key(&s.start)).collect();
        if missing.is_empty() { Ok(()) } else { Err(Stop::Need(Need::Scans(missing))) }
    }

    /// A delivery that an earlier verb of this batch has made.
    pub(crate) fn deliveries(&self, trace: TraceId) -> impl Iterator<Item = (&str, &DeliveredRow)> {
        self.work.deliveries.iter().filter(move |d| d.0 == trace).map(|d| (&*d.1, &d.2))
    }

    /// Remembers a delivery.
    pub(crate) fn deliver(&mut self, trace: TraceId, recipient: &str, row: DeliveredRow) {
        self.put(keys::delivered(self.id, trace, recipient), row.encode());
        self.work.deliveries.push((trace, recipient.into(), row));
    }
}
