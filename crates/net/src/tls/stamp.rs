//! What a file looks like from outside: whether it may have changed since it was read.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// A file's place, size and last changes; two that are equal are taken for the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(Option<(u64, u64, u64, i64, i64)>);

impl Stamp {
    /// The file's now, its links followed; one that cannot be looked at has a stamp, too.
    pub(super) fn of(path: &Path) -> Self {
        // The change of the inode, not that of the content: a copy may keep the latter.
        let stamp = |at: std::fs::Metadata| (at.dev(), at.ino(), at.size(), at.ctime(), at.ctime_nsec());
        Self(std::fs::metadata(path).ok().map(stamp))
    }
}
