//! `postamt store rebuild`: the index anew from the log, with the server stopped.

use crate::config::Config;
use crate::engines;
use crate::print::say;

pub(super) fn run(config: &Config) -> anyhow::Result<()> {
    engines::rebuild(&config.server.data)?;
    say("The index was made anew from the log.\n");
    Ok(())
}
