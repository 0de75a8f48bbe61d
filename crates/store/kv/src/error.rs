//! What can go wrong, by what the caller can do about it.

use crate::BodyId;
use bytes::Bytes;
use std::sync::Arc;

/// A fault of the store: ours, never the peer's. Cloneable, because one failed sync fails every waiting commit.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// A write or sync failed; the engine takes no more writes until it is opened again.
    #[error("the store takes no more writes: {0}")]
    Poisoned(Arc<str>),
    /// Stored bytes do not match their checksum or cannot be read as what they should be.
    #[error("stored data is damaged: {0}")]
    Corrupt(Arc<str>),
    /// The body has no reference any more, or never was.
    #[error("there is no body {0}")]
    NoSuchBody(BodyId),
    /// Reading failed.
    #[error("the store cannot be read: {0}")]
    Io(#[source] Arc<std::io::Error>),
    /// The engine is closed or cannot be reached.
    #[error("the store is not available: {0}")]
    Unavailable(Arc<str>),
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}

/// Why a batch was not committed. Nothing of it is visible or will become so, but for [`CommitError::Store`], after
/// which it may or may not be there once the engine is opened again (whole or not at all).
#[derive(Clone, Debug, thiserror::Error)]
pub enum CommitError {
    /// A precondition did not hold: read again and try again.
    #[error("the key was changed by somebody else")]
    Conflict {
        /// The key that was not as expected.
        key: Bytes,
    },
    /// The batch names a body without a reference or an open handle: stage it again.
    #[error("body {0} is gone")]
    DeadBody(BodyId),
    /// The disk is too full for a batch that grows the store.
    #[error("the store is full")]
    Full,
    /// The batch breaks a rule of the interface; trying again cannot help.
    #[error(transparent)]
    Batch(#[from] BatchError),
    /// The engine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a batch can break the rules; a defect of the caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// A key is not under the batch's account.
    #[error("a batch names keys of one account only")]
    ForeignKey,
    /// A key is longer than [`crate::KEY_MAX`].
    #[error("a key has at most {max} bytes", max = crate::KEY_MAX)]
    KeyTooLong,
    /// A value is longer than [`crate::VALUE_MAX`].
    #[error("a value has at most {max} bytes", max = crate::VALUE_MAX)]
    ValueTooLong,
    /// The staged body was made by another engine.
    #[error("the staged body belongs to another engine")]
    ForeignBody,
}
