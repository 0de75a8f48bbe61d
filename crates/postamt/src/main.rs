//! `postamt`, the program: reads the command line and the configuration, puts engine, domain and services together.
//!
//! `cli` and `command/` are what people type, `config/` is the file, `server` assembles, `control/` is how commands
//! reach a running server, `trial/` is the try-out.

mod cli;
mod command;
mod config;
mod control;
mod engines;
mod logging;
mod metrics;
mod print;
mod prove;
mod server;
mod trial;

use clap::Parser as _;
use mimalloc::MiMalloc;
use std::io::Write as _;
use std::process::ExitCode;

/// The system's allocator lets the 19 MiB of each password check split its heap, and keeps what lies between: a server
/// with 2,000 idle connections stood at 1.4 GB instead of 50 MB (`docs/performance.md`).
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    match command::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            let text = format!("{error:#}");
            let text = if text.starts_with("error") { text } else { format!("error: {text}") };
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::FAILURE
        }
    }
}
