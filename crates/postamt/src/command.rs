//! One room per command. [`run`] decides; everything that needs the running server becomes a control request.

mod account_import;
mod administer;
mod config_check;
mod password_input;
mod prove;
mod serve;
mod store_rebuild;
mod undelete;

use crate::cli::{Account, Cli, Command, Config, Prove, Store};
use crate::{config, trial};
use std::process::ExitCode;

/// Runs the command; the exit code is 0 for done, 1 for failed.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    match cli.command {
        Command::Trial(options) => trial::run(&options, cli.common.json)?,
        Command::Prove(Prove::NoCleartext) => return prove::no_cleartext(&cli.common),
        Command::Serve => serve::run(&cli.common.config)?,
        Command::Config(Config::Check) => config_check::run(&cli.common.config)?,
        Command::Store(Store::Rebuild) => store_rebuild::run(&config::load(&cli.common.config)?)?,
        Command::Account(Account::Import { file, domain, scheme, dry_run }) => {
            let source = account_import::Source { file, domain, scheme, dry_run };
            return account_import::run(&source, &cli.common);
        }
        Command::Undelete(command) => undelete::run(command, &cli.common)?,
        command => administer::run(command, &cli.common)?,
    }
    Ok(ExitCode::SUCCESS)
}
