//! The ledger docs/rfc.toml: what the project speaks and how far. What is announced must be whole, and what is whole
//! must have a room, tests and its announcement.

use crate::problem::Problem;
use crate::rust_source::{string_literals, without_tests};
use crate::workspace::Workspace;
use anyhow::Context;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The whole ledger.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ledger {
    /// RFCs that are cited although nobody has listed their sections.
    pub(super) unread: Vec<u32>,
    pub(super) protocol: BTreeMap<String, Protocol>,
    pub(super) extension: Vec<Extension>,
}

/// A protocol and where it tells its peers what it can do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Protocol {
    pub(super) title: String,
    /// The sources that hold its capability strings.
    pub(super) announced_in: Vec<String>,
    /// Its commands; each has a folder of transcripts.
    pub(super) commands: Vec<String>,
    /// Words in those sources that are neither capabilities nor commands.
    pub(super) words: Vec<String>,
}

/// One row.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Extension {
    pub(super) protocol: String,
    pub(super) name: String,
    pub(super) rfc: Vec<u32>,
    /// The first word of its announcement; empty for what is not announced by a word of its own.
    pub(super) capability: String,
    pub(super) status: Status,
    /// The source that does it.
    #[serde(default)]
    pub(super) room: String,
    /// Transcripts (files or folders) and test functions.
    #[serde(default)]
    pub(super) tests: Vec<String>,
}

/// How far an extension is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    /// Announced; works whole.
    Whole,
    /// Not announced.
    Planned,
}

impl Ledger {
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        toml::from_str(text).context(super::LEDGER)
    }

    /// Compares with the sources and the tests.
    pub(super) fn check(&self, workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
        let mut sources = BTreeMap::new();
        let mut problems = Vec::new();
        for file in self.protocol.values().flat_map(|protocol| &protocol.announced_in) {
            match workspace.text(file) {
                Ok(text) => drop(sources.insert(file.as_str(), text)),
                Err(_) => problems.push(Problem::new(super::LEDGER, format!("no file {file}"))),
            }
        }
        let mut functions = String::new();
        for file in workspace.rust_files() {
            functions.push_str(&workspace.text(file)?);
        }
        let exists = |name: &str| workspace.has(name) || functions.contains(&format!("fn {name}("));
        problems.extend(self.compare(&sources, &exists));
        Ok(problems)
    }

    fn compare(&self, sources: &BTreeMap<&str, String>, exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (key, protocol) in &self.protocol {
            let rows: Vec<&Extension> = self.extension.iter().filter(|row| row.protocol == *key).collect();
            let words = protocol.words(sources);
            // A command's own row says what it is called, not that it is announced, where announcing has a word of its own.
            let nameless = sources.iter().map(|(file, text)| (*file, without_row_names(text))).collect();
            let announced: BTreeSet<&str> = protocol.words(&nameless).into_iter().map(|(_, _, word)| word).collect();
            problems.extend(rows.iter().flat_map(|row| row.check(&announced, exists)));
            problems.extend(protocol.unknown_words(&words, &rows));
            problems.extend(protocol.missing_transcripts(key, exists));
        }
        let known = |row: &&Extension| !self.protocol.contains_key(&row.protocol);
        let strays = self.extension.iter().filter(known);
        problems.extend(strays.map(|row| Problem::new(super::LEDGER, format!("{}: no such protocol", row.name))));
        problems
    }
}

impl Protocol {
    /// Every word in the announcing sources that looks like a capability: file, line, word.
    fn words<'a>(&'a self, sources: &'a BTreeMap<&str, String>) -> Vec<(&'a str, usize, &'a str)> {
        let mut found = Vec::new();
        for file in &self.announced_in {
            let text = sources.get(file.as_str()).map_or("", String::as_str);
            for (line, literal) in string_literals(without_tests(text)) {
                let words = literal.split([' ', '{', '\\']).filter(|word| is_capability(word));
                found.extend(words.map(|word| (file.as_str(), line, word)));
            }
        }
        found
    }

    fn unknown_words(&self, words: &[(&str, usize, &str)], rows: &[&Extension]) -> Vec<Problem> {
        let known = |word: &str| {
            let listed = |list: &[String]| list.iter().any(|entry| entry == word);
            listed(&self.commands) || listed(&self.words) || rows.iter().any(|row| row.capability == word)
        };
        let unknown = words.iter().filter(|(_, _, word)| !known(word));
        unknown
            .map(|(file, line, word)| Problem::at(file, *line, format!("`{word}` is not in docs/rfc.toml")))
            .collect()
    }

    fn missing_transcripts(&self, key: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
        let folder = |command: &String| {
            format!("tests/transcripts/{key}/{}", command.to_ascii_lowercase().replace([' ', '-'], "_"))
        };
        let missing = self.commands.iter().map(folder).filter(|folder| !exists(folder));
        missing.map(|folder| Problem::new(super::LEDGER, format!("a command without transcripts: {folder}"))).collect()
    }
}

impl Extension {
    fn check(&self, announced: &BTreeSet<&str>, exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
        let problem = |text: String| Problem::new(super::LEDGER, format!("{} {}: {text}", self.protocol, self.name));
        let is_announced = announced.contains(self.capability.as_str());
        let mut problems = Vec::new();
        match self.status {
            Status::Planned => {
                if is_announced {
                    problems.push(problem(format!("announced as {} but not whole", self.capability)));
                }
            }
            Status::Whole => {
                if !self.capability.is_empty() && !is_announced {
                    problems.push(problem(format!("whole, but {} is announced nowhere", self.capability)));
                }
                if !exists(&self.room) {
                    problems.push(problem(format!("no room `{}`", self.room)));
                }
                if self.tests.is_empty() {
                    problems.push(problem("whole without a test".to_owned()));
                }
                let missing = self.tests.iter().filter(|name| !exists(name));
                problems.extend(missing.map(|name| problem(format!("no test `{name}`"))));
            }
        }
        problems
    }
}

/// A source without the names of its rows, if its rows say `.announced("…")` where a command announces something.
fn without_row_names(source: &str) -> String {
    const ROW: &str = "row(\"";
    if !source.contains(".announced(\"") {
        return source.to_owned();
    }
    let mut pieces = source.split(ROW);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(ROW);
        out.push_str(piece.find('"').and_then(|end| piece.get(end..)).unwrap_or(piece));
    }
    out
}

/// Capitals, digits and `=+-/_`, at least two capitals; `IMAP4rev1` is the one with small letters.
fn is_capability(word: &str) -> bool {
    let inner = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '=' | '+' | '-' | '/' | '_');
    let bare = word.strip_suffix("rev1").or_else(|| word.strip_suffix("rev2")).unwrap_or(word);
    bare.chars().filter(char::is_ascii_uppercase).count() > 1 && bare.chars().all(inner)
}

#[cfg(test)]
#[path = "ledger/tests.rs"]
mod tests;
