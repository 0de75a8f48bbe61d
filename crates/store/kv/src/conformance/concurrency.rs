//! Many at once: guards decide between writers, batches never mix, what was answered is there.

use super::{ANN, Harness, content, key, number, poll_once, put, read, stage};
use crate::{Batch, BodyChange, CommitError, Engine, Scan, Seeded, StoreError, account_prefix};
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::task::JoinSet;
use types::AccountId;

/// A guarded step of a counter, with the name of who made it.
fn step(account: AccountId, from: u64, who: &str) -> Batch {
    let mut batch = Batch::new(account);
    batch.expect(key(account, "counter"), (from > 0).then(|| Bytes::from(from.to_string())));
    batch.put(key(account, "counter"), (from + 1).to_string());
    batch.put(key(account, format!("step {from:06}")), who.to_owned());
    batch
}

/// Both read the same, both try: one is told of a conflict, and the step has one name.
pub async fn of_two_guarded_writers_exactly_one_wins(mut harness: impl Harness) {
    const ROUNDS: u64 = 100;
    let engine = harness.open().await;
    for round in 0..ROUNDS {
        let one = step(ANN, round, "one");
        let two = step(ANN, round, "two");
        // Both orders of submission.
        let (first, second) = if round % 2 == 0 { (one, two) } else { (two, one) };
        let engines = [Arc::clone(&engine), Arc::clone(&engine)];
        let [a, b] = engines;
        let first = tokio::spawn(async move { a.commit(first).await });
        let second = tokio::spawn(async move { b.commit(second).await });
        let answers = [first.await.unwrap(), second.await.unwrap()];
        let wins = answers.iter().filter(|answer| answer.is_ok()).count();
        let conflicts = answers.iter().filter(
            |answer| matches!(answer, Err(CommitError::Conflict { key: found }) if *found == key(ANN, "counter")),
        );
        assert_eq!((wins, conflicts.count()), (1, 1), "round {round}: {answers:?}");
        let first_is_one = round % 2 == 0;
        let winner = if answers[0].is_ok() == first_is_one { "one" } else { "two" };
        let name = engine.get(&key(ANN, format!("step {round:06}"))).await.unwrap();
        assert_eq!(name, Some(winner.into()), "round {round}: the loser wrote");
        assert_eq!(number(&*engine, ANN, "counter").await.unwrap(), round + 1);
    }
}

/// Read, commit with a guard, on a conflict again: every step counts once.
pub async fn guarded_increments_are_never_lost(mut harness: impl Harness) {
    const WRITERS: u64 = 8;
    const STEPS: u64 = 12;
    let engine = harness.open().await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let engine = Arc::clone(&engine);
        writers.spawn(async move {
            let mut done = 0;
            while done < STEPS {
                let from = number(&*engine, ANN, "counter").await.unwrap();
                match engine.commit(step(ANN, from, &writer.to_string())).await {
                    Ok(_) => done += 1,
                    Err(CommitError::Conflict { .. }) => tokio::task::yield_now().await,
                    Err(error) => panic!("{error}"),
                }
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(number(&*engine, ANN, "counter").await.unwrap(), WRITERS * STEPS);
    let steps = engine.scan(&Scan::prefix(&key(ANN, "step "))).await.unwrap();
    assert_eq!(steps.rows.len() as u64, WRITERS * STEPS);
    for writer in 0..WRITERS {
        let own = steps.rows.iter().filter(|(_, name)| *name == writer.to_string()).count();
        assert_eq!(own as u64, STEPS, "writer {writer}");
    }
}

/// Each has its own account, its own guard and its own bodies.
pub async fn writers_on_many_accounts_all_get_through(mut harness: impl Harness) {
    const ACCOUNTS: u32 = 24;
    const STEPS: u64 = 10;
    let engine = harness.open().await;
    let mut writers = JoinSet::new();
    for account in (100..100 + ACCOUNTS).map(AccountId) {
        let engine = Arc::clone(&engine);
        writers.spawn(async move {
            for from in 0..STEPS {
                let bytes = content(u64::from(account.0) * 1000 + from, 100 * usize::try_from(from).unwrap());
                let staged = stage(&*engine, &bytes).await;
                let mut batch = step(account, from, "own");
                batch.put(key(account, format!("body {from}")), staged.id().0.to_be_bytes().to_vec());
                batch.bodies.push(BodyChange::Add(staged));
                engine.commit(batch).await.unwrap();
                assert_eq!(number(&*engine, account, "counter").await.unwrap(), from + 1, "not visible to its writer");
            }
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended.unwrap();
    }
    assert_own_steps(&*engine, ACCOUNTS, STEPS).await;
    drop(engine);
    let engine = harness.reopen().await;
    assert_own_steps(&*engine, ACCOUNTS, STEPS).await;
}

async fn assert_own_steps(engine: &dyn Engine, accounts: u32, steps: u64) {
    for account in (100..100 + accounts).map(AccountId) {
        assert_eq!(number(engine, account, "counter").await.unwrap(), steps);
        for from in 0..steps {
            let id = engine.get(&key(account, format!("body {from}"))).await.unwrap().unwrap();
            let id = crate::BodyId(u128::from_be_bytes(id[..].try_into().unwrap()));
            let wanted = content(u64::from(account.0) * 1000 + from, 100 * usize::try_from(from).unwrap());
            assert!(read(engine, id).await.unwrap() == wanted, "{account}, step {from}: another body");
        }
    }
}

/// Writers without guards on the same keys: every snapshot shows one writer's batch, whole.
pub async fn batches_never_mix(mut harness: impl Harness) {
    const WRITERS: u32 = 4;
    const ROUNDS: u32 = 40;
    let engine = harness.open().await;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let engine = Arc::clone(&engine);
        writers.spawn(async move {
            for round in 0..ROUNDS {
                let mut batch = Batch::new(ANN);
                for name in 0..5 {
                    batch.put(key(ANN, format!("{name}")), format!("{writer} {round}"));
                }
                engine.commit(batch).await.unwrap();
            }
        });
    }
    let keys: Vec<Bytes> = (0..5).map(|name| key(ANN, format!("{name}"))).collect();
    while !writers.is_empty() {
        let values = engine.get_many(&keys).await.unwrap();
        assert!(values.iter().all(|value| *value == values[0]), "two batches in one: {values:?}");
        let page = engine.scan(&Scan::prefix(&account_prefix(ANN))).await.unwrap();
        assert!(page.rows.iter().all(|(_, value)| *value == page.rows[0].1), "two batches in one page: {page:?}");
        while let Some(ended) = writers.try_join_next() {
            ended.unwrap();
        }
        tokio::task::yield_now().await;
    }
}

/// A caller that no longer waits gets all or nothing, keys and body alike, now and after a restart.
pub async fn a_dropped_commit_is_whole_or_absent(mut harness: impl Harness) {
    const ROUNDS: u64 = 60;
    let engine = harness.open().await;
    let mut random = Seeded::new(11);
    let names = |round: u64| [key(ANN, format!("a{round}")), key(ANN, format!("b{round}"))];
    let mut bodies = Vec::new();
    for round in 0..ROUNDS {
        let bytes = content(round, 3000);
        let staged = stage(&*engine, &bytes).await;
        bodies.push(staged.id());
        let mut batch = Batch::new(ANN);
        for name in names(round) {
            batch.put(name, "x");
        }
        batch.bodies.push(BodyChange::Add(staged));
        let mut commit = engine.commit(batch);
        for _ in 0..random.below(4) {
            if poll_once(&mut commit).await.is_some() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(commit);
        if random.chance(1, 2) {
            put(&*engine, ANN, "after", "x").await;
        }
        assert_whole_or_absent(&*engine, &names(round), bodies[bodies.len() - 1], &bytes).await;
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (round, body) in (0..ROUNDS).zip(bodies) {
        assert_whole_or_absent(&*engine, &names(round), body, &content(round, 3000)).await;
    }
}

async fn assert_whole_or_absent(engine: &dyn Engine, names: &[Bytes], body: crate::BodyId, bytes: &[u8]) {
    loop {
        let before = engine.get_many(names).await.unwrap();
        let found = read(engine, body).await;
        if before != engine.get_many(names).await.unwrap() {
            continue;
        }
        match (before[0].is_some(), before[1].is_some(), found) {
            // Absent with a body: the batch may still lie there unapplied, and with it the handle.
            (true, true, Ok(found)) | (false, false, Ok(found)) => assert!(found == bytes, "the body was altered"),
            (false, false, Err(StoreError::NoSuchBody(_))) => {}
            (a, b, found) => panic!("half a batch: {a} {b} {:?}", found.map(|found| found.len())),
        }
        return;
    }
}

/// Once `commit` has returned to one task, every task reads it, by every way of reading.
pub async fn what_was_answered_is_read_by_everybody(mut harness: impl Harness) {
    const STEPS: u64 = 150;
    let engine = harness.open().await;
    let answered = Arc::new(AtomicU64::new(0));
    let writer = tokio::spawn({
        let (engine, answered) = (Arc::clone(&engine), Arc::clone(&answered));
        async move {
            for from in 0..STEPS {
                engine.commit(step(ANN, from, "w")).await.unwrap();
                answered.store(from + 1, Ordering::SeqCst);
            }
        }
    });
    let mut seen = 0;
    while !writer.is_finished() {
        let promised = answered.load(Ordering::SeqCst);
        let got = number(&*engine, ANN, "counter").await.unwrap();
        assert!(got >= promised.max(seen), "{got} read after {promised} was answered and {seen} seen");
        let promised = answered.load(Ordering::SeqCst);
        let rows = engine.scan(&Scan::prefix(&key(ANN, "step "))).await.unwrap().rows.len() as u64;
        assert!(rows >= promised.max(got), "{rows} rows scanned after {promised} were answered");
        seen = rows;
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}
