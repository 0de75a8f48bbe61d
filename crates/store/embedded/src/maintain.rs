//! What an operator does with a store: verify, compact, back up, rebuild.

use crate::codec::{narrow, wide};
use crate::compact::Compacted;
use crate::disk::{Disk, OpenMode, RealDisk};
use crate::engine::{Embedded, Threads, lmdb, shut_down};
use crate::error::OpenError;
use crate::indexer;
use crate::layout::{Layout, parse_body};
use crate::open::{FORMAT, MakeIndex, Opened, open};
use crate::options::Options;
use crate::shared::{Request, Shared, lock};
use crate::verify::{Verified, verify};
use std::io;
use std::path::Path;
use std::sync::{Arc, PoisonError};
use store_kv::StoreError;
use tokio::sync::oneshot;

/// Bytes that are copied at once where no link can be made.
const COPY: usize = 1 << 20;

/// Empties the place of an index.
pub(crate) type Wipe<'a> = &'a dyn Fn(&Path) -> io::Result<()>;

impl Embedded {
    /// Takes every checksum and looks at every reference, while the store runs.
    pub async fn verify(&self) -> Result<Verified, StoreError> {
        let shared = self.shared.clone();
        on_thread("store-verify", move || verify(&shared)).await
    }

    /// Gives back the space of what was deleted, now. Segments with fewer dead bytes than
    /// [`Options::compact_percent`] stay as they are.
    pub async fn compact_now(&self) -> Result<Compacted, StoreError> {
        let unavailable = || StoreError::Unavailable("the store is closed".into());
        let (answer, answered) = oneshot::channel();
        let asked = lock(&self.compactor).clone().ok_or_else(unavailable)?;
        asked.send(answer).map_err(|_| unavailable())?;
        drop(asked);
        answered.await.map_err(|_| unavailable())?
    }

    /// Makes a copy of the store as it is now in an empty or new directory, while the store runs: hard links where the
    /// target is on the same file system, else copies. Opening the copy makes its index from the log.
    pub async fn backup(&self, target: &Path) -> Result<(), StoreError> {
        let (shared, target) = (self.shared.clone(), target.to_owned());
        on_thread("store-backup", move || backup(&shared, &target)).await
    }

    /// Makes the index of a store that nobody has open anew, from the log alone. Blocks.
    ///
    /// # Errors
    /// [`OpenError::Damaged`] if the log itself is damaged.
    pub fn rebuild(dir: &Path, options: Options) -> Result<(), OpenError> {
        let wipe = |index: &Path| match std::fs::remove_dir_all(index) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        };
        rebuild(&(Arc::new(RealDisk) as Arc<dyn Disk>), &wipe, &lmdb, dir, options)
    }
}

/// Runs long work on a thread of its own.
async fn on_thread<T: Send + 'static>(
    name: &str,
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    let (answer, answered) = oneshot::channel();
    std::thread::Builder::new().name(name.to_owned()).spawn(move || {
        // Nobody listens when the caller has gone.
        let _ = answer.send(work());
    })?;
    answered.await.map_err(|_| StoreError::Unavailable("the work ended without an answer".into()))?
}

/// Makes an index anew.
pub(crate) fn rebuild(
    disk: &Arc<dyn Disk>,
    wipe: Wipe<'_>,
    make: MakeIndex<'_>,
    dir: &Path,
    options: Options,
) -> Result<(), OpenError> {
    let layout = Layout::new(dir);
    let held = disk.lock(&layout.lock()).map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked(dir.to_owned()),
        _ => error.into(),
    })?;
    wipe(&layout.index)?;
    // A power cut must not bring the old one back: segments may go that it needs.
    disk.sync_dir(&layout.root)?;
    drop(held);
    let Opened { shared, appender } = open(disk.clone(), make, dir, options)?;
    drop(appender);
    let written = indexer::step(&shared);
    shut_down(&shared, &Threads::default());
    Ok(written?)
}

/// Copies a store.
pub(crate) fn backup(shared: &Shared, target: &Path) -> Result<(), StoreError> {
    // Taken before the seal: a body that dies after it must keep its file until that is linked.
    let _keeping = shared.removal.read().unwrap_or_else(PoisonError::into_inner);
    let copy = Layout::new(target);
    let disk = &*shared.disk;
    disk.create_dir(&copy.root)?;
    if !disk.list(&copy.root)?.is_empty() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the target of a backup must be empty").into());
    }
    disk.create_dir(&copy.log)?;
    disk.create_dir(&copy.bodies)?;
    let sealed = shared.submit(|answer| Request::Seal { answer })?;
    let segments: Vec<u32> = lock(&shared.sealed).keys().copied().collect();
    for number in segments {
        duplicate(disk, &shared.layout.segment(number), &copy.segment(number))?;
    }
    for name in disk.list(&shared.layout.bodies)? {
        let Some(id) = parse_body(&name) else { continue };
        match duplicate(disk, &shared.layout.body(id), &copy.body(id)) {
            // It was staged and thrown away since: no record names it.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
    }
    disk.sync_dir(&copy.log)?;
    disk.sync_dir(&copy.bodies)?;
    // Last: a directory without it is no store.
    let format = disk.open(&copy.format(), OpenMode::Create)?;
    format.write_at(&[FORMAT], 0)?;
    format.sync_data()?;
    disk.sync_dir(&copy.root)?;
    tracing::info!(sequence = sealed.sequence, "backup made");
    Ok(())
}

/// Links a file that will not change, or copies it.
fn duplicate(disk: &dyn Disk, from: &Path, to: &Path) -> io::Result<()> {
    match disk.link(from, to) {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(error),
        // Another file system, or one without links.
        Err(_) => {}
    }
    let (source, copy) = (disk.open(from, OpenMode::Read)?, disk.open(to, OpenMode::Create)?);
    let len = source.len()?;
    let mut buffer = vec![0; COPY];
    let mut at = 0;
    while at < len {
        let Some(piece) = buffer.get_mut(..narrow(len - at).min(COPY)) else { break };
        source.read_at(piece, at)?;
        copy.write_at(&[piece], at)?;
        at += wide(piece.len());
    }
    copy.sync_data()
}
