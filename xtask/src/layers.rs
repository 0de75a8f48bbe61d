//! Who may import whom. The path says the layer, the table in `layers/table.rs` says what it may import; what cannot
//! do I/O by its imports is also looked at line by line (`layers/sans_io.rs`).

mod sans_io;
mod table;

use crate::problem::Problem;
use crate::workspace::{Package, Workspace};
use std::collections::BTreeSet;
use table::{EXTERNAL, IMPORTS, Import, TEST_IMPORTS};

/// Checks every manifest, and the sources of the crates that do no I/O.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let ours: BTreeSet<&str> = workspace.packages.iter().map(|package| package.name.as_str()).collect();
    let mut problems: Vec<Problem> = Vec::new();
    for package in &workspace.packages {
        problems.extend(check_package(package, &ours));
    }
    for package in workspace.packages.iter().filter(|package| sans_io::applies_to(&package.name)) {
        let folder = format!("{}/src/", package.folder);
        let mut sources = Vec::new();
        for file in workspace.rust_files().filter(|file| file.starts_with(&folder)) {
            sources.push((file.as_str(), workspace.text(file)?));
        }
        problems.extend(sans_io::check_sources(&sources));
    }
    Ok(problems)
}

fn check_package(package: &Package, ours: &BTreeSet<&str>) -> Vec<Problem> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let mut problems = Vec::new();
    let expected = package.folder.trim_start_matches("crates/").replace('/', "-");
    if package.name != expected {
        problems.push(Problem::new(&manifest, format!("package name = path with a dash: call it `{expected}`")));
    }
    let (inner, outer): (Vec<&String>, Vec<&String>) =
        package.imports.iter().partition(|import| ours.contains(import.as_str()));
    for import in inner {
        if !allowed(IMPORTS, &package.name, import) {
            let text =
                format!("{} may not import {import}: no row of xtask/src/layers/table.rs allows it", package.name);
            problems.push(Problem::new(&manifest, text));
        }
    }
    let tests = package.test_imports.iter().filter(|import| ours.contains(import.as_str()));
    for import in tests.filter(|import| **import != package.name) {
        if !allowed(IMPORTS, &package.name, import) && !allowed(TEST_IMPORTS, &package.name, import) {
            let text = format!("the tests of {} may not import {import} (xtask/src/layers/table.rs)", package.name);
            problems.push(Problem::new(&manifest, text));
        }
    }
    problems.extend(outer.into_iter().filter_map(|import| check_external(package, import, &manifest)));
    problems
}

fn check_external(package: &Package, import: &str, manifest: &str) -> Option<Problem> {
    if let Some(why) = sans_io::forbidden_dependency(&package.name, import) {
        return Some(Problem::new(
            manifest,
            format!("{} does no I/O and may not import {import}: {why}", package.name),
        ));
    }
    let row = EXTERNAL.iter().find(|row| row.name == import)?;
    let fine = row.only.iter().any(|pattern| matches(pattern, &package.name));
    (!fine)
        .then(|| Problem::new(manifest, format!("{import} belongs into {} only: {}", row.only.join(", "), row.reason)))
}

fn allowed(rows: &[Import], from: &str, to: &str) -> bool {
    rows.iter().any(|row| matches(row.from, from) && matches(row.to, to))
}

/// `proto-*` is every name that begins with `proto-`.
fn matches(pattern: &str, name: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => name.starts_with(prefix),
        None => pattern == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, imports: &[&str], test_imports: &[&str]) -> Package {
        let set = |names: &[&str]| names.iter().copied().map(String::from).collect();
        Package {
            name: folder.trim_start_matches("crates/").replace('/', "-"),
            folder: folder.to_owned(),
            imports: set(imports),
            test_imports: set(test_imports),
        }
    }

    fn problems(folder: &str, imports: &[&str], test_imports: &[&str]) -> Vec<String> {
        let ours = [
            "types",
            "message",
            "proto-imap",
            "proto-sasl",
            "store-kv",
            "store-embedded",
            "domain",
            "net",
            "service-imap",
            "service-smtp",
            "service-session",
            "postamt",
        ];
        let found = check_package(&package(folder, imports, test_imports), &ours.into());
        found.into_iter().map(|problem| problem.text).collect()
    }

    #[test]
    fn the_picture_is_allowed() {
        assert!(problems("crates/proto/imap", &["types", "message", "bytes"], &["proptest", "proto-imap"]).is_empty());
        assert!(problems("crates/domain", &["types", "message", "store-kv", "tokio"], &["store-embedded"]).is_empty());
        assert!(
            problems("crates/service/imap", &["proto-imap", "proto-sasl", "domain", "net"], &["store-kv"]).is_empty()
        );
        assert!(problems("crates/postamt", &["service-imap", "store-embedded", "anyhow", "toml"], &[]).is_empty());
        assert!(problems("tests", &["service-imap", "store-embedded", "tokio"], &[]).is_empty());
    }

    #[test]
    fn a_neighbour_is_refused() {
        assert_eq!(problems("crates/proto/imap", &["proto-sasl"], &[]).len(), 1);
        assert_eq!(problems("crates/service/imap", &["service-smtp"], &[]).len(), 1);
        assert_eq!(problems("crates/service/session", &["service-imap"], &[]).len(), 1);
        assert!(problems("crates/service/imap", &["service-session"], &[]).is_empty());
    }

    #[test]
    fn the_way_up_is_refused() {
        assert_eq!(problems("crates/types", &["message"], &[]).len(), 1);
        assert_eq!(problems("crates/message", &["proto-imap"], &[]).len(), 1);
        assert_eq!(problems("crates/domain", &["service-imap"], &[]).len(), 1);
        assert_eq!(problems("crates/store/embedded", &["domain"], &[]).len(), 1);
    }

    #[test]
    fn services_do_not_name_an_engine_except_in_their_tests() {
        assert_eq!(problems("crates/service/imap", &["store-kv"], &[]).len(), 1);
        assert_eq!(problems("crates/service/imap", &["store-embedded"], &[]).len(), 1);
        assert!(problems("crates/service/imap", &[], &["store-embedded"]).is_empty());
    }

    #[test]
    fn what_tests_import_is_checked_too() {
        assert_eq!(problems("crates/proto/imap", &[], &["domain"]).len(), 1);
        assert_eq!(problems("crates/service/imap", &[], &["service-smtp"]).len(), 1);
    }

    #[test]
    fn sans_io_crates_import_no_runtime_and_no_randomness() {
        for import in ["tokio", "rand", "getrandom", "rustix"] {
            assert_eq!(problems("crates/proto/imap", &[import], &[]).len(), 1, "{import}");
            assert_eq!(problems("crates/message", &[import], &[]).len(), 1, "{import}");
            assert_eq!(problems("crates/types", &[import], &[]).len(), 1, "{import}");
        }
        assert!(problems("crates/net", &["tokio"], &[]).is_empty());
    }

    #[test]
    fn configuration_and_untyped_errors_stay_in_the_binary() {
        assert_eq!(problems("crates/domain", &["toml"], &[]).len(), 1);
        assert_eq!(problems("crates/service/imap", &["anyhow"], &[]).len(), 1);
        assert_eq!(problems("crates/domain", &["heed"], &[]).len(), 1);
    }

    #[test]
    fn the_name_follows_the_path() {
        let mut wrong = package("crates/proto/imap", &[], &[]);
        wrong.name = "imap-proto".to_owned();
        assert_eq!(check_package(&wrong, &BTreeSet::new()).len(), 1);
    }

    #[test]
    fn a_star_matches_only_what_follows_its_prefix() {
        assert!(matches("proto-*", "proto-imap"));
        assert!(!matches("proto-*", "prototype"));
        assert!(matches("*", "anything"));
        assert!(!matches("net", "network"));
    }
}
