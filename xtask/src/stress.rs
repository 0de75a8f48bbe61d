//! Builds the server and lets many IMAP connections loose on it (`tests/stress`).

use crate::problem::Problem;
use anyhow::ensure;
use std::path::Path;
use std::process::Command;

/// Runs it with these arguments, in the release profile. Its complaints go to the terminal as they are.
pub(crate) fn run(root: &Path, arguments: &[&str]) -> anyhow::Result<Vec<Problem>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(&cargo).args(["build", "--release", "--package", "postamt"]).current_dir(root).status()?;
    ensure!(built.success(), "the server cannot be built");
    let mut stress = Command::new(&cargo);
    stress.args(["run", "--quiet", "--release", "--package", "tests-stress", "--"]).args(arguments);
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), Into::into);
    let status = stress.env("POSTAMT_BINARY", target.join("release/postamt")).current_dir(root).status()?;
    ensure!(status.success(), "there is a complaint");
    Ok(Vec::new())
}
