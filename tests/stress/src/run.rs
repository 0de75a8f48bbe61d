//! Starts the connections and ends them.

use crate::act::{MAILBOXES, act};
use crate::client::Client;
use crate::facts::Facts;
use crate::random::Random;
use crate::standstill::{Elsewhere, Meeting, nothing_is_lost, stand_still};
use crate::view::Expunges;
use anyhow::Context as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use tests_clients::Wire;

/// How much is done.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// How many connections.
    pub connections: usize,
    /// How many commands each gives between two comparisons.
    pub commands: usize,
    /// How many comparisons there are at most.
    pub rounds: u64,
    /// Whether STORE must tell of each message, changed or not, as Postamt does; others leave those out that stay as
    /// they were (RFC 3501 §6.4.6 leaves it open).
    pub stores_tell_all: bool,
    /// Decides which commands are given; in what order the connections come does not lie with us.
    pub seed: u64,
}

/// The server.
pub struct Target<'a> {
    /// Makes a connection on which nothing was said yet.
    pub connect: &'a (dyn Fn() -> anyhow::Result<Wire> + Sync),
    /// Who signs in.
    pub user: &'a str,
    /// With which password.
    pub password: &'a str,
}

/// What was done without a complaint.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Commands given.
    pub commands: u64,
    /// Comparisons made.
    pub rounds: u64,
    /// Messages that were there in the end.
    pub messages: usize,
}

/// What all connections share.
struct Stage<'a> {
    options: Options,
    meeting: Meeting,
    is_enough: &'a (dyn Fn(u64) -> bool + Sync),
    is_last: AtomicBool,
    commands: AtomicU64,
    rounds: AtomicU64,
}

/// Runs until the rounds are over or `is_enough` says so after one; an error is a complaint, with the end of that
/// conversation.
pub fn run(target: &Target<'_>, options: Options, is_enough: &(dyn Fn(u64) -> bool + Sync)) -> anyhow::Result<Outcome> {
    let facts = Arc::new(Facts::default());
    let sign_in = |who: usize| -> anyhow::Result<Client> {
        let random = Random::new(options.seed, u64::try_from(who)?);
        Client::sign_in((target.connect)()?, who, (target.user, target.password), random, Arc::clone(&facts))
    };
    let mut first = sign_in(options.connections)?;
    for mailbox in MAILBOXES.iter().filter(|mailbox| **mailbox != "INBOX") {
        // It may be there from an earlier run.
        first.command(&format!("CREATE {mailbox}"), Expunges::Allowed)?;
    }
    let stage = Stage {
        options,
        meeting: Meeting::new(options.connections),
        is_enough,
        is_last: AtomicBool::new(false),
        commands: AtomicU64::new(0),
        rounds: AtomicU64::new(0),
    };
    let clients = (0..options.connections).map(sign_in).collect::<anyhow::Result<Vec<_>>>()?;
    let complaints: Vec<anyhow::Error> = thread::scope(|scope| {
        let threads: Vec<_> = clients.into_iter().map(|client| scope.spawn(|| one(client, &stage))).collect();
        let joined = threads.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .filter_map(|ended| ended.unwrap_or_else(|_| Err(anyhow::anyhow!("a connection's thread panicked"))).err())
            .collect()
    });
    if let Some(complaint) = complaints.into_iter().find(|complaint| !complaint.is::<Elsewhere>()) {
        return Err(complaint.context(format!("seed {}", options.seed)));
    }
    let messages = nothing_is_lost(&mut first, &facts).with_context(|| format!("seed {}", options.seed))?;
    let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
    Ok(Outcome { commands: count(&stage.commands), rounds: count(&stage.rounds), messages })
}

/// One connection from its first command to its last.
fn one(mut client: Client, stage: &Stage<'_>) -> anyhow::Result<()> {
    let done = converse(&mut client, stage);
    done.map_err(|error| {
        stage.meeting.end();
        if error.is::<Elsewhere>() {
            return error;
        }
        error.context(format!("connection {} after\n{}", client.who, client.conversation()))
    })
}

fn converse(client: &mut Client, stage: &Stage<'_>) -> anyhow::Result<()> {
    client.stores_tell_all = stage.options.stores_tell_all;
    // Some speak QRESYNC, some CONDSTORE, most neither.
    if client.who % 4 == 1 && client.has("QRESYNC") {
        client.expect("ENABLE QRESYNC", Expunges::Allowed)?;
        client.qresync = true;
    } else if client.who % 4 == 2 && client.has("CONDSTORE") && client.has("ENABLE") {
        client.expect("ENABLE CONDSTORE", Expunges::Allowed)?;
    }
    loop {
        for _ in 0..stage.options.commands {
            act(client)?;
            stage.commands.fetch_add(1, Ordering::Relaxed);
        }
        if client.who == 0 {
            let round = stage.rounds.fetch_add(1, Ordering::Relaxed) + 1;
            stage.is_last.store(round >= stage.options.rounds || (stage.is_enough)(round), Ordering::Relaxed);
        }
        stand_still(client, &stage.meeting)?;
        if stage.is_last.load(Ordering::Relaxed) {
            client.expect("LOGOUT", Expunges::Forbidden).or_else(said_goodbye)?;
            return Ok(());
        }
    }
}

/// LOGOUT says BYE first.
fn said_goodbye<T: Default>(error: anyhow::Error) -> anyhow::Result<T> {
    if error.to_string().contains("BYE") { Ok(T::default()) } else { Err(error) }
}
