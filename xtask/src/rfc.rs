//! What the project says about RFCs, checked: every cited section exists, every announced capability is in the ledger
//! as whole, and docs/support.md is what the ledger says.

mod citations;
mod ledger;
mod sections;
mod support;

use crate::problem::Problem;
use crate::workspace::{Workspace, has_extension};
use anyhow::Context;
use ledger::Ledger;
use sections::Sections;
use std::path::Path;

/// The ledger: extension, RFC, capability string, status, room, tests.
const LEDGER: &str = "docs/rfc.toml";
/// The numbers of the sections that each RFC has.
const SECTIONS: &str = "docs/rfc-sections.toml";
/// What people read.
const SUPPORT: &str = "docs/support.md";

/// Checks citations, ledger and support table.
pub(crate) fn check(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let ledger = Ledger::parse(&workspace.text(LEDGER)?)?;
    let sections = Sections::parse(&workspace.text(SECTIONS)?)?;
    let mut problems = Vec::new();
    for file in workspace.files.iter().filter(|file| cites(file)) {
        problems.extend(citations::check(file, &workspace.text(file)?, &sections, &ledger.unread));
    }
    problems.extend(ledger.check(workspace)?);
    if workspace.text(SUPPORT).unwrap_or_default() != support::render(&ledger) {
        problems.push(Problem::new(SUPPORT, "is not what the ledger says: run `cargo xtask rfc --write`"));
    }
    Ok(problems)
}

/// Writes docs/support.md from the ledger.
pub(crate) fn write_support(workspace: &Workspace) -> anyhow::Result<Vec<Problem>> {
    let ledger = Ledger::parse(&workspace.text(LEDGER)?)?;
    std::fs::write(workspace.root.join(SUPPORT), support::render(&ledger)).context(SUPPORT)?;
    Ok(Vec::new())
}

/// Puts the RFC texts of a folder (`rfcNNNN.txt`) into docs/rfc-sections.toml.
pub(crate) fn import(workspace: &Workspace, folder: &Path) -> anyhow::Result<Vec<Problem>> {
    let mut sections = Sections::parse(&workspace.text(SECTIONS)?)?;
    sections.import(folder)?;
    std::fs::write(workspace.root.join(SECTIONS), sections.encode()).context(SECTIONS)?;
    Ok(Vec::new())
}

/// The files whose citations are checked: sources, transcripts and what people read.
fn cites(file: &str) -> bool {
    let transcript = file.starts_with("tests/transcripts/") && has_extension(file, "txt");
    has_extension(file, "rs") || transcript || (has_extension(file, "md") && file != SUPPORT)
}
