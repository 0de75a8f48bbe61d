//! `cargo xtask stress`: the random commands for as long as one likes, against Postamt or, for a second opinion, against
//! any IMAP server that listens on this machine.

use anyhow::{Context as _, bail};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tests_clients::{Server, Wire};
use tests_stress::{Options, Outcome, Target, run};

const USAGE: &str = "usage: cargo xtask stress [--minutes N] [--connections N] [--seed N] [--plain PORT USER PASSWORD]

Starts Postamt on free ports of the loopback address, or takes the server at PORT, which speaks without TLS.";

struct Arguments {
    minutes: u64,
    options: Options,
    plain: Option<(u16, String, String)>,
}

fn main() -> ExitCode {
    let outcome = arguments().and_then(|arguments| stress(&arguments));
    match outcome {
        Ok(Outcome { commands, rounds, messages }) => {
            let text =
                format!("{commands} commands, {rounds} comparisons, {messages} messages in the end: no complaint\n");
            // Who closed our output does not want to know.
            let _ = std::io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn arguments() -> anyhow::Result<Arguments> {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let options = Options { connections: 20, commands: 100, rounds: u64::MAX, stores_tell_all: true, seed };
    let mut arguments = Arguments { minutes: 10, options, plain: None };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut next = || words.next().context(USAGE);
        match word.as_str() {
            "--minutes" => arguments.minutes = next()?.parse()?,
            "--connections" => arguments.options.connections = next()?.parse()?,
            "--seed" => arguments.options.seed = next()?.parse()?,
            "--plain" => arguments.plain = Some((next()?.parse()?, next()?, next()?)),
            _ => bail!(USAGE),
        }
    }
    Ok(arguments)
}

fn stress(arguments: &Arguments) -> anyhow::Result<Outcome> {
    let end = Instant::now() + Duration::from_secs(60 * arguments.minutes);
    let is_enough = |_| Instant::now() >= end;
    if let Some((port, user, password)) = &arguments.plain {
        let target = Target { connect: &|| Wire::plain(*port), user, password };
        return run(&target, Options { stores_tell_all: false, ..arguments.options }, &is_enough);
    }
    let server = Server::start()?;
    let account = server.account("anna")?;
    let connect = || server.tls(server.ports().imaps);
    run(
        &Target { connect: &connect, user: &account.address, password: &account.password },
        arguments.options,
        &is_enough,
    )
}
