//! Bodies on their way in: streamed, hashed and cut into blocks; in memory while small, in a file of their own when not.

use crate::block::{BLOCK, Block, Descriptor, seal};
use crate::codec::{Reader, len64, narrow, wide};
use crate::disk::{DiskFile, OpenMode};
use crate::shared::{Request, Shared, lock};
use crate::stats::Counters;
use bytes::Bytes;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use store_kv::{BodyHash, BodyId, BodyWriter, BoxFuture, StagedBody, StoreError};
use types::Octets;

/// Bytes that are gathered before they are written to a body's own file.
const SPILL: usize = 512 << 10;
/// Most bytes that a size hint makes a writer set aside.
const HINT_MAX: u64 = 256 << 10;

/// Where a staged body's blocks are.
#[derive(Clone, Debug)]
pub(crate) enum Staging {
    /// In memory.
    Memory(Bytes),
    /// In a file of its own, synced.
    File,
    /// In the log, visible: the index knows where.
    Written,
}

/// What all copies of a staged body's handle share; going, it takes an unreferenced body along.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(crate) descriptor: Descriptor,
    pub(crate) staging: Mutex<Staging>,
    /// A record names it: from then on only records can make it go.
    pub(crate) appended: AtomicBool,
    /// Its last reference went while this handle was open.
    pub(crate) orphaned: AtomicBool,
    shared: Weak<Shared>,
}

impl Staged {
    /// The staged body behind a handle, if this engine made it.
    pub(crate) fn of(body: &StagedBody, shared: &Arc<Shared>) -> Option<Arc<Self>> {
        let staged = body.inner().clone().downcast::<Self>().ok()?;
        std::ptr::eq(staged.shared.as_ptr(), Arc::as_ptr(shared)).then_some(staged)
    }

    pub(crate) fn staging(&self) -> Staging {
        lock(&self.staging).clone()
    }

    /// The log has it now: its memory is free.
    pub(crate) fn written(&self) {
        *lock(&self.staging) = Staging::Written;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        let id = self.descriptor.id;
        let orphaned = self.orphaned.load(Ordering::Acquire);
        if orphaned {
            lock(&shared.pins.dying).insert(id);
        }
        shared.pins.forget(id);
        if orphaned {
            // A closed queue: the next start finds the orphan.
            let _ = shared.push(Request::Unpinned(id));
        } else if matches!(self.staging(), Staging::File) && !self.appended.load(Ordering::Acquire) {
            // If it cannot be removed now, the next start does it.
            let _ = shared.disk.remove(&shared.layout.body(id));
        }
    }
}

/// The open handles, by body.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    open: Mutex<HashMap<BodyId, Weak<Staged>>>,
    /// Bodies whose last handle went after their last reference, until the log says so.
    dying: Mutex<HashSet<BodyId>>,
    epoch: AtomicU64,
    next: AtomicU64,
}

impl Pins {
    /// Sets the high half of the names to come: the number of the first record of this run. No earlier run that left
    /// anything behind had the same; the low half begins with bytes that never come twice, so that one that left nothing
    /// had other names too.
    pub(crate) fn set_epoch(&self, epoch: u64, nonce: [u8; 16]) {
        let [a, b, c, d, ..] = nonce;
        self.next.store(u64::from(u32::from_be_bytes([a, b, c, d])) << 32, Ordering::Release);
        self.epoch.store(epoch, Ordering::Release);
    }

    pub(crate) fn next_id(&self) -> BodyId {
        let epoch = u128::from(self.epoch.load(Ordering::Acquire));
        BodyId(epoch << 64 | u128::from(self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// The staged body of an open handle.
    pub(crate) fn get(&self, id: BodyId) -> Option<Arc<Staged>> {
        lock(&self.open).get(&id).and_then(Weak::upgrade)
    }

    fn forget(&self, id: BodyId) {
        lock(&self.open).remove(&id);
    }

    /// Whether a body is dead though its row still stands.
    pub(crate) fn is_dying(&self, id: BodyId) -> bool {
        lock(&self.dying).contains(&id)
    }

    /// A dying body's row is gone.
    pub(crate) fn ended(&self, id: BodyId) {
        lock(&self.dying).remove(&id);
    }
}

/// Runs what may wait for the device where that is allowed.
pub(crate) async fn blocking<T: Send + 'static>(
    shared: &Shared,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    if shared.disk.is_instant() {
        return work();
    }
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(io::Error::other(error)),
    }
}

/// A body's own file; removed unless it is kept.
#[derive(Debug)]
struct OwnFile {
    file: Arc<dyn DiskFile>,
    written: u64,
    id: BodyId,
    shared: Arc<Shared>,
    keep: bool,
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if !self.keep {
            // If it cannot be removed now, the next start does it.
            let _ = self.shared.disk.remove(&self.shared.layout.body(self.id));
        }
    }
}

/// Takes a body in.
#[derive(Debug)]
pub(crate) struct Writer {
    shared: Arc<Shared>,
    id: BodyId,
    hasher: blake3::Hasher,
    len: u64,
    blocks: Vec<Block>,
    /// Blocks that are not in the file yet.
    stored: Vec<u8>,
    /// Bytes at its end that are content of the block that is not full yet.
    open: usize,
    file: Option<OwnFile>,
    failed: Option<StoreError>,
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, size_hint: Option<Octets>) -> Self {
        let id = shared.next_body();
        let hint = narrow(size_hint.map_or(0, |hint| hint.0.min(HINT_MAX)));
        Self {
            shared,
            id,
            hasher: blake3::Hasher::new(),
            len: 0,
            blocks: Vec::new(),
            stored: Vec::with_capacity(hint),
            open: 0,
            file: None,
            failed: None,
        }
    }

    /// Hashes a piece and cuts it into blocks.
    fn take(&mut self, mut piece: &[u8]) {
        self.hasher.update(piece);
        self.len = self.len.saturating_add(len64(piece));
        while !piece.is_empty() {
            let (now, later) = piece.split_at(piece.len().min(BLOCK - self.open));
            self.stored.extend_from_slice(now);
            self.open += now.len();
            piece = later;
            if self.open == BLOCK {
                self.end_block(None);
            }
        }
    }

    fn end_block(&mut self, sum: Option<u64>) {
        let from = self.stored.len() - self.open;
        self.blocks.push(seal(self.shared.options.compression.arriving(), &mut self.stored, from, sum));
        self.open = 0;
    }

    /// Moves blocks to the body's own file once there are many.
    async fn spill(&mut self, all: bool) -> Result<(), StoreError> {
        let large = len64(&self.stored) > self.shared.options.inline_body_max;
        if self.file.is_none() && large {
            self.create_file().await?;
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        if self.stored.is_empty() || (!all && self.stored.len() < SPILL) {
            return Ok(());
        }
        let rest = self.stored.split_off(self.stored.len() - self.open);
        let data = std::mem::replace(&mut self.stored, rest);
        let (offset, handle) = (file.written, file.file.clone());
        file.written = file.written.saturating_add(len64(&data));
        let written = blocking(&self.shared, move || handle.write_at(&[&data], offset)).await;
        written.map_err(|error| self.fault("writing a body", error))
    }

    async fn create_file(&mut self) -> Result<(), StoreError> {
        if let Some(error) = self.shared.poisoned() {
            return Err(error);
        }
        if self.shared.is_nearly_full() {
            return Err(io::Error::from(io::ErrorKind::StorageFull).into());
        }
        let (disk, path) = (self.shared.disk.clone(), self.shared.layout.body(self.id));
        let file = blocking(&self.shared, move || disk.open(&path, OpenMode::Create)).await;
        let file = file.map_err(|error| self.fault("making a body's file", error))?;
        self.file = Some(OwnFile { file, written: 0, id: self.id, shared: self.shared.clone(), keep: false });
        Ok(())
    }

    /// A full disk fails this body only; any other fault the whole engine.
    fn fault(&self, doing: &str, error: io::Error) -> StoreError {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return error.into();
        }
        self.shared.poison(doing, &error)
    }

    async fn end(mut self) -> Result<StagedBody, StoreError> {
        if let Some(error) = self.failed.take() {
            return Err(error);
        }
        let hash = *self.hasher.finalize().as_bytes();
        if self.open > 0 {
            // The checksum of the only block is the beginning of the body's hash.
            let only = self.blocks.is_empty().then(|| Reader(&hash).u64()).flatten();
            self.end_block(only);
        }
        self.spill(true).await?;
        let staging = match &self.file {
            Some(file) => {
                let (handle, disk, dir) =
                    (file.file.clone(), self.shared.disk.clone(), self.shared.layout.bodies.clone());
                let synced =
                    blocking(&self.shared, move || handle.sync_data().and_then(|()| disk.sync_dir(&dir))).await;
                synced.map_err(|error| self.fault("syncing a body", error))?;
                Staging::File
            }
            None => Staging::Memory(std::mem::take(&mut self.stored).into()),
        };
        if let Some(file) = &mut self.file {
            file.keep = true;
        }
        let descriptor = Descriptor { id: self.id, len: self.len, hash, blocks: self.blocks };
        Counters::add(&self.shared.counters.body_bytes, self.len);
        Counters::add(&self.shared.counters.stored_body_bytes, descriptor.stored());
        let staged = Arc::new(Staged {
            descriptor,
            staging: Mutex::new(staging),
            appended: AtomicBool::new(false),
            orphaned: AtomicBool::new(false),
            shared: Arc::downgrade(&self.shared),
        });
        lock(&self.shared.pins.open).insert(self.id, Arc::downgrade(&staged));
        Ok(StagedBody::new(self.id, Octets(self.len), BodyHash(hash), staged))
    }
}

impl BodyWriter for Writer {
    fn write<'a>(&'a mut self, piece: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            if let Some(error) = &self.failed {
                return Err(error.clone());
            }
            // In steps, so that one huge piece does not stand in memory twice.
            for step in piece.chunks(SPILL) {
                self.take(step);
                if let Err(error) = self.spill(false).await {
                    self.failed = Some(error.clone());
                    return Err(error);
                }
            }
            Ok(())
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<StagedBody, StoreError>> {
        Box::pin(async move { self.end().await })
    }
}

/// Bytes of content before a block.
pub(crate) fn block_start(index: usize) -> u64 {
    wide(index).saturating_mul(wide(BLOCK))
}
