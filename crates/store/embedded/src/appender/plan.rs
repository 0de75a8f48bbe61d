//! From a batch to what will be written: preconditions, rules, references.

use super::Appender;
use crate::block::Descriptor;
use crate::keys::{Location, Place, Row, body_key, orphan_key, parse_reference, reference_key, references_prefix};
use crate::record::{put_entry_body, put_entry_delete, put_entry_put};
use crate::relocate::Move;
use crate::stage::{Staged, Staging};
use crate::stats::Counters;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store_kv::{
    Batch, BatchError, BodyChange, BodyId, CommitError, Direction, Expect, PageLimit, Space, StagedBody, StoreError,
    Write,
};
use types::AccountId;

/// What a record will hold.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) meta: Vec<u8>,
    pub(crate) rows: Vec<(Bytes, Option<Bytes>)>,
    pub(crate) bodies: Vec<PlannedBody>,
    /// Whether the reserve may be used.
    pub(crate) reserved: bool,
    pub(crate) wake: Option<AccountId>,
    pub(crate) dead_files: Vec<BodyId>,
    pub(crate) staged: Vec<StagedBody>,
    /// A body that only an open handle kept, and that this ends.
    pub(crate) ended: Option<BodyId>,
    /// Whether open handles become, or cease to be, all that keeps their bodies.
    pub(crate) orphans: Vec<(Arc<Staged>, bool)>,
}

/// A body that a record brings.
#[derive(Debug)]
pub(crate) struct PlannedBody {
    pub(crate) descriptor: Descriptor,
    /// Its blocks; `None` if they are in a file of their own.
    pub(crate) data: Option<Bytes>,
    /// Its handle, if it is new.
    pub(crate) staged: Option<Arc<Staged>>,
}

impl Plan {
    pub(super) fn put(&mut self, key: Bytes, value: Bytes) {
        put_entry_put(&mut self.meta, &key, &value);
        self.rows.push((key, Some(value)));
    }

    pub(super) fn delete(&mut self, key: Bytes) {
        put_entry_delete(&mut self.meta, &key);
        self.rows.push((key, None));
    }

    fn body(&mut self, body: PlannedBody) {
        put_entry_body(&mut self.meta, &body.descriptor, body.data.is_none());
        self.bodies.push(body);
    }

    pub(crate) fn blocks_len(&self) -> u64 {
        self.bodies.iter().filter(|body| body.data.is_some()).map(|body| body.descriptor.stored()).sum()
    }
}

/// The references of one body while a batch changes them.
#[derive(Debug)]
struct References {
    before: BTreeSet<AccountId>,
    after: BTreeSet<AccountId>,
    /// The handle, while it is known to be open.
    staged: Option<Arc<Staged>>,
}

impl Appender {
    /// Checks a batch and plans its record.
    pub(super) fn plan(&mut self, batch: Batch) -> Result<Plan, CommitError> {
        batch.check()?;
        let staged = self.staged_of(&batch)?;
        for precondition in &batch.preconditions {
            let now = self.current(&precondition.key)?.map(|(_, value)| value);
            let holds = match &precondition.expect {
                Expect::Value(value) => now.as_ref() == Some(value),
                Expect::Absent => now.is_none(),
            };
            if !holds {
                Counters::add(&self.shared.counters.conflicts, 1);
                return Err(CommitError::Conflict { key: precondition.key.clone() });
            }
        }
        let references = self.references_after(&batch, &staged)?;
        if batch.space == Space::Grows && self.shared.is_nearly_full() {
            Counters::add(&self.shared.counters.refused_full, 1);
            return Err(CommitError::Full);
        }
        let mut plan = Plan { reserved: batch.space == Space::Frees, ..Plan::default() };
        plan.wake = (!batch.writes.is_empty()).then_some(batch.account());
        for (id, references) in references {
            self.plan_body(&mut plan, id, references)?;
        }
        for write in batch.writes {
            match write {
                Write::Put(key, value) => plan.put(key, value),
                Write::Delete(key) => plan.delete(key),
            }
        }
        let adds = batch.bodies.into_iter().filter_map(|change| match change {
            BodyChange::Add(staged) => Some(staged),
            _ => None,
        });
        plan.staged = adds.collect();
        Ok(plan)
    }

    /// The staged bodies that a batch adds; an error if one is another engine's.
    fn staged_of(&self, batch: &Batch) -> Result<BTreeMap<BodyId, Arc<Staged>>, CommitError> {
        let mut all = BTreeMap::new();
        for change in &batch.bodies {
            if let BodyChange::Add(staged) = change {
                let staged = Staged::of(staged, &self.shared).ok_or(BatchError::ForeignBody)?;
                all.insert(staged.descriptor.id, staged);
            }
        }
        Ok(all)
    }

    /// The references of all bodies that a batch names, before and after it.
    fn references_after(
        &self,
        batch: &Batch,
        staged: &BTreeMap<BodyId, Arc<Staged>>,
    ) -> Result<BTreeMap<BodyId, References>, CommitError> {
        let mut all: BTreeMap<BodyId, References> = BTreeMap::new();
        for change in &batch.bodies {
            let id = match change {
                BodyChange::Add(staged) => staged.id(),
                BodyChange::Share(id) | BodyChange::Release(id) => *id,
            };
            let references = match all.entry(id) {
                std::collections::btree_map::Entry::Occupied(entry) => entry.into_mut(),
                std::collections::btree_map::Entry::Vacant(entry) => {
                    let staged = staged.get(&id).cloned();
                    // A body that no record names has no references: nothing to look for.
                    let fresh = staged.as_ref().is_some_and(|staged| !staged.appended.load(Ordering::Acquire));
                    let before = if fresh { BTreeSet::new() } else { self.references(id)? };
                    entry.insert(References { after: before.clone(), before, staged })
                }
            };
            match change {
                BodyChange::Share(_) if references.after.is_empty() => return Err(CommitError::DeadBody(id)),
                BodyChange::Add(_) | BodyChange::Share(_) => references.after.insert(batch.account()),
                BodyChange::Release(_) => references.after.remove(&batch.account()),
            };
        }
        Ok(all)
    }

    /// Plans what a batch does to one body and its references.
    fn plan_body(&self, plan: &mut Plan, id: BodyId, references: References) -> Result<(), StoreError> {
        let References { before, after, staged } = references;
        for account in after.difference(&before) {
            plan.put(reference_key(id, *account), Bytes::new());
        }
        for account in before.difference(&after) {
            plan.delete(reference_key(id, *account));
        }
        let staged = staged.or_else(|| self.shared.pins.get(id));
        let row = match &staged {
            Some(staged) if !staged.appended.load(Ordering::Acquire) => None,
            _ => self.current(&body_key(id))?,
        };
        match (row, after.is_empty(), staged) {
            (None, false, Some(staged)) => {
                let data = match staged.staging() {
                    Staging::Memory(bytes) => Some(bytes),
                    Staging::File | Staging::Written => None,
                };
                plan.body(PlannedBody { descriptor: staged.descriptor.clone(), data, staged: Some(staged) });
            }
            (Some(_), true, Some(staged)) if !before.is_empty() => {
                plan.put(orphan_key(id), Bytes::new());
                plan.orphans.push((staged, true));
            }
            (Some((_, value)), true, None) => plan_death(plan, id, &value),
            (Some(_), false, Some(staged)) if before.is_empty() => {
                plan.delete(orphan_key(id));
                plan.orphans.push((staged, false));
            }
            _ => {}
        }
        Ok(())
    }

    /// Plans the end of a body whose last handle went after its last reference; `None` if it was taken up again.
    pub(super) fn plan_unpinned(&self, id: BodyId) -> Result<Option<Plan>, StoreError> {
        let orphaned = self.current(&orphan_key(id))?.is_some();
        if !orphaned || self.shared.pins.get(id).is_some() {
            return Ok(None);
        }
        let mut plan = Plan { reserved: true, ended: Some(id), ..Plan::default() };
        plan.delete(orphan_key(id));
        if let Some((_, value)) = self.current(&body_key(id))? {
            plan_death(&mut plan, id, &value);
        }
        Ok(Some(plan))
    }

    /// Plans to write again what still stands in segment `from`.
    pub(super) fn plan_moves(&self, from: u32, moves: Vec<Move>) -> Result<Plan, StoreError> {
        let mut plan = Plan { reserved: true, ..Plan::default() };
        for moved in moves {
            match moved {
                Move::Row(key) => {
                    if let Some((segment, value)) = self.current(&key)?
                        && segment == from
                    {
                        plan.put(key, value);
                    }
                }
                Move::Delete(key) => {
                    if self.current(&key)?.is_none() {
                        plan.delete(key);
                    }
                }
                Move::Body(descriptor, data) => {
                    if let Some((segment, _)) = self.current(&body_key(descriptor.id))?
                        && segment == from
                    {
                        plan.body(PlannedBody { descriptor, data, staged: None });
                    }
                }
            }
        }
        Ok(plan)
    }

    /// Who refers to a body, with all that was written before.
    fn references(&self, id: BodyId) -> Result<BTreeSet<AccountId>, StoreError> {
        let prefix = references_prefix(id);
        let mut last = prefix.clone();
        last.extend_from_slice(&u32::MAX.to_be_bytes());
        let range = (Bound::Included(&prefix[..]), Bound::Included(&last[..]));
        let mut accounts = BTreeSet::new();
        let mut start = Bound::Included(Bytes::from(prefix.clone()));
        loop {
            let from = match &start {
                Bound::Included(key) => Bound::Included(&key[..]),
                Bound::Excluded(key) => Bound::Excluded(&key[..]),
                Bound::Unbounded => Bound::Unbounded,
            };
            let page = self.shared.page((from, range.1), Direction::Forward, PageLimit::default())?;
            accounts.extend(page.rows.iter().filter_map(|(key, _)| parse_reference(key)).map(|(_, account)| account));
            let Some((key, _)) = page.rows.last().filter(|_| page.more) else { break };
            start = Bound::Excluded(key.clone());
        }
        for (key, (_, row)) in self.pending.rows.range::<[u8], _>(range) {
            let Some((_, account)) = parse_reference(key) else { continue };
            if row.value.is_some() {
                accounts.insert(account);
            } else {
                accounts.remove(&account);
            }
        }
        Ok(accounts)
    }

    /// The state of a key with all that was written before, visible or not.
    fn current(&self, key: &[u8]) -> Result<Option<(u32, Bytes)>, StoreError> {
        match self.pending.rows.get(key) {
            Some((_, Row { segment, value })) => Ok(value.clone().map(|value| (*segment, value))),
            None => self.shared.row(key),
        }
    }
}

/// Plans the end of a body.
fn plan_death(plan: &mut Plan, id: BodyId, location: &[u8]) {
    plan.delete(body_key(id));
    if Location::decode(location).is_some_and(|location| location.place == Place::File) {
        plan.dead_files.push(id);
    }
}
