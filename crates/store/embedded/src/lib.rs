//! The embedded engine: one directory, no other process.
//!
//! An append-only log is the truth; an index (LMDB, under an overlay in memory) is a servant that can be made anew from
//! it. The way of a batch: [`Embedded::commit`](store_kv::Engine::commit) → queue → `appender` (checks, writes) →
//! `syncer` (one sync for all that was written, then visible, then answered) → overlay → `indexer` (about once a
//! second). Nothing here knows what the keys mean.
//!
//! Files of a store: `lock`, `format`, `log/NNNNNNNNNN.seg`, `log/spare`, `body/<id>.body`, `index/`.

mod appender;
mod block;
mod codec;
mod compact;
pub mod disk;
mod engine;
mod error;
mod files;
pub mod index;
mod indexer;
mod keys;
mod layout;
mod maintain;
mod open;
mod options;
mod overlay;
mod record;
mod relocate;
mod replay;
mod segment;
mod shared;
pub mod sim;
mod stage;
mod stats;
mod syncer;
mod verify;
mod view;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod operation_tests;
#[cfg(test)]
mod test_dir;
#[cfg(test)]
mod thread_tests;

pub use compact::Compacted;
pub use engine::Embedded;
pub use error::OpenError;
pub use options::{Compression, Options, Zstd};
pub use stats::Stats;
pub use verify::{PROBLEMS_MAX, Verified};
