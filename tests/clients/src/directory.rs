//! A directory for one test, gone with it.

use anyhow::Context as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A directory of its own under the system's place for such. It is removed when this is dropped, unless the environment
/// has `POSTAMT_TEST_KEEP`.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    ours: bool,
}

impl Directory {
    /// Makes one. Names stay short: Unix sockets live in it.
    pub fn new() -> anyhow::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("postamt-{}-{number}", std::process::id()));
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::DirBuilder::new().mode(0o700).create(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self { path, ours: true })
    }

    /// Gives the directory to another owner, who removes it.
    pub(crate) fn hand_over(&mut self) -> Self {
        let ours = std::mem::replace(&mut self.ours, false);
        Self { path: self.path.clone(), ours }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of something in it.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that only its owner may read, as mail programs ask for.
    pub fn write(&self, name: impl AsRef<Path>, bytes: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.path.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        std::io::Write::write_all(&mut file, bytes.as_ref())?;
        Ok(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if self.ours && std::env::var_os("POSTAMT_TEST_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}
