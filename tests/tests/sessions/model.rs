//! Many clients, one truth: several clients give random commands to whole sessions, at once and one after the other,
//! and each knows its mailbox only by untagged answers. Whenever one asks for all news, it knows what is there.
//!
//! `POSTAMT_CLIENTS_ROUNDS` sets how many rounds on each engine, `POSTAMT_SEED` where the draws begin; a failure names
//! the seed, the round, and what was said last.

mod client;
mod commands;
mod line;

use crate::server::{ANNA, Listener, PASSWORD, Server, Service};
use client::{Command, Kind, Mode, Model};
use commands::MAILBOXES;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use store_embedded::Embedded;
use store_kv::{Engine, Memory, Seeded};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};
use tokio::time::timeout;
use types::Flags;

/// Rounds on the engine in memory, and on the embedded one, which syncs.
const ROUNDS: (u64, u64) = (24_000, 9_000);
/// Rounds with one server before it is replaced by a fresh one.
const ROUNDS_PER_SERVER: u64 = 3_000;
/// Room in each direction of a pipe: an idling client is read late.
const PIPE: usize = 1 << 20;
/// Lines shown when something is wrong.
const LOG_LINES: usize = 60;
/// A mailbox with more messages is cut down.
const MESSAGES_MAX: u32 = 40;

const SYSTEM_FLAGS: [(Flags, &str); 5] = [
    (Flags::ANSWERED, "\\Answered"),
    (Flags::FLAGGED, "\\Flagged"),
    (Flags::DELETED, "\\Deleted"),
    (Flags::SEEN, "\\Seen"),
    (Flags::DRAFT, "\\Draft"),
];

const MODES: [Mode; 6] = [Mode::Plain, Mode::QResync, Mode::CondStore, Mode::UidOnly, Mode::QResync, Mode::Plain];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// A connection and what its client knows.
struct Speaker {
    name: usize,
    model: Model,
    connection: crate::client::Client,
    running: VecDeque<(String, Command)>,
    idling: bool,
    tags: u64,
}

/// Shows the last lines when the test panics.
#[derive(Default)]
struct Log {
    lines: VecDeque<String>,
    context: String,
}

impl Log {
    fn say(&mut self, name: usize, mode: Mode, mark: char, line: &str) {
        if self.lines.len() == LOG_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(format!("{name} {mode:?} {mark} {}", line.trim_end()));
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.context);
            for line in &self.lines {
                eprintln!("{line}");
            }
        }
    }
}

impl Speaker {
    async fn connect(server: &Server, name: usize, mode: Mode, log: &mut Log) -> Self {
        let (connection, _) = server.connect(Service::Imap, Listener::Implicit, PIPE);
        let model = Model::new(mode);
        let mut speaker = Self { name, model, connection, running: VecDeque::new(), idling: false, tags: 0 };
        speaker.connection.greeting().await;
        speaker.begin(plain(&format!("LOGIN {ANNA} {PASSWORD}")), log).await;
        match mode {
            Mode::Plain => {}
            Mode::CondStore => speaker.begin(plain("ENABLE CONDSTORE"), log).await,
            Mode::QResync => speaker.begin(plain("ENABLE QRESYNC"), log).await,
            Mode::UidOnly => speaker.begin(plain("ENABLE UIDONLY"), log).await,
        }
        speaker.finish(log).await;
        speaker
    }

    /// Sends a command; its answer is read by [`Self::finish`].
    async fn begin(&mut self, command: Command, log: &mut Log) {
        self.tags += 1;
        let tag = format!("t{}", self.tags);
        log.say(self.name, self.model.mode, 'C', &command.text);
        self.connection.send(&format!("{tag} {}\r\n", command.text)).await;
        if matches!(command.kind, Kind::Idle) {
            self.idling = true;
        }
        self.running.push_back((tag, command));
    }

    /// Ends an IDLE, if one runs.
    async fn wake(&mut self, log: &mut Log) {
        if std::mem::take(&mut self.idling) {
            log.say(self.name, self.model.mode, 'C', "DONE");
            self.connection.send("DONE\r\n").await;
            self.finish(log).await;
        }
    }

    /// Reads the answers of the commands that run, but that of IDLE.
    async fn finish(&mut self, log: &mut Log) {
        if self.idling {
            return;
        }
        while let Some((tag, command)) = self.running.pop_front() {
            let mut said = Vec::new();
            let status = loop {
                let line = self.line().await;
                log.say(self.name, self.model.mode, 'S', &line);
                if let Some(status) = line.strip_prefix(&tag) {
                    break status.trim_start().to_owned();
                }
                if !line.starts_with('+') {
                    said.push(line::read(&line));
                }
            };
            self.model.take(&command, said, &status);
        }
    }

    /// A line, literals left out.
    async fn line(&mut self) -> String {
        let mut whole = String::new();
        loop {
            let read = timeout(crate::client::PATIENCE, self.connection.stream.read_line(&mut whole)).await;
            assert!(read.expect("an answer in time").unwrap() > 0, "the connection ended");
            let size = whole.trim_end().strip_suffix('}').and_then(|rest| rest.rsplit_once('{')?.1.parse().ok());
            let Some(size) = size else { return whole.trim_end().to_owned() };
            whole.truncate(whole.rfind('{').unwrap());
            let mut literal = vec![0; size];
            self.connection.stream.read_exact(&mut literal).await.unwrap();
        }
    }

    /// Asks for all news, and for what is not known, and compares.
    async fn sync(&mut self, server: &Server, log: &mut Log) {
        self.wake(log).await;
        self.begin(plain("NOOP"), log).await;
        self.finish(log).await;
        let Some(open) = &self.model.open else { return };
        if open.slots.iter().any(|slot| slot.uid.is_none() || slot.flags.is_none()) {
            let uid_only = self.model.mode == Mode::UidOnly;
            let text = if uid_only { "UID FETCH 1:* (FLAGS)" } else { "FETCH 1:* (UID FLAGS)" };
            self.begin(Command { text: text.into(), expunges: uid_only, kind: Kind::Plain }, log).await;
            self.finish(log).await;
        }
        let mailbox = self.model.open.as_ref().unwrap().mailbox;
        let truth = server.snapshot(mailbox).await;
        self.model.compare(&truth, &log.context);
    }
}

fn plain(text: &str) -> Command {
    Command { text: text.into(), expunges: true, kind: Kind::Plain }
}

/// What a person does from elsewhere: a delivery, or POP3's deletion.
async fn elsewhere(server: &Server, random: &mut Seeded, log: &mut Log) {
    let mailbox = *random.pick(&MAILBOXES).unwrap();
    let snapshot = server.snapshot(mailbox).await;
    let uids: Vec<_> = snapshot.iter().map(|entry| entry.uid).filter(|_| random.chance(1, 3)).collect();
    if random.chance(1, 2) || snapshot.len() > MESSAGES_MAX {
        log.say(9, Mode::Plain, 'C', &format!("(elsewhere) removes {uids:?} from {mailbox}"));
        server.remove(mailbox, uids).await;
    } else {
        log.say(9, Mode::Plain, 'C', &format!("(elsewhere) delivers to {mailbox}"));
        server.deliver(mailbox).await;
    }
}

async fn play(server: &Server, seed: u64, rounds: u64, log: &mut Log) {
    let mut random = Seeded::new(seed);
    let mut speakers = Vec::new();
    for (name, mode) in MODES.into_iter().enumerate() {
        speakers.push(Speaker::connect(server, name, mode, log).await);
    }
    for round in 0..rounds {
        log.context = format!("POSTAMT_SEED={seed} round {round}");
        // Some speak at once; sometimes one gives two commands without waiting for the first answer.
        let mut chosen: Vec<usize> = (0..=random.index(3)).map(|_| random.index(speakers.len())).collect();
        chosen.sort_unstable();
        chosen.dedup();
        for who in &chosen {
            let speaker = &mut speakers[*who];
            if speaker.idling && random.chance(1, 2) {
                continue;
            }
            speaker.wake(log).await;
            let command = commands::choose(&mut speaker.model, &mut random);
            let is_quiet = !command.expunges && !matches!(command.kind, Kind::Close | Kind::Select { .. });
            speaker.begin(command, log).await;
            if is_quiet && random.chance(1, 3) {
                // No number moves before the next command has come, so it can be reckoned with those of now.
                let next = commands::choose(&mut speaker.model, &mut random);
                if !matches!(next.kind, Kind::Close | Kind::Select { .. } | Kind::Idle) {
                    speaker.begin(next, log).await;
                }
            }
        }
        for who in &chosen {
            speakers[*who].finish(log).await;
        }
        match random.below(40) {
            0..=7 => {
                let who = random.index(speakers.len());
                speakers[who].sync(server, log).await;
            }
            8 => elsewhere(server, &mut random, log).await,
            9 => {
                // A connection that is lost: what it did not hear, it asks for when it comes again.
                let who = random.index(speakers.len());
                let mode = speakers[who].model.mode;
                speakers[who].model.keep();
                let kept = std::mem::take(&mut speakers[who].model.kept);
                speakers[who] = Speaker::connect(server, who, mode, log).await;
                speakers[who].model.kept = kept;
                let again = commands::select(&mut speakers[who].model, &mut random);
                speakers[who].begin(again, log).await;
                speakers[who].finish(log).await;
                speakers[who].sync(server, log).await;
            }
            _ => {}
        }
    }
    for speaker in &mut speakers {
        speaker.sync(server, log).await;
    }
}

async fn play_on(open: impl Fn() -> Arc<dyn Engine>, rounds: u64) {
    let first = number("POSTAMT_SEED").unwrap_or(1);
    let rounds = number("POSTAMT_CLIENTS_ROUNDS").unwrap_or(rounds);
    for seed in first..first + rounds.div_ceil(ROUNDS_PER_SERVER) {
        eprintln!("seed {seed}");
        let server = Server::start(open()).await;
        let mut log = Log::default();
        play(&server, seed, rounds.min(ROUNDS_PER_SERVER), &mut log).await;
    }
}

#[tokio::test]
async fn many_clients_know_one_truth_on_the_engine_in_memory() {
    play_on(|| Memory::new(), ROUNDS.0).await;
}

#[tokio::test]
async fn many_clients_know_one_truth_on_the_embedded_engine() {
    let folder = Folder(std::env::temp_dir().join(format!("postamt-clients-{}", std::process::id())));
    let next = std::sync::atomic::AtomicU32::new(0);
    let open = || -> Arc<dyn Engine> {
        let number = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let place = folder.0.join(number.to_string());
        std::fs::create_dir_all(&place).unwrap();
        let options = store_embedded::Options { segment_size: 4 << 20, ..store_embedded::Options::default() };
        Embedded::open(&place, options).unwrap()
    };
    play_on(open, ROUNDS.1).await;
}

struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // The system clears its folder of temporary files too.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
