//! The faulty engine fails as told, and not otherwise.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store_kv::conformance::Harness;
use store_kv::{
    Batch, CommitError, CommitFault, Committed, Engine, Faulty, Memory, Operation, Rates, Space, StoreError,
    account_prefix,
};
use types::AccountId;

const ANN: AccountId = AccountId(1);

#[derive(Default)]
struct Transparent(Option<Arc<Memory>>);

impl Transparent {
    fn wrap(&mut self, memory: Arc<Memory>) -> Arc<dyn Engine> {
        self.0 = Some(Arc::clone(&memory));
        let inner: Arc<dyn Engine> = memory;
        Faulty::new(inner)
    }
}

impl Harness for Transparent {
    async fn open(&mut self) -> Arc<dyn Engine> {
        self.wrap(Memory::new())
    }

    async fn reopen(&mut self) -> Arc<dyn Engine> {
        let next = self.0.as_ref().map_or_else(Memory::new, |memory| memory.reopen());
        self.wrap(next)
    }
}

/// Without faults it is the engine inside; also the suite's way for harnesses that cannot crash.
mod transparent {
    store_kv::suite!(super::Transparent::default());
}

fn key(name: &str) -> Bytes {
    [&account_prefix(ANN)[..], name.as_bytes()].concat().into()
}

fn batch(guarded: bool, space: Space) -> Batch {
    let mut batch = Batch::new(ANN);
    if guarded {
        batch.expect(key("k"), None);
    }
    batch.space = space;
    batch.put(key("k"), "v");
    batch
}

fn is_poisoned(answer: &Result<Committed, CommitError>) -> bool {
    matches!(answer, Err(CommitError::Store(StoreError::Poisoned(_))))
}

#[tokio::test]
async fn the_nth_commit_fails_and_the_others_do_not() {
    let engine = Faulty::new(Memory::new());
    engine.fail_commit(2, CommitFault::Conflict);
    let answers = [
        engine.commit(batch(true, Space::Grows)).await.is_ok(),
        engine.commit(batch(false, Space::Grows)).await.is_ok(),
        engine.commit(batch(false, Space::Grows)).await.is_ok(),
    ];
    assert_eq!(answers, [true, true, true], "a batch without a guard has no conflict");
    engine.fail_commit(1, CommitFault::Conflict);
    let mut guarded = Batch::new(ANN);
    guarded.expect(key("k"), Some("v".into()));
    guarded.delete(key("k"));
    let answer = engine.commit(guarded.clone()).await;
    assert!(matches!(answer, Err(CommitError::Conflict { key: found }) if found == key("k")));
    assert_eq!(engine.get(&key("k")).await.unwrap(), Some("v".into()));
    engine.commit(guarded).await.unwrap();
    assert_eq!(engine.count(Operation::Commit), 5);
}

#[tokio::test]
async fn a_full_disk_still_lets_space_be_freed() {
    let engine = Faulty::new(Memory::new());
    engine.set_full(true);
    assert!(matches!(engine.commit(batch(false, Space::Grows)).await, Err(CommitError::Full)));
    engine.commit(batch(false, Space::Frees)).await.unwrap();
    engine.set_full(false);
    engine.fail_commit(1, CommitFault::Full);
    assert!(matches!(engine.commit(batch(false, Space::Grows)).await, Err(CommitError::Full)));
    engine.commit(batch(false, Space::Grows)).await.unwrap();
}

#[tokio::test]
async fn a_poisoned_engine_takes_no_writes_until_healed() {
    for (fault, applied) in [(CommitFault::PoisonedBefore, None), (CommitFault::PoisonedAfter, Some("v".into()))] {
        let engine = Faulty::new(Memory::new());
        let mut writer = engine.stage(None).await.unwrap();
        engine.fail_commit(1, fault);
        assert!(is_poisoned(&engine.commit(batch(true, Space::Grows)).await));
        assert_eq!(engine.get(&key("k")).await.unwrap(), applied, "{fault:?}");
        assert!(is_poisoned(&engine.commit(batch(false, Space::Frees)).await));
        assert!(matches!(writer.write(b"x").await, Err(StoreError::Poisoned(_))));
        assert!(matches!(engine.stage(None).await, Err(StoreError::Poisoned(_))));
        engine.heal();
        engine.commit(batch(false, Space::Grows)).await.unwrap();
    }
}

#[tokio::test]
async fn reads_and_staging_fail_as_told() {
    let engine = Faulty::new(Memory::new());
    engine.fail_read(2, StoreError::Corrupt("told so".into()));
    assert!(engine.get(&key("k")).await.is_ok());
    assert!(matches!(engine.get_many(&[]).await, Err(StoreError::Corrupt(_))));
    assert!(engine.get(&key("k")).await.is_ok());
    engine.fail_stage(3, StoreError::Unavailable("told so".into()));
    let mut writer = engine.stage(None).await.unwrap();
    writer.write(b"x").await.unwrap();
    assert!(matches!(writer.finish().await, Err(StoreError::Unavailable(_))));
}

#[tokio::test]
async fn the_same_seed_gives_the_same_faults() {
    async fn run(seed: u64) -> Vec<(bool, bool)> {
        let engine = Faulty::new(Memory::new());
        let rates = Rates { conflict: 100, full: 100, read: 200, ..Rates::default() };
        engine.fail_by_chance(seed, rates);
        let mut answers = Vec::new();
        for _ in 0..200 {
            let mut batch = Batch::new(ANN);
            batch.expect(key("other"), None);
            batch.put(key("k"), "v");
            answers.push((engine.commit(batch).await.is_ok(), engine.get(&key("k")).await.is_ok()));
        }
        answers
    }
    let answers = run(1).await;
    assert_eq!(answers, run(1).await);
    assert_ne!(answers, run(2).await);
    let failed = answers.iter().filter(|(commit, _)| !commit).count();
    assert!((15..80).contains(&failed), "{failed} of 200 at a rate of a fifth");
}

#[tokio::test]
async fn a_hook_can_get_in_between() {
    let engine = Faulty::new(Memory::new());
    let calls = Arc::new(AtomicU64::new(0));
    let hook = {
        let (inner, calls) = (Arc::clone(engine.inner()), Arc::clone(&calls));
        move |operation| -> store_kv::BoxFuture<'static, ()> {
            let (inner, calls) = (Arc::clone(&inner), Arc::clone(&calls));
            Box::pin(async move {
                // Somebody else is quicker, once.
                if operation == Operation::Commit && calls.fetch_add(1, Ordering::SeqCst) == 0 {
                    inner.commit(batch(true, Space::Grows)).await.unwrap();
                }
            })
        }
    };
    engine.set_hook(Some(Arc::new(hook)));
    let answer = engine.commit(batch(true, Space::Grows)).await;
    assert!(matches!(answer, Err(CommitError::Conflict { .. })), "{answer:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}
