//! Random batches against a plain model: the same answers after every step, after a restart, after a crash.
//!
//! `POSTAMT_SEED` repeats a run, `POSTAMT_MODEL_STEPS` sets its length.

use super::{Harness, key, read, scans, stage};
use crate::{
    Batch, BodyChange, BodyId, CommitError, Direction, Engine, Expect, PageLimit, Row, Scan, Seeded, StagedBody,
    StoreError, Write, account_prefix,
};
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use tokio::task::JoinSet;
use types::AccountId;

const STEPS: u64 = 500;
const ACCOUNTS: [AccountId; 3] = [AccountId(1), AccountId(2), AccountId(258)];
/// Most bodies alive at once.
const BODIES_MAX: usize = 40;

/// A number from the environment.
fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number in the environment"))
}

/// Batches, reads, restarts and crashes in random order.
pub async fn random_batches_do_what_the_model_does(mut harness: impl Harness) {
    let seed = env("POSTAMT_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let steps = env("POSTAMT_MODEL_STEPS").unwrap_or(STEPS);
    eprintln!("POSTAMT_SEED={seed} POSTAMT_MODEL_STEPS={steps}");
    let mut random = Seeded::new(seed);
    let mut model = Model::default();
    let mut engine = harness.open().await;
    for step in 0..steps {
        match random.below(100) {
            0..60 => model.commit(&*engine, &mut random).await,
            60..70 => model.stage(&*engine, &mut random).await,
            70..75 => model.drop_handle(&*engine, &mut random).await,
            75..96 => model.check_some(&*engine, &mut random).await,
            96..98 => model.check_all(&*engine).await,
            98 => {
                model.void_handles();
                drop(engine);
                engine = harness.reopen().await;
                model.check_all(&*engine).await;
            }
            _ => engine = model.crash(&mut harness, engine, step, &mut random).await,
        }
    }
    model.check_all(&*engine).await;
}

#[derive(Default)]
struct Model {
    rows: BTreeMap<Bytes, Bytes>,
    bodies: BTreeMap<BodyId, Body>,
    dead: Vec<BodyId>,
}

struct Body {
    content: Vec<u8>,
    references: BTreeSet<AccountId>,
    handle: Option<StagedBody>,
}

/// What the model says a batch will be answered.
#[derive(Debug, PartialEq)]
enum Verdict {
    Committed,
    Conflict,
    Dead(BodyId),
}

impl Model {
    async fn commit(&mut self, engine: &dyn Engine, random: &mut Seeded) {
        let batch = self.batch(random);
        let verdict = self.verdict(&batch);
        let answer = engine.commit(batch.clone()).await;
        let given = match &answer {
            Ok(_) => Verdict::Committed,
            Err(CommitError::Conflict { .. }) => Verdict::Conflict,
            Err(CommitError::DeadBody(id)) => Verdict::Dead(*id),
            Err(error) => panic!("{error:?} to {batch:?}"),
        };
        assert_eq!(given, verdict, "{batch:?}");
        if let Err(CommitError::Conflict { key }) = answer {
            assert!(batch.preconditions.iter().any(|guard| guard.key == key && !self.holds(&guard.key, &guard.expect)));
        }
        if verdict == Verdict::Committed {
            self.apply(&batch);
        }
        let keys: Vec<Bytes> = batch.writes.iter().map(|write| written(write).clone()).collect();
        self.check_keys(engine, &keys).await;
        let named = batch.bodies.iter().map(body_of).collect::<Vec<_>>();
        drop(batch);
        for id in named {
            self.check_body(engine, id, random).await;
        }
    }

    fn batch(&self, random: &mut Seeded) -> Batch {
        let account = *random.pick(&ACCOUNTS).unwrap();
        let mut batch = Batch::new(account);
        for _ in 0..random.below(8) {
            let key = name(account, random);
            if random.chance(1, 3) { batch.delete(key) } else { batch.put(key, value(random)) }
        }
        let named = self.body_changes(random);
        let all_alive = named.iter().all(|change| !self.dead.contains(&body_of(change)));
        batch.bodies = named;
        for _ in 0..random.below(4) {
            let key = name(account, random);
            let truth = self.rows.get(&key).cloned();
            // Only one reason to refuse in one batch: which of two is told is the engine's choice.
            let wrong = all_alive && random.chance(1, 6);
            let expected = match truth {
                Some(_) if wrong && random.chance(1, 2) => None,
                Some(value) if wrong => Some([&value[..], b"!"].concat().into()),
                None if wrong => Some(Bytes::new()),
                truth => truth,
            };
            batch.expect(key, expected);
        }
        batch
    }

    /// At most one change for each body.
    fn body_changes(&self, random: &mut Seeded) -> Vec<BodyChange> {
        let mut changes = BTreeMap::new();
        let ids: Vec<BodyId> = self.bodies.keys().copied().collect();
        for _ in 0..random.below(5) {
            let Some(id) = random.pick(&ids) else { break };
            let body = &self.bodies[id];
            let change = match (&body.handle, random.below(3)) {
                (Some(handle), 0) => BodyChange::Add(handle.clone()),
                (_, 1) if !body.references.is_empty() => BodyChange::Share(*id),
                _ => BodyChange::Release(*id),
            };
            changes.insert(*id, change);
        }
        let dead = if random.chance(1, 20) { random.pick(&self.dead) } else { None };
        changes.into_values().chain(dead.map(|id| BodyChange::Share(*id))).collect()
    }

    fn holds(&self, key: &Bytes, expect: &Expect) -> bool {
        match expect {
            Expect::Value(value) => self.rows.get(key) == Some(value),
            Expect::Absent => !self.rows.contains_key(key),
        }
    }

    fn verdict(&self, batch: &Batch) -> Verdict {
        if batch.preconditions.iter().any(|guard| !self.holds(&guard.key, &guard.expect)) {
            return Verdict::Conflict;
        }
        let dead = batch.bodies.iter().map(body_of).find(|id| !self.bodies.contains_key(id));
        dead.map_or(Verdict::Committed, Verdict::Dead)
    }

    fn apply(&mut self, batch: &Batch) {
        for write in &batch.writes {
            match write {
                Write::Put(key, value) => self.rows.insert(key.clone(), value.clone()),
                Write::Delete(key) => self.rows.remove(key),
            };
        }
        for change in &batch.bodies {
            let references = &mut self.bodies.get_mut(&body_of(change)).unwrap().references;
            match change {
                BodyChange::Add(_) | BodyChange::Share(_) => references.insert(batch.account()),
                BodyChange::Release(_) => references.remove(&batch.account()),
            };
        }
        self.bury();
    }

    /// Takes out what neither a reference nor a handle keeps.
    fn bury(&mut self) {
        let dead = &mut self.dead;
        self.bodies.retain(|id, body| {
            let alive = body.handle.is_some() || !body.references.is_empty();
            if !alive {
                dead.push(*id);
            }
            alive
        });
    }

    async fn stage(&mut self, engine: &dyn Engine, random: &mut Seeded) {
        if self.bodies.len() >= BODIES_MAX {
            return;
        }
        let max = *random.pick(&[10, 3000, 3000, 60_000, 1_200_000]).unwrap();
        let content = super::content(random.any(), random.index(max));
        let handle = stage(engine, &content).await;
        let id = handle.id();
        self.bodies.insert(id, Body { content, references: BTreeSet::new(), handle: Some(handle) });
        self.check_body(engine, id, random).await;
    }

    async fn drop_handle(&mut self, engine: &dyn Engine, random: &mut Seeded) {
        let held: Vec<BodyId> =
            self.bodies.iter().filter(|(_, body)| body.handle.is_some()).map(|(id, _)| *id).collect();
        let Some(id) = random.pick(&held) else { return };
        self.bodies.get_mut(id).unwrap().handle = None;
        self.bury();
        self.check_body(engine, *id, random).await;
    }

    /// A restart: handles are worth nothing any more.
    fn void_handles(&mut self) {
        for body in self.bodies.values_mut() {
            body.handle = None;
        }
        self.bury();
    }

    /// Brings the store down with a batch of each account on its way: each is there whole or not at all.
    async fn crash<H: Harness>(
        &mut self,
        harness: &mut H,
        engine: Arc<dyn Engine>,
        step: u64,
        random: &mut Seeded,
    ) -> Arc<dyn Engine> {
        let mut workers = JoinSet::new();
        let mut on_their_way = Vec::new();
        for account in ACCOUNTS {
            let content = super::content(random.any(), random.index(4000));
            let handle = stage(&*engine, &content).await;
            let mut batch = Batch::new(account);
            batch.put(key(account, "on its way"), step.to_string());
            for _ in 0..random.below(4) {
                batch.put(name(account, random), value(random));
            }
            let id = handle.id();
            batch.bodies.push(BodyChange::Add(handle));
            // The copy for the model must not keep the body alive.
            let mut copy = Batch::new(account);
            copy.writes.clone_from(&batch.writes);
            on_their_way.push((copy, id, content));
            let engine = Arc::clone(&engine);
            workers.spawn(async move { engine.commit(batch).await.is_ok() });
        }
        for _ in 0..random.below(4) {
            tokio::task::yield_now().await;
        }
        self.void_handles();
        let engine = if let Some(crashed) = harness.crash().await {
            workers.shutdown().await;
            crashed
        } else {
            while workers.join_next().await.is_some() {}
            drop(engine);
            harness.reopen().await
        };
        for (batch, id, content) in on_their_way {
            let mark = Bytes::from(step.to_string());
            if engine.get(&key(batch.account(), "on its way")).await.unwrap() == Some(mark) {
                let references = BTreeSet::from([batch.account()]);
                self.bodies.insert(id, Body { content, references, handle: None });
                self.apply(&batch);
            } else {
                self.dead.push(id);
            }
        }
        self.check_all(&*engine).await;
        engine
    }

    async fn check_keys(&self, engine: &dyn Engine, keys: &[Bytes]) {
        let wanted: Vec<Option<Bytes>> = keys.iter().map(|key| self.rows.get(key).cloned()).collect();
        assert_eq!(engine.get_many(keys).await.unwrap(), wanted);
        if let Some(key) = keys.first() {
            assert_eq!(engine.get(key).await.unwrap(), wanted[0]);
        }
    }

    async fn check_body(&self, engine: &dyn Engine, id: BodyId, random: &mut Seeded) {
        let Some(body) = self.bodies.get(&id) else {
            let answer = engine.read_body(id, 0..1).await;
            assert!(matches!(answer, Err(StoreError::NoSuchBody(gone)) if gone == id), "dead, but {answer:?}");
            return;
        };
        let start = random.index(body.content.len() + 10);
        let end = start + random.index(70_000);
        let found = engine.read_body(id, start as u64..end as u64).await.unwrap();
        let wanted = body.content.get(start..end.min(body.content.len())).unwrap_or_default();
        assert!(found == wanted, "{start}..{end} of {id}: {} bytes", found.len());
    }

    async fn check_some(&self, engine: &dyn Engine, random: &mut Seeded) {
        let account = *random.pick(&ACCOUNTS).unwrap();
        let keys: Vec<Bytes> = (0..random.below(6)).map(|_| name(account, random)).collect();
        self.check_keys(engine, &keys).await;
        let ids: Vec<BodyId> = self.bodies.keys().chain(&self.dead).copied().collect();
        if let Some(id) = random.pick(&ids) {
            self.check_body(engine, *id, random).await;
        }
        let bounds = [name(account, random), name(account, random)];
        let mut scan = Scan::range(bounds[0].clone().min(bounds[1].clone()), bounds[0].clone().max(bounds[1].clone()));
        if random.chance(1, 4) {
            scan = Scan::prefix(&account_prefix(account));
        }
        scan.limit = PageLimit { rows: random.index(12), bytes: *random.pick(&[0, 100, 1000, 1 << 20]).unwrap() };
        scan.direction = *random.pick(&[Direction::Forward, Direction::Backward]).unwrap();
        assert_eq!(scans::all(engine, &scan).await, self.range(&scan), "{scan:?}");
    }

    fn range(&self, scan: &Scan) -> Vec<Row> {
        let inside = self.rows.iter().filter(|(key, _)| scan.start <= **key && **key < scan.end);
        let mut rows: Vec<Row> = inside.map(|(key, value)| (key.clone(), value.clone())).collect();
        if scan.direction == Direction::Backward {
            rows.reverse();
        }
        rows
    }

    async fn check_all(&self, engine: &dyn Engine) {
        let scan = Scan::prefix(b"");
        assert_eq!(scans::all(engine, &scan).await, self.range(&scan));
        for (id, body) in &self.bodies {
            assert!(read(engine, *id).await.unwrap() == body.content, "body {id}");
        }
        for id in &self.dead {
            super::assert_gone(engine, *id).await;
        }
    }
}

fn written(write: &Write) -> &Bytes {
    match write {
        Write::Put(key, _) | Write::Delete(key) => key,
    }
}

fn body_of(change: &BodyChange) -> BodyId {
    match change {
        BodyChange::Add(staged) => staged.id(),
        BodyChange::Share(id) | BodyChange::Release(id) => *id,
    }
}

/// One of a few names, so that batches meet.
fn name(account: AccountId, random: &mut Seeded) -> Bytes {
    let n = random.below(40);
    match n % 4 {
        0 => key(account, format!("{n}")),
        1 => key(account, [vec![b'n'; 300], vec![u8::try_from(n).unwrap()]].concat()),
        2 => key(account, [0xff, u8::try_from(n).unwrap()]),
        _ => key(account, format!("{}\0", n - 3)),
    }
}

fn value(random: &mut Seeded) -> Vec<u8> {
    let max = *random.pick(&[1, 20, 20, 200, 20_000]).unwrap();
    let len = random.index(max);
    super::content(random.any(), len)
}
