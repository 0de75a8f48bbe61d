//! What the engine counts.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the engine was opened.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) commits: AtomicU64,
    pub(crate) conflicts: AtomicU64,
    pub(crate) syncs: AtomicU64,
    pub(crate) log_bytes: AtomicU64,
    pub(crate) body_bytes: AtomicU64,
    pub(crate) stored_body_bytes: AtomicU64,
    pub(crate) index_commits: AtomicU64,
    pub(crate) relocated_bytes: AtomicU64,
    pub(crate) segments_removed: AtomicU64,
    pub(crate) refused_full: AtomicU64,
}

impl Counters {
    pub(crate) fn add(counter: &AtomicU64, value: u64) {
        counter.fetch_add(value, Ordering::Relaxed);
    }
}

/// A look at the engine, for metrics and status.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Batches made durable.
    pub commits: u64,
    /// Batches refused because a precondition did not hold.
    pub conflicts: u64,
    /// Syncs of the log, each for one group of batches.
    pub syncs: u64,
    /// Bytes written to the log (zeros written ahead not counted).
    pub log_bytes: u64,
    /// Bytes of bodies taken in.
    pub body_bytes: u64,
    /// Bytes that these take, compressed where it paid.
    pub stored_body_bytes: u64,
    /// Transactions of the index.
    pub index_commits: u64,
    /// Bytes that compaction wrote again.
    pub relocated_bytes: u64,
    /// Segments that compaction removed.
    pub segments_removed: u64,
    /// Batches refused because the disk is nearly full.
    pub refused_full: u64,
    /// Bytes of rows that are not in the index yet, about.
    pub overlay_bytes: u64,
    /// Sealed segments.
    pub sealed_segments: u64,
    /// Bytes of sealed segments.
    pub sealed_bytes: u64,
    /// Why no more writes are taken, if so.
    pub poisoned: Option<String>,
}

pub(crate) fn load(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
