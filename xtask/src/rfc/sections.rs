//! Which sections an RFC has: read from its text, kept as numbers only.

use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

/// Chapters that an RFC may have; a larger number at the start of a line is something else.
const CHAPTERS_MAX: u32 = 60;

const HEADER: &str = "\
# The numbers of the sections of each RFC, so that `cargo xtask rfc` can tell a citation that leads nowhere.
# Written by `cargo xtask rfc --import DIR` from a folder of RFC texts; do not edit.
";

/// Section numbers by RFC number.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sections {
    by_rfc: BTreeMap<u32, BTreeSet<String>>,
}

impl Sections {
    /// Reads the data file: `NNNN = "1 1.1 2 A"` per line.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let rows: BTreeMap<String, String> = toml::from_str(text).context("not a list of sections")?;
        let mut by_rfc = BTreeMap::new();
        for (number, list) in rows {
            let number = number.parse().with_context(|| format!("`{number}` is no number of an RFC"))?;
            by_rfc.insert(number, list.split(' ').map(str::to_owned).collect());
        }
        Ok(Self { by_rfc })
    }

    /// Reads every `rfcNNNN.txt` of a folder. What is known of other RFCs stays.
    pub(super) fn import(&mut self, folder: &Path) -> anyhow::Result<()> {
        for entry in std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            let digits = name.strip_prefix("rfc").and_then(|name| name.strip_suffix(".txt"));
            let Some(number) = digits.and_then(|digits| digits.parse().ok()) else { continue };
            let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
            self.by_rfc.insert(number, sections_of(&text));
        }
        Ok(())
    }

    /// The data file.
    pub(super) fn encode(&self) -> String {
        let mut out = String::from(HEADER);
        for (number, sections) in &self.by_rfc {
            let mut list: Vec<&str> = sections.iter().map(String::as_str).collect();
            list.sort_by_key(|section| sort_key(section));
            // Writing to a string does not fail.
            let _ = writeln!(out, "{number} = \"{}\"", list.join(" "));
        }
        out
    }

    /// Whether the RFC has the section; `None` for an RFC that is not in the list.
    pub(super) fn has(&self, rfc: u32, section: &str) -> Option<bool> {
        Some(self.by_rfc.get(&rfc)?.contains(section))
    }
}

/// Numbers by value, letters after them.
fn sort_key(section: &str) -> Vec<(u32, String)> {
    section.split('.').map(|part| (part.parse().unwrap_or(u32::MAX), part.to_owned())).collect()
}

/// Headings stand at the start of a line; where an RFC indents them, its table of contents has them.
fn sections_of(text: &str) -> BTreeSet<String> {
    text.lines().filter_map(|line| if line.starts_with(' ') { contents_line(line) } else { heading(line) }).collect()
}

fn heading(line: &str) -> Option<String> {
    let lower = line.to_ascii_lowercase();
    let line = if lower.starts_with("appendix ") { line.get("appendix ".len()..)? } else { line };
    let (number, title) = line.split_once([' ', ':', '\t'])?;
    let appendix = lower.starts_with("appendix ");
    (appendix || !title.trim().is_empty()).then(|| section_number(number, appendix))?
}

/// A line of the table of contents ends in a page number.
fn contents_line(line: &str) -> Option<String> {
    let (number, title) = line.trim().split_once(' ')?;
    let paged = title.trim_end().ends_with(|c: char| c.is_ascii_digit()) && title.contains(['.', ' ']);
    let dotted = title.contains("..") || title.contains(". .");
    (paged && dotted).then(|| section_number(number, false))?
}

/// `6.4.8.` or `A.1`; a letter alone only where the line says that it is an appendix or has a dot (`A.`).
fn section_number(word: &str, appendix: bool) -> Option<String> {
    let bare = word.trim_end_matches(['.', ':']);
    let mut parts = bare.split('.');
    let first = parts.next()?;
    let letter = first.len() == 1 && first.chars().all(|c| c.is_ascii_uppercase());
    let chapter = first.parse().is_ok_and(|number: u32| number <= CHAPTERS_MAX) && !first.starts_with('0');
    let rest_is_numbers = parts.all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()));
    let fine = rest_is_numbers && (chapter || letter && (appendix || word.contains('.')));
    fine.then(|| bare.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Table of Contents

   1.  First .......................... 1
     1.1.  Inner . . . . . . . . . . . 2

1.  First

   2.  A numbered item of a list.
1999 was a year.
2.10  Tenth
A.1     More
Appendix B.  Words
C.      Index
Mail  is a word
";

    #[test]
    fn headings_and_contents_give_the_sections() {
        let found: Vec<String> = sections_of(TEXT).into_iter().collect();
        assert_eq!(found, ["1", "1.1", "2.10", "A.1", "B", "C"]);
    }

    #[test]
    fn the_data_file_reads_back() {
        let mut sections = Sections::default();
        sections.by_rfc.insert(9999, sections_of(TEXT));
        let text = sections.encode();
        assert!(text.ends_with("9999 = \"1 1.1 2.10 A.1 B C\"\n"), "{text}");
        assert_eq!(Sections::parse(&text).unwrap(), sections);
    }

    #[test]
    fn sections_are_known_missing_or_unknown() {
        let sections = Sections::parse("9999 = \"1 1.1\"\n").unwrap();
        assert_eq!(sections.has(9999, "1.1"), Some(true));
        assert_eq!(sections.has(9999, "1.2"), Some(false));
        assert_eq!(sections.has(9998, "1"), None);
    }
}
