//! What an engine is: ordered keys, message bodies, atomic durable batches. Knows nothing of mail.
//!
//! An engine implements [`Engine`] and nothing else; `conformance` judges every one of them, and [`Memory`] is the
//! plainest, the reference. [`Faulty`] makes any of them fail when told to. The embedded engine lives in
//! `store/embedded`.

mod batch;
mod body;
#[cfg(feature = "conformance")]
pub mod conformance;
mod engine;
mod error;
mod faulty;
mod key;
mod memory;
mod scan;
mod seeded;
mod watch;

pub use batch::{Batch, BodyChange, Expect, Precondition, Space, Write};
pub use body::{BodyHash, BodyId, BodyWriter, StagedBody};
pub use engine::{BODY_READ_MAX, BoxFuture, Committed, Engine};
pub use error::{BatchError, CommitError, StoreError};
pub use faulty::{CommitFault, Faulty, Hook, Operation, Rates};
pub use key::{KEY_MAX, KEY_SPACE_ACCOUNT, VALUE_MAX, account_of, account_prefix};
pub use memory::Memory;
pub use scan::{Direction, Page, PageLimit, Row, Scan};
pub use seeded::Seeded;
pub use watch::{Watch, WatchHub};
