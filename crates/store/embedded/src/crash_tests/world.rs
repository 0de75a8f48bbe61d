//! One run: a store on a simulated disk, what is asked of it, and what must have come of it.

use super::check::{check, differences, dump, now, read};
use super::model::{Model, Verdict};
use crate::appender::keep_spare;
use crate::compact::{Compacted, Compaction, compact_all, usages};
use crate::disk::Disk;
use crate::indexer;
use crate::maintain::{backup, rebuild};
use crate::open::{Opened, open};
use crate::options::{Compression, Options, Zstd};
use crate::shared::{Request, Shared, lock};
use crate::sim::{Fault, SimDisk, simulated_index};
use crate::stage::Writer;
use crate::syncer;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use store_kv::{
    Batch, BodyChange, BodyId, BodyWriter, CommitError, Committed, Seeded, Space, StagedBody, StoreError,
    account_prefix,
};
use tokio::sync::oneshot::{self, error::TryRecvError};
use types::AccountId;

const DIR: &str = "/store";
const ACCOUNTS: u64 = 3;
const KEYS: u64 = 14;
/// Steps in one life, at most.
const STEPS: u64 = 60;

/// What the runs came across, so that a test that tests nothing is seen.
#[derive(Clone, Debug, Default)]
pub(super) struct Totals {
    pub(super) acknowledged: u64,
    pub(super) conflicts: u64,
    pub(super) dead: u64,
    pub(super) full: u64,
    pub(super) crashes: u64,
    pub(super) faults: u64,
    pub(super) rebuilds: u64,
    pub(super) own_files: u64,
    pub(super) removed_segments: u64,
}

impl Totals {
    pub(super) fn add(&mut self, other: &Self) {
        self.acknowledged += other.acknowledged;
        self.conflicts += other.conflicts;
        self.dead += other.dead;
        self.full += other.full;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.rebuilds += other.rebuilds;
        self.own_files += other.own_files;
        self.removed_segments += other.removed_segments;
    }
}

thread_local! {
    static TOTALS: RefCell<Totals> = RefCell::default();
}

pub(super) fn take_totals() -> Totals {
    TOTALS.take()
}

fn count(count: impl FnOnce(&mut Totals)) {
    TOTALS.with_borrow_mut(count);
}

type Answered = oneshot::Receiver<Result<Committed, CommitError>>;

pub(super) struct World {
    random: Seeded,
    disk: SimDisk,
    options: Options,
    shared: Option<Arc<Shared>>,
    /// Handed in and not looked at by the appender.
    asked: Vec<(Batch, Answered)>,
    /// Written (or perhaps so, after a fault) and not answered, in order, with the model after each.
    written: Vec<(Option<Answered>, Model)>,
    /// What must be there.
    sure: Model,
    handles: Vec<StagedBody>,
    contents: BTreeMap<BodyId, Arc<Vec<u8>>>,
    compaction: Option<Compaction>,
    may_fail: bool,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut random = Seeded::new(seed);
        let options = Options {
            segment_size: 4096 << random.below(5),
            group_bytes: 3000,
            overlay_bytes: 1 << 20,
            inline_body_max: 3000,
            compact_percent: 40,
            compact_interval: None,
            reserve: 0,
            compression: *random
                .pick(&[Compression::Off, Compression::default(), Compression::Always(Zstd::default())])
                .unwrap(),
            open_files: 3,
            ..Options::default()
        };
        let disk = SimDisk::new(random.any());
        let mut world = Self {
            random,
            disk,
            options,
            shared: None,
            asked: Vec::new(),
            written: Vec::new(),
            sure: Model::default(),
            handles: Vec::new(),
            contents: BTreeMap::new(),
            compaction: None,
            may_fail: false,
        };
        world.rise();
        world
    }

    fn shared(&self) -> Arc<Shared> {
        self.shared.clone().expect("the store is open")
    }

    /// Some steps, until something fails or it is enough.
    pub(super) fn live(&mut self) {
        self.may_fail = true;
        match self.random.below(4) {
            0 => self.may_fail = false,
            1 => self.disk.plan(self.random.below(120), Fault::Error),
            _ => self.disk.plan(self.random.below(200), Fault::Crash),
        }
        if self.random.chance(1, 8) {
            let free = self.disk.free_space(Path::new(DIR)).unwrap_or(0);
            self.disk.set_capacity((1 << 40) - free + self.random.below(200_000));
            self.options.reserve = 0;
        }
        for _ in 0..=self.random.below(STEPS) {
            if self.disk.is_dead() {
                return;
            }
            self.step();
        }
    }

    fn step(&mut self) {
        let shared = self.shared();
        match self.random.below(25) {
            0..10 => self.ask(),
            10..14 => self.append(),
            14..18 => {
                syncer::step(&shared);
                self.look();
            }
            // Its error is the poison that the next look sees.
            18 | 19 => drop(indexer::step(&shared)),
            20 => shared.empty_trash(),
            21 => {
                let drawn = self.random.index(self.handles.len() + 1);
                if drawn < self.handles.len() {
                    self.handles.swap_remove(drawn);
                }
            }
            22 => self.compact(),
            23 => keep_spare(&shared),
            _ => self.read_something(),
        }
    }

    fn key(&mut self, account: AccountId) -> Bytes {
        let name = self.random.below(KEYS).to_le_bytes()[0];
        [&account_prefix(account)[..], &[name]].concat().into()
    }

    fn content(&mut self) -> Vec<u8> {
        let len = match self.random.below(12) {
            0 => 0,
            1 => self.random.index(150_000),
            2..4 => 3000 + self.random.index(6000),
            _ => self.random.index(2000),
        };
        let noise = self.random.chance(1, 2);
        if noise { self.random.bytes(len) } else { b"Dear Ann, ".iter().copied().cycle().take(len).collect() }
    }

    fn stage(&mut self) -> Option<StagedBody> {
        let content = self.content();
        let mut writer = Box::new(Writer::new(self.shared(), None));
        let staged = now(async {
            for piece in content.chunks(1 + content.len() / 3) {
                writer.write(piece).await?;
            }
            writer.finish().await
        });
        let staged: StagedBody = staged.ok()?;
        assert_eq!(staged.hash().0, *blake3::hash(&content).as_bytes());
        if content.len() > 3000 {
            count(|totals| totals.own_files += 1);
        }
        self.contents.insert(staged.id(), Arc::new(content));
        Some(staged)
    }

    /// Hands a random batch in.
    fn ask(&mut self) {
        let account = AccountId(u32::try_from(self.random.below(ACCOUNTS)).unwrap());
        let mut batch = Batch::new(account);
        for _ in 0..self.random.below(5) {
            let key = self.key(account);
            if self.random.chance(1, 3) {
                batch.delete(key);
            } else {
                let len = self.random.index(120);
                batch.put(key, self.random.bytes(len));
            }
        }
        if self.random.chance(1, 4) {
            let key = self.key(account);
            let newest = self.written.last().map_or(&self.sure, |(_, model)| model);
            let right = newest.rows.get(&key).cloned();
            let value = if self.random.chance(2, 3) { right } else { Some(Bytes::from_static(b"never")) };
            batch.expect(key, value);
        }
        for _ in 0..self.random.below(3) {
            let change = self.body_change();
            batch.bodies.extend(change);
        }
        if self.random.chance(1, 3) {
            batch.space = Space::Frees;
        }
        let (answer, answered) = oneshot::channel();
        let request = Request::Commit { batch: batch.clone(), answer };
        self.shared().push(request).expect("the queue is open");
        // Until it is looked at, the copy keeps its bodies alive, as a caller that tries again would.
        self.asked.push((batch, answered));
    }

    fn body_change(&mut self) -> Option<BodyChange> {
        let known: Vec<BodyId> = self.contents.keys().copied().collect();
        let drawn = self.random.pick(&known).copied();
        match self.random.below(6) {
            0..2 => {
                let staged = self.stage()?;
                if self.random.chance(1, 2) {
                    self.handles.push(staged.clone());
                }
                Some(BodyChange::Add(staged))
            }
            2 => {
                let index = self.random.index(self.handles.len());
                self.handles.get(index).cloned().map(BodyChange::Add)
            }
            3 => drawn.map(BodyChange::Share),
            _ => drawn.map(BodyChange::Release),
        }
    }

    /// Lets the appender take what was handed in, and looks what it says at once.
    fn append(&mut self) {
        let shared = self.shared();
        let Some(mut appender) = lock(&shared.appender).take() else { return };
        let requests = std::mem::take(&mut lock(&shared.queue).requests);
        appender.step(requests);
        *lock(&shared.appender) = Some(appender);
        self.look();
    }

    /// Looks at all answers, in order, and holds them against the model.
    fn look(&mut self) {
        let waiting =
            lock(&self.shared().queue).requests.iter().filter(|r| matches!(r, Request::Commit { .. })).count();
        let taken: Vec<(Batch, Answered)> = self.asked.drain(..self.asked.len() - waiting).collect();
        for (batch, mut answered) in taken {
            let before = self.written.last().map_or(&self.sure, |(_, model)| model);
            let verdict = before.judge(&batch);
            let mut after = before.clone();
            after.apply(&batch, &self.contents);
            match answered.try_recv() {
                Ok(Err(CommitError::Store(StoreError::Poisoned(_)))) => {
                    if verdict == Verdict::Commits {
                        self.written.push((None, after));
                    }
                }
                Ok(Err(CommitError::Store(_))) => {}
                Ok(Err(CommitError::Conflict { .. })) => {
                    assert_eq!(verdict, Verdict::Conflicts);
                    count(|totals| totals.conflicts += 1);
                }
                Ok(Err(CommitError::DeadBody(id))) => {
                    assert_eq!(verdict, Verdict::Dead(id));
                    count(|totals| totals.dead += 1);
                }
                Ok(Err(CommitError::Full)) => count(|totals| totals.full += 1),
                Ok(Err(CommitError::Batch(error))) => panic!("{error}"),
                Ok(Ok(_)) => {
                    assert_eq!(verdict, Verdict::Commits);
                    let (done, receiver) = oneshot::channel();
                    done.send(Ok(Committed { sequence: 0 })).unwrap();
                    self.written.push((Some(receiver), after));
                }
                Err(TryRecvError::Empty) => {
                    assert_eq!(verdict, Verdict::Commits);
                    self.written.push((Some(answered), after));
                }
                Err(TryRecvError::Closed) => panic!("a batch was never answered"),
            }
        }
        self.look_at_written();
    }

    /// Moves what is acknowledged to what is sure.
    fn look_at_written(&mut self) {
        let mut sure = 0;
        for (index, (answered, _)) in self.written.iter_mut().enumerate() {
            let answer = answered.as_mut().map(oneshot::Receiver::try_recv);
            match answer {
                Some(Ok(Ok(_))) => sure = index + 1,
                // Not durable for all we know; a restart may bring it.
                Some(Ok(Err(_)) | Err(TryRecvError::Closed)) => *answered = None,
                Some(Err(TryRecvError::Empty)) | None => {}
            }
        }
        count(|totals| totals.acknowledged += sure as u64);
        if let Some((_, model)) = self.written.drain(..sure).next_back() {
            self.sure = model;
        }
    }

    /// A step of the compactor, batches of others waiting in the queue before it.
    fn compact(&mut self) {
        let shared = self.shared();
        if let Some(mut compaction) = self.compaction.take() {
            match compaction.step() {
                Ok(true) => self.compaction = Some(compaction),
                Ok(false) => {
                    let mut done = Compacted::default();
                    if let Ok(removed) = compaction.finish(&mut done) {
                        assert!(removed || shared.poisoned().is_some(), "something was left in a rewritten segment");
                        count(|totals| totals.removed_segments += done.segments);
                    }
                }
                Err(_) => {}
            }
        } else {
            let mark = lock(&shared.mark).segment;
            let sealed: Vec<u32> = lock(&shared.sealed).range(..mark).map(|(number, _)| *number).collect();
            if let Some(number) = self.random.pick(&sealed) {
                self.compaction = Compaction::new(shared, *number).ok();
            } else if self.random.chance(1, 2) {
                let (answer, _answered) = oneshot::channel();
                // A closed queue cannot be.
                let _ = shared.push(Request::Seal { answer });
                shared.pump();
            }
        }
        self.look();
    }

    /// What is visible is what is sure, whatever else goes on.
    fn read_something(&mut self) {
        self.look();
        if self.disk.is_dead() {
            return;
        }
        let shared = self.shared();
        assert_eq!(dump(&shared), self.sure.rows);
        let ids: Vec<_> = self.sure.bodies.keys().copied().chain(self.handles.iter().map(StagedBody::id)).collect();
        if let Some(id) = self.random.pick(&ids) {
            assert!(read(&shared, *id).unwrap() == **self.contents[id]);
        }
    }

    /// The power goes, or the process; the store is opened again and held against what may be.
    pub(super) fn die_and_rise(&mut self) {
        if !self.disk.is_dead() {
            self.look();
        }
        if let Some(cause) = self.shared().poisoned() {
            assert!(self.may_fail, "a full disk is no fault: {cause}");
            count(|totals| totals.faults += 1);
        }
        let asked = std::mem::take(&mut self.asked);
        drop(asked);
        self.compaction = None;
        let killed = self.random.chance(1, 3) && !self.disk.is_dead();
        self.disk.unplan();
        let after = if killed { self.disk.kill() } else { self.disk.crash() };
        count(|totals| totals.crashes += 1);
        self.close();
        self.handles.clear();
        self.disk = after;
        self.rise();
        if killed && self.random.chance(1, 2) {
            // What was seen after the restart must be there after a power cut.
            let after = self.disk.crash();
            self.close();
            self.disk = after;
            self.rise();
        }
    }

    fn close(&mut self) {
        if let Some(shared) = self.shared.take() {
            *lock(&shared.appender) = None;
        }
    }

    /// Opens the store, with crashes on the way, and finds out which of the unacknowledged batches are there.
    fn rise(&mut self) {
        self.disk.set_capacity(1 << 40);
        let mut rebuilds = self.random.chance(1, 6);
        for attempt in 0.. {
            if attempt < 3 && self.random.chance(1, 3) {
                self.disk.plan(self.random.below(12), Fault::Crash);
            }
            match self.try_open(rebuilds) {
                Ok(shared) => {
                    self.shared = Some(shared);
                    break;
                }
                Err(error) => assert!(self.disk.is_dead(), "opening failed: {error:?}"),
            }
            rebuilds &= self.random.chance(1, 2);
            self.disk = self.disk.crash();
        }
        self.disk.unplan();
        let shared = self.shared();
        let written = std::mem::take(&mut self.written);
        let mut states = std::iter::once(self.sure.clone()).chain(written.into_iter().map(|(_, model)| model));
        let mut differ = Vec::new();
        self.sure = loop {
            // The store holds what is acknowledged and some of what came after, in order.
            let Some(model) = states.next() else { panic!("it holds none of what it may: {differ:#?}") };
            let now = differences(&shared, &model);
            if now.is_empty() {
                break model;
            }
            differ.push(now);
        };
        self.contents.retain(|id, _| self.sure.bodies.contains_key(id));
        check(&shared, &self.sure);
    }

    fn try_open(&mut self, rebuilds: bool) -> Result<Arc<Shared>, crate::OpenError> {
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        let here = self.disk.clone();
        let make = |dir: &Path, _: &Options| Ok(simulated_index(&here, dir));
        if rebuilds {
            count(|totals| totals.rebuilds += 1);
            rebuild(&disk, &|dir: &Path| here.wipe_index(dir), &make, Path::new(DIR), self.options.clone())?;
        }
        let Opened { shared, appender } = open(disk, &make, Path::new(DIR), self.options.clone())?;
        *lock(&shared.appender) = Some(Box::new(appender));
        Ok(shared)
    }

    /// After all: compaction gives the space back, a backup and a rebuilt index hold the same, a clean end leaves nothing
    /// to replay.
    pub(super) fn end(&mut self) {
        let shared = self.shared();
        let done = compact_all(&shared, &mut BTreeSet::new(), true).unwrap();
        count(|totals| totals.removed_segments += done.segments);
        check(&shared, &self.sure);
        self.check_space(&shared);
        backup(&shared, Path::new("/backup")).unwrap();
        indexer::step(&shared).unwrap();
        assert_eq!(lock(&shared.mark).sequence, shared.published());
        drop(shared);
        self.close();
        self.disk = self.disk.crash();
        let make = |dir: &Path, _: &Options| Ok(simulated_index(&self.disk, dir));
        let disk: Arc<dyn Disk> = Arc::new(self.disk.clone());
        rebuild(&disk, &|dir: &Path| self.disk.wipe_index(dir), &make, Path::new(DIR), self.options.clone()).unwrap();
        for dir in [DIR, "/backup"] {
            let Opened { shared, .. } = open(disk.clone(), &make, Path::new(dir), self.options.clone()).unwrap();
            check(&shared, &self.sure);
        }
    }

    /// No segment that the compactor may touch has more dead bytes than the threshold.
    fn check_space(&self, shared: &Arc<Shared>) {
        let mark = *lock(&shared.mark);
        let usages = usages(shared).unwrap();
        for (number, len) in lock(&shared.sealed).range(..mark.segment) {
            let usage = usages[number];
            let dead = len.saturating_sub(usage.live + usage.deletes) * 100 / len;
            assert!(
                dead < u64::from(self.options.compact_percent) + 35,
                "segment {number}: {dead} % dead, {usage:?} of {len}"
            );
        }
    }
}
