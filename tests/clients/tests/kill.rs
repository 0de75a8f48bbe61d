//! The real server killed (SIGKILL) at random moments under load, started again and looked at: G1 to G5 of
//! `docs/guarantees.md`. Rounds by `POSTAMT_SERVER_KILL_ROUNDS`, the course of things by `POSTAMT_SERVER_KILL_SEED`.
//!
//! `kill/ledger.rs` knows what was acknowledged and what was under way, `kill/load.rs` makes the load, `kill/check.rs`
//! compares. A client here never sends anything twice, so nothing may be there twice.

#[path = "kill/check.rs"]
mod check;
#[path = "kill/ledger.rs"]
mod ledger;
#[path = "kill/letters.rs"]
mod letters;
#[path = "kill/load.rs"]
mod load;

use anyhow::{Context as _, ensure};
use ledger::Ledger;
use letters::Dice;
use load::Load;
use std::time::{Duration, Instant};
use tests_clients::{Account, Server};

/// Accounts: two that IMAP works in, one that POP3 empties.
const NAMES: [&str; 3] = ["anna", "ben", "carla"];
const ROUNDS: u64 = 5;
/// The longest stretch of load before the signal, in milliseconds.
const LOAD_MAX: u64 = 900;

fn number(variable: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| format!("{variable}={text} is no number")),
        Err(_) => Ok(default),
    }
}

fn seed() -> anyhow::Result<u64> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let seed = number("POSTAMT_SERVER_KILL_SEED", u64::from(now.subsec_nanos()) + now.as_secs())?;
    eprintln!("POSTAMT_SERVER_KILL_SEED={seed}");
    Ok(seed)
}

struct World {
    server: Server,
    accounts: Vec<Account>,
    ledger: Ledger,
}

impl World {
    fn new() -> anyhow::Result<Self> {
        let server = Server::start()?;
        let accounts = NAMES.iter().map(|name| server.account(name)).collect::<anyhow::Result<Vec<_>>>()?;
        for account in accounts.iter().take(load::POP3_ACCOUNT) {
            let mut imap = server.imap(account)?;
            for worker in 0..load::IMAP_WORKERS {
                imap.expect(&format!("CREATE {}", load::own_mailbox(worker)))?;
            }
        }
        Ok(Self { server, accounts, ledger: Ledger::default() })
    }

    /// Load for a while, then what `end` does to the server.
    fn load(
        &mut self,
        round: u64,
        dice: &mut Dice,
        end: impl FnOnce(&mut Server) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let pause = Duration::from_millis(20 + dice.below(LOAD_MAX));
        let load = Load::start(&self.server, &self.accounts, &self.ledger, round, dice)?;
        std::thread::sleep(pause);
        load.expect_the_end();
        let ended = end(&mut self.server);
        let told = load.join();
        ended?;
        told
    }

    fn boot_and_check(&mut self) -> anyhow::Result<()> {
        let begin = Instant::now();
        self.server.boot()?;
        let took = begin.elapsed();
        check::everything(&self.server, &self.accounts, &self.ledger)?;
        self.server.admin(["store", "verify"])?;
        eprintln!("up after {took:?}, {}", self.ledger.figures());
        Ok(())
    }
}

#[test]
fn nothing_acknowledged_is_lost_altered_or_doubled_by_kill_9() -> anyhow::Result<()> {
    let mut dice = Dice::new(seed()?);
    let mut world = World::new()?;
    for round in 1..=number("POSTAMT_SERVER_KILL_ROUNDS", ROUNDS)? {
        world.load(round, &mut dice, Server::kill).with_context(|| format!("load of round {round}"))?;
        world.boot_and_check().with_context(|| format!("after round {round}"))?;
    }
    ensure!(world.ledger.acknowledged() > 0, "the load did nothing");
    Ok(())
}

#[test]
fn sigterm_under_load_ends_in_order() -> anyhow::Result<()> {
    let mut dice = Dice::new(seed()?);
    let mut world = World::new()?;
    for round in 1..=2 {
        world.load(round, &mut dice, |server| {
            let begin = Instant::now();
            let status = server.terminate()?;
            ensure!(status.success(), "SIGTERM ended it with {status}");
            ensure!(begin.elapsed() < Duration::from_secs(15), "that took {:?}", begin.elapsed());
            Ok(())
        })?;
        world.boot_and_check().with_context(|| format!("after round {round}"))?;
    }
    Ok(())
}
