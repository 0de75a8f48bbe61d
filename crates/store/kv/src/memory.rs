//! The plainest engine: ordered keys in a map, bodies in another, one lock. The reference that others are compared with,
//! and what domain tests run on. It keeps nothing on disk; [`Memory::reopen`] stands for a restart.

use crate::{
    BODY_READ_MAX, Batch, BatchError, BodyChange, BodyHash, BodyId, BodyWriter, BoxFuture, CommitError, Committed,
    Direction, Engine, Expect, Page, PageLimit, Scan, StagedBody, StoreError, Watch, WatchHub, Write,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::ops::{Bound, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use types::{AccountId, Octets};

/// Most bytes that a size hint makes a writer set aside.
const HINT_MAX: usize = 1 << 20;

/// An engine in memory.
pub struct Memory {
    shared: Arc<Shared>,
}

struct Shared {
    /// `None` once a later engine has taken the state over.
    state: Mutex<Option<State>>,
    hub: WatchHub,
}

#[derive(Default)]
struct State {
    rows: BTreeMap<Bytes, Bytes>,
    bodies: HashMap<BodyId, Body>,
    last_body: u128,
    sequence: u64,
}

struct Body {
    bytes: Bytes,
    references: BTreeSet<AccountId>,
    /// Whether a handle is out.
    open: bool,
}

impl Memory {
    /// An empty engine.
    pub fn new() -> Arc<Self> {
        Self::of(State::default())
    }

    /// What a restart leaves: a new engine with every committed batch, in which bodies without a reference are gone and
    /// open handles are void. This engine is closed: it answers [`StoreError::Unavailable`] from now on.
    ///
    /// # Panics
    /// If it was reopened before.
    pub fn reopen(&self) -> Arc<Self> {
        let state = self.shared.lock().take();
        assert!(state.is_some(), "a closed engine cannot be reopened again: reopen the one that took over");
        let mut state = state.unwrap_or_default();
        for body in state.bodies.values_mut() {
            body.open = false;
        }
        state.bodies.retain(|_, body| !body.is_dead());
        state.sequence = 0;
        Self::of(state)
    }

    fn of(state: State) -> Arc<Self> {
        let shared = Shared { state: Mutex::new(Some(state)), hub: WatchHub::default() };
        Arc::new(Self { shared: Arc::new(shared) })
    }

    fn read<T>(&self, read: impl FnOnce(&State) -> Result<T, StoreError>) -> Result<T, StoreError> {
        self.shared.lock().as_ref().ok_or_else(closed).and_then(read)
    }

    /// The whole commit. The batch is borrowed, so that a last handle in it is dropped after the lock is released.
    fn apply(&self, batch: &Batch) -> Result<Committed, CommitError> {
        batch.check()?;
        let ours = |staged: &StagedBody| {
            let handle = staged.inner().downcast_ref::<Handle>();
            handle.is_some_and(|handle| std::ptr::eq(handle.shared.as_ptr(), Arc::as_ptr(&self.shared)))
        };
        if batch.bodies.iter().any(|change| matches!(change, BodyChange::Add(staged) if !ours(staged))) {
            return Err(BatchError::ForeignBody.into());
        }
        let committed = self.shared.lock().as_mut().ok_or_else(closed)?.apply(batch)?;
        if !batch.writes.is_empty() {
            self.shared.hub.wake(batch.account());
        }
        Ok(committed)
    }
}

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").finish_non_exhaustive()
    }
}

impl Engine for Memory {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move { self.read(|state| Ok(state.rows.get(key).cloned())) })
    }

    fn get_many<'a>(&'a self, keys: &'a [Bytes]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, StoreError>> {
        Box::pin(async move { self.read(|state| Ok(keys.iter().map(|key| state.rows.get(key).cloned()).collect())) })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move { self.read(|state| Ok(state.page(scan))) })
    }

    fn stage(&self, size_hint: Option<Octets>) -> BoxFuture<'_, Result<Box<dyn BodyWriter>, StoreError>> {
        Box::pin(async move {
            self.read(|_| Ok(()))?;
            let hint = size_hint.map_or(0, |hint| usize::try_from(hint.0).unwrap_or(HINT_MAX).min(HINT_MAX));
            let writer =
                Writer { shared: self.shared.clone(), hasher: blake3::Hasher::new(), bytes: Vec::with_capacity(hint) };
            Ok(Box::new(writer) as Box<dyn BodyWriter>)
        })
    }

    fn read_body(&self, body: BodyId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>> {
        Box::pin(async move {
            self.read(|state| {
                let bytes = &state.bodies.get(&body).ok_or(StoreError::NoSuchBody(body))?.bytes;
                let at = |offset: u64| usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
                let start = at(range.start);
                let end = at(range.end).clamp(start, start.saturating_add(BODY_READ_MAX));
                Ok(bytes.slice(start..end))
            })
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move { self.apply(&batch) })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.shared.hub.watch(prefix)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Option<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn page(&self, scan: &Scan) -> Page {
        if scan.start >= scan.end {
            return Page::default();
        }
        let bounds = (Bound::Included(&scan.start[..]), Bound::Excluded(&scan.end[..]));
        let rows = self.rows.range::<[u8], _>(bounds);
        match scan.direction {
            Direction::Forward => fill(rows, scan.limit),
            Direction::Backward => fill(rows.rev(), scan.limit),
        }
    }

    fn apply(&mut self, batch: &Batch) -> Result<Committed, CommitError> {
        for precondition in &batch.preconditions {
            let holds = match &precondition.expect {
                Expect::Value(value) => self.rows.get(&precondition.key) == Some(value),
                Expect::Absent => !self.rows.contains_key(&precondition.key),
            };
            if !holds {
                return Err(CommitError::Conflict { key: precondition.key.clone() });
            }
        }
        let references = self.references_after(batch)?;
        // Nothing can fail after this line.
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => self.rows.insert(key.clone(), value.clone()),
                Write::Delete(key) => self.rows.remove(key),
            };
        }
        for (id, references) in references {
            if let Some(body) = self.bodies.get_mut(&id) {
                body.references = references;
                if body.is_dead() {
                    self.bodies.remove(&id);
                }
            }
        }
        self.sequence += 1;
        Ok(Committed { sequence: self.sequence })
    }

    /// The reference sets of the bodies that the batch names, as they will be after it.
    fn references_after(&self, batch: &Batch) -> Result<HashMap<BodyId, BTreeSet<AccountId>>, CommitError> {
        let mut after: HashMap<BodyId, BTreeSet<AccountId>> = HashMap::new();
        for change in &batch.bodies {
            let id = match change {
                BodyChange::Add(staged) => staged.id(),
                BodyChange::Share(id) | BodyChange::Release(id) => *id,
            };
            let now = self.bodies.get(&id).map(|body| &body.references);
            let references = after.entry(id).or_insert_with(|| now.cloned().unwrap_or_default());
            match change {
                BodyChange::Add(_) if now.is_none() => return Err(CommitError::DeadBody(id)),
                BodyChange::Share(_) if references.is_empty() => return Err(CommitError::DeadBody(id)),
                BodyChange::Add(_) | BodyChange::Share(_) => references.insert(batch.account()),
                BodyChange::Release(_) => references.remove(&batch.account()),
            };
        }
        Ok(after)
    }
}

impl Body {
    fn is_dead(&self) -> bool {
        !self.open && self.references.is_empty()
    }
}

/// Takes rows until a limit is met, but at least one.
fn fill<'a>(rows: impl Iterator<Item = (&'a Bytes, &'a Bytes)>, limit: PageLimit) -> Page {
    let mut page = Page::default();
    let mut bytes = 0_usize;
    for (key, value) in rows {
        bytes = bytes.saturating_add(key.len()).saturating_add(value.len());
        if !page.rows.is_empty() && (page.rows.len() >= limit.rows || bytes > limit.bytes) {
            page.more = true;
            break;
        }
        page.rows.push((key.clone(), value.clone()));
    }
    page
}

fn closed() -> StoreError {
    StoreError::Unavailable("the engine was opened again elsewhere".into())
}

struct Writer {
    shared: Arc<Shared>,
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl BodyWriter for Writer {
    fn write<'a>(&'a mut self, piece: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            self.hasher.update(piece);
            self.bytes.extend_from_slice(piece);
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<StagedBody, StoreError>> {
        Box::pin(async move {
            let Self { shared, hasher, bytes } = *self;
            let len = Octets(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            let hash = BodyHash(*hasher.finalize().as_bytes());
            let id = {
                let mut lock = shared.lock();
                let state = lock.as_mut().ok_or_else(closed)?;
                state.last_body += 1;
                let id = BodyId(state.last_body);
                let body = Body { bytes: bytes.into(), references: BTreeSet::new(), open: true };
                state.bodies.insert(id, body);
                id
            };
            Ok(StagedBody::new(id, len, hash, Arc::new(Handle { shared: Arc::downgrade(&shared), id })))
        })
    }
}

/// What all copies of one staged body share; going, it takes an unreferenced body along.
struct Handle {
    shared: Weak<Shared>,
    id: BodyId,
}

impl Drop for Handle {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let mut lock = shared.lock();
        let Some(state) = lock.as_mut() else { return };
        if let Some(body) = state.bodies.get_mut(&self.id) {
            body.open = false;
            if body.is_dead() {
                state.bodies.remove(&self.id);
            }
        }
    }
}
