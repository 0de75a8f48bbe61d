//! `postamt config check`

use crate::config;
use crate::print::say;
use std::path::Path;

pub(super) fn run(path: &Path) -> anyhow::Result<()> {
    config::load(path)?;
    say(&format!("{} is good.\n", path.display()));
    Ok(())
}
