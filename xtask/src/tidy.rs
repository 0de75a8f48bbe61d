//! What a file may look like. The rules are functions of a file's name and text (`tidy/rules.rs`); the exceptions stand
//! in a list that may only shrink (`tidy/exceptions.rs`).

mod exceptions;
mod rules;

use crate::problem::Problem;
use crate::workspace::Workspace;
use crate::{dependencies, guarantees, links};
use exceptions::Exceptions;

/// Where the exceptions stand.
const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

/// Checks every file, then the lists that name other things: guarantees, dependencies, links.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in &workspace.files {
        problems.extend(rules::check_name(file));
        if rules::is_text(file) {
            problems.extend(rules::check_text(file, &workspace.text(file)?));
        }
    }
    let exceptions = Exceptions::parse(EXCEPTIONS, &workspace.text(EXCEPTIONS)?);
    let mut problems = exceptions.apply(problems);
    problems.extend(guarantees::check(workspace)?);
    problems.extend(dependencies::check(workspace)?);
    problems.extend(links::check(workspace)?);
    Ok(problems)
}
