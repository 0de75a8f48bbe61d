//! The log on standard error: lines for people or JSON, by `tracing`.

use crate::config::schema::{Log, LogForm};
use anyhow::Context as _;
use std::io::{IsTerminal as _, stderr};
use tracing_subscriber::EnvFilter;

/// Starts the log for the whole process.
pub(crate) fn start(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.level).with_context(|| format!("log.level = {:?}", log.level))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(stderr().is_terminal());
    match log.form {
        LogForm::Text => builder.try_init(),
        LogForm::Json => builder.json().flatten_event(true).try_init(),
    }
    .map_err(|error| anyhow::anyhow!("cannot start the log: {error}"))
}
