//! Licences, bans, duplicates and sources of everything that is built in, as deny.toml wants them. What cargo-deny does
//! beyond that (advisories) needs the network and is not done here.

mod expression;

use crate::problem::Problem;
use crate::workspace::Workspace;
use anyhow::{Context, bail};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

const FILE: &str = "deny.toml";

/// deny.toml, as far as it is read here; unknown keys belong to cargo-deny.
#[derive(Debug, Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licences,
    bans: Bans,
    sources: Sources,
}

#[derive(Debug, Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Licences {
    allow: BTreeSet<String>,
    #[serde(default)]
    exceptions: Vec<LicenceException>,
}

#[derive(Debug, Deserialize)]
struct LicenceException {
    #[serde(rename = "crate")]
    name: String,
    allow: BTreeSet<String>,
}

#[derive(Debug, Deserialize)]
struct Bans {
    deny: Vec<Named>,
    skip: Vec<Named>,
}

/// A crate with the reason why it stands in a list.
#[derive(Debug, Deserialize)]
struct Named {
    #[serde(rename = "crate")]
    name: String,
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Sources {
    allow_registry: Vec<String>,
}

/// `cargo metadata`, as far as it is read here. It also names optional packages that nothing switches on.
#[derive(Debug, Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Debug, Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    source: Option<String>,
}

/// Asks cargo what is built in and compares it with deny.toml.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let policy: Policy = toml::from_str(&workspace.text(FILE)?).context(FILE)?;
    let mut problems = Vec::new();
    for target in &policy.graph.targets {
        let everything: Metadata = serde_json::from_slice(&cargo(
            &workspace.root,
            &["metadata", "--format-version", "1", "--filter-platform", target],
        )?)?;
        let tree = cargo(
            &workspace.root,
            &["tree", "--workspace", "--prefix", "none", "--format", "{p}", "--target", target],
        )?;
        let built = built_packages(&String::from_utf8_lossy(&tree));
        for problem in judge(&policy, &everything, &built) {
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }
    Ok(problems)
}

fn cargo(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).current_dir(root).output().context("cannot run cargo")?;
    if !output.status.success() {
        bail!("cargo {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
    }
    Ok(output.stdout)
}

/// Name and version of each line of `cargo tree`: `bytes v1.2.3 (*)`.
fn built_packages(tree: &str) -> BTreeSet<(String, String)> {
    let words = tree.lines().map(|line| line.split(' '));
    let pairs = words.filter_map(|mut words| Some((words.next()?, words.next()?.strip_prefix('v')?)));
    pairs.map(|(name, version)| (name.to_owned(), version.to_owned())).collect()
}

fn judge(policy: &Policy, everything: &Metadata, built: &BTreeSet<(String, String)>) -> Vec<Problem> {
    let used = |package: &&Package| built.contains(&(package.name.clone(), package.version.clone()));
    let packages: Vec<&Package> = everything.packages.iter().filter(used).collect();
    let mut problems: Vec<Problem> = packages.iter().flat_map(|package| judge_package(policy, package)).collect();
    problems.extend(duplicates(&policy.bans, &packages));
    problems
}

fn judge_package(policy: &Policy, package: &Package) -> Vec<Problem> {
    let Package { name, version, .. } = package;
    let problem = |text: String| Problem::new(FILE, format!("{name} {version}: {text}"));
    let mut problems = Vec::new();
    let exception = policy.licenses.exceptions.iter().find(|row| row.name == *name);
    let allowed = |licence: &str| {
        policy.licenses.allow.contains(licence) || exception.is_some_and(|row| row.allow.contains(licence))
    };
    match package.license.as_deref().map(|text| (text, expression::holds(text, &allowed))) {
        None => problems.push(problem("says no licence".to_owned())),
        Some((text, Err(error))) => problems.push(problem(format!("licence `{text}`: {error}"))),
        Some((text, Ok(false))) => problems.push(problem(format!("licence `{text}` is not allowed"))),
        Some((_, Ok(true))) => {}
    }
    if let Some(row) = policy.bans.deny.iter().find(|row| row.name == *name) {
        problems.push(problem(format!("banned: {}", row.reason)));
    }
    if let Some(source) = &package.source {
        let registry = source.strip_prefix("registry+").or_else(|| source.strip_prefix("sparse+"));
        if !registry.is_some_and(|url| policy.sources.allow_registry.iter().any(|allowed| allowed == url)) {
            problems.push(problem(format!("comes from {source}")));
        }
    }
    problems
}

fn duplicates(bans: &Bans, packages: &[&Package]) -> Vec<Problem> {
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().insert(&package.version);
    }
    let skipped = |name: &str| bans.skip.iter().any(|row| row.name == name);
    let several = |name: &str| versions.get(name).is_some_and(|set| set.len() > 1);
    let twice = versions.iter().filter(|(name, set)| set.len() > 1 && !skipped(name));
    let mut problems: Vec<Problem> = twice
        .map(|(name, set)| {
            let list: Vec<&str> = set.iter().copied().collect();
            Problem::new(FILE, format!("{name} is built in {} versions ({})", list.len(), list.join(", ")))
        })
        .collect();
    let idle = bans.skip.iter().filter(|row| !several(&row.name));
    problems.extend(idle.map(|row| Problem::new(FILE, format!("bans.skip: {} has one version only", row.name))));
    problems
}

#[cfg(test)]
#[path = "licences/tests.rs"]
mod tests;
