//! The suite that judges every engine: what the documentation of [`Engine`] promises, case by case.
//!
//! An engine's tests give a [`Harness`] to [`suite!`](crate::suite) and get one test per case. The suite knows only the
//! trait; where it is stricter than the letter of it (a calm engine neither loses wake-ups nor invents them), the case
//! says so. Only in builds with the feature `conformance`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a suite of tests: a panic is its verdict"
)]

pub mod bodies;
pub mod concurrency;
pub mod guards;
pub mod keys;
pub mod model;
pub mod references;
pub mod restarts;
pub mod scans;
pub mod watching;

use crate::{Batch, BodyChange, BodyId, CommitError, Engine, Seeded, StagedBody, StoreError, account_prefix};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use types::{AccountId, Octets};

/// How the suite gets at an engine. A harness stands for one store, empty at first (its own directory, say), and holds
/// what it needs to end the engine that it opened last.
pub trait Harness: Send + 'static {
    /// Opens the store for the first time. Called once, before anything else.
    fn open(&mut self) -> impl Future<Output = Arc<dyn Engine>> + Send;

    /// Ends the engine in an orderly way and opens the store again. The suite has let go of its clones of the engine
    /// and of its watches; a [`StagedBody`] of it may still be held.
    fn reopen(&mut self) -> impl Future<Output = Arc<dyn Engine>> + Send;

    /// Ends the engine as a crash or a power cut would, at this instant, and opens the store again; `None` if the
    /// harness cannot. The suite may still hold clones of the engine, and commits may be under way.
    fn crash(&mut self) -> impl Future<Output = Option<Arc<dyn Engine>>> + Send {
        async { None }
    }
}

/// Most time that one case may take; an engine that hangs fails.
const CASE_MAX: Duration = Duration::from_mins(5);

/// Runs a case to its end on a runtime with two threads. For [`suite!`](crate::suite).
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let ended = runtime.block_on(async { tokio::time::timeout(CASE_MAX, case).await });
    ended.expect("the case hangs");
}

/// One test per case of the suite, each with a harness of its own made by the expression:
/// `store_kv::suite!(MyHarness::new());`
#[macro_export]
macro_rules! suite {
    ($make:expr) => {
        $crate::suite! { @cases $make;
            keys: a_key_that_was_never_put_is_absent, what_was_put_is_read_back, the_last_put_wins,
                a_deleted_key_is_absent, deleting_nothing_is_no_error, an_empty_value_is_not_an_absent_one,
                of_several_writes_to_a_key_in_a_batch_the_last_counts, an_empty_batch_commits,
                get_many_answers_in_the_order_asked, get_many_is_one_snapshot,
                keys_have_at_most_511_bytes, values_have_at_most_4_mib, keys_of_other_accounts_are_refused,
                a_key_that_nobody_could_write_is_absent, accounts_do_not_mix, sequences_ascend;
            scans: a_range_holds_its_start_and_not_its_end, an_empty_range_is_an_empty_page,
                backward_is_forward_reversed, a_page_ends_at_the_row_limit, a_page_ends_at_the_byte_limit,
                a_page_has_at_least_one_row, pages_join_without_gap_or_overlap, a_page_can_end_at_the_longest_key,
                a_prefix_scan_holds_just_the_prefix, deleted_rows_are_not_scanned, an_overwritten_row_is_scanned_once,
                a_page_is_one_snapshot, many_rows_are_scanned_in_order;
            guards: a_value_that_is_as_expected_lets_the_batch_pass, a_value_that_differs_is_a_conflict,
                absent_and_empty_are_told_apart, a_conflict_leaves_nothing, all_preconditions_must_hold,
                preconditions_see_the_state_before_the_batch, a_guard_alone_is_checked,
                a_rule_is_broken_before_a_guard_is_looked_at;
            concurrency: of_two_guarded_writers_exactly_one_wins, guarded_increments_are_never_lost,
                writers_on_many_accounts_all_get_through, batches_never_mix,
                a_dropped_commit_is_whole_or_absent, what_was_answered_is_read_by_everybody;
            bodies: a_body_is_read_back_as_written, pieces_of_any_size_make_the_same_body, an_empty_body_is_a_body,
                bodies_of_every_size_come_back, a_wrong_size_hint_does_no_harm, a_range_is_cut_at_the_end,
                one_read_returns_at_most_256_kib, a_body_that_never_was_is_no_such_body,
                body_ids_are_never_the_same, a_writer_that_is_dropped_leaves_nothing, writers_do_not_mix;
            references: a_handle_keeps_a_body_readable, a_body_that_nobody_named_goes_with_its_handle,
                a_reference_keeps_a_body, two_accounts_keep_a_body_until_both_let_go,
                sharing_keeps_a_body_when_the_first_lets_go, a_dead_body_cannot_be_shared,
                a_dead_body_leaves_nothing_of_the_batch, a_reference_added_twice_is_one,
                letting_go_of_nothing_changes_nothing, a_handle_outlives_the_last_reference,
                a_conflict_adds_no_reference, a_conflict_releases_nothing, many_bodies_in_one_batch;
            restarts: a_reopened_store_has_everything, references_survive, unnamed_bodies_are_gone,
                deletes_stay_deleted, body_ids_are_new_after_a_restart, a_handle_from_before_is_foreign,
                many_restarts_lose_nothing, a_crash_loses_nothing_acknowledged, what_a_reader_saw_survives_a_crash;
            watching: a_commit_wakes_its_account, a_commit_wakes_nobody_else, wake_ups_come_after_the_change_is_visible,
                a_conflict_is_no_change, a_watch_starts_when_it_is_made, a_watch_of_nothing_never_wakes;
            model: random_batches_do_what_the_model_does;
        }

        #[test]
        fn a_body_of_another_engine_is_refused() {
            $crate::conformance::run(
                $crate::conformance::references::a_body_of_another_engine_is_refused($make, $make),
            );
        }
    };
    (@cases $make:expr; $($room:ident: $($case:ident),+;)+) => {
        $($(
            #[test]
            fn $case() {
                $crate::conformance::run($crate::conformance::$room::$case($make));
            }
        )+)+
    };
}

/// The accounts that the cases use.
pub(crate) const ANN: AccountId = AccountId(7);
pub(crate) const BOB: AccountId = AccountId(8);

/// A key of an account.
pub(crate) fn key(account: AccountId, name: impl AsRef<[u8]>) -> Bytes {
    [&account_prefix(account)[..], name.as_ref()].concat().into()
}

/// Commits one key.
pub(crate) async fn put(engine: &dyn Engine, account: AccountId, name: &str, value: &str) {
    let mut batch = Batch::new(account);
    batch.put(key(account, name), value.to_owned());
    engine.commit(batch).await.unwrap();
}

/// Reads one key.
pub(crate) async fn get(engine: &dyn Engine, account: AccountId, name: &str) -> Option<Bytes> {
    engine.get(&key(account, name)).await.unwrap()
}

/// Stages a body in one piece.
pub(crate) async fn stage(engine: &dyn Engine, content: &[u8]) -> StagedBody {
    let mut writer = engine.stage(Some(octets(content))).await.unwrap();
    writer.write(content).await.unwrap();
    writer.finish().await.unwrap()
}

/// Commits one change of a reference.
pub(crate) async fn refer(
    engine: &dyn Engine,
    account: AccountId,
    change: BodyChange,
) -> Result<crate::Committed, CommitError> {
    let mut batch = Batch::new(account);
    batch.bodies.push(change);
    engine.commit(batch).await
}

/// Reads a whole body, page by page.
pub(crate) async fn read(engine: &dyn Engine, body: BodyId) -> Result<Vec<u8>, StoreError> {
    let mut whole = Vec::new();
    loop {
        let piece = engine.read_body(body, whole.len() as u64..u64::MAX).await?;
        if piece.is_empty() {
            return Ok(whole);
        }
        whole.extend_from_slice(&piece);
    }
}

/// Polls a future once.
pub(crate) async fn poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| match Pin::new(&mut *future).poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

/// Reads a number that [`put`] or a batch wrote in decimal; 0 if there is none.
pub(crate) async fn number(engine: &dyn Engine, account: AccountId, name: &str) -> Result<u64, StoreError> {
    let value = engine.get(&key(account, name)).await?;
    Ok(value.map_or(0, |value| std::str::from_utf8(&value).unwrap().parse().unwrap()))
}

/// Asserts that a body is no more.
pub(crate) async fn assert_gone(engine: &dyn Engine, body: BodyId) {
    let answer = engine.read_body(body, 0..1).await;
    assert!(matches!(answer, Err(StoreError::NoSuchBody(id)) if id == body), "{answer:?}");
}

/// Bytes for a body, the same for the same seed: odd seeds give text that compresses, even ones bytes that do not.
pub fn content(seed: u64, len: usize) -> Vec<u8> {
    let mut random = Seeded::new(seed);
    if seed.is_multiple_of(2) {
        return random.bytes(len);
    }
    let words = ["From: ", "Ann", "\r\n", "the ", "quick ", "letter ", "=20", "\u{e9}t\u{e9} "];
    let mut text = Vec::with_capacity(len + 8);
    while text.len() < len {
        text.extend_from_slice(random.pick(&words).unwrap().as_bytes());
    }
    text.truncate(len);
    text
}

/// How long content is.
pub(crate) fn octets(content: &[u8]) -> Octets {
    Octets(content.len() as u64)
}
