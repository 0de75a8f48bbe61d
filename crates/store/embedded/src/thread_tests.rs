//! What the engine's threads owe to each other and to those who wait: an answer, whatever happens to one of them.

use crate::disk::{Cached, Disk, DiskFile, OpenMode};
use crate::engine::Embedded;
use crate::error::OpenError;
use crate::index::{Index, IndexRead, Work};
use crate::options::Options;
use crate::sim::{SimDisk, simulated_index};
use bytes::Bytes;
use std::any::Any;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use store_kv::{Batch, CommitError, Committed, Engine, StoreError, account_prefix};
use types::AccountId;

const DIR: &str = "/store";
/// Long enough for anything that does not hang.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where a thread comes to grief.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Trap {
    Nowhere,
    Write,
    Sync,
    Index,
    /// No panic: the index says that it cannot.
    IndexError,
}

/// A simulated disk on which a call can panic or wait.
#[derive(Clone, Debug)]
struct TrapDisk {
    disk: SimDisk,
    trap: Arc<AtomicU8>,
    /// Whether syncs wait.
    gate: Arc<(Mutex<bool>, Condvar)>,
}

impl TrapDisk {
    fn new() -> Self {
        Self { disk: SimDisk::new(1), trap: Arc::default(), gate: Arc::default() }
    }

    fn set(&self, trap: Trap) {
        self.trap.store(trap as u8, Ordering::Release);
    }

    fn spring(&self, here: Trap) {
        assert!(self.trap.load(Ordering::Acquire) != here as u8, "the trap at {here:?} (meant by the test)");
    }

    fn shut(&self, shut: bool) {
        *self.gate.0.lock().unwrap() = shut;
        self.gate.1.notify_all();
    }

    fn pass(&self) {
        let mut shut = self.gate.0.lock().unwrap_or_else(PoisonError::into_inner);
        while *shut {
            shut = self.gate.1.wait(shut).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn engine(&self) -> Result<Arc<Embedded>, OpenError> {
        let make = |dir: &Path, _: &Options| {
            let index: Arc<dyn Index> =
                Arc::new(TrapIndex { index: simulated_index(&self.disk, dir), disk: self.clone() });
            Ok(index)
        };
        let options = Options {
            segment_size: 1 << 20,
            index_interval: Duration::from_millis(5),
            compact_interval: None,
            overlay_bytes: 64 << 10,
            reserve: 0,
            ..Options::default()
        };
        Embedded::open_on(Arc::new(self.clone()), &make, Path::new(DIR), options)
    }
}

impl Disk for TrapDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(TrapFile { file: self.disk.open(path, mode)?, disk: self.clone() }))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.link(from, to)
    }
    fn free_space(&self, dir: &Path) -> io::Result<u64> {
        self.disk.free_space(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        self.disk.lock(path)
    }
    fn nonce(&self) -> io::Result<[u8; 16]> {
        self.disk.nonce()
    }
}

#[derive(Debug)]
struct TrapFile {
    file: Arc<dyn DiskFile>,
    disk: TrapDisk,
}

impl DiskFile for TrapFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(buffer, offset)
    }
    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Cached> {
        self.file.read_cached(buffer, offset)
    }
    fn write_at(&self, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        self.disk.spring(Trap::Write);
        self.file.write_at(parts, offset)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.pass();
        // Not where the index thread sets a segment aside: its panic is another case.
        if std::thread::current().name() == Some("store-sync") {
            self.disk.spring(Trap::Sync);
        }
        self.file.sync_data()
    }
    fn allocate(&self, len: u64) -> io::Result<()> {
        self.file.allocate(len)
    }
    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(len)
    }
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }
}

#[derive(Debug)]
struct TrapIndex {
    index: Arc<dyn Index>,
    disk: TrapDisk,
}

impl Index for TrapIndex {
    fn read(&self) -> Result<Box<dyn IndexRead + '_>, StoreError> {
        self.index.read()
    }
    fn write(&self, work: Work<'_>) -> Result<(), StoreError> {
        self.disk.spring(Trap::Index);
        if self.disk.trap.load(Ordering::Acquire) == Trap::IndexError as u8 {
            return Err(StoreError::Unavailable("told to".into()));
        }
        self.index.write(work)
    }
}

fn key(name: u32) -> Bytes {
    [&account_prefix(AccountId(1))[..], &name.to_be_bytes()].concat().into()
}

async fn put(engine: &Embedded, name: u32) -> Result<Committed, CommitError> {
    let mut batch = Batch::new(AccountId(1));
    batch.put(key(name), vec![7; 1000]);
    engine.commit(batch).await
}

/// Does what must not hang.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, work).await.expect("an answer")
}

#[test]
fn a_panic_in_any_thread_or_a_failing_index_is_an_answer_for_all_who_wait() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for trap in [Trap::Write, Trap::Sync, Trap::Index, Trap::IndexError] {
        let disk = TrapDisk::new();
        runtime.block_on(async {
            let engine = disk.engine().unwrap();
            soon(put(&engine, 0)).await.unwrap();
            disk.set(trap);
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let engine = engine.clone();
                    tokio::spawn(async move {
                        for name in 0..1000 {
                            if let Err(error) = put(&engine, 1 + writer * 1000 + name).await {
                                return Some(error);
                            }
                        }
                        None
                    })
                })
                .collect();
            for writer in writers {
                let failed = soon(writer).await.unwrap();
                assert!(matches!(failed, Some(CommitError::Store(_))), "{trap:?}: {failed:?}");
            }
            let after = soon(put(&engine, 9999)).await;
            assert!(matches!(after, Err(CommitError::Store(StoreError::Poisoned(_)))), "{trap:?}: {after:?}");
            assert!(engine.stats().poisoned.is_some());
            assert!(engine.get(&key(0)).await.unwrap().is_some(), "reading goes on");
            assert!(matches!(soon(engine.close()).await, Err(StoreError::Poisoned(_))));
            disk.set(Trap::Nowhere);
            let engine = disk.engine().unwrap();
            assert!(engine.get(&key(0)).await.unwrap().is_some());
            soon(put(&engine, 9999)).await.unwrap();
            engine.close().await.unwrap();
        });
    }
}

#[test]
fn who_closes_a_store_that_is_being_closed_waits_for_the_end_too() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let disk = TrapDisk::new();
        let engine = disk.engine().unwrap();
        put(&engine, 0).await.unwrap();
        disk.shut(true);
        let (writing, closing) = (engine.clone(), engine.clone());
        let written = tokio::spawn(async move { put(&writing, 1).await });
        tokio::time::sleep(Duration::from_millis(50)).await;
        // The first one who closes goes away before it is done.
        let _ = tokio::time::timeout(Duration::from_millis(50), closing.close()).await;
        let second = tokio::spawn(async move { closing.close().await });
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert!(!second.is_finished(), "a commit still waits for its sync");
        assert!(matches!(disk.engine(), Err(OpenError::Locked(_))), "the directory is still in use");
        disk.shut(false);
        soon(second).await.unwrap().unwrap();
        soon(written).await.unwrap().unwrap();
        drop(engine);
        let again = disk.engine().unwrap();
        assert!(again.get(&key(1)).await.unwrap().is_some());
        again.close().await.unwrap();
    });
}
