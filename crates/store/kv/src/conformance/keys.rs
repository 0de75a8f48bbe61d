//! Single keys: put, get, delete, and what a key and a value may be.

use super::{ANN, BOB, Harness, get, key, put};
use crate::{Batch, BatchError, CommitError, KEY_MAX, VALUE_MAX, Write};
use bytes::Bytes;
use std::sync::Arc;

/// A key with `len` bytes in all.
fn key_of(len: usize) -> Bytes {
    let frame = key(ANN, "").len();
    key(ANN, vec![b'k'; len - frame])
}

fn broken(answer: Result<crate::Committed, CommitError>) -> BatchError {
    match answer {
        Err(CommitError::Batch(error)) => error,
        other => panic!("a broken batch was answered {other:?}"),
    }
}

/// Get of an unknown key is `None`, not an error.
pub async fn a_key_that_was_never_put_is_absent(mut harness: impl Harness) {
    let engine = harness.open().await;
    assert_eq!(get(&*engine, ANN, "nothing").await, None);
    put(&*engine, ANN, "something", "1").await;
    assert_eq!(get(&*engine, ANN, "somethin").await, None);
    assert_eq!(get(&*engine, ANN, "somethingx").await, None);
}

/// Put, get.
pub async fn what_was_put_is_read_back(mut harness: impl Harness) {
    let engine = harness.open().await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, &every_byte), every_byte.clone());
    batch.put(key(ANN, ""), "the bare prefix");
    batch.put(key(ANN, "\0"), "zero");
    engine.commit(batch).await.unwrap();
    assert_eq!(engine.get(&key(ANN, &every_byte)).await.unwrap(), Some(every_byte.into()));
    assert_eq!(get(&*engine, ANN, "").await, Some("the bare prefix".into()));
    assert_eq!(get(&*engine, ANN, "\0").await, Some("zero".into()));
}

/// Put over put.
pub async fn the_last_put_wins(mut harness: impl Harness) {
    let engine = harness.open().await;
    for value in ["1", "a longer value", ""] {
        put(&*engine, ANN, "k", value).await;
        assert_eq!(get(&*engine, ANN, "k").await, Some(value.into()));
    }
}

/// Delete, and put again.
pub async fn a_deleted_key_is_absent(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "k", "1").await;
    put(&*engine, ANN, "l", "2").await;
    let mut batch = Batch::new(ANN);
    batch.delete(key(ANN, "k"));
    engine.commit(batch).await.unwrap();
    assert_eq!(get(&*engine, ANN, "k").await, None);
    assert_eq!(get(&*engine, ANN, "l").await, Some("2".into()));
    put(&*engine, ANN, "k", "3").await;
    assert_eq!(get(&*engine, ANN, "k").await, Some("3".into()));
}

/// Delete of an absent key.
pub async fn deleting_nothing_is_no_error(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut batch = Batch::new(ANN);
    batch.delete(key(ANN, "never"));
    batch.put(key(ANN, "k"), "1");
    engine.commit(batch).await.unwrap();
    assert_eq!(get(&*engine, ANN, "never").await, None);
    assert_eq!(get(&*engine, ANN, "k").await, Some("1".into()));
}

/// `Some("")` is not `None`.
pub async fn an_empty_value_is_not_an_absent_one(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "empty", "").await;
    assert_eq!(get(&*engine, ANN, "empty").await, Some(Bytes::new()));
    drop(engine);
    let engine = harness.reopen().await;
    assert_eq!(get(&*engine, ANN, "empty").await, Some(Bytes::new()));
    assert_eq!(get(&*engine, ANN, "absent").await, None);
}

/// Writes take effect in order.
pub async fn of_several_writes_to_a_key_in_a_batch_the_last_counts(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "b", "before").await;
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "a"), "1");
    batch.put(key(ANN, "a"), "2");
    batch.put(key(ANN, "b"), "1");
    batch.delete(key(ANN, "b"));
    batch.delete(key(ANN, "c"));
    batch.put(key(ANN, "c"), "3");
    engine.commit(batch).await.unwrap();
    for (name, value) in [("a", Some("2")), ("b", None), ("c", Some("3"))] {
        assert_eq!(get(&*engine, ANN, name).await, value.map(Bytes::from), "{name}");
    }
    drop(engine);
    let engine = harness.reopen().await;
    for (name, value) in [("a", Some("2")), ("b", None), ("c", Some("3"))] {
        assert_eq!(get(&*engine, ANN, name).await, value.map(Bytes::from), "{name} after a restart");
    }
}

/// A batch may be empty.
pub async fn an_empty_batch_commits(mut harness: impl Harness) {
    let engine = harness.open().await;
    engine.commit(Batch::new(ANN)).await.unwrap();
}

/// Any order, repeated keys, unknown keys, no keys.
pub async fn get_many_answers_in_the_order_asked(mut harness: impl Harness) {
    let engine = harness.open().await;
    for (name, value) in [("a", "1"), ("b", "2"), ("c", "")] {
        put(&*engine, ANN, name, value).await;
    }
    put(&*engine, BOB, "a", "4").await;
    let asked = [key(ANN, "c"), key(ANN, "x"), key(BOB, "a"), key(ANN, "a"), key(ANN, "a"), key(ANN, "b")];
    let answers = engine.get_many(&asked).await.unwrap();
    let wanted = [Some(""), None, Some("4"), Some("1"), Some("1"), Some("2")];
    assert_eq!(answers, wanted.map(|value| value.map(Bytes::from)));
    assert_eq!(engine.get_many(&[]).await.unwrap(), Vec::<Option<Bytes>>::new());
}

/// A reader of two keys never sees half a batch.
pub async fn get_many_is_one_snapshot(mut harness: impl Harness) {
    const ROUNDS: u32 = 200;
    let engine = harness.open().await;
    let writer = tokio::spawn({
        let engine = Arc::clone(&engine);
        async move {
            for round in 0..ROUNDS {
                let mut batch = Batch::new(ANN);
                for name in ["a", "m", "z"] {
                    batch.put(key(ANN, name), round.to_string());
                }
                engine.commit(batch).await.unwrap();
            }
        }
    });
    let keys = ["a", "m", "z"].map(|name| key(ANN, name));
    while !writer.is_finished() {
        let values = engine.get_many(&keys).await.unwrap();
        assert!(values.iter().all(|value| *value == values[0]), "half a batch: {values:?}");
        tokio::task::yield_now().await;
    }
    writer.await.unwrap();
}

/// [`KEY_MAX`] and one past it.
pub async fn keys_have_at_most_511_bytes(mut harness: impl Harness) {
    assert_eq!(KEY_MAX, 511);
    let engine = harness.open().await;
    let mut batch = Batch::new(ANN);
    batch.put(key_of(KEY_MAX), "longest");
    engine.commit(batch).await.unwrap();
    assert_eq!(engine.get(&key_of(KEY_MAX)).await.unwrap(), Some("longest".into()));

    for write in [Write::Put(key_of(KEY_MAX + 1), "x".into()), Write::Delete(key_of(KEY_MAX + 1))] {
        let mut batch = Batch::new(ANN);
        batch.put(key(ANN, "beside"), "x");
        batch.writes.push(write);
        assert_eq!(broken(engine.commit(batch).await), BatchError::KeyTooLong);
    }
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "beside"), "x");
    batch.expect(key_of(KEY_MAX + 1), None);
    assert_eq!(broken(engine.commit(batch).await), BatchError::KeyTooLong);
    assert_eq!(get(&*engine, ANN, "beside").await, None, "a refused batch left something");
}

/// [`VALUE_MAX`] and one past it.
pub async fn values_have_at_most_4_mib(mut harness: impl Harness) {
    let engine = harness.open().await;
    let longest = Bytes::from(super::content(2, VALUE_MAX));
    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "longest"), longest.clone());
    engine.commit(batch).await.unwrap();
    assert!(get(&*engine, ANN, "longest").await == Some(longest.clone()), "the longest value came back altered");

    let mut batch = Batch::new(ANN);
    batch.put(key(ANN, "beside"), "x");
    batch.put(key(ANN, "longer"), vec![0; VALUE_MAX + 1]);
    assert_eq!(broken(engine.commit(batch).await), BatchError::ValueTooLong);
    assert_eq!(get(&*engine, ANN, "beside").await, None, "a refused batch left something");
    drop(engine);
    let engine = harness.reopen().await;
    assert!(get(&*engine, ANN, "longest").await == Some(longest), "the longest value did not survive");
}

/// A batch is for one account.
pub async fn keys_of_other_accounts_are_refused(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, BOB, "his", "1").await;
    let foreign = [key(BOB, "his"), Bytes::from_static(b"a"), Bytes::new(), Bytes::from_static(b"zzzzzz")];
    for foreign in foreign {
        for write in [Write::Put(foreign.clone(), "x".into()), Write::Delete(foreign.clone())] {
            let mut batch = Batch::new(ANN);
            batch.put(key(ANN, "beside"), "x");
            batch.writes.push(write);
            assert_eq!(broken(engine.commit(batch).await), BatchError::ForeignKey, "{foreign:?}");
        }
        let mut batch = Batch::new(ANN);
        batch.put(key(ANN, "beside"), "x");
        batch.expect(foreign.clone(), None);
        assert_eq!(broken(engine.commit(batch).await), BatchError::ForeignKey, "{foreign:?}");
    }
    assert_eq!(get(&*engine, BOB, "his").await, Some("1".into()));
    assert_eq!(get(&*engine, ANN, "beside").await, None, "a refused batch left something");
}

/// Reading an empty, a foreign or a too long key finds nothing and is no error.
pub async fn a_key_that_nobody_could_write_is_absent(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "k", "1").await;
    let odd =
        [Bytes::new(), Bytes::from_static(b"a"), Bytes::from_static(&[0xff; 9]), key_of(KEY_MAX + 1), key_of(5000)];
    for odd in &odd {
        assert_eq!(engine.get(odd).await.unwrap(), None, "a key of {} bytes", odd.len());
    }
    assert_eq!(engine.get_many(&odd).await.unwrap(), vec![None; odd.len()]);
}

/// Neighbouring accounts with the same names.
pub async fn accounts_do_not_mix(mut harness: impl Harness) {
    let engine = harness.open().await;
    put(&*engine, ANN, "k", "hers").await;
    put(&*engine, BOB, "k", "his").await;
    let mut batch = Batch::new(BOB);
    batch.delete(key(BOB, "k"));
    engine.commit(batch).await.unwrap();
    assert_eq!(get(&*engine, ANN, "k").await, Some("hers".into()));
    assert_eq!(get(&*engine, BOB, "k").await, None);
}

/// `Committed::sequence` ascends.
pub async fn sequences_ascend(mut harness: impl Harness) {
    let engine = harness.open().await;
    let mut last = None;
    for account in [ANN, BOB, ANN, ANN, BOB] {
        let mut batch = Batch::new(account);
        batch.put(key(account, "k"), "v");
        let sequence = Some(engine.commit(batch).await.unwrap().sequence);
        assert!(sequence > last, "{sequence:?} after {last:?}");
        last = sequence;
    }
}
