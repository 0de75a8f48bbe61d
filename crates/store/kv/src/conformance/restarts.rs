//! What a store is for: everything that was answered is there after it was opened again, in order or after a crash.

use super::{ANN, BOB, Harness, assert_gone, content, get, key, number, put, read, refer, scans, stage};
use crate::{Batch, BatchError, BodyChange, BodyId, CommitError, Engine, Scan, account_prefix};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;
use types::AccountId;

/// Rows of several accounts, byte for byte.
pub async fn a_reopened_store_has_everything(mut harness: impl Harness) {
    let engine = harness.open().await;
    for n in 0..50_u32 {
        let mut batch = Batch::new(AccountId(n % 5));
        for m in 0..10_u32 {
            batch.put(key(AccountId(n % 5), format!("{n} {m}")), content(u64::from(n), (n * m) as usize));
        }
        engine.commit(batch).await.unwrap();
    }
    let before = scans::all(&*engine, &Scan::prefix(b"")).await;
    assert_eq!(before.len(), 500);
    drop(engine);
    let engine = harness.reopen().await;
    assert!(scans::all(&*engine, &Scan::prefix(b"")).await == before, "the rows differ");
}

/// Of one account and of two.
pub async fn references_survive(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut bodies = Vec::new();
    for size in [0, 9, 70_000, 2_000_000] {
        let staged = stage(&*engine, &content(1, size)).await;
        bodies.push((staged.id(), size));
        refer(&*engine, ANN, BodyChange::Add(staged.clone())).await.unwrap();
        refer(&*engine, BOB, BodyChange::Add(staged)).await.unwrap();
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (id, size) in &bodies {
        assert!(read(&*engine, *id).await.unwrap() == content(1, *size));
        refer(&*engine, ANN, BodyChange::Release(*id)).await.unwrap();
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (id, size) in &bodies {
        assert!(read(&*engine, *id).await.unwrap() == content(1, *size), "Bob's reference was lost");
        refer(&*engine, BOB, BodyChange::Release(*id)).await.unwrap();
        assert_gone(&*engine, *id).await;
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (id, _) in &bodies {
        assert_gone(&*engine, *id).await;
    }
}

/// Handles do not survive, and neither does what only they kept.
pub async fn unnamed_bodies_are_gone(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut held = Vec::new();
    for size in [9, 2_000_000] {
        held.push(stage(&*engine, &content(0, size)).await);
        let let_go = stage(&*engine, &content(0, size)).await;
        refer(&*engine, ANN, BodyChange::Add(let_go.clone())).await.unwrap();
        refer(&*engine, ANN, BodyChange::Release(let_go.id())).await.unwrap();
        held.push(let_go);
    }
    drop(engine);
    let engine = harness.reopen().await;
    for staged in &held {
        assert_gone(&*engine, staged.id()).await;
    }
}

/// Also two restarts later.
pub async fn deletes_stay_deleted(mut harness: impl Harness) {
    let engine = harness.open().await;
    for name in ["a", "b", "c"] {
        put(&*engine, ANN, name, "x").await;
    }
    drop(engine);
    let engine = harness.reopen().await;
    let mut batch = Batch::new(ANN);
    batch.delete(key(ANN, "a"));
    batch.put(key(ANN, "b"), "y");
    engine.commit(batch).await.unwrap();
    drop(engine);
    for _ in 0..2 {
        let engine = harness.reopen().await;
        assert_eq!(get(&*engine, ANN, "a").await, None);
        assert_eq!(get(&*engine, ANN, "b").await, Some("y".into()));
        assert_eq!(get(&*engine, ANN, "c").await, Some("x".into()));
    }
}

/// Neither a named nor a forgotten body's id comes back, even if nothing was committed between two restarts.
pub async fn body_ids_are_new_after_a_restart(mut harness: impl Harness) {
    let mut engine = harness.open().await;
    let mut ids = HashSet::new();
    for round in 0..6 {
        for n in 0..10 {
            let staged = stage(&*engine, b"x").await;
            assert!(ids.insert(staged.id()), "{} twice", staged.id());
            if n % 3 == 0 && round % 2 == 0 {
                refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
            }
        }
        drop(engine);
        engine = harness.reopen().await;
    }
}

/// It was made by another engine: the one before.
pub async fn a_handle_from_before_is_foreign(mut harness: impl Harness) {
    let engine = harness.open().await;
    let staged = stage(&*engine, b"before").await;
    let named = stage(&*engine, b"named").await;
    refer(&*engine, ANN, BodyChange::Add(named.clone())).await.unwrap();
    drop(engine);
    let engine = harness.reopen().await;
    for old in [staged, named.clone()] {
        let answer = refer(&*engine, ANN, BodyChange::Add(old)).await;
        assert!(matches!(answer, Err(CommitError::Batch(BatchError::ForeignBody))), "{answer:?}");
    }
    let id = named.id();
    drop(named);
    assert_eq!(read(&*engine, id).await.unwrap(), b"named", "an old handle took a body along");
}

/// A little work between restarts.
pub async fn many_restarts_lose_nothing(mut harness: impl Harness) {
    const RESTARTS: u64 = 12;
    let mut engine = harness.open().await;
    let mut bodies: Vec<BodyId> = Vec::new();
    for round in 0..RESTARTS {
        let staged = stage(&*engine, &content(round, 3000)).await;
        bodies.push(staged.id());
        let mut batch = Batch::new(ANN);
        batch.expect(key(ANN, "round"), (round > 0).then(|| round.to_string().into()));
        batch.put(key(ANN, "round"), (round + 1).to_string());
        batch.put(key(ANN, format!("row {round}")), "x");
        batch.bodies.push(BodyChange::Add(staged));
        engine.commit(batch).await.unwrap();
        drop(engine);
        engine = harness.reopen().await;
        assert_eq!(number(&*engine, ANN, "round").await.unwrap(), round + 1);
    }
    for (round, id) in (0..RESTARTS).zip(bodies) {
        assert_eq!(get(&*engine, ANN, &format!("row {round}")).await, Some("x".into()));
        assert!(read(&*engine, id).await.unwrap() == content(round, 3000), "body {round}");
    }
}

/// How a store is brought down while others work on it: by a crash, or, where the harness cannot, by waiting for them.
async fn bring_down(
    harness: &mut impl Harness,
    engine: Arc<dyn Engine>,
    mut workers: JoinSet<()>,
    stop: &AtomicU64,
) -> Arc<dyn Engine> {
    if let Some(engine) = harness.crash().await {
        workers.shutdown().await;
        return engine;
    }
    stop.store(1, Ordering::SeqCst);
    while let Some(ended) = workers.join_next().await {
        ended.unwrap();
    }
    drop(engine);
    harness.reopen().await
}

/// Writers that count up with a body each until the engine fails them; the crash comes in their midst.
pub async fn a_crash_loses_nothing_acknowledged(mut harness: impl Harness) {
    const WRITERS: u32 = 4;
    let mut engine = harness.open().await;
    let mut acknowledged = [0; WRITERS as usize];
    for round in 1..=3_u64 {
        let counters: Vec<Arc<AtomicU64>> = acknowledged.iter().map(|n| Arc::new(AtomicU64::new(*n))).collect();
        let stop = Arc::new(AtomicU64::new(0));
        let mut workers = JoinSet::new();
        for (account, counter) in (0..WRITERS).map(AccountId).zip(&counters) {
            workers.spawn(count_up(Arc::clone(&engine), account, Arc::clone(counter), Arc::clone(&stop)));
        }
        let total = || counters.iter().map(|counter| counter.load(Ordering::SeqCst)).sum::<u64>();
        while total() < round * 60 {
            tokio::task::yield_now().await;
        }
        engine = bring_down(&mut harness, engine, workers, &stop).await;
        for ((account, counter), acknowledged) in (0..WRITERS).map(AccountId).zip(counters).zip(&mut acknowledged) {
            let promised = counter.load(Ordering::SeqCst);
            let found = number(&*engine, account, "count").await.unwrap();
            assert!((promised..=promised + 1).contains(&found), "{promised} acknowledged, {found} found");
            assert_counted(&*engine, account, found).await;
            *acknowledged = found;
        }
    }
}

async fn count_up(engine: Arc<dyn Engine>, account: AccountId, counter: Arc<AtomicU64>, stop: Arc<AtomicU64>) {
    while stop.load(Ordering::SeqCst) == 0 {
        let from = counter.load(Ordering::SeqCst);
        let Ok(mut writer) = engine.stage(None).await else { return };
        if writer.write(&content(from, 2000)).await.is_err() {
            return;
        }
        let Ok(staged) = writer.finish().await else { return };
        let mut batch = Batch::new(account);
        batch.expect(key(account, "count"), (from > 0).then(|| from.to_string().into()));
        batch.put(key(account, "count"), (from + 1).to_string());
        batch.put(key(account, format!("row {from:08}")), staged.id().0.to_be_bytes().to_vec());
        batch.bodies.push(BodyChange::Add(staged));
        if engine.commit(batch).await.is_err() {
            return;
        }
        counter.store(from + 1, Ordering::SeqCst);
    }
}

/// Exactly the rows below `count`, each with its body.
async fn assert_counted(engine: &dyn Engine, account: AccountId, count: u64) {
    let rows = scans::all(engine, &Scan::prefix(&key(account, "row "))).await;
    assert_eq!(rows.len() as u64, count, "rows of {account}");
    for (from, (name, id)) in rows.into_iter().enumerate() {
        assert_eq!(name, key(account, format!("row {from:08}")));
        let id = BodyId(u128::from_be_bytes(id[..].try_into().unwrap()));
        assert!(read(engine, id).await.unwrap() == content(from as u64, 2000), "body {from} of {account}");
    }
}

/// No reader sees what could still be lost.
pub async fn what_a_reader_saw_survives_a_crash(mut harness: impl Harness) {
    let engine = harness.open().await;
    let counter = Arc::new(AtomicU64::new(0));
    let seen = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicU64::new(0));
    let mut workers = JoinSet::new();
    workers.spawn(count_up(Arc::clone(&engine), ANN, counter, Arc::clone(&stop)));
    workers.spawn({
        let (engine, seen, stop) = (Arc::clone(&engine), Arc::clone(&seen), Arc::clone(&stop));
        async move {
            while stop.load(Ordering::SeqCst) == 0 {
                let Ok(page) = engine.scan(&Scan::prefix(&account_prefix(ANN))).await else { return };
                seen.fetch_max((page.rows.len() as u64).saturating_sub(1), Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        }
    });
    while seen.load(Ordering::SeqCst) < 60 {
        tokio::task::yield_now().await;
    }
    let engine = bring_down(&mut harness, engine, workers, &stop).await;
    let found = number(&*engine, ANN, "count").await.unwrap();
    let seen = seen.load(Ordering::SeqCst);
    assert!(found >= seen, "{seen} were read before the crash, {found} are there");
    assert_counted(&*engine, ANN, found).await;
}
