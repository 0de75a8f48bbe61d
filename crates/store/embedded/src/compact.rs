//! The compactor: gives back the space of what was deleted.
//!
//! It goes through a sealed segment with many dead bytes and asks the appender to write again what still stands there;
//! the appender looks again, so whoever changed it in between wins. Delete records are carried along too, unless the
//! segment is the oldest: without them, a rebuild of the index would bring back what an older segment still holds. The
//! segment goes only when the index has committed everything that took its place, so a crash at any instant is harmless.

use crate::block::{are_intact, recompress};
use crate::codec::{Reader, len64, narrow, wide};
use crate::disk::DiskFile;
use crate::files::{FileKey, open};
use crate::indexer;
use crate::keys::{Location, Place, Usage, body_key, parse_segment_key, segment_key};
use crate::record::{Entry, next_entry};
use crate::relocate::Move;
use crate::segment::{Record, Walker, is_seal, read_head};
use crate::shared::{Request, Shared, lock};
use crate::stats::Counters;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, PoisonError};
use store_kv::{CommitError, Direction, StoreError};
use tokio::sync::oneshot;

/// Bytes that are written again in one batch.
const CHUNK_BYTES: u64 = 1 << 20;
/// Things that are written again in one batch.
const CHUNK_MOVES: usize = 4096;
/// The oldest segment is rewritten when delete records take more than one in this many bytes: they can go only when
/// nothing is older than they are.
const DELETES_SHARE: u64 = 8;

/// What one run of the compactor did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compacted {
    /// Segments removed.
    pub segments: u64,
    /// Bytes that these took.
    pub removed_bytes: u64,
    /// Bytes that had to be written again.
    pub relocated_bytes: u64,
}

/// Who asks for a run now.
pub(crate) type Ask = oneshot::Sender<Result<Compacted, StoreError>>;

/// Runs now and then and when asked, until nobody can ask any more.
pub(crate) fn run(shared: &Arc<Shared>, asked: &Receiver<Ask>) {
    let mut stuck = BTreeSet::new();
    loop {
        let ask = match shared.options.compact_interval {
            Some(interval) => asked.recv_timeout(interval),
            None => asked.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match ask {
            Ok(answer) => {
                // Nobody listens when the caller has gone.
                let _ = answer.send(compact_all(shared, &mut stuck, true));
            }
            Err(RecvTimeoutError::Timeout) => {
                if let Err(error) = compact_all(shared, &mut stuck, false) {
                    tracing::warn!(%error, "compaction stopped");
                }
            }
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

/// Rewrites segments until none has enough dead bytes. Segments that cannot be removed are `stuck` and left alone.
pub(crate) fn compact_all(
    shared: &Arc<Shared>,
    stuck: &mut BTreeSet<u32>,
    seal: bool,
) -> Result<Compacted, StoreError> {
    let mut done = Compacted::default();
    indexer::step(shared)?;
    if seal && active_is_worth_it(shared)? {
        shared.submit(|answer| Request::Seal { answer })?;
        // A record in the next segment, so that the mark leaves this one.
        shared.submit(|answer| Request::Relocate { from: 0, moves: Vec::new(), answer })?;
        indexer::step(shared)?;
    }
    // What is written again may fill segments that are then worth it themselves: no more than there are now.
    let rounds = lock(&shared.sealed).len();
    for _ in 0..rounds {
        if lock(&shared.queue).closed {
            break;
        }
        let Some(segment) = candidate(shared, stuck)? else { break };
        let mut compaction = Compaction::new(shared.clone(), segment)?;
        while compaction.step()? {}
        if !compaction.finish(&mut done)? {
            stuck.insert(segment);
        }
    }
    shared.empty_trash();
    Ok(done)
}

/// What the index counts of each segment.
pub(crate) fn usages(shared: &Shared) -> Result<BTreeMap<u32, Usage>, StoreError> {
    let index = shared.visible.read().unwrap_or_else(PoisonError::into_inner).index.clone();
    let mut usages = BTreeMap::new();
    let Some(index) = index else { return Ok(usages) };
    let (first, last) = (segment_key(0), segment_key(u32::MAX));
    let range = (Bound::Included(&first[..]), Bound::Included(&last[..]));
    index.read()?.scan(range, Direction::Forward, &mut |key, value| {
        if let (Some(number), Some(usage)) = (parse_segment_key(key), Usage::decode(value)) {
            usages.insert(number, usage);
        }
        ControlFlow::Continue(())
    })?;
    Ok(usages)
}

/// The dead share in percent of a segment of `len` bytes.
fn dead_percent(usage: Usage, len: u64, oldest: bool) -> u64 {
    let kept = usage.live.saturating_add(if oldest { 0 } else { usage.deletes });
    len.saturating_sub(kept).saturating_mul(100) / len.max(1)
}

/// Whether the segment that is written to has so many dead bytes that it is worth ending.
fn active_is_worth_it(shared: &Shared) -> Result<bool, StoreError> {
    let mark = *lock(&shared.mark);
    if mark.offset <= wide(crate::segment::HEAD) || lock(&shared.sealed).contains_key(&mark.segment) {
        return Ok(false);
    }
    let usages = usages(shared)?;
    let usage = usages.get(&mark.segment).copied().unwrap_or_default();
    let oldest = usages.keys().next() == Some(&mark.segment);
    Ok(dead_percent(usage, mark.offset, oldest) >= u64::from(shared.options.compact_percent))
}

/// The segment with the largest dead share, if that is large enough.
fn candidate(shared: &Shared, stuck: &BTreeSet<u32>) -> Result<Option<u32>, StoreError> {
    let mark = *lock(&shared.mark);
    let usages = usages(shared)?;
    let sealed = lock(&shared.sealed).clone();
    let oldest = usages.keys().next().copied();
    let threshold = u64::from(shared.options.compact_percent).max(1);
    let mut best: Option<(u64, u32)> = None;
    let (mut deletes, mut total) = (0_u64, 0_u64);
    // Only what the committed mark is past.
    for (number, len) in sealed.range(..mark.segment) {
        let usage = usages.get(number).copied().unwrap_or_default();
        deletes = deletes.saturating_add(usage.deletes);
        total = total.saturating_add(*len);
        let dead = dead_percent(usage, *len, oldest == Some(*number));
        if dead >= threshold && best.is_none_or(|(most, _)| dead > most) && !stuck.contains(number) {
            best = Some((dead, *number));
        }
    }
    if best.is_none() && deletes.saturating_mul(DELETES_SHARE) > total {
        let first = sealed.range(..mark.segment).next().map(|(number, _)| *number);
        return Ok(first.filter(|first| oldest == Some(*first) && !stuck.contains(first)));
    }
    Ok(best.map(|(_, number)| number))
}

/// The rewriting of one segment, a batch at a time.
#[derive(Debug)]
pub(crate) struct Compaction {
    shared: Arc<Shared>,
    segment: u32,
    file: Arc<dyn DiskFile>,
    len: u64,
    oldest: bool,
    at: crate::keys::Position,
    relocated: u64,
    /// The number of the last record that took something over.
    last: u64,
}

/// What is to be written again in one batch.
#[derive(Debug, Default)]
struct Chunk {
    moves: Vec<Move>,
    keys: BTreeSet<Bytes>,
    bytes: u64,
}

impl Compaction {
    pub(crate) fn new(shared: Arc<Shared>, segment: u32) -> Result<Self, StoreError> {
        let file = open(&shared, FileKey::Segment(segment))?;
        let at = read_head(&*file, segment)?.ok_or_else(|| damaged(segment))?;
        let oldest = usages(&shared)?.keys().next() == Some(&segment);
        let len = file.len()?;
        Ok(Self { shared, segment, file, len, oldest, at, relocated: 0, last: 0 })
    }

    /// Writes the next part again; `false` when there is no more.
    pub(crate) fn step(&mut self) -> Result<bool, StoreError> {
        let mut chunk = Chunk::default();
        let file = self.file.clone();
        let mut walker = Walker::new(&*file, self.at, self.len);
        let mut more = true;
        while chunk.bytes < CHUNK_BYTES && chunk.moves.len() < CHUNK_MOVES {
            let record = walker.next()?.ok_or_else(|| damaged(self.segment))?;
            if is_seal(&record) {
                more = false;
                break;
            }
            self.collect(&record, &mut chunk)?;
        }
        self.at = walker.position();
        if !chunk.moves.is_empty() {
            let (from, moves) = (self.segment, chunk.moves);
            let committed = self.shared.submit(|answer| Request::Relocate { from, moves, answer })?;
            self.last = committed.sequence;
            self.relocated = self.relocated.saturating_add(chunk.bytes);
            Counters::add(&self.shared.counters.relocated_bytes, chunk.bytes);
        }
        Ok(more)
    }

    /// Finds what of a record still stands.
    fn collect(&self, record: &Record, chunk: &mut Chunk) -> Result<(), StoreError> {
        let mut offset = record.blocks_offset();
        let mut reader = Reader(&record.meta);
        if record.header.kind != crate::record::Kind::Batch {
            return Ok(());
        }
        while !reader.is_empty() {
            let entry = next_entry(&mut reader).ok_or_else(|| damaged(self.segment))?;
            match entry {
                Entry::Put { key, value } => {
                    if self.stands_here(key)?.is_some() && chunk.keys.insert(Bytes::copy_from_slice(key)) {
                        chunk.bytes += wide(key.len() + value.len());
                        chunk.moves.push(Move::Row(Bytes::copy_from_slice(key)));
                    }
                }
                Entry::Delete { key } => {
                    if !self.oldest && self.shared.row(key)?.is_none() && chunk.keys.insert(Bytes::copy_from_slice(key))
                    {
                        chunk.bytes += wide(key.len());
                        chunk.moves.push(Move::Delete(Bytes::copy_from_slice(key)));
                    }
                }
                Entry::BodyFile(body) => {
                    if self.stands_here(&body_key(body.id))?.is_some() {
                        chunk.moves.push(Move::Body(body, None));
                    }
                }
                Entry::Body(body) => {
                    let at = offset;
                    let len = body.stored();
                    offset = offset.saturating_add(len);
                    let row = self.stands_here(&body_key(body.id))?;
                    let place = row.and_then(|row| Location::decode(&row)).map(|location| location.place);
                    if place == Some(Place::Segment(at)) {
                        let mut data = vec![0; narrow(len)];
                        self.file.read_at(&mut data, at)?;
                        if !are_intact(&body.blocks, &data) {
                            return Err(damaged(self.segment));
                        }
                        let zstd = self.shared.options.compression.rewritten();
                        let smaller = zstd.and_then(|zstd| recompress(zstd, &body, &data));
                        let (body, data) = smaller.unwrap_or((body, data));
                        chunk.bytes += len64(&data);
                        chunk.moves.push(Move::Body(body, Some(data.into())));
                    }
                }
            }
        }
        Ok(())
    }

    /// The value of a key's row, if this segment wrote it.
    fn stands_here(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        Ok(self.shared.row(key)?.filter(|(segment, _)| *segment == self.segment).map(|(_, value)| value))
    }

    /// Removes the segment once the index has committed all that took its place. `false` if something stands in it
    /// still, which must not be.
    pub(crate) fn finish(self, done: &mut Compacted) -> Result<bool, StoreError> {
        let Self { shared, segment, len, relocated, last, .. } = self;
        indexer::step(&shared)?;
        let mark = *lock(&shared.mark);
        if mark.sequence <= last || mark.segment <= segment || !forget(&shared, segment)? {
            tracing::error!(segment, "a rewritten log segment still holds rows and is kept");
            return Ok(false);
        }
        let _removing = shared.removal.write().unwrap_or_else(PoisonError::into_inner);
        lock(&shared.sealed).remove(&segment);
        let removed = shared.disk.remove(&shared.layout.segment(segment));
        // Durable before the next one goes: a segment must not come back when those that its delete records speak of
        // are gone.
        let removed = removed.and_then(|()| shared.disk.sync_dir(&shared.layout.log));
        removed.map_err(|error| shared.poison("removing a segment", &error))?;
        // Only now can nobody open it any more: an open file keeps its space.
        shared.files.forget(FileKey::Segment(segment));
        Counters::add(&shared.counters.segments_removed, 1);
        done.segments += 1;
        done.removed_bytes = done.removed_bytes.saturating_add(len);
        done.relocated_bytes = done.relocated_bytes.saturating_add(relocated);
        Ok(true)
    }
}

/// Makes the index forget a segment in which nothing stands; `false` if something does.
fn forget(shared: &Shared, segment: u32) -> Result<bool, StoreError> {
    let index = shared.visible.read().unwrap_or_else(PoisonError::into_inner).index.clone();
    let Some(index) = index else { return Ok(false) };
    let key = segment_key(segment);
    let mut empty = false;
    let written = index.write(&mut |txn| {
        empty = txn.get(&key)?.and_then(Usage::decode).is_some_and(|usage| usage.live == 0);
        if empty { txn.delete(&key) } else { Ok(()) }
    });
    written.map_err(|error| shared.poison("writing the index", &error))?;
    Ok(empty)
}

fn damaged(segment: u32) -> StoreError {
    StoreError::Corrupt(format!("log segment {segment} is damaged and cannot be rewritten").into())
}

impl Shared {
    /// Puts a request in the queue and waits for its answer on a thread that may wait.
    pub(crate) fn submit<F>(&self, request: F) -> Result<store_kv::Committed, StoreError>
    where
        F: FnOnce(crate::shared::Answer) -> Request,
    {
        let unavailable = || StoreError::Unavailable("the store is closed".into());
        let (answer, mut answered) = oneshot::channel();
        self.push(request(answer)).map_err(|_| unavailable())?;
        let answer = if self.is_threaded() {
            answered.blocking_recv().map_err(|_| unavailable())?
        } else {
            self.pump();
            answered.try_recv().map_err(|_| unavailable())?
        };
        answer.map_err(|error| match error {
            CommitError::Store(error) => error,
            other => StoreError::Unavailable(other.to_string().into()),
        })
    }

    /// Without threads: does what waits in the queue.
    pub(crate) fn pump(&self) {
        let Some(mut appender) = lock(&self.appender).take() else { return };
        let requests = std::mem::take(&mut lock(&self.queue).requests);
        appender.step(requests);
        appender.sync();
        *lock(&self.appender) = Some(appender);
    }
}
