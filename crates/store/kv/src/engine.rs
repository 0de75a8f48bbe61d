//! The trait that everything above the store is written against.

use crate::{Batch, BodyId, BodyWriter, CommitError, Page, Scan, StoreError, Watch};
use bytes::Bytes;
use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use types::Octets;

/// A boxed future, so that engines can stand behind `Arc<dyn Engine>`.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Most bytes that one [`Engine::read_body`] returns; a longer range is cut short.
pub const BODY_READ_MAX: usize = 256 << 10;

/// What a successful commit tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Committed {
    /// Ascends with every commit of this engine instance; for logs and tests only.
    pub sequence: u64,
}

/// An ordered key-value store with bodies.
///
/// Reads see every batch whose `commit` has returned, and none that could still be lost: a batch becomes visible only
/// once it is durable. Batches take effect one after another (serialisable).
pub trait Engine: Send + Sync + 'static {
    /// The value of a key; none for a key that no batch could write.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>>;

    /// The values of several keys, from one snapshot, in the order asked. Ascending keys are fastest.
    fn get_many<'a>(&'a self, keys: &'a [Bytes]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, StoreError>>;

    /// One page of a range, from one snapshot.
    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Page, StoreError>>;

    /// Begins to take in a body of about `size_hint` bytes. Nothing is refused for being large here: limits are the
    /// caller's.
    fn stage(&self, size_hint: Option<Octets>) -> BoxFuture<'_, Result<Box<dyn BodyWriter>, StoreError>>;

    /// Bytes of a body, at most [`BODY_READ_MAX`], fewer only at the range's or the body's end. A range that begins at
    /// or past the end yields none.
    fn read_body(&self, body: BodyId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>>;

    /// Applies a batch atomically; returns when a power cut can no longer lose it. The rules are checked first, then the
    /// preconditions, then the bodies. If the returned future is dropped the batch may still be applied.
    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>>;

    /// Wakes on changes to keys of the account that `prefix` (at least an account prefix) lies in. Wake-ups may be
    /// merged, may be lost, may come for nothing; truth is in the keys.
    fn watch(&self, prefix: &[u8]) -> Watch;
}
