//! Reading bodies: open files, ranges, checksums.

use crate::block::{BLOCK, Block, decode, is_intact, plain_len};
use crate::codec::{narrow, wide};
use crate::disk::{Cached, DiskFile, OpenMode};
use crate::keys::{Location, Place, body_key, orphan_key};
use crate::shared::{Shared, lock};
use crate::stage::{Staging, block_start, blocking};
use bytes::Bytes;
use std::collections::HashMap;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use store_kv::{BODY_READ_MAX, BodyId, StoreError};

/// How often a reader looks a body up anew when the compactor took the file away under it.
const TRIES: usize = 8;

/// A file that bodies are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum FileKey {
    /// A log segment.
    Segment(u32),
    /// A body's own file.
    Body(BodyId),
}

/// Files kept open for reading, the longest unused closed first.
#[derive(Debug)]
pub(crate) struct FileCache {
    max: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    files: HashMap<FileKey, (Arc<dyn DiskFile>, u64)>,
    clock: u64,
}

impl FileCache {
    pub(crate) fn new(max: usize) -> Self {
        Self { max: max.max(1), open: Mutex::default() }
    }

    fn get(&self, key: FileKey) -> Option<Arc<dyn DiskFile>> {
        let mut open = lock(&self.open);
        open.clock += 1;
        let clock = open.clock;
        let (file, used) = open.files.get_mut(&key)?;
        *used = clock;
        Some(file.clone())
    }

    fn put(&self, key: FileKey, file: Arc<dyn DiskFile>) {
        let mut open = lock(&self.open);
        if open.files.len() >= self.max {
            let oldest = open.files.iter().min_by_key(|(_, (_, used))| *used).map(|(key, _)| *key);
            if let Some(oldest) = oldest {
                open.files.remove(&oldest);
            }
        }
        let clock = open.clock;
        open.files.insert(key, (file, clock));
    }

    /// Closes a file that is to be removed (readers that have it may finish).
    pub(crate) fn forget(&self, key: FileKey) {
        lock(&self.open).files.remove(&key);
    }
}

/// Where a body's blocks are right now.
enum Source {
    Memory(Bytes),
    File(FileKey, u64),
}

/// Which blocks a range needs.
struct Plan {
    first: usize,
    blocks: Vec<Block>,
    len: u64,
    /// Where the first needed block begins, from the body's first.
    skip: u64,
    stored: usize,
    range: Range<u64>,
}

impl Plan {
    /// `None` if the range holds no byte.
    fn new(len: u64, blocks: &[Block], range: &Range<u64>) -> Option<Self> {
        let start = range.start.min(len);
        let end = range.end.min(len).min(start.saturating_add(wide(BODY_READ_MAX)));
        if start >= end {
            return None;
        }
        let first = narrow(start / wide(BLOCK));
        let last = narrow((end - 1) / wide(BLOCK));
        let skip = blocks.iter().take(first).map(|block| u64::from(block.stored)).sum();
        let blocks = blocks.get(first..=last)?.to_vec();
        let stored = narrow(crate::block::stored(&blocks));
        Some(Self { first, blocks, len, skip, stored, range: start..end })
    }

    /// The range's bytes from its blocks' stored form; `None` if a checksum does not fit.
    fn content(&self, stored: &Bytes) -> Result<Option<Bytes>, StoreError> {
        let from = narrow(self.range.start - block_start(self.first));
        let wanted = from..from + narrow(self.range.end - self.range.start);
        let plain = self.blocks.iter().all(|block| !block.compressed);
        let mut content = Vec::new();
        let mut rest = &stored[..];
        for (index, block) in self.blocks.iter().enumerate() {
            let Some((piece, after)) = rest.split_at_checked(narrow(u64::from(block.stored))) else { return Ok(None) };
            rest = after;
            if !is_intact(block, piece) {
                return Ok(None);
            }
            if !plain {
                decode(block, piece, plain_len(self.len, self.first + index), &mut content)?;
            }
        }
        // Uncompressed blocks stand one after another just as the content does: no copy.
        Ok(Some(if plain { stored.slice(wanted) } else { Bytes::from(content).slice(wanted) }))
    }
}

/// Bytes of a body, as [`store_kv::Engine::read_body`] says.
pub(crate) async fn read_body(shared: &Arc<Shared>, id: BodyId, range: Range<u64>) -> Result<Bytes, StoreError> {
    let mut before = None;
    for _ in 0..TRIES {
        let Some((source, len, blocks)) = find(shared, id)? else { return Err(StoreError::NoSuchBody(id)) };
        let Some(plan) = Plan::new(len, &blocks, &range) else { return Ok(Bytes::new()) };
        let (key, offset) = match source {
            Source::Memory(stored) => {
                let stored = stored.slice(narrow(plan.skip)..narrow(plan.skip) + plan.stored);
                return plan.content(&stored)?.ok_or_else(|| corrupt(id));
            }
            Source::File(key, offset) => (key, offset),
        };
        match read(shared, key, offset.saturating_add(plan.skip), plan.stored).await {
            Ok(stored) => {
                if let Some(content) = plan.content(&stored)? {
                    return Ok(content);
                }
                if before == Some((key, offset)) {
                    return Err(corrupt(id));
                }
            }
            // The compactor has removed it since: the row says where the body is now.
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof) => {
                if before == Some((key, offset)) {
                    return Err(StoreError::Corrupt(format!("the file of body {id} is gone: {error}").into()));
                }
            }
            Err(error) => return Err(error.into()),
        }
        shared.files.forget(key);
        before = Some((key, offset));
    }
    Err(corrupt(id))
}

fn corrupt(id: BodyId) -> StoreError {
    StoreError::Corrupt(format!("body {id} does not match its checksum").into())
}

type Found = (Source, u64, Vec<Block>);

fn find(shared: &Shared, id: BodyId) -> Result<Option<Found>, StoreError> {
    for _ in 0..2 {
        // Before the look at the row: a dying body's row goes first, and then it is no longer dying.
        // Dead as soon as its last handle went, but not before its last reference went for good.
        if shared.pins.is_dying(id) && shared.row(&orphan_key(id))?.is_some() {
            return Ok(None);
        }
        if let Some((segment, value)) = shared.row(&body_key(id))? {
            let location = Location::decode(&value).ok_or_else(|| corrupt(id))?;
            let source = match location.place {
                Place::Segment(offset) => Source::File(FileKey::Segment(segment), offset),
                Place::File => Source::File(FileKey::Body(id), 0),
            };
            return Ok(Some((source, location.len, location.blocks)));
        }
        let Some(staged) = shared.pins.get(id) else { return Ok(None) };
        let descriptor = &staged.descriptor;
        match staged.staging() {
            Staging::Memory(bytes) => {
                return Ok(Some((Source::Memory(bytes), descriptor.len, descriptor.blocks.clone())));
            }
            Staging::File => {
                return Ok(Some((Source::File(FileKey::Body(id), 0), descriptor.len, descriptor.blocks.clone())));
            }
            // Between the look at the row and this one it became visible.
            Staging::Written => {}
        }
    }
    Ok(None)
}

/// Reads from a file: at once if the page cache has it, else on a thread that may wait.
async fn read(shared: &Arc<Shared>, key: FileKey, offset: u64, len: usize) -> io::Result<Bytes> {
    let mut buffer = vec![0; len];
    if let Some(file) = shared.files.get(key)
        && file.read_cached(&mut buffer, offset)? == Cached::Hit
    {
        return Ok(buffer.into());
    }
    let here = shared.clone();
    blocking(shared, move || {
        let file = open(&here, key)?;
        file.read_at(&mut buffer, offset)?;
        Ok(buffer.into())
    })
    .await
}

/// A file for reading. May wait for the device.
pub(crate) fn open(shared: &Shared, key: FileKey) -> io::Result<Arc<dyn DiskFile>> {
    if let Some(file) = shared.files.get(key) {
        return Ok(file);
    }
    let path = match key {
        FileKey::Segment(number) => shared.layout.segment(number),
        FileKey::Body(id) => shared.layout.body(id),
    };
    let file = shared.disk.open(&path, OpenMode::Read)?;
    shared.files.put(key, file.clone());
    Ok(file)
}
