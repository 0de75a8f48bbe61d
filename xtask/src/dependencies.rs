//! Every dependency from outside has its line in the decision that lists them, and no line is left over.

use crate::problem::Problem;
use crate::workspace::Workspace;
use std::collections::BTreeSet;

const FILE: &str = "docs/adr/0002-dependencies.md";

/// Compares the root manifest with the list.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    Ok(compare(&workspace.external_dependencies()?, &workspace.text(FILE)?))
}

fn compare(manifest: &BTreeSet<String>, list: &str) -> Vec<Problem> {
    let rows: Vec<(usize, &str)> =
        list.lines().enumerate().filter_map(|(index, line)| Some((index + 1, row(line)?))).collect();
    let listed: BTreeSet<&str> = rows.iter().map(|(_, name)| *name).collect();
    let missing = manifest.iter().filter(|name| !listed.contains(name.as_str()));
    let mut problems: Vec<Problem> =
        missing.map(|name| Problem::new(FILE, format!("no line for the dependency `{name}`"))).collect();
    let gone = rows.iter().filter(|(_, name)| !manifest.contains(*name));
    problems.extend(gone.map(|(line, name)| Problem::at(FILE, *line, format!("`{name}` is no dependency any more"))));
    problems
}

/// The name in the first column of a row: ``| `name` | … |``.
fn row(line: &str) -> Option<&str> {
    line.strip_prefix("| `")?.split('`').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_lines_and_lines_left_over_are_found() {
        let manifest = ["bytes", "tokio"].map(String::from).into();
        let good = "| `bytes` | buffers |\n| `tokio` | the runtime |\n";
        assert!(compare(&manifest, good).is_empty());
        let bad = "| name | what for |\n| `bytes` | buffers |\n| `rand` | chance |\n";
        let found: Vec<Option<usize>> = compare(&manifest, bad).into_iter().map(|problem| problem.line).collect();
        assert_eq!(found, [None, Some(3)]);
    }
}
