//! The appender: the only one who writes to the log. Takes what waits, checks it against what is visible and what it
//! wrote before, writes it in one go and hands it to the syncer. It never says that anything is done.

mod log;
mod plan;

use crate::codec::{len64, wide};
use crate::engine::ends_in_panic;
use crate::keys::{Location, Place, Position, Row, body_key};
use crate::record::{HEADER, Header, Kind, META_MAX};
use crate::shared::{Answer, Applied, Awaited, GATHER, Group, Request, Shared, lock, refuse, wait};
use crate::stats::Counters;
use bytes::Bytes;
pub(crate) use log::Active;
pub(crate) use log::keep_spare;
pub(crate) use plan::Plan;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use store_kv::{BatchError, CommitError, Committed, StoreError};

/// A group smaller than this has zeros written after it, so that the next ones neither grow the file nor touch the file
/// system's journal when they are synced.
const SMALL_GROUP: u64 = 32 << 10;
/// Zeros written ahead of small groups. A lone writer of small batches pays one costly sync for this many bytes; under
/// load, when groups are large and bytes are what is short, nothing is written twice. (Using the files of removed
/// segments again would save the zeros, but a backup may hold links to them and a slow reader have them open.)
static ZEROS: [u8; 128 << 10] = [0; 128 << 10];

/// What was written and is not visible yet.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    rows: BTreeMap<Bytes, (u64, Row)>,
    order: VecDeque<(u64, Vec<Bytes>)>,
}

impl Pending {
    fn insert(&mut self, sequence: u64, rows: &[(Bytes, Row)]) {
        for (key, row) in rows {
            self.rows.insert(key.clone(), (sequence, row.clone()));
        }
        self.order.push_back((sequence, rows.iter().map(|(key, _)| key.clone()).collect()));
    }

    /// Forgets what readers see by now.
    fn prune(&mut self, published: u64) {
        while let Some((sequence, keys)) = self.order.pop_front_if(|(sequence, _)| *sequence < published) {
            for key in keys {
                if self.rows.get(&key).is_some_and(|(newest, _)| *newest == sequence) {
                    self.rows.remove(&key);
                }
            }
        }
    }
}

/// What will be written in one go.
#[derive(Debug, Default)]
struct Builder {
    parts: Vec<Bytes>,
    bytes: u64,
    start: u64,
    applied: Vec<Applied>,
}

/// The only one who writes to the log.
#[derive(Debug)]
pub(crate) struct Appender {
    shared: Arc<Shared>,
    /// The segment that is written to; `None` before the first record and where no next one could be made yet.
    active: Option<Active>,
    /// Where the next record goes.
    end: Position,
    pending: Pending,
    /// Whether this run's first record is written.
    opened: bool,
    builder: Builder,
}

impl Appender {
    pub(crate) fn new(shared: Arc<Shared>, end: Position, active: Option<Active>) -> Self {
        Self { shared, active, end, pending: Pending::default(), opened: false, builder: Builder::default() }
    }

    /// Works until the queue is closed and empty.
    pub(crate) fn run(mut self) {
        let shared = self.shared.clone();
        let work = || {
            while let Some(requests) = next_requests(&shared) {
                shared.wait_for_overlay();
                self.step(requests);
            }
        };
        let panicked = ends_in_panic(&shared, work);
        // With the answers that it still holds.
        drop(self);
        if panicked {
            refuse_all(&shared);
        }
        lock(&shared.pipe).closed = true;
        shared.pipe_filled.notify_all();
    }

    /// Without threads: makes durable and visible what was written.
    pub(crate) fn sync(&self) {
        crate::syncer::step(&self.shared);
    }

    /// Writes what was asked for, as far as it may be.
    pub(crate) fn step(&mut self, requests: VecDeque<Request>) {
        self.pending.prune(self.shared.published());
        for request in requests {
            if let Some(error) = self.shared.poisoned() {
                refuse(request, &error);
                continue;
            }
            self.take(request);
            if self.builder.bytes >= self.shared.group_limit() {
                self.flush();
                self.pending.prune(self.shared.published());
            }
        }
        self.flush();
    }

    fn take(&mut self, request: Request) {
        let (answer, placed) = match request {
            Request::Commit { batch, answer } => {
                let plan = self.plan(batch);
                (Some(answer), plan.and_then(|plan| self.place(plan)))
            }
            Request::Relocate { from, moves, answer } => {
                let plan = self.plan_moves(from, moves).map_err(CommitError::from);
                (Some(answer), plan.and_then(|plan| self.place(plan)))
            }
            Request::Unpinned(id) => {
                let plan = self.plan_unpinned(id).map_err(CommitError::from);
                match plan.and_then(|plan| plan.map(|plan| self.place(plan)).transpose()) {
                    Ok(Some(applied)) => (None, Ok(applied)),
                    // What is not done now is done at the next start.
                    Ok(None) | Err(_) => return,
                }
            }
            Request::Seal { answer } => return self.seal_now(answer),
        };
        match placed {
            Ok(mut applied) => {
                applied.answer = answer;
                self.builder.applied.push(applied);
            }
            Err(error) => {
                if let Some(answer) = answer {
                    // Nobody listens when the caller has gone.
                    let _ = answer.send(Err(error));
                }
            }
        }
    }

    /// Gives a planned record its place.
    fn place(&mut self, mut plan: Plan) -> Result<Applied, CommitError> {
        if plan.meta.len() > META_MAX {
            return Err(BatchError::ValueTooLong.into());
        }
        let len = wide(HEADER) + len64(&plan.meta) + plan.blocks_len();
        self.make_room(len, plan.reserved)?;
        let segment = self.end.segment;
        let mut offset = self.end.offset + wide(HEADER) + len64(&plan.meta);
        let blocks = plan.blocks_len();
        let mut written = Vec::new();
        let mut rows: Vec<(Bytes, Row)> =
            plan.rows.drain(..).map(|(key, value)| (key, Row { segment, value })).collect();
        let header = self.push_header(Kind::Batch, std::mem::take(&mut plan.meta), blocks);
        for body in std::mem::take(&mut plan.bodies) {
            let own_file = body.data.is_none();
            let place = if own_file { Place::File } else { Place::Segment(offset) };
            let location = Location { place, len: body.descriptor.len, blocks: body.descriptor.blocks };
            rows.push((body_key(body.descriptor.id), Row { segment, value: Some(location.encode().into()) }));
            if let Some(data) = body.data {
                offset += len64(&data);
                self.builder.parts.push(data);
            }
            if let Some(staged) = body.staged {
                staged.appended.store(true, Ordering::Release);
                written.push(staged);
            }
        }
        for (staged, orphaned) in plan.orphans.drain(..) {
            staged.orphaned.store(orphaned, Ordering::Release);
        }
        self.pending.insert(header.sequence, &rows);
        let Plan { wake, dead_files, staged, ended, .. } = plan;
        Ok(Applied { sequence: header.sequence, rows, wake, answer: None, dead_files, staged, written, ended })
    }

    /// Appends a record's header and metadata to the group; its blocks, as many bytes as said, must follow.
    fn push_header(&mut self, kind: Kind, meta: Vec<u8>, blocks: u64) -> Header {
        if self.builder.parts.is_empty() {
            self.builder.start = self.end.offset;
        }
        let header = Header::new(kind, &meta, blocks, self.end.sequence, &self.end.chain);
        self.builder.parts.push(Bytes::copy_from_slice(&header.encode()));
        self.builder.parts.push(meta.into());
        self.builder.bytes += header.record_len();
        self.end.offset += header.record_len();
        self.end.sequence += 1;
        self.end.chain = header.chain;
        if let Some(active) = &mut self.active {
            active.table.push(&header);
        }
        header
    }

    /// Writes the group and hands it on.
    fn flush(&mut self) {
        let builder = std::mem::take(&mut self.builder);
        if builder.parts.is_empty() {
            return;
        }
        let written = self.write(&builder);
        let Some(active) = &self.active else { return };
        match written {
            Ok(()) => {
                Counters::add(&self.shared.counters.log_bytes, builder.bytes);
                let Builder { bytes, applied, .. } = builder;
                self.shared.pass_on(Group { file: active.file.clone(), applied, end: self.end, bytes });
            }
            Err(error) => {
                let error = self.shared.poison("writing the log", &error);
                fail(builder.applied, &error);
            }
        }
    }

    fn write(&mut self, builder: &Builder) -> std::io::Result<()> {
        let Some(active) = &mut self.active else { return Err(std::io::Error::other("no segment is open")) };
        let mut parts: Vec<&[u8]> = builder.parts.iter().map(|part| &part[..]).collect();
        let end = builder.start + builder.bytes;
        let ahead = active.allocated.saturating_sub(end).min(len64(&ZEROS));
        if builder.bytes < SMALL_GROUP && end > active.zeroed && ahead > 0 {
            parts.extend(ZEROS.get(..crate::codec::narrow(ahead)));
            active.zeroed = end + ahead;
        }
        active.zeroed = active.zeroed.max(end);
        active.file.write_at(&parts, builder.start)
    }

    fn seal_now(&mut self, answer: Answer) {
        self.flush();
        let sealed = self.seal();
        let sequence = self.end.sequence;
        // Nobody listens when the caller has gone.
        let _ = answer.send(sealed.map(|()| Committed { sequence }));
    }
}

/// What waits to be written; `None` once the queue is closed and empty.
fn next_requests(shared: &Shared) -> Option<VecDeque<Request>> {
    let mut queue = lock(&shared.queue);
    loop {
        // Small batches gather while a sync is under way; large ones are written meanwhile.
        let small = queue.bytes < GATHER && !queue.closed && shared.poison.get().is_none();
        let gathers = small && shared.is_syncing();
        if !queue.requests.is_empty() && !gathers {
            queue.awaited = Awaited::Nothing;
            queue.bytes = 0;
            return Some(std::mem::take(&mut queue.requests));
        }
        if queue.requests.is_empty() && queue.closed {
            return None;
        }
        queue.awaited = if queue.requests.is_empty() { Awaited::Request } else { Awaited::Sync };
        queue = wait(&shared.queue_filled, queue);
    }
}

/// All that is left of an appender that panicked: says no until the queue is closed.
fn refuse_all(shared: &Shared) {
    while let Some(requests) = next_requests(shared) {
        for request in requests {
            if let Some(error) = shared.poisoned() {
                refuse(request, &error);
            }
        }
    }
}

/// Tells those who wait that their batches failed.
pub(crate) fn fail(applied: Vec<Applied>, error: &StoreError) {
    for one in applied {
        if let Some(answer) = one.answer {
            // Nobody listens when the caller has gone.
            let _ = answer.send(Err(error.clone().into()));
        }
    }
}
