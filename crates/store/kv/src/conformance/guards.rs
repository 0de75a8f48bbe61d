//! Preconditions: what they see, and that nothing is left where they fail.

use super::{ANN, BOB, Harness, get, key, put};
use crate::{Batch, BatchError, CommitError, Committed, Engine};
use bytes::Bytes;

/// Commits "k" = `value` with guards on names of Ann's.
async fn guarded(engine: &dyn Engine, guards: &[(&str, Option<&str>)], value: &str) -> Result<Committed, CommitError> {
    let mut batch = Batch::new(ANN);
    for (name, expected) in guards {
        batch.expect(key(ANN, name), expected.map(|value| Bytes::from(value.to_owned())));
    }
    batch.put(key(ANN, "k"), value.to_owned());
    engine.commit(batch).await
}

fn assert_conflict(answer: Result<Committed, CommitError>, name: &str) {
    match answer {
        Err(CommitError::Conflict { key: found }) => assert_eq!(found, key(ANN, name)),
        other => panic!("a conflict was answered {other:?}"),
    }
}

/// `Expect::Value` and `Expect::Absent` that hold.
pub async fn a_value_that_is_as_expected_lets_the_batch_pass(mut harness: impl Harness) {
    let engine = harness.open().await;
    guarded(&*engine, &[("k", None)], "1").await.unwrap();
    guarded(&*engine, &[("k", Some("1")), ("other", None)], "2").await.unwrap();
    assert_eq!(get(&*engine, ANN, "k").await, Some("2".into()));
    drop(engine);
    let engine = harness.reopen().await;
    guarded(&*engine, &[("k", Some("2"))], "3").await.unwrap();
    assert_eq!(get(&*engine, ANN, "k").await, Some("3".into()));
}

/// Another value, a shorter or longer one, none.
pub async fn a_value_that_differs_is_a_conflict(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "k", "10").await;
    for wrong in [Some("11"), Some("1"), Some("100"), Some(""), None] {
        assert_conflict(guarded(&*engine, &[("k", wrong)], "x").await, "k");
    }
    assert_conflict(guarded(&*engine, &[("absent", Some("10"))], "x").await, "absent");
    assert_eq!(get(&*engine, ANN, "k").await, Some("10".into()));
    let mut batch = Batch::new(ANN);
    batch.delete(key(ANN, "k"));
    engine.commit(batch).await.unwrap();
    assert_conflict(guarded(&*engine, &[("k", Some("10"))], "x").await, "k");
    guarded(&*engine, &[("k", None)], "new").await.unwrap();
}

/// An empty value is a value.
pub async fn absent_and_empty_are_told_apart(mut harness: impl Harness) {
    let engine = harness.open().await;
    assert_conflict(guarded(&*engine, &[("k", Some(""))], "x").await, "k");
    put(&*engine, ANN, "k", "").await;
    assert_conflict(guarded(&*engine, &[("k", None)], "x").await, "k");
    guarded(&*engine, &[("k", Some(""))], "y").await.unwrap();
    assert_eq!(get(&*engine, ANN, "k").await, Some("y".into()));
}

/// No put, no delete, now or after a restart.
pub async fn a_conflict_leaves_nothing(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "guard", "1").await;
    put(&*engine, ANN, "kept", "kept").await;
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "new"), "x");
    batch.put(key(ANN, "guard"), "2");
    batch.delete(key(ANN, "kept"));
    batch.expect(key(ANN, "guard"), Some("0".into()));
    assert_conflict(engine.commit(batch).await, "guard");
    let wanted = [("new", None), ("guard", Some("1")), ("kept", Some("kept"))];
    for (name, value) in wanted {
        assert_eq!(get(&*engine, ANN, name).await, value.map(Bytes::from), "{name}");
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (name, value) in wanted {
        assert_eq!(get(&*engine, ANN, name).await, value.map(Bytes::from), "{name} after a restart");
    }
}

/// One of several fails.
pub async fn all_preconditions_must_hold(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "a", "1").await;
    put(&*engine, ANN, "b", "2").await;
    assert_conflict(guarded(&*engine, &[("a", Some("1")), ("b", Some("3")), ("c", None)], "x").await, "b");
    assert_conflict(guarded(&*engine, &[("a", Some("1")), ("a", Some("2"))], "x").await, "a");
    assert_eq!(get(&*engine, ANN, "k").await, None);
    guarded(&*engine, &[("a", Some("1")), ("b", Some("2")), ("c", None), ("a", Some("1"))], "y").await.unwrap();
    assert_eq!(get(&*engine, ANN, "k").await, Some("y".into()));
}

/// A guard on a key that the batch writes.
pub async fn preconditions_see_the_state_before_the_batch(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "k", "1").await;
    assert_conflict(guarded(&*engine, &[("k", Some("2"))], "2").await, "k");
    guarded(&*engine, &[("k", Some("1"))], "2").await.unwrap();
    let mut batch = Batch::new(ANN);
    batch.delete(key(ANN, "k"));
    batch.expect(key(ANN, "k"), None);
    assert_conflict(engine.commit(batch).await, "k");
    assert_eq!(get(&*engine, ANN, "k").await, Some("2".into()));
}

/// A batch that only asks.
pub async fn a_guard_alone_is_checked(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "k", "1").await;
    let ask = |expected: &'static str| {
        let mut batch = Batch::new(ANN);
        batch.expect(key(ANN, "k"), Some(expected.into()));
        engine.commit(batch)
    };
    ask("1").await.unwrap();
    assert_conflict(ask("2").await, "k");
}

/// A defect of the caller is told as such even where a guard would fail.
pub async fn a_rule_is_broken_before_a_guard_is_looked_at(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut batch = Batch::new(ANN);
    batch.expect(key(ANN, "k"), Some("1".into()));
    batch.put(key(BOB, "k"), "x");
    let answer = engine.commit(batch).await;
    assert!(matches!(answer, Err(CommitError::Batch(BatchError::ForeignKey))), "{answer:?}");
}
