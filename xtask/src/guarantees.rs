//! Every guarantee of docs/guarantees.md names the tests that show it, and those tests are there.

use crate::problem::Problem;
use crate::workspace::Workspace;
use std::collections::BTreeSet;

const FILE: &str = "docs/guarantees.md";
/// Begins the line that names tests.
const SHOWN: &str = "Shown by: ";
/// Says openly that a guarantee, or a part of one, has no test.
const NOT_SHOWN: &str = "Not yet shown: ";

/// Reads the guarantees and looks for their tests.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let mut functions = BTreeSet::new();
    for file in workspace.rust_files() {
        functions.extend(function_names(&workspace.text(file)?));
    }
    Ok(check_text(&workspace.text(FILE)?, &|name| functions.contains(name) || workspace.has(name)))
}

fn check_text(text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut open: Option<(usize, String)> = None;
    let unproved = |(line, title): (usize, String)| {
        Problem::at(FILE, line, format!("{title}: neither `{SHOWN}` nor `{NOT_SHOWN}` below it"))
    };
    for (index, line) in paragraphs(text) {
        let line = line.as_str();
        if let Some(title) = line.strip_prefix("## ") {
            problems.extend(open.replace((index + 1, title.to_owned())).map(unproved));
        } else if let Some(names) = line.strip_prefix(SHOWN) {
            open = None;
            let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
            if names.is_empty() {
                problems.push(Problem::at(FILE, index + 1, "names no test"));
            }
            let missing = names.into_iter().filter(|name| !exists(name));
            problems.extend(missing.map(|name| Problem::at(FILE, index + 1, format!("no test and no file `{name}`"))));
        } else if line.starts_with(NOT_SHOWN) {
            open = None;
        }
    }
    problems.extend(open.map(unproved));
    problems
}

/// The paragraphs, each as one line, with the index of the line that it begins in.
fn paragraphs(text: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        match found.last_mut().filter(|_| open) {
            Some((_, paragraph)) if !line.is_empty() && !line.starts_with('#') => {
                paragraph.push(' ');
                paragraph.push_str(line);
            }
            _ => found.push((index, line.to_owned())),
        }
        open = !line.is_empty() && !line.starts_with('#');
    }
    found
}

/// The names after `fn `.
fn function_names(source: &str) -> impl Iterator<Item = String> + '_ {
    source.match_indices("fn ").map(|(at, found)| {
        let rest = source.get(at + found.len()..).unwrap_or_default();
        rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let found = check_text(text, &|name| name == "a_test" || name == "tests/transcripts/imap/move");
        found.into_iter().map(|problem| problem.to_string()).collect()
    }

    #[test]
    fn a_guarantee_with_tests_that_are_there_passes() {
        assert!(problems("## G1\nWords.\n\nShown by: `a_test`,\n`tests/transcripts/imap/move`\n").is_empty());
        assert!(problems("## G1\nNot yet shown: nobody wrote it.\n").is_empty());
    }

    #[test]
    fn a_guarantee_without_a_test_is_found() {
        assert_eq!(problems("## G1\nWords.\n\n## G2\nShown by: `a_test`\n").len(), 1);
        assert_eq!(problems("## G1\nWords.\n").len(), 1);
        assert_eq!(problems("## G1\nShown by: hope\n").len(), 1);
    }

    #[test]
    fn a_test_that_is_not_there_is_found() {
        let file = FILE;
        assert_eq!(problems("## G1\nShown by: `a_test`\n`gone`\n"), [format!("{file}:2: no test and no file `gone`")]);
    }

    #[test]
    fn names_of_functions_are_read() {
        let names: Vec<String> = function_names("pub(crate) async fn one<T>() {}\n    fn two_2() {}").collect();
        assert_eq!(names, ["one", "two_2"]);
    }
}
