//! A transcript: what stands in one file under `tests/transcripts`, read into steps.

mod given;
mod parse;

pub(crate) use given::{Given, Readiness};

use crate::backend::Protocol;
use crate::pattern::Pattern;
use anyhow::Context;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A connection's name: `C`, `C2`, `P`. `C` speaks the protocol of the folder, and so does the letter of that protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Label {
    pub(crate) protocol: Protocol,
    /// From 1.
    pub(crate) number: u8,
}

/// What happens at one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// How things stand before the first line.
    Given(Given),
    /// The client sends a line.
    Send(Label, Pattern),
    /// The client ends the connection without a word.
    Close(Label),
    /// The client does its TLS handshake.
    Upgrade(Label),
    /// The client compresses from here on, and takes the server to do so.
    Compress(Label),
    /// The server says these lines, in any order if there are several.
    Expect(Label, Vec<Pattern>),
    /// The server may say anything until the next line that it must say.
    Skip(Label),
    /// The server ends the connection.
    ExpectClosed(Label),
    /// Time passes.
    Wait(Duration),
    /// The operator brings back all deleted mail of Anna's account.
    Undelete,
    /// The operator sets how things are for an account.
    Set(String, Vec<String>),
}

/// A step and the line it stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) line: usize,
    pub(crate) action: Action,
}

/// A whole transcript.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    /// Its path below `tests/transcripts`.
    pub path: String,
    pub(crate) steps: Vec<Step>,
}

impl Transcript {
    /// Reads a transcript. `path` is the one below `tests/transcripts`; its first folder names the protocol of `C`.
    ///
    /// # Errors
    ///
    /// Names the line that cannot be read.
    pub fn parse(path: &str, text: &str) -> anyhow::Result<Self> {
        parse::parse(path, text).with_context(|| format!("tests/transcripts/{path}"))
    }
}

impl fmt::Display for Label {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter =
            Protocol::ALL.iter().find(|(_, protocol)| *protocol == self.protocol).map_or('C', |(letter, _)| *letter);
        if self.number == 1 { write!(out, "{letter}") } else { write!(out, "{letter}{}", self.number) }
    }
}

/// Reads every transcript whose path contains `filter`, in the order of their paths.
///
/// # Errors
///
/// Names the first file that cannot be read.
pub fn all_transcripts(filter: &str) -> anyhow::Result<Vec<Transcript>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("transcripts");
    let mut transcripts = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| folder.display().to_string())? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "txt") {
                let name = below(&root, &path);
                if name.contains(filter) {
                    transcripts.push(Transcript::parse(&name, &std::fs::read_to_string(&path)?)?);
                }
            }
        }
    }
    transcripts.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(transcripts)
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_transcript_of_the_project_can_be_read() {
        let all = all_transcripts("").unwrap();
        assert!(!all.is_empty());
        assert!(all.iter().all(|transcript| !transcript.steps.is_empty()));
    }
}
