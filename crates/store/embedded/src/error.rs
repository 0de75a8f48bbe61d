//! Why a store could not be opened.

use std::path::PathBuf;
use store_kv::StoreError;

/// Why a store could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("the store in {0} is open in another process")]
    Locked(PathBuf),
    /// Its form is not one that this version knows.
    #[error("the store in {dir} has the form {found:?}, which this version does not know")]
    Format {
        /// The store's directory.
        dir: PathBuf,
        /// What its `format` file says.
        found: String,
    },
    /// Something that was durable is missing or altered. Nothing was changed. The index can be rebuilt from the log;
    /// damage in the log itself wants a backup.
    #[error("the store is damaged, nothing was changed: {0}")]
    Damaged(String),
    /// Reading, writing or the index failed.
    #[error("the store cannot be opened")]
    Store(#[from] StoreError),
    /// Reading or writing failed.
    #[error("the store cannot be opened")]
    Io(#[from] std::io::Error),
}
