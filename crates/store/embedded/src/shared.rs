//! What the engine's threads and its callers share.

use crate::appender::Appender;
use crate::disk::{Disk, DiskFile};
use crate::files::FileCache;
use crate::index::Index;
use crate::keys::{Position, Row};
use crate::layout::Layout;
use crate::options::Options;
use crate::overlay::Overlay;
use crate::relocate::Move;
use crate::stage::{Pins, Staged};
use crate::stats::Counters;
use bytes::Bytes;
use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};
use store_kv::{Batch, BodyChange, BodyId, CommitError, Committed, StagedBody, StoreError, WatchHub};
use tokio::sync::oneshot;
use types::AccountId;

/// How long a look at the free space counts.
const SPACE_LOOK: Duration = Duration::from_millis(500);

/// While a sync is under way, fewer waiting bytes than this are left to gather: they are written in one go when it ends.
pub(crate) const GATHER: u64 = 64 << 10;

/// Who waits for a batch.
pub(crate) type Answer = oneshot::Sender<Result<Committed, CommitError>>;

/// What the appender is asked to do.
#[derive(Debug)]
pub(crate) enum Request {
    /// Commit a batch.
    Commit { batch: Batch, answer: Answer },
    /// Write again what the compactor found alive in segment `from`, if it still stands there.
    Relocate { from: u32, moves: Vec<Move>, answer: Answer },
    /// The last handle on a body went after its last reference had.
    Unpinned(BodyId),
    /// Seal the segment that is written to.
    Seal { answer: Answer },
}

impl Request {
    /// Bytes of bodies in it, about.
    fn bytes(&self) -> u64 {
        match self {
            Self::Commit { batch, .. } => {
                let added = batch.bodies.iter().map(|change| match change {
                    BodyChange::Add(staged) => staged.len().0,
                    BodyChange::Share(_) | BodyChange::Release(_) => 0,
                });
                added.fold(0, u64::saturating_add)
            }
            Self::Relocate { .. } => GATHER,
            Self::Unpinned(_) | Self::Seal { .. } => 0,
        }
    }
}

/// One batch that is written and not yet durable.
#[derive(Debug)]
pub(crate) struct Applied {
    pub(crate) sequence: u64,
    pub(crate) rows: Vec<(Bytes, Row)>,
    /// Whom to wake.
    pub(crate) wake: Option<AccountId>,
    pub(crate) answer: Option<Answer>,
    /// Bodies whose files nobody needs once this is durable.
    pub(crate) dead_files: Vec<BodyId>,
    /// Staged bodies that must live until it is done.
    pub(crate) staged: Vec<StagedBody>,
    /// Those of them that this wrote.
    pub(crate) written: Vec<Arc<Staged>>,
    /// A body that only an open handle kept, and that this ends.
    pub(crate) ended: Option<BodyId>,
}

/// What one write brought.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) applied: Vec<Applied>,
    pub(crate) end: Position,
    pub(crate) bytes: u64,
}

/// What the appender waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Awaited {
    /// Nothing: it works.
    #[default]
    Nothing,
    /// Any request.
    Request,
    /// The end of the sync that is under way, or enough bytes to be worth writing meanwhile.
    Sync,
}

/// The waiting requests.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) requests: VecDeque<Request>,
    /// Bytes of bodies in them, about.
    pub(crate) bytes: u64,
    /// What the appender waits for.
    pub(crate) awaited: Awaited,
    /// No more are taken.
    pub(crate) closed: bool,
}

/// What is between writing and being durable.
#[derive(Debug, Default)]
pub(crate) struct Pipe {
    pub(crate) groups: VecDeque<Group>,
    /// Bytes written and not synced, those under way included.
    pub(crate) unsynced: u64,
    /// Groups are being synced.
    pub(crate) busy: bool,
    /// No more will come.
    pub(crate) closed: bool,
}

/// What the index thread is to do.
#[derive(Debug, Default)]
pub(crate) struct IndexFlow {
    /// Write now.
    pub(crate) due: bool,
    /// Write what there is and end.
    pub(crate) closed: bool,
}

/// What readers see.
#[derive(Debug)]
pub(crate) struct Visible {
    pub(crate) overlay: Overlay,
    /// `None` once closed.
    pub(crate) index: Option<Arc<dyn Index>>,
}

/// What the engine's threads and its callers share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) layout: Layout,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) options: Options,
    pub(crate) visible: RwLock<Visible>,
    pub(crate) queue: Mutex<Queue>,
    pub(crate) queue_filled: Condvar,
    pub(crate) pipe: Mutex<Pipe>,
    /// A group was written, or the pipe was closed.
    pub(crate) pipe_filled: Condvar,
    /// Groups became durable.
    pub(crate) pipe_drained: Condvar,
    pub(crate) index_flow: Mutex<IndexFlow>,
    pub(crate) index_wake: Condvar,
    /// The overlay has become smaller.
    pub(crate) overlay_room: Condvar,
    /// Held while the index is written; its value is the committed mark.
    pub(crate) mark: Mutex<Position>,
    /// The number of the first record that is not visible yet.
    pub(crate) published: AtomicU64,
    pub(crate) poison: OnceLock<Arc<str>>,
    pub(crate) files: FileCache,
    pub(crate) pins: Pins,
    pub(crate) hub: WatchHub,
    pub(crate) counters: Counters,
    /// The lengths of the sealed segments.
    pub(crate) sealed: Mutex<BTreeMap<u32, u64>>,
    /// Read by whoever needs that no file of the log or of a body is removed; written by who removes.
    pub(crate) removal: RwLock<()>,
    /// Body files to be removed.
    pub(crate) trash: Mutex<Vec<BodyId>>,
    /// When the free space was looked at, and what it was.
    pub(crate) space: Mutex<Option<(Instant, u64)>>,
    pub(crate) lock: Mutex<Option<Box<dyn Any + Send + Sync>>>,
    /// The appender, while no thread has it.
    pub(crate) appender: Mutex<Option<Box<Appender>>>,
    /// Whether threads do the work; else whoever asks does it (while opening, and in crash tests).
    pub(crate) threaded: AtomicBool,
}

/// Locks, whatever a panic elsewhere left: what is under our locks is consistent at every instant.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits on a condition.
pub(crate) fn wait<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
    condition.wait(guard).unwrap_or_else(PoisonError::into_inner)
}

/// Waits on a condition for some time.
pub(crate) fn wait_for<'a, T>(condition: &Condvar, guard: MutexGuard<'a, T>, time: Duration) -> MutexGuard<'a, T> {
    condition.wait_timeout(guard, time).unwrap_or_else(PoisonError::into_inner).0
}

impl Shared {
    /// Puts a request in the queue; hands it back when the queue is closed.
    pub(crate) fn push(&self, request: Request) -> Result<(), Request> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(request);
        }
        queue.bytes = queue.bytes.saturating_add(request.bytes());
        queue.requests.push_back(request);
        let wakes = match queue.awaited {
            Awaited::Nothing => false,
            Awaited::Request => true,
            Awaited::Sync => queue.bytes >= GATHER,
        };
        drop(queue);
        if wakes {
            self.queue_filled.notify_one();
        }
        Ok(())
    }

    /// The engine takes no more writes, for this reason. The first reason stays.
    pub(crate) fn poison(&self, doing: &str, error: &dyn std::fmt::Display) -> StoreError {
        let cause: Arc<str> = format!("{doing}: {error}").into();
        if self.poison.set(cause.clone()).is_ok() {
            tracing::error!(cause = &*cause, "the store takes no more writes");
        }
        // Whoever waits for progress must see that there will be none.
        drop(lock(&self.queue));
        self.queue_filled.notify_all();
        drop(lock(&self.pipe));
        self.pipe_filled.notify_all();
        self.pipe_drained.notify_all();
        drop(lock(&self.index_flow));
        self.index_wake.notify_all();
        self.overlay_room.notify_all();
        StoreError::Poisoned(self.poison.get().cloned().unwrap_or(cause))
    }

    /// Why no more writes are taken.
    pub(crate) fn poisoned(&self) -> Option<StoreError> {
        self.poison.get().cloned().map(StoreError::Poisoned)
    }

    /// The next number for a body. Unique for ever: the high half is the number of the first record of this run.
    pub(crate) fn next_body(&self) -> BodyId {
        self.pins.next_id()
    }

    /// Whether batches that grow the store are to be refused.
    pub(crate) fn is_nearly_full(&self) -> bool {
        self.free_space().is_some_and(|free| free < self.options.reserve)
    }

    /// Free bytes, as of a moment ago.
    fn free_space(&self) -> Option<u64> {
        let mut space = lock(&self.space);
        if let Some((when, free)) = *space
            && !self.disk.is_instant()
            && when.elapsed() < SPACE_LOOK
        {
            return Some(free);
        }
        let free = self.disk.free_space(&self.layout.root).ok()?;
        *space = Some((Instant::now(), free));
        Some(free)
    }

    /// Waits until the overlay has room or the engine is poisoned.
    pub(crate) fn wait_for_overlay(&self) {
        if !self.is_threaded() {
            return;
        }
        let mut flow = lock(&self.index_flow);
        while self.overlay_bytes() > self.options.overlay_bytes && self.poison.get().is_none() {
            flow.due = true;
            self.index_wake.notify_all();
            flow = wait(&self.overlay_room, flow);
        }
    }

    /// Whether threads do the work.
    pub(crate) fn is_threaded(&self) -> bool {
        self.threaded.load(Ordering::Acquire)
    }

    /// The memory that the overlay takes, about.
    pub(crate) fn overlay_bytes(&self) -> usize {
        self.visible.read().unwrap_or_else(PoisonError::into_inner).overlay.bytes()
    }

    /// Waits until fewer than `limit` bytes are written and not durable, or the engine is poisoned.
    pub(crate) fn wait_for_pipe(&self, limit: u64) {
        if !self.is_threaded() {
            return;
        }
        let mut pipe = lock(&self.pipe);
        while pipe.unsynced > limit && self.poison.get().is_none() {
            pipe = wait(&self.pipe_drained, pipe);
        }
    }

    /// Whether something is written and not yet durable. (The one place where a lock is taken under another: the pipe's
    /// under the queue's.)
    pub(crate) fn is_syncing(&self) -> bool {
        let pipe = lock(&self.pipe);
        pipe.busy || !pipe.groups.is_empty()
    }

    /// Waits until everything written is durable and visible, or the engine is poisoned.
    pub(crate) fn wait_for_pipe_empty(&self) {
        let mut pipe = lock(&self.pipe);
        while (pipe.unsynced > 0 || pipe.busy || !pipe.groups.is_empty()) && self.poison.get().is_none() {
            pipe = wait(&self.pipe_drained, pipe);
        }
    }

    /// Hands a written group to the syncer.
    pub(crate) fn pass_on(&self, group: Group) {
        let bytes = group.bytes;
        let mut pipe = lock(&self.pipe);
        pipe.unsynced = pipe.unsynced.saturating_add(bytes);
        pipe.groups.push_back(group);
        drop(pipe);
        self.pipe_filled.notify_one();
        if bytes > 0 {
            self.wait_for_pipe(u64::try_from(self.options.unsynced_bytes).unwrap_or(u64::MAX));
        }
    }

    /// The number of the first record that is not visible yet.
    pub(crate) fn published(&self) -> u64 {
        self.published.load(Ordering::Acquire)
    }

    /// The index thread is to write soon.
    pub(crate) fn hurry_index(&self) {
        lock(&self.index_flow).due = true;
        self.index_wake.notify_all();
    }

    /// Most bytes that a group may take.
    pub(crate) fn group_limit(&self) -> u64 {
        u64::try_from(self.options.group_bytes).unwrap_or(u64::MAX)
    }

    /// Removes the files of dead bodies, unless somebody needs that no file goes now.
    pub(crate) fn empty_trash(&self) {
        let Ok(_removing) = self.removal.try_write() else { return };
        let trash = std::mem::take(&mut *lock(&self.trash));
        for body in trash {
            self.files.forget(crate::files::FileKey::Body(body));
            // One that stays is removed at the next start.
            if let Err(error) = self.disk.remove(&self.layout.body(body)) {
                tracing::warn!(%body, %error, "a dead body's file could not be removed");
            }
        }
    }
}

/// Fails a request that will not be done.
pub(crate) fn refuse(request: Request, error: &StoreError) {
    match request {
        Request::Commit { answer, .. } | Request::Relocate { answer, .. } | Request::Seal { answer } => {
            // Nobody listens when the caller has gone.
            let _ = answer.send(Err(error.clone().into()));
        }
        Request::Unpinned(_) => {}
    }
}
