//! The trial's directory: the data, the authority's certificate, a message to send, configurations for mutt.

use super::text::Facts;
use anyhow::{Context as _, bail};
use net::SelfMade;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A file that says: this directory is ours and may be deleted.
const MARK: &str = "trial";

pub(super) struct TrialDirectory(PathBuf);

impl TrialDirectory {
    /// Makes it, or takes up one that an earlier trial kept. A directory with anything else in it is left alone.
    pub(super) fn make(path: &Path) -> anyhow::Result<Self> {
        let shown = path.display();
        let path = std::path::absolute(path).with_context(|| format!("{shown} is no path"))?;
        if !path.join(MARK).exists() {
            if fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
                bail!(
                    "{shown} exists and is not a trial's\n  why   the trial would delete it at its end\n  hint  postamt trial --directory another-one"
                );
            }
            // Passwords lie in it.
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .with_context(|| format!("cannot make {shown}"))?;
            fs::write(path.join(MARK), "made by postamt trial\n")
                .with_context(|| format!("cannot write to {shown}"))?;
        }
        Ok(Self(path))
    }

    pub(super) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    pub(super) fn control(&self) -> PathBuf {
        self.0.join("control.sock")
    }

    /// Writes what the printed text refers to.
    pub(super) fn write(&self, facts: &Facts, made: &SelfMade) -> anyhow::Result<()> {
        let write = |name: &str, text: &[u8]| {
            fs::write(self.0.join(name), text).with_context(|| format!("cannot write {name}"))
        };
        write("ca.pem", made.authority_pem.as_bytes())?;
        write("hello.eml", super::samples::hello().as_bytes())?;
        for person in &facts.people {
            write(&format!("{}.muttrc", person.name), facts.muttrc(person).as_bytes())?;
        }
        Ok(())
    }

    /// Deletes it with everything in it.
    pub(super) fn remove(&self) -> anyhow::Result<()> {
        fs::remove_dir_all(&self.0).with_context(|| format!("cannot delete {}", self.0.display()))
    }
}

/// The SHA-256 of a certificate as people compare it: pairs of digits in capitals, four to a group.
pub(super) fn fingerprint(pem: &str) -> anyhow::Result<String> {
    let hash = net::certificate_sha256(pem).context("the certificate cannot be read")?;
    let mut out = String::new();
    for (place, byte) in hash.iter().enumerate() {
        let gap = if place > 0 && place % 2 == 0 { " " } else { "" };
        let _ = write!(out, "{gap}{byte:02X}");
    }
    Ok(out)
}
