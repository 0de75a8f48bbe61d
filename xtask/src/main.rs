//! The checks that a compiler does not make: who may import whom, what a file may look like, whether a cited section
//! exists, which licences come in. Run one with `cargo xtask NAME`; `./test` runs them all.

mod dependencies;
mod guarantees;
mod layers;
mod licences;
mod links;
mod problem;
mod rfc;
mod rust_source;
mod stress;
mod texts;
mod tidy;
mod workspace;

use anyhow::{Context, bail};
use problem::Problem;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use workspace::Workspace;

const USAGE: &str =
    "usage: cargo xtask layers | tidy | rfc [--write | --import DIR] | texts | licences | stress [--help]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(problems) if problems.is_empty() => ExitCode::SUCCESS,
        Ok(problems) => {
            let mut err = std::io::stderr().lock();
            for problem in &problems {
                // Nothing can be done about a closed stderr; the exit code tells it all the same.
                let _ = writeln!(err, "{problem}");
            }
            let _ = writeln!(err, "{} problem(s)", problems.len());
            ExitCode::FAILURE
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> anyhow::Result<Vec<Problem>> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["stress", rest @ ..] = words.as_slice() {
        return stress::run(&root()?, rest);
    }
    let workspace = Workspace::read(&root()?)?;
    match words.as_slice() {
        ["layers"] => layers::check(&workspace),
        ["tidy"] => tidy::check(&workspace),
        ["rfc"] => rfc::check(&workspace),
        ["rfc", "--write"] => rfc::write_support(&workspace),
        ["rfc", "--import", folder] => rfc::import(&workspace, &PathBuf::from(folder)),
        ["texts"] => texts::check(&workspace),
        ["licences"] => licences::check(&workspace),
        _ => bail!("{USAGE}"),
    }
}

/// The folder of the workspace: cargo tells where this package lies; else upwards from here.
fn root() -> anyhow::Result<PathBuf> {
    if let Some(own) = std::env::var_os("CARGO_MANIFEST_DIR") {
        let own = PathBuf::from(own);
        return own.parent().map(PathBuf::from).context("the package has no parent folder");
    }
    let here = std::env::current_dir()?;
    let found = here.ancestors().find(|folder| folder.join("xtask/Cargo.toml").is_file());
    found.map(PathBuf::from).context("not inside the workspace")
}
