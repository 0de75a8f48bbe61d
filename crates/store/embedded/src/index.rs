//! The ordered map that finds rows: a servant of the log, which can be thrown away and made anew.
//!
//! Behind a small trait, so that it can be swapped and so that crash tests can put a model in its place.

mod lmdb;

pub use lmdb::LmdbIndex;

use std::fmt::Debug;
use std::ops::{Bound, ControlFlow};
use store_kv::{Direction, StoreError};

/// A range of keys.
pub type KeyRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// What happens in one write transaction.
pub type Work<'a> = &'a mut dyn FnMut(&mut dyn IndexWrite) -> Result<(), StoreError>;

/// Who is shown rows; says whether to go on.
pub type Visit<'a> = &'a mut dyn FnMut(&[u8], &[u8]) -> ControlFlow<()>;

/// An ordered map with snapshot reads and atomic, durable writes.
pub trait Index: Debug + Send + Sync + 'static {
    /// A snapshot. Never held over an await: it pins pages.
    fn read(&self) -> Result<Box<dyn IndexRead + '_>, StoreError>;
    /// Runs `work` and makes what it wrote durable and visible, all or nothing.
    fn write(&self, work: Work<'_>) -> Result<(), StoreError>;
}

/// A snapshot of the index.
pub trait IndexRead {
    /// The value of a key (at most 511 bytes, not empty).
    fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, StoreError>;
    /// Shows the rows of a range in order until told to stop.
    fn scan(&self, range: KeyRange<'_>, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError>;
}

/// A write transaction of the index. Keys in ascending order are fastest.
pub trait IndexWrite {
    /// The value of a key as this transaction left it.
    fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, StoreError>;
    /// Sets a key.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError>;
    /// Removes a key if it is there.
    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError>;
}
