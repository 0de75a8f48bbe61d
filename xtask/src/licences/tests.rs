//! One good graph, and one fault at a time.

use super::*;

const POLICY: &str = r#"
[graph]
targets = ["x86_64-unknown-linux-gnu"]
[licenses]
allow = ["MIT"]
exceptions = [{ crate = "lmdb", allow = ["OLDAP-2.8"] }]
[bans]
deny = [{ crate = "openssl", reason = "one TLS stack" }]
skip = [{ crate = "syn", reason = "two majors" }]
[sources]
allow-registry = ["https://registry"]
"#;

fn package(name: &str, version: &str, licence: &str) -> String {
    format!(r#"{{"name":"{name}","version":"{version}","license":"{licence}","source":"registry+https://registry"}}"#)
}

fn good() -> Vec<String> {
    vec![package("lmdb", "1", "OLDAP-2.8"), package("syn", "1", "MIT"), package("syn", "2", "MIT")]
}

fn problems(packages: &[String]) -> Vec<String> {
    let everything: Metadata = serde_json::from_str(&format!(r#"{{"packages":[{}]}}"#, packages.join(","))).unwrap();
    let built = everything.packages.iter().map(|package| (package.name.clone(), package.version.clone())).collect();
    let policy: Policy = toml::from_str(POLICY).unwrap();
    judge(&policy, &everything, &built).into_iter().map(|problem| problem.text).collect()
}

#[test]
fn a_good_graph_passes() {
    assert!(problems(&good()).is_empty());
}

#[test]
fn a_licence_that_is_not_allowed_is_found_outside_its_exception() {
    let with = |package: String| [good(), vec![package]].concat();
    assert_eq!(problems(&with(package("x", "1", "GPL-3.0"))), ["x 1: licence `GPL-3.0` is not allowed"]);
    assert_eq!(problems(&with(package("x", "1", "OLDAP-2.8"))), ["x 1: licence `OLDAP-2.8` is not allowed"]);
    let silent = package("x", "1", "MIT").replace("\"MIT\"", "null");
    assert_eq!(problems(&with(silent)), ["x 1: says no licence"]);
}

#[test]
fn a_banned_crate_and_a_foreign_source_are_found() {
    let with = |package: String| [good(), vec![package]].concat();
    assert_eq!(problems(&with(package("openssl", "1", "MIT"))), ["openssl 1: banned: one TLS stack"]);
    let git = package("x", "1", "MIT").replace("registry+https://registry", "git+https://example.org/x");
    assert_eq!(problems(&with(git)), ["x 1: comes from git+https://example.org/x"]);
}

#[test]
fn a_duplicate_and_an_idle_skip_are_found() {
    let mut twice = good();
    twice.extend([package("x", "1", "MIT"), package("x", "2", "MIT")]);
    assert_eq!(problems(&twice), ["x is built in 2 versions (1, 2)"]);
    assert_eq!(problems(&[package("syn", "2", "MIT")]), ["bans.skip: syn has one version only"]);
}

#[test]
fn a_package_that_is_not_built_in_is_not_judged() {
    let policy: Policy = toml::from_str(POLICY).unwrap();
    let mut list = good();
    list.push(package("x", "1", "GPL-3.0"));
    let everything: Metadata = serde_json::from_str(&format!(r#"{{"packages":[{}]}}"#, list.join(","))).unwrap();
    let built = built_packages("lmdb v1 (*)\nsyn v1\nsyn v2 (proc-macro)\n\n");
    assert_eq!(judge(&policy, &everything, &built), []);
}
