//! The exceptions of `cargo xtask tidy`. The list may only shrink: it is short, and a line that excuses nothing any
//! more is itself a problem.

use crate::problem::Problem;

/// Lines that the list may have.
const EXCEPTIONS_MAX: usize = 10;

/// The list: `path: the problem as tidy prints it` per line; `#` begins a comment.
pub(super) struct Exceptions {
    file: String,
    rows: Vec<(usize, String)>,
}

impl Exceptions {
    pub(super) fn parse(file: &str, text: &str) -> Self {
        let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
        let rows = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
        Self { file: file.to_owned(), rows: rows.map(|(number, line)| (number, line.to_owned())).collect() }
    }

    /// Takes out what is excused and adds what is wrong with the list.
    pub(super) fn apply(&self, problems: Vec<Problem>) -> Vec<Problem> {
        let unused = self.rows.iter().filter(|(_, row)| !problems.iter().any(|problem| excuses(row, problem)));
        let mut own: Vec<Problem> =
            unused.map(|(line, _)| Problem::at(&self.file, *line, "excuses nothing any more: take it out")).collect();
        if self.rows.len() > EXCEPTIONS_MAX {
            let text = format!("{} exceptions, at most {EXCEPTIONS_MAX}", self.rows.len());
            own.push(Problem::new(&self.file, text));
        }
        let left = problems.into_iter().filter(|problem| !self.rows.iter().any(|(_, row)| excuses(row, problem)));
        left.chain(own).collect()
    }
}

/// A line number may move, so a row names the file and the text only. A file that grows has another text.
fn excuses(row: &str, problem: &Problem) -> bool {
    row.split_once(": ").is_some_and(|(file, text)| file == problem.file && text == problem.text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apply(list: &str, problems: &[Problem]) -> Vec<String> {
        let left = Exceptions::parse("list", list).apply(problems.to_vec());
        left.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_excused_problem_is_taken_out_and_others_stay() {
        let problems = [Problem::new("a.rs", "510 lines"), Problem::at("b.rs", 3, "`dbg!` does not stay")];
        assert_eq!(apply("# why\na.rs: 510 lines\n", &problems), ["b.rs:3: `dbg!` does not stay"]);
    }

    #[test]
    fn an_exception_does_not_cover_a_file_that_grows() {
        let left = apply("a.rs: 510 lines\n", &[Problem::new("a.rs", "511 lines")]);
        assert_eq!(left, ["a.rs: 511 lines", "list:1: excuses nothing any more: take it out"]);
    }

    #[test]
    fn ten_exceptions_pass_and_eleven_do_not() {
        let problems: Vec<Problem> = (0..=EXCEPTIONS_MAX).map(|n| Problem::new(&format!("{n}.rs"), "long")).collect();
        let list = |count: usize| (0..count).map(|n| format!("{n}.rs: long")).collect::<Vec<String>>().join("\n");
        assert_eq!(apply(&list(EXCEPTIONS_MAX), &problems), ["10.rs: long"]);
        assert_eq!(apply(&list(EXCEPTIONS_MAX + 1), &problems), ["list: 11 exceptions, at most 10"]);
    }
}
