//! What a store should hold.

use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use store_kv::{Batch, BodyChange, BodyId, Expect, Write};
use types::AccountId;

#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) content: Arc<Vec<u8>>,
    pub(super) references: BTreeSet<AccountId>,
}

/// What a store holds after some batches.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) rows: BTreeMap<Bytes, Bytes>,
    pub(super) bodies: BTreeMap<BodyId, Body>,
}

/// What a batch must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Commits,
    Conflicts,
    Dead(BodyId),
}

impl Model {
    pub(super) fn judge(&self, batch: &Batch) -> Verdict {
        for precondition in &batch.preconditions {
            let now = self.rows.get(&precondition.key);
            let holds = match &precondition.expect {
                Expect::Value(value) => now == Some(value),
                Expect::Absent => now.is_none(),
            };
            if !holds {
                return Verdict::Conflicts;
            }
        }
        let mut after: BTreeMap<BodyId, BTreeSet<AccountId>> = BTreeMap::new();
        let references = |id: BodyId| self.bodies.get(&id).map(|body| body.references.clone()).unwrap_or_default();
        for change in &batch.bodies {
            match change {
                BodyChange::Add(staged) => {
                    after.entry(staged.id()).or_insert_with(|| references(staged.id())).insert(batch.account());
                }
                BodyChange::Share(id) => {
                    let set = after.entry(*id).or_insert_with(|| references(*id));
                    if set.is_empty() {
                        return Verdict::Dead(*id);
                    }
                    set.insert(batch.account());
                }
                BodyChange::Release(id) => {
                    after.entry(*id).or_insert_with(|| references(*id)).remove(&batch.account());
                }
            }
        }
        Verdict::Commits
    }

    pub(super) fn apply(&mut self, batch: &Batch, contents: &BTreeMap<BodyId, Arc<Vec<u8>>>) {
        for change in &batch.bodies {
            let id = match change {
                BodyChange::Add(staged) => staged.id(),
                BodyChange::Share(id) | BodyChange::Release(id) => *id,
            };
            let Some(content) = contents.get(&id) else { continue };
            let new = || Body { content: content.clone(), references: BTreeSet::new() };
            let body = self.bodies.entry(id).or_insert_with(new);
            match change {
                BodyChange::Add(_) | BodyChange::Share(_) => body.references.insert(batch.account()),
                BodyChange::Release(_) => body.references.remove(&batch.account()),
            };
        }
        self.bodies.retain(|_, body| !body.references.is_empty());
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => self.rows.insert(key.clone(), value.clone()),
                Write::Delete(key) => self.rows.remove(key),
            };
        }
    }
}
