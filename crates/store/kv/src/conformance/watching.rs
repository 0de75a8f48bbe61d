//! Wake-ups. The trait lets an engine lose and invent some; one that is calm has no cause to, and the suite holds it to
//! that.

use super::{ANN, BOB, Harness, key, number, poll_once, put};
use crate::{Batch, Watch, account_prefix};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

/// Long enough that only a lost wake-up takes it.
const LOST: Duration = Duration::from_secs(20);

async fn assert_wakes(watch: &mut Watch) {
    tokio::time::timeout(LOST, watch.changed()).await.expect("no wake-up came");
}

async fn assert_sleeps(watch: &mut Watch) {
    assert!(poll_once(&mut pin!(watch.changed())).await.is_none(), "a wake-up for nothing");
}

/// Put and delete, by an account prefix and by a longer one, every watch.
pub async fn a_commit_wakes_its_account(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut watches =
        [engine.watch(&account_prefix(ANN)), engine.watch(&key(ANN, "k")), engine.watch(&account_prefix(ANN))];
    for round in 0..3 {
        put(&*engine, ANN, "k", &round.to_string()).await;
        for watch in &mut watches {
            assert_wakes(watch).await;
            assert_sleeps(watch).await;
        }
    }
    let mut batch = Batch::new(ANN);
    batch.delete(key(ANN, "k"));
    engine.commit(batch).await.unwrap();
    for watch in &mut watches {
        assert_wakes(watch).await;
    }
}

/// Not its neighbours.
pub async fn a_commit_wakes_nobody_else(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut hers = engine.watch(&account_prefix(ANN));
    let mut his = engine.watch(&account_prefix(BOB));
    put(&*engine, BOB, "k", "1").await;
    assert_wakes(&mut his).await;
    assert_sleeps(&mut hers).await;
    put(&*engine, ANN, "k", "1").await;
    assert_wakes(&mut hers).await;
    assert_sleeps(&mut his).await;
}

/// Who wakes reads the change, or would sleep on it.
pub async fn wake_ups_come_after_the_change_is_visible(mut harness: impl Harness) {
    const STEPS: u64 = 100;
    let engine = harness.open().await;
    let mut watch = engine.watch(&account_prefix(ANN));
    for step in 1..=STEPS {
        let writer = tokio::spawn({
            let engine = Arc::clone(&engine);
            async move { put(&*engine, ANN, "k", &step.to_string()).await }
        });
        while number(&*engine, ANN, "k").await.unwrap() < step {
            assert_wakes(&mut watch).await;
        }
        writer.await.unwrap();
    }
}

/// A refused batch wakes nobody.
pub async fn a_conflict_is_no_change(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut watch = engine.watch(&account_prefix(ANN));
    let mut batch = Batch::new(ANN);
    batch.expect(key(ANN, "k"), Some("1".into()));
    batch.put(key(ANN, "k"), "2");
    engine.commit(batch).await.unwrap_err();
    assert_sleeps(&mut watch).await;
}

/// What came before is not told.
pub async fn a_watch_starts_when_it_is_made(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut early = engine.watch(&account_prefix(ANN));
    put(&*engine, ANN, "k", "1").await;
    let mut late = engine.watch(&account_prefix(ANN));
    assert_sleeps(&mut late).await;
    assert_wakes(&mut early).await;
    put(&*engine, ANN, "k", "2").await;
    assert_wakes(&mut late).await;
}

/// A prefix in which no account lies.
pub async fn a_watch_of_nothing_never_wakes(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut watches = [engine.watch(b""), engine.watch(b"a\0\0"), engine.watch(b"zzzzzzz")];
    put(&*engine, ANN, "k", "1").await;
    for watch in &mut watches {
        assert_sleeps(watch).await;
    }
}
