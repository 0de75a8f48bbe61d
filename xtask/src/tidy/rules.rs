//! The rules of `cargo xtask tidy`, each a function of a file's name and text.

use crate::problem::Problem;
use crate::rust_source::{Kind, code_only, pieces};
use crate::workspace::has_extension;

/// Lines of a source or a text that people read.
pub(super) const LINES_MAX: usize = 500;
/// Lines of ARCHITECTURE.md.
pub(super) const ARCHITECTURE_LINES_MAX: usize = 300;

/// Texts by their extension; whatever else is there (messages, seeds, certificates) is data.
const TEXTS: [&str; 8] = ["rs", "toml", "md", "txt", "sh", "py", "json", "muttrc"];
/// Texts without an extension.
const TEXT_NAMES: [&str; 3] = ["test", ".ci/run", ".gitignore"];
/// Files that a program writes or that stand as they are.
const LONG_FILES: [&str; 4] = ["Cargo.lock", "docs/rfc-sections.toml", "docs/support.md", "docs/rfc.toml"];
/// Folders that hold what others send: every byte may occur in it.
const DATA_FOLDERS: [&str; 3] = ["/corpus/", "/seeds/", "/fixtures/"];
/// A name that says nothing.
const EMPTY_NAMES: [&str; 8] = ["utils", "util", "helper", "helpers", "misc", "common", "manager", "stuff"];
/// Macros that stand for code that is not there, or were left behind.
const LEFT_BEHIND: [&str; 3] = ["todo!", "unimplemented!", "dbg!"];
/// Attributes that switch a check off without saying why.
const SILENCERS: [&str; 3] = ["#[allow(", "#![allow(", "#[ignore"];
/// Marks of unfinished work, put together so that this file does not hold them.
const MARKS: [&str; 3] = [concat!("TO", "DO"), concat!("XX", "X"), concat!("HA", "CK")];
/// Roots of machines' own paths.
const MACHINE_ROOTS: [&str; 4] =
    [concat!("/ho", "me/"), concat!("/ro", "ot/"), concat!("/Us", "ers/"), concat!("/wo", "rk/")];

/// Whether the file is a text that the rules apply to.
pub(super) fn is_text(file: &str) -> bool {
    let data = DATA_FOLDERS.iter().any(|folder| file.contains(folder));
    !data && (TEXTS.iter().any(|extension| has_extension(file, extension)) || TEXT_NAMES.contains(&file))
}

/// File name conventions.
pub(super) fn check_name(file: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let name = file.rsplit('/').next().unwrap_or(file);
    let stem = name.split('.').next().unwrap_or(name);
    let snake = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name == "mod.rs" {
        problems.push(Problem::new(file, "`name.rs` + `name/`, never mod.rs"));
    }
    if EMPTY_NAMES.contains(&stem) {
        problems.push(Problem::new(file, format!("`{stem}` says nothing: name the one job of the file")));
    }
    let transcript = file.starts_with("tests/transcripts/") && has_extension(file, "txt");
    if (has_extension(file, "rs") || transcript) && !stem.chars().all(snake) {
        problems.push(Problem::new(file, "file names are snake_case"));
    }
    if let Some(decision) = file.strip_prefix("docs/adr/") {
        let number = decision.get(..4).is_some_and(|digits| digits.chars().all(|c| c.is_ascii_digit()));
        if !number || !decision.get(4..).is_some_and(|rest| rest.starts_with('-')) {
            problems.push(Problem::new(file, "a decision is called docs/adr/NNNN-x.md"));
        }
    }
    problems
}

/// The rules about what stands in a text.
pub(super) fn check_text(file: &str, text: &str) -> Vec<Problem> {
    let mut problems = check_length(file, text);
    for (index, line) in text.split('\n').enumerate() {
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(Problem::at(file, index + 1, "space at the end of the line"));
        }
        if MACHINE_ROOTS.iter().any(|root| names_machine_path(line, root)) {
            problems.push(Problem::at(file, index + 1, "a path of some machine"));
        }
    }
    if !text.is_empty() && !text.ends_with('\n') {
        problems.push(Problem::new(file, "no end of line at the end"));
    }
    if has_extension(file, "rs") {
        problems.extend(check_rust(file, text));
    } else {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
        problems.extend(lines.filter_map(|(number, line)| check_marks(file, number, line)));
    }
    problems
}

fn check_length(file: &str, text: &str) -> Vec<Problem> {
    let max = if file == "ARCHITECTURE.md" { ARCHITECTURE_LINES_MAX } else { LINES_MAX };
    let lines = text.lines().count();
    if lines <= max || LONG_FILES.contains(&file) {
        return Vec::new();
    }
    vec![Problem::new(file, format!("{lines} lines, at most {max}: split it by jobs"))]
}

fn check_rust(file: &str, text: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    // What a module called `tests` is for, its name says.
    if !file.ends_with("/tests.rs") && !text.trim_start().starts_with("//!") {
        problems.push(Problem::at(file, 1, "a module begins with `//!`: its one job, and where to look next"));
    }
    for (index, line) in code_only(text).lines().enumerate() {
        let found = LEFT_BEHIND.iter().chain(&SILENCERS).find(|word| line.contains(**word));
        if let Some(word) = found {
            problems.push(Problem::at(file, index + 1, format!("`{word}` does not stay")));
        }
    }
    for piece in pieces(text).iter().filter(|piece| piece.kind == Kind::Comment) {
        problems.extend(check_marks(file, piece.line, piece.text));
    }
    problems
}

fn check_marks(file: &str, line: usize, text: &str) -> Option<Problem> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut words = text.split(|c| !word(c));
    let found = words.find(|word| MARKS.contains(word))?;
    Some(Problem::at(file, line, format!("`{found}`: do it now, or say in an issue what is missing")))
}

/// A path begins a word; the same letters within an address of the web do not count.
fn names_machine_path(line: &str, root: &str) -> bool {
    line.match_indices(root).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-' | '/' | '~' | '}' | '$'))
    })
}

#[cfg(test)]
#[path = "rules/tests.rs"]
mod tests;
