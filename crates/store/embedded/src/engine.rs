//! The engine as others see it: opening, closing, threads, and the [`Engine`] trait.

use crate::appender::Appender;
use crate::compact::{self, Ask};
use crate::disk::{Disk, RealDisk};
use crate::error::OpenError;
use crate::files;
use crate::index::{Index, LmdbIndex};
use crate::indexer;
use crate::open::{MakeIndex, Opened, open};
use crate::options::Options;
use crate::shared::{Request, Shared, lock};
use crate::stage::Writer;
use crate::stats::{Stats, load};
use crate::syncer;
use crate::view::is_account_key;
use bytes::Bytes;
use std::fmt;
use std::io;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use store_kv::{Batch, BodyId, BodyWriter, BoxFuture, CommitError, Committed, Engine, Page, Scan, StoreError, Watch};
use tokio::sync::oneshot;
use types::Octets;

/// How often closing looks whether the last reader has let go of the index.
const READER_LOOK: Duration = Duration::from_millis(1);

/// The engine's threads, in the order in which they end; none once it is closed.
pub(crate) type Threads = Mutex<Vec<JoinHandle<()>>>;

/// The embedded engine: a store in one directory, open in this process only.
pub struct Embedded {
    pub(crate) shared: Arc<Shared>,
    threads: Arc<Threads>,
    /// Where a run of the compactor is asked for; `None` once closed.
    pub(crate) compactor: Mutex<Option<Sender<Ask>>>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("dir", &self.shared.layout.root).finish_non_exhaustive()
    }
}

pub(crate) fn lmdb(dir: &Path, options: &Options) -> Result<Arc<dyn Index>, StoreError> {
    Ok(Arc::new(LmdbIndex::open(dir, options.index_map)?))
}

impl Embedded {
    /// Opens the store in a directory, or makes one there. What an unclean end left behind is put in order first; that
    /// takes under 100 ms after a clean end and seconds after a crash. Blocks.
    pub fn open(dir: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        Self::open_on(Arc::new(RealDisk), &lmdb, dir, options)
    }

    /// Opens a store on any disk with any index.
    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        make: MakeIndex<'_>,
        dir: &Path,
        options: Options,
    ) -> Result<Arc<Self>, OpenError> {
        let Opened { shared, appender } = open(disk, make, dir, options)?;
        let engine = Arc::new(Self { shared, threads: Arc::default(), compactor: Mutex::default() });
        engine.start(appender)?;
        Ok(engine)
    }

    fn start(&self, appender: Appender) -> Result<(), io::Error> {
        self.shared.threaded.store(true, Ordering::Release);
        let spawn = |name: &str, work: Box<dyn FnOnce() + Send>| {
            thread::Builder::new().name(name.to_owned()).spawn(work).map(|handle| lock(&self.threads).push(handle))
        };
        let (syncing, compacting, indexing) = (self.shared.clone(), self.shared.clone(), self.shared.clone());
        let (ask, asked) = mpsc::channel();
        *lock(&self.compactor) = Some(ask);
        // In the order in which they end: each leaves its last work to the next.
        spawn("store-append", Box::new(move || appender.run()))?;
        // Once more after a panic: then it only tells those who wait for a sync that there will be none.
        spawn("store-sync", Box::new(move || while ends_in_panic(&syncing, || syncer::run(&syncing)) {}))?;
        spawn("store-compact", Box::new(move || compact::run(&compacting, &asked)))?;
        let index = move || {
            ends_in_panic(&indexing, || indexer::run(&indexing));
        };
        spawn("store-index", Box::new(index))
    }

    /// Ends the engine: what waits is committed, the index takes everything in (so that the next start finds nothing to
    /// do), the directory is free for the next. Later calls of any kind answer [`StoreError::Unavailable`].
    ///
    /// # Errors
    /// [`StoreError::Poisoned`] if the engine had failed; it is closed all the same.
    pub async fn close(&self) -> Result<(), StoreError> {
        let (shared, threads) = (self.shared.clone(), self.threads.clone());
        *lock(&self.compactor) = None;
        let (done, ended) = oneshot::channel();
        thread::Builder::new().name("store-close".into()).spawn(move || {
            shut_down(&shared, &threads);
            // Nobody listens when the caller has gone.
            let _ = done.send(());
        })?;
        // Its end is all there is to know.
        let _ = ended.await;
        self.shared.poisoned().map_or(Ok(()), Err)
    }

    /// A look at the engine, for metrics and status.
    pub fn stats(&self) -> Stats {
        let counters = &self.shared.counters;
        let sealed = lock(&self.shared.sealed);
        let (sealed_segments, sealed_bytes) = (crate::codec::wide(sealed.len()), sealed.values().sum());
        drop(sealed);
        Stats {
            commits: load(&counters.commits),
            conflicts: load(&counters.conflicts),
            syncs: load(&counters.syncs),
            log_bytes: load(&counters.log_bytes),
            body_bytes: load(&counters.body_bytes),
            stored_body_bytes: load(&counters.stored_body_bytes),
            index_commits: load(&counters.index_commits),
            relocated_bytes: load(&counters.relocated_bytes),
            segments_removed: load(&counters.segments_removed),
            refused_full: load(&counters.refused_full),
            overlay_bytes: crate::codec::wide(self.shared.overlay_bytes()),
            sealed_segments,
            sealed_bytes,
            poisoned: self.shared.poison.get().map(ToString::to_string),
        }
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        *lock(&self.compactor) = None;
        shut_down(&self.shared, &self.threads);
    }
}

/// Ends everything, in order. Does nothing the second time.
pub(crate) fn shut_down(shared: &Arc<Shared>, threads: &Threads) {
    // Held to the end: who closes at the same time must not free the directory while threads still write to it.
    let mut threads = lock(threads);
    lock(&shared.queue).closed = true;
    shared.queue_filled.notify_all();
    let last = threads.len().saturating_sub(1);
    for (index, handle) in threads.drain(..).enumerate() {
        if index == last {
            lock(&shared.index_flow).closed = true;
            shared.index_wake.notify_all();
        }
        if handle.join().is_err() {
            shared.poison("running the engine", &"one of its threads panicked");
        }
    }
    let index = shared.visible.write().unwrap_or_else(PoisonError::into_inner).index.take();
    if let Some(index) = index {
        while Arc::strong_count(&index) > 1 {
            thread::sleep(READER_LOOK);
        }
    }
    *lock(&shared.appender) = None;
    *lock(&shared.lock) = None;
}

/// Runs what others wait for. If it panics, they learn it from the poison instead of waiting for ever.
pub(crate) fn ends_in_panic(shared: &Shared, work: impl FnOnce()) -> bool {
    // What a panic leaves behind is never written: the poison sees to that.
    let panicked = catch_unwind(AssertUnwindSafe(work)).is_err();
    if panicked {
        shared.poison("running the engine", &"one of its threads panicked");
    }
    panicked
}

/// What is answered once the queue is closed.
fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".into())
}

impl Shared {
    /// Puts a request in the queue and waits for its answer.
    pub(crate) async fn ask<F>(&self, request: F) -> Result<Committed, CommitError>
    where
        F: FnOnce(oneshot::Sender<Result<Committed, CommitError>>) -> Request,
    {
        if let Some(error) = self.poisoned() {
            return Err(error.into());
        }
        let (answer, answered) = oneshot::channel();
        self.push(request(answer)).map_err(|_| closed())?;
        answered.await.unwrap_or_else(|_| Err(self.poisoned().unwrap_or_else(closed).into()))
    }
}

impl Engine for Embedded {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            if !is_account_key(key) {
                return Ok(None);
            }
            self.shared.row(key).map(|row| row.map(|(_, value)| value))
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Bytes]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, StoreError>> {
        Box::pin(async move { self.shared.values(keys) })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move { self.shared.scan_accounts(scan) })
    }

    fn stage(&self, size_hint: Option<Octets>) -> BoxFuture<'_, Result<Box<dyn BodyWriter>, StoreError>> {
        Box::pin(async move {
            if let Some(error) = self.shared.poisoned() {
                return Err(error);
            }
            if lock(&self.shared.queue).closed {
                return Err(closed());
            }
            Ok(Box::new(Writer::new(self.shared.clone(), size_hint)) as Box<dyn BodyWriter>)
        })
    }

    fn read_body(&self, body: BodyId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>> {
        Box::pin(async move { files::read_body(&self.shared, body, range).await })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            batch.check()?;
            self.shared.ask(|answer| Request::Commit { batch, answer }).await
        })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.shared.hub.watch(prefix)
    }
}
