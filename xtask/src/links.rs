//! Every link between the texts leads to a file.

use crate::problem::Problem;
use crate::workspace::{Workspace, has_extension};

/// Looks for the targets of all relative links in Markdown.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for file in workspace.files.iter().filter(|file| has_extension(file, "md")) {
        problems.extend(check_text(file, &workspace.text(file)?, &|path| workspace.has(path)));
    }
    Ok(problems)
}

fn check_text(file: &str, text: &str, exists: &dyn Fn(&str) -> bool) -> Vec<Problem> {
    let numbered = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    let links = numbered.flat_map(|(number, line)| targets(line).map(move |target| (number, target)));
    let broken = links.filter(|(_, target)| !resolve(file, target).is_some_and(|path| exists(&path)));
    broken.map(|(line, target)| Problem::at(file, line, format!("the link to `{target}` leads nowhere"))).collect()
}

/// What stands in `](…)`, without addresses of the web and without the place within the file.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let ends = line.match_indices("](").filter_map(|(at, found)| line.get(at + found.len()..)?.split(')').next());
    let files = ends.filter(|target| !target.contains("://") && !target.starts_with('#'));
    files.filter_map(|target| target.split('#').next())
}

/// The path from the root; `None` if it leaves the tree.
fn resolve(file: &str, target: &str) -> Option<String> {
    let mut parts: Vec<&str> = file.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn broken(file: &str, text: &str) -> Vec<Option<usize>> {
        let there = |path: &str| ["README.md", "docs/a.md", "docs/adr"].contains(&path);
        check_text(file, text, &there).into_iter().map(|problem| problem.line).collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        assert_eq!(broken("README.md", "[a](docs/a.md) and [adr](docs/adr), [web](https://example.org/x)"), []);
        assert_eq!(broken("docs/a.md", "[top](../README.md#test) [here](#x) [self](./a.md)"), []);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(broken("README.md", "x\n[a](a.md)"), [Some(2)]);
        assert_eq!(broken("docs/a.md", "[a](docs/a.md) [b](../../x)"), [Some(1), Some(1)]);
    }
}
