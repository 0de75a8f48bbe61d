//! Finds citations (`RFC 9051 §6.4.8`, `RFC 1939 §3 and §7`) and asks whether the sections exist.

use super::sections::Sections;
use crate::problem::Problem;
use crate::rust_source::{Kind, pieces};
use crate::workspace::has_extension;

/// A section sign with the RFC that it belongs to, if the line says which.
#[derive(Debug, PartialEq, Eq)]
struct Citation<'a> {
    rfc: Option<u32>,
    section: &'a str,
}

/// Checks every section sign of a file; `unread` are RFCs whose sections nobody has listed.
pub(super) fn check(file: &str, text: &str, sections: &Sections, unread: &[u32]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (line, text) in prose(file, text) {
        for citation in citations(text) {
            problems.extend(wrong(&citation, sections, unread).map(|text| Problem::at(file, line, text)));
        }
    }
    problems
}

/// The lines that may cite: comments of sources, all lines of other texts.
fn prose<'a>(file: &str, text: &'a str) -> Vec<(usize, &'a str)> {
    let numbered =
        |first: usize, text: &'a str| text.lines().enumerate().map(move |(index, line)| (first + index, line));
    if has_extension(file, "rs") {
        let comments = pieces(text).into_iter().filter(|piece| piece.kind == Kind::Comment);
        comments.flat_map(|piece| numbered(piece.line, piece.text)).collect()
    } else {
        numbered(1, text).collect()
    }
}

fn wrong(citation: &Citation<'_>, sections: &Sections, unread: &[u32]) -> Option<String> {
    let section = citation.section;
    let Some(rfc) = citation.rfc else { return Some(format!("§{section} of which RFC? Say it on the same line")) };
    match sections.has(rfc, section) {
        Some(true) => None,
        Some(false) => Some(format!("RFC {rfc} has no section {section}")),
        None if unread.contains(&rfc) => None,
        None => Some(format!("RFC {rfc} is neither in docs/rfc-sections.toml nor listed as unread in docs/rfc.toml")),
    }
}

/// Every `§x.y` of a line belongs to the last `RFC NNNN` before it.
fn citations(line: &str) -> Vec<Citation<'_>> {
    let mut found = Vec::new();
    let mut rfc = None;
    for (index, part) in line.split('§').enumerate() {
        if index > 0 {
            let end = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(part.len());
            let section = part.get(..end).unwrap_or_default().trim_end_matches('.');
            if section.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase()) {
                found.push(Citation { rfc, section });
            }
        }
        rfc = last_rfc(part).or(rfc);
    }
    found
}

fn last_rfc(text: &str) -> Option<u32> {
    text.match_indices("RFC ").filter_map(|(at, word)| number(text.get(at + word.len()..)?)).last()
}

fn number(text: &str) -> Option<u32> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(file: &str, text: &str) -> Vec<String> {
        let sections = Sections::parse("9051 = \"6 6.4.8 A.1\"\n1939 = \"3 7\"\n").unwrap();
        check(file, text, &sections, &[2033]).into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn sections_that_exist_pass() {
        let text = "// RFC 9051 §6.4.8. And RFC 1939 §3 and §7, RFC 9051 §A.1; RFC 2033 §4.2, RFC 822.\n";
        assert!(problems("x.rs", text).is_empty());
    }

    #[test]
    fn sections_that_do_not_exist_are_found() {
        assert_eq!(problems("x.rs", "\n/// RFC 9051 §6.4.99\n"), ["x.rs:2: RFC 9051 has no section 6.4.99"]);
        assert_eq!(problems("x.md", "RFC 1939 §3, §4"), ["x.md:1: RFC 1939 has no section 4"]);
    }

    #[test]
    fn an_rfc_that_nobody_listed_is_found() {
        assert_eq!(problems("x.rs", "// RFC 9999 §1\n").len(), 1);
    }

    #[test]
    fn a_section_without_its_rfc_is_found() {
        assert_eq!(problems("x.rs", "// see RFC 9051\n// §6.4.8\n").len(), 1);
    }

    #[test]
    fn code_is_not_prose() {
        assert!(problems("x.rs", "let x = \"RFC 9051 §99\";\n").is_empty());
    }
}
