//! What keeps a body alive, and what does not.

use super::{ANN, BOB, Harness, assert_gone, content, get, key, put, read, refer, stage};
use crate::{Batch, BatchError, BodyChange, BodyId, CommitError, Committed, Engine};
use types::AccountId;

fn assert_dead(answer: &Result<Committed, CommitError>, body: BodyId) {
    assert!(matches!(answer, Err(CommitError::DeadBody(id)) if *id == body), "{answer:?}");
}

/// A body that Ann refers to, without a handle.
async fn named(engine: &dyn Engine, content: &[u8]) -> BodyId {
    let staged = stage(engine, content).await;
    let id = staged.id();
    refer(engine, ANN, BodyChange::Add(staged)).await.unwrap();
    id
}

/// Any copy of it.
pub async fn a_handle_keeps_a_body_readable(mut harness: impl Harness) {
    let engine = harness.open().await;
    for size in [5, 2_000_000] {
        let bytes = content(0, size);
        let staged = stage(&*engine, &bytes).await;
        let copy = staged.clone();
        drop(staged);
        assert!(read(&*engine, copy.id()).await.unwrap() == bytes);
        // Other work does not disturb it.
        put(&*engine, ANN, "k", "v").await;
        assert!(read(&*engine, copy.id()).await.unwrap() == bytes);
    }
}

/// Staged, dropped, gone.
pub async fn a_body_that_nobody_named_goes_with_its_handle(mut harness: impl Harness) {
    let engine = harness.open().await;
    for size in [0, 5, 2_000_000] {
        let staged = stage(&*engine, &content(0, size)).await;
        let id = staged.id();
        drop(staged);
        assert_gone(&*engine, id).await;
        assert_dead(&refer(&*engine, ANN, BodyChange::Share(id)).await, id);
    }
}

/// No handle needed any more.
pub async fn a_reference_keeps_a_body(mut harness: impl Harness) {
    let engine = harness.open().await;
    for size in [0, 5, 2_000_000] {
        let bytes = content(1, size);
        let staged = stage(&*engine, &bytes).await;
        let id = staged.id();
        refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
        assert!(read(&*engine, id).await.unwrap() == bytes);
        refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
        assert_gone(&*engine, id).await;
    }
}

/// Both by the handle, as a delivery to two people does.
pub async fn two_accounts_keep_a_body_until_both_let_go(mut harness: impl Harness) {
    let engine = harness.open().await;
    for (first, second) in [(ANN, BOB), (BOB, ANN)] {
        for size in [5, 2_000_000] {
            let bytes = content(0, size);
            let staged = stage(&*engine, &bytes).await;
            let id = staged.id();
            refer(&*engine, ANN, BodyChange::Add(staged.clone())).await.unwrap();
            refer(&*engine, BOB, BodyChange::Add(staged)).await.unwrap();
            refer(&*engine, first, BodyChange::Release(id)).await.unwrap();
            assert!(read(&*engine, id).await.unwrap() == bytes, "the other's reference did not keep it");
            refer(&*engine, second, BodyChange::Release(id)).await.unwrap();
            assert_gone(&*engine, id).await;
        }
    }
}

/// [`BodyChange::Share`] by another account, across a restart.
pub async fn sharing_keeps_a_body_when_the_first_lets_go(mut harness: impl Harness) {
    let engine = harness.open().await;
    let bytes = content(1, 50_000);
    let staged = stage(&*engine, &bytes).await;
    let id = staged.id();
    refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
    refer(&*engine, BOB, BodyChange::Share(id)).await.unwrap();
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    assert!(read(&*engine, id).await.unwrap() == bytes);
    drop(engine);
    let engine = harness.reopen().await;
    assert!(read(&*engine, id).await.unwrap() == bytes);
    refer(&*engine, ANN, BodyChange::Share(id)).await.unwrap();
    refer(&*engine, BOB, BodyChange::Release(id)).await.unwrap();
    assert!(read(&*engine, id).await.unwrap() == bytes);
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    assert_gone(&*engine, id).await;
}

/// Released or never made.
pub async fn a_dead_body_cannot_be_shared(mut harness: impl Harness) {
    let engine = harness.open().await;
    let staged = stage(&*engine, b"short-lived").await;
    let id = staged.id();
    refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    assert_dead(&refer(&*engine, ANN, BodyChange::Share(id)).await, id);
    assert_dead(&refer(&*engine, BOB, BodyChange::Share(id)).await, id);
    let never = BodyId(u128::MAX);
    assert_dead(&refer(&*engine, ANN, BodyChange::Share(never)).await, never);
    drop(engine);
    let engine = harness.reopen().await;
    assert_dead(&refer(&*engine, ANN, BodyChange::Share(id)).await, id);
    assert_gone(&*engine, id).await;
}

/// Neither keys nor the references beside it.
pub async fn a_dead_body_leaves_nothing_of_the_batch(mut harness: impl Harness) {
    let engine = harness.open().await;
    let kept = named(&*engine, b"kept").await;
    let beside = stage(&*engine, b"beside").await;
    let beside_id = beside.id();
    let dead = BodyId(4242);
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "k"), "x");
    batch.bodies.push(BodyChange::Add(beside));
    batch.bodies.push(BodyChange::Release(kept));
    batch.bodies.push(BodyChange::Share(dead));
    assert_dead(&engine.commit(batch).await, dead);
    assert_eq!(get(&*engine, ANN, "k").await, None);
    assert_gone(&*engine, beside_id).await;
    assert_eq!(read(&*engine, kept).await.unwrap(), b"kept");
}

/// In one batch or two, by Add or by Share.
pub async fn a_reference_added_twice_is_one(mut harness: impl Harness) {
    let engine = harness.open().await;
    let staged = stage(&*engine, b"twice").await;
    let id = staged.id();
    let mut batch = Batch::new(ANN);
    batch.bodies.push(BodyChange::Add(staged.clone()));
    batch.bodies.push(BodyChange::Add(staged.clone()));
    engine.commit(batch).await.unwrap();
    refer(&*engine, ANN, BodyChange::Add(staged)).await.unwrap();
    refer(&*engine, ANN, BodyChange::Share(id)).await.unwrap();
    assert_eq!(read(&*engine, id).await.unwrap(), b"twice");
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    assert_gone(&*engine, id).await;
}

/// A release is idempotent, and one account's is not another's.
pub async fn letting_go_of_nothing_changes_nothing(mut harness: impl Harness) {
    let engine = harness.open().await;
    let id = named(&*engine, b"hers").await;
    refer(&*engine, BOB, BodyChange::Release(id)).await.unwrap();
    assert_eq!(read(&*engine, id).await.unwrap(), b"hers");
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    refer(&*engine, ANN, BodyChange::Release(BodyId(77))).await.unwrap();
    assert_gone(&*engine, id).await;
}

/// And can be named again.
pub async fn a_handle_outlives_the_last_reference(mut harness: impl Harness) {
    let engine = harness.open().await;
    for size in [4, 2_000_000] {
        let bytes = content(0, size);
        let staged = stage(&*engine, &bytes).await;
        let id = staged.id();
        refer(&*engine, ANN, BodyChange::Add(staged.clone())).await.unwrap();
        refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
        assert!(read(&*engine, id).await.unwrap() == bytes, "the handle did not keep it");
        refer(&*engine, BOB, BodyChange::Add(staged.clone())).await.unwrap();
        drop(staged);
        assert!(read(&*engine, id).await.unwrap() == bytes, "the second reference did not keep it");
        refer(&*engine, BOB, BodyChange::Release(id)).await.unwrap();
        assert_gone(&*engine, id).await;
    }
}

fn failing(account: AccountId, change: BodyChange) -> Batch {
    let mut batch = Batch::new(account);
    batch.expect(key(account, "k"), Some("never".into()));
    batch.bodies.push(change);
    batch
}

/// Add in a batch whose guard fails.
pub async fn a_conflict_adds_no_reference(mut harness: impl Harness) {
    let engine = harness.open().await;
    let staged = stage(&*engine, b"refused").await;
    let id = staged.id();
    let answer = engine.commit(failing(ANN, BodyChange::Add(staged.clone()))).await;
    assert!(matches!(answer, Err(CommitError::Conflict { .. })), "{answer:?}");
    assert_eq!(read(&*engine, id).await.unwrap(), b"refused", "the handle is still there");
    // The retry names it.
    refer(&*engine, ANN, BodyChange::Add(staged.clone())).await.unwrap();
    refer(&*engine, ANN, BodyChange::Release(id)).await.unwrap();
    drop(staged);
    assert_gone(&*engine, id).await;
}

/// Release in a batch whose guard fails.
pub async fn a_conflict_releases_nothing(mut harness: impl Harness) {
    let engine = harness.open().await;
    let id = named(&*engine, b"kept").await;
    let answer = engine.commit(failing(ANN, BodyChange::Release(id))).await;
    assert!(matches!(answer, Err(CommitError::Conflict { .. })), "{answer:?}");
    assert_eq!(read(&*engine, id).await.unwrap(), b"kept");
    drop(engine);
    let engine = harness.reopen().await;
    assert_eq!(read(&*engine, id).await.unwrap(), b"kept");
}

/// Small, large and shared ones together, and released together.
pub async fn many_bodies_in_one_batch(mut harness: impl Harness) {
    const BODIES: usize = 60;
    let size = |n: usize| if n.is_multiple_of(20) { 1_500_000 } else { n * n * 7 };
    let engine = harness.open().await;
    let mut batch = Batch::new(ANN);
    let mut ids = Vec::new();
    for n in 0..BODIES {
        let staged = stage(&*engine, &content(n as u64, size(n))).await;
        ids.push(staged.id());
        batch.put(key(ANN, format!("{n}")), staged.id().0.to_be_bytes().to_vec());
        batch.bodies.push(BodyChange::Add(staged));
    }
    engine.commit(batch).await.unwrap();
    drop(engine);
    let engine = harness.reopen().await;
    for (n, id) in ids.iter().enumerate() {
        assert!(read(&*engine, *id).await.unwrap() == content(n as u64, size(n)), "body {n}");
    }
    let mut batch = Batch::new(ANN);
    batch.bodies.extend(ids[1..].iter().copied().map(BodyChange::Release));
    engine.commit(batch).await.unwrap();
    assert!(read(&*engine, ids[0]).await.unwrap() == content(0, size(0)));
    for id in &ids[1..] {
        assert_gone(&*engine, *id).await;
    }
}

/// Another store's handle, even of the same kind.
pub async fn a_body_of_another_engine_is_refused(mut harness: impl Harness, mut other: impl Harness) {
    let engine = harness.open().await;
    let foreign = other.open().await;
    let ours = named(&*engine, b"ours").await;
    let staged = stage(&*foreign, b"theirs").await;
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "k"), "x");
    batch.bodies.push(BodyChange::Add(staged.clone()));
    let answer = engine.commit(batch).await;
    assert!(matches!(answer, Err(CommitError::Batch(BatchError::ForeignBody))), "{answer:?}");
    assert_eq!(get(&*engine, ANN, "k").await, None);
    assert_eq!(read(&*engine, ours).await.unwrap(), b"ours");
    assert_eq!(read(&*foreign, staged.id()).await.unwrap(), b"theirs");
    // One that the other store keeps is as foreign.
    refer(&*foreign, ANN, BodyChange::Add(staged.clone())).await.unwrap();
    let answer = refer(&*engine, ANN, BodyChange::Add(staged)).await;
    assert!(matches!(answer, Err(CommitError::Batch(BatchError::ForeignBody))), "{answer:?}");
}
