//! A simulated disk and a model of the index on it, for crash tests (of this crate and of those above it).
//!
//! Everything is drawn from a seed. A crash keeps what was synced and any part of what was not: of unsynced writes any
//! sectors, of unsynced names any. A failed sync loses what it should have made durable, for good, though reads still
//! show it, as Linux does.

mod index;
mod state;

pub use index::ModelIndex;

use crate::disk::{Cached, Disk, DiskFile, OpenMode};
use crate::engine::Embedded;
use crate::error::OpenError;
use crate::index::Index;
use crate::options::Options;
use state::State;
use std::any::Any;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: this call and all later ones fail.
    Crash,
    /// This call fails with an I/O error; later ones work.
    Error,
}

/// A simulated disk. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty disk.
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State::new(seed))))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes something go wrong at the call that changes something after `calls` more of them.
    pub fn plan(&self, calls: u64, fault: Fault) {
        self.state().plan = Some((calls, fault));
    }

    /// Nothing will go wrong.
    pub fn unplan(&self) {
        self.state().plan = None;
    }

    /// Whether the power is gone.
    pub fn is_dead(&self) -> bool {
        self.state().dead
    }

    /// Calls that changed something, so far.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Sets how many bytes fit.
    pub fn set_capacity(&self, bytes: u64) {
        self.state().capacity = bytes;
    }

    /// The disk after a power cut at this instant. This one is dead from now on.
    #[must_use]
    pub fn crash(&self) -> Self {
        let mut state = self.state();
        let after = state.crash();
        Self(Arc::new(Mutex::new(after)))
    }

    /// The disk as a new process finds it after the old one was killed: with all that was written, synced or not. This
    /// one is dead from now on.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.state();
        let after = state.kill();
        Self(Arc::new(Mutex::new(after)))
    }

    /// Empties the place of an index.
    pub fn wipe_index(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.change()?;
        state.indexes.remove(dir);
        Ok(())
    }

    /// Flips a bit of a file, on the disk and in memory: the medium has rotted.
    pub fn rot(&self, path: &Path, offset: u64) {
        self.state().rot(path, offset);
    }
}

impl Embedded {
    /// Opens a store on a simulated disk, its index a model on the same disk.
    pub fn open_simulated(disk: &SimDisk, dir: &Path, options: Options) -> Result<Arc<Self>, OpenError> {
        let make = |dir: &Path, _: &Options| Ok(simulated_index(disk, dir));
        Self::open_on(Arc::new(disk.clone()), &make, dir, options)
    }
}

/// The index on a simulated disk.
pub(crate) fn simulated_index(disk: &SimDisk, dir: &Path) -> Arc<dyn Index> {
    Arc::new(ModelIndex::open(disk, dir))
}

impl Disk for SimDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let inode = self.state().open(path, mode)?;
        Ok(Arc::new(SimFile { disk: self.clone(), inode }))
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.state().list(dir)
    }

    fn create_dir(&self, _: &Path) -> io::Result<()> {
        self.state().alive()
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.state().sync_dir(dir)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.state().remove(path)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.state().link(from, to)
    }

    fn free_space(&self, _: &Path) -> io::Result<u64> {
        let state = self.state();
        state.alive()?;
        Ok(state.free())
    }

    fn lock(&self, path: &Path) -> io::Result<Box<dyn Any + Send + Sync>> {
        let mut state = self.state();
        state.alive()?;
        if !state.locks.insert(path.to_owned()) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        drop(state);
        Ok(Box::new(Held { disk: self.clone(), path: path.to_owned() }))
    }

    fn nonce(&self) -> io::Result<[u8; 16]> {
        let mut state = self.state();
        let high = u128::from(state.random.any());
        Ok((high << 64 | u128::from(state.random.any())).to_le_bytes())
    }

    fn is_instant(&self) -> bool {
        true
    }
}

/// A held lock.
struct Held {
    disk: SimDisk,
    path: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        self.disk.state().locks.remove(&self.path);
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
}

impl DiskFile for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.state().read(self.inode, buffer, offset)
    }

    fn read_cached(&self, buffer: &mut [u8], offset: u64) -> io::Result<Cached> {
        self.read_at(buffer, offset).map(|()| Cached::Hit)
    }

    fn write_at(&self, parts: &[&[u8]], offset: u64) -> io::Result<()> {
        self.disk.state().write(self.inode, parts.concat(), offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.disk.state().sync(self.inode)
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.set_len(len)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.disk.state().set_len(self.inode, len)
    }

    fn len(&self) -> io::Result<u64> {
        self.disk.state().len(self.inode)
    }
}
