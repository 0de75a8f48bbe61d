//! The little that the store asks of a disk, so that a simulated one can stand in its place.
//!
//! Everything but LMDB's own file goes through here. All calls block; who calls them stands on a thread where that is
//! allowed, but for [`DiskFile::read_cached`], which never waits for the device.

mod real;

pub use real::RealDisk;

use std::any::Any;
use std::fmt::Debug;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// How to open a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenMode {
    /// An existing one, for reading.
    Read,
    /// An existing one, for reading and writing.
    Write,
    /// One that must not exist yet, for reading and writing.
    Create,
}

/// What a cached read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cached {
    /// The whole range was in memory.
    Hit,
    /// The device would have to be waited for.
    Miss,
}

/// A directory tree of files.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Opens a file.
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;
    /// The names in a directory, in no order.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Makes a directory and those above it; no error if it is there.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes names made, changed or removed in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Gives a file another name, replacing what has it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Gives a file a second name.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Free bytes where `dir` lies.
    fn free_space(&self, dir: &Path) -> io::Result<u64>;
    /// Takes the lock file for as long as the result lives; `WouldBlock` if another holds it.
    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>>;
    /// Bytes that never come twice.
    fn nonce(&self) -> io::Result<[u8; 16]>;
    /// Whether calls return at once, so that no thread need be found for them.
    fn is_instant(&self) -> bool {
        false
    }
}

/// An open file.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// Reads exactly `buffer`; `UnexpectedEof` past the end.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// The same, if it can be had without waiting.
    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Cached>;
    /// Writes all parts one after another.
    fn write_at(&self, parts: &[&[u8]], offset: u64) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync_data(&self) -> io::Result<()>;
    /// Sets space aside and makes the file this long; what was not written reads as zeros.
    fn allocate(&self, len: u64) -> io::Result<()>;
    /// Cuts or extends the file.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Its length.
    fn len(&self) -> io::Result<u64>;
    /// Whether it has no bytes.
    fn is_empty(&self) -> io::Result<bool> {
        self.len().map(|len| len == 0)
    }
}
