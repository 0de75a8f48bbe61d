//! Every text that an IMAP or POP3 answer says to people has its German row (RFC 5255 §3, RFC 6856 §3), and every row is
//! said somewhere.

use crate::problem::Problem;
use crate::rust_source::{Kind, pieces, string_literals, without_tests};
use crate::workspace::Workspace;
use std::collections::BTreeSet;

/// A protocol's texts.
struct Texts {
    /// Where the translations stand: English and German by turns.
    rows: &'static str,
    /// Where its texts are said.
    rooms: [&'static str; 2],
}

const ALL: [Texts; 2] = [
    Texts {
        rows: "crates/proto/imap/src/language/de.rs",
        rooms: ["crates/proto/imap/src/", "crates/service/imap/src/"],
    },
    Texts {
        rows: "crates/proto/pop3/src/language/de.rs",
        rooms: ["crates/proto/pop3/src/", "crates/service/pop3/src/"],
    },
];
/// What a text may end with that is translated by itself.
const COMPLETED: &str = " completed";

/// Compares the sources with the translations.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for texts in &ALL {
        let mut sources = Vec::new();
        for file in workspace.rust_files() {
            let is_room = texts.rooms.iter().any(|room| file.starts_with(room));
            if is_room && file != texts.rows && !file.contains("/tests") {
                sources.push((file.to_owned(), workspace.text(file)?));
            }
        }
        problems.extend(compare(texts.rows, &workspace.text(texts.rows)?, &sources));
    }
    Ok(problems)
}

fn compare(name: &str, rows: &str, sources: &[(String, String)]) -> Vec<Problem> {
    let literals: Vec<_> = string_literals(rows).into_iter().map(|(line, text)| (line, one_line(text))).collect();
    let english: Vec<_> = literals.iter().step_by(2).collect();
    let known: BTreeSet<&str> = english.iter().map(|(_, text)| text.as_str()).collect();
    let mut problems = Vec::new();
    let mut said = BTreeSet::new();
    for (file, source) in sources {
        for Said { line, text, is_for_people } in texts(without_tests(source)) {
            if is_for_people && !known.contains(text.as_str()) && !text.ends_with(COMPLETED) {
                problems.push(Problem::at(file, line, format!("`{text}` is not in {name}")));
            }
            said.insert(text);
        }
    }
    let unsaid = english.iter().filter(|(_, text)| !said.contains(text));
    problems.extend(unsaid.map(|(line, text)| Problem::at(name, *line, format!("nothing says `{text}`"))));
    problems
}

/// A text of a source.
struct Said {
    line: usize,
    text: String,
    is_for_people: bool,
}

fn texts(source: &str) -> Vec<Said> {
    let mut found = Vec::new();
    let mut code = "";
    for piece in pieces(source) {
        match piece.kind {
            Kind::Code => code = piece.text.trim_end(),
            Kind::Comment => {}
            Kind::Text => {
                let text = one_line(piece.text.trim_matches('"'));
                let is_status = ["Status::ok(", "Status::bad("].iter().any(|call| code.ends_with(call));
                let is_for_people = piece.text.starts_with('"') && (is_status || is_sentence(&text));
                found.push(Said { line: piece.line, text, is_for_people });
            }
        }
    }
    found
}

/// People read sentences: an upper case letter first, a word in lower case behind a space. The log and panics begin in
/// lower case, and what programs read has no such word.
fn is_sentence(text: &str) -> bool {
    let is_word = |word: &str| word.len() > 1 && word.chars().all(|c| c.is_ascii_lowercase());
    text.starts_with(|c: char| c.is_ascii_uppercase()) && text.split(' ').skip(1).any(is_word)
}

/// A literal that goes over several lines as the compiler reads it.
fn one_line(literal: &str) -> String {
    let mut lines = literal.split("\\\n");
    let first = lines.next().unwrap_or_default().to_owned();
    lines.fold(first, |text, line| text + line.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_a_row_and_a_row_without_a_text_are_found() {
        let rows = r#"&[("A space is missing", "Ein Leerzeichen fehlt"), ("Never said", "Nie gesagt")]"#;
        let source = r#"
            Status::ok("NOOP completed"); Status::no(Code::Limit, "Too much"); expect(b' ', "A space is missing");
            Status::ok("Highest"); error!("the store is full"); "BODY[TEXT] NIL"; // "In a comment"
        "#;
        let found = compare("de.rs", rows, &[("a.rs".to_owned(), source.to_owned())]);
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[0].contains("`Too much`") && found[1].contains("`Highest`") && found[2].contains("`Never said`"));
    }
}
