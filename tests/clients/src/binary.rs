//! The program under test.

use anyhow::{Context as _, bail, ensure};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The server binary: the one that the environment names as `POSTAMT_BINARY`, else it is built here, once, in the
/// profile and target directory of the running test. Cargo has no lock on them any more when tests run.
pub fn postamt() -> anyhow::Result<PathBuf> {
    static BINARY: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    match BINARY.get_or_init(|| find().map_err(|error| format!("{error:#}"))) {
        Ok(path) => Ok(path.clone()),
        Err(text) => bail!("the server under test cannot be had: {text}"),
    }
}

fn find() -> anyhow::Result<PathBuf> {
    if let Some(path) = std::env::var_os("POSTAMT_BINARY") {
        let path = PathBuf::from(path);
        ensure!(path.is_file(), "POSTAMT_BINARY names {}, which is not there", path.display());
        return Ok(path);
    }
    // …/target/PROFILE/deps/TEST-HASH
    let test = std::env::current_exe()?;
    let profile = test.ancestors().nth(2).context("the test lies in no target directory")?;
    let target = profile.parent().context("the test lies in no target directory")?;
    let name = match profile.file_name().and_then(|n| n.to_str()).context("a profile without a name")? {
        "debug" => "dev",
        name => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // The whole workspace and a test beside it: the same features as in `cargo test --workspace`, so that what that has
    // built is not built again. The test is one of this package.
    build.args(["build", "--quiet", "--workspace", "--bin", "postamt", "--test", "trial", "--profile", name]);
    if std::env::var_os("CI").is_some() {
        build.arg("--locked");
    }
    // The package's variables that `cargo test` sets are this package's, and would make Cargo build again and again.
    let ours =
        std::env::vars_os().map(|(name, _)| name).filter(|name| name.to_string_lossy().starts_with("CARGO_PKG_"));
    for name in ours {
        build.env_remove(name);
    }
    let output =
        build.arg("--target-dir").arg(target).current_dir(env!("CARGO_MANIFEST_DIR")).stdin(Stdio::null()).output()?;
    ensure!(output.status.success(), "cargo build: {}", String::from_utf8_lossy(&output.stderr));
    let path = profile.join("postamt");
    ensure!(path.is_file(), "cargo built no {}", path.display());
    Ok(path)
}
