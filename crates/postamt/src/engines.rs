//! Which engine keeps the data: one arm per engine.

use anyhow::Context as _;
use std::path::Path;
use std::sync::Arc;
use store_embedded::Embedded;

/// Opens the embedded engine in a directory.
pub(crate) fn open(directory: &Path, options: store_embedded::Options) -> anyhow::Result<Arc<Embedded>> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Embedded::open(directory, options).with_context(|| format!("cannot open the store in {}", directory.display()))
}

/// Makes the index anew from the log; the server must be stopped.
pub(crate) fn rebuild(directory: &Path) -> anyhow::Result<()> {
    Embedded::rebuild(directory, store_embedded::Options::default())
        .with_context(|| format!("cannot rebuild the index of {}", directory.display()))
}
