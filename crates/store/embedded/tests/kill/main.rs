//! kill -9 at random moments: a child changes a store and says what was acknowledged; the parent kills it, opens the
//! store and looks: everything acknowledged is there once and byte for byte, and nothing else but at most the one change
//! that each worker had under way.
//!
//! `POSTAMT_KILL_ROUNDS` sets how often (10), `POSTAMT_SEED` repeats the draws (not the moments).

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "all of it is a test: a panic is its verdict"
)]

mod script;

use script::{Change, State, read_state};
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store_embedded::{Embedded, Options};
use store_kv::{BodyId, Engine, Seeded, StoreError};

const ROUNDS: u64 = 10;
const WORKERS: u32 = 8;
const DIR: &str = "POSTAMT_KILL_DIR";
const DRAW: &str = "POSTAMT_KILL_DRAW";
/// Most bytes that a store takes in which everything was deleted: the segment in use, the spare one, what compaction
/// leaves because too little of it is dead.
const SPACE_LEFT_MAX: u64 = 5 * SEGMENT;
/// Bytes of a segment.
const SEGMENT: u64 = 2 << 20;
/// The signal that cannot be caught.
const SIGKILL: i32 = 9;

/// Small segments and an eager index and compactor, so that a round sees all of them at work.
fn options() -> Options {
    Options {
        segment_size: SEGMENT,
        inline_body_max: 256 << 10,
        overlay_bytes: 1 << 20,
        index_interval: Duration::from_millis(30),
        compact_interval: Some(Duration::from_millis(50)),
        reserve: 0,
        ..Options::default()
    }
}

fn draws(seed: u64, round: u64, worker: u32) -> Seeded {
    Seeded::new(seed ^ (round << 32) ^ u64::from(worker))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().expect("a number in the environment"))
}

/// The child: does nothing in an ordinary run of the tests.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let draw = std::env::var(DRAW).unwrap();
    let (seed, round) = draw.split_once(' ').unwrap();
    let (seed, round) = (seed.parse().unwrap(), round.parse().unwrap());
    let stop = Arc::new(AtomicBool::new(false));
    std::thread::spawn({
        let stop = Arc::clone(&stop);
        move || {
            // The parent closes it when the child is to end in order.
            let _ = std::io::stdin().read(&mut [0]);
            stop.store(true, Ordering::SeqCst);
        }
    });
    runtime().block_on(async {
        let engine = Embedded::open(Path::new(&dir), options()).unwrap();
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..WORKERS {
            workers.spawn(work(Arc::clone(&engine), worker, draws(seed, round, worker), Arc::clone(&stop)));
        }
        while let Some(ended) = workers.join_next().await {
            ended.unwrap();
        }
        engine.close().await.unwrap();
    });
}

async fn work(engine: Arc<Embedded>, worker: u32, mut random: Seeded, stop: Arc<AtomicBool>) {
    let (mut state, mut bodies) = read_state(&*engine, worker).await;
    let mut done = 0_u64;
    while !stop.load(Ordering::SeqCst) {
        let change = Change::draw(&state, worker, &mut random);
        let staged = match &change {
            Change::Deliver(_, message) => {
                let mut writer = engine.stage(None).await.unwrap();
                for piece in message.body().chunks(50_000) {
                    writer.write(piece).await.unwrap();
                }
                Some(writer.finish().await.unwrap())
            }
            _ => None,
        };
        let id = staged.as_ref().map(store_kv::StagedBody::id);
        engine.commit(change.batch(&state, &bodies, staged)).await.unwrap();
        // One write below the size that a pipe takes whole.
        std::io::stderr().write_all(format!("ack {worker} {done}\n").as_bytes()).unwrap();
        done += 1;
        change.apply(&mut state);
        match &change {
            Change::Deliver(place, _) => {
                bodies.insert(*place, id.unwrap());
            }
            Change::Move(from, to) => {
                let id = bodies.remove(from).unwrap();
                bodies.insert(*to, id);
            }
            Change::Share(from, to) => {
                bodies.insert(*to, bodies[from]);
            }
            Change::Delete(places) => bodies.retain(|place, _| !places.contains(place)),
            Change::Flag(..) => {}
        }
    }
}

/// How a round ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    /// Killed so long after the start: it may still be opening.
    Early(Duration),
    /// Killed so long after the first acknowledgement.
    Working(Duration),
    /// Told to stop after so long.
    Orderly(Duration),
}

fn end_of_round(random: &mut Seeded) -> End {
    let mut millis = |max| Duration::from_millis(random.below(max));
    let (short, long, very_long) = (millis(60), millis(150), millis(600));
    match random.below(8) {
        0 | 1 => End::Early(short),
        2..5 => End::Working(long),
        5 | 6 => End::Working(very_long),
        _ => End::Orderly(long),
    }
}

/// Runs the child for a round; says how many changes of each worker were acknowledged.
fn run_child(dir: &Path, seed: u64, round: u64, end: End) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(DRAW, format!("{seed} {round}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (first, started) = std::sync::mpsc::channel();
    let reader = std::thread::spawn({
        let stderr = BufReader::new(child.stderr.take().unwrap());
        move || {
            let mut acknowledged = vec![0; WORKERS as usize];
            let mut other = String::new();
            for line in stderr.lines().map_while(Result::ok) {
                let words: Vec<&str> = line.split(' ').collect();
                if let ["ack", worker, done] = words[..] {
                    let count = &mut acknowledged[worker.parse::<usize>().unwrap()];
                    assert_eq!(*count, done.parse::<u64>().unwrap(), "acknowledgements out of order");
                    *count += 1;
                    let _ = first.send(());
                } else {
                    other.push_str(&line);
                    other.push('\n');
                }
            }
            (acknowledged, other)
        }
    });
    let stdin = child.stdin.take();
    match end {
        End::Early(delay) => std::thread::sleep(delay),
        End::Working(delay) | End::Orderly(delay) => {
            let _ = started.recv_timeout(Duration::from_mins(1));
            std::thread::sleep(delay);
        }
    }
    if matches!(end, End::Orderly(_)) {
        drop(stdin);
    } else {
        child.kill().unwrap();
    }
    let status = child.wait().unwrap();
    let (acknowledged, other) = reader.join().unwrap();
    let wanted = if matches!(end, End::Orderly(_)) { status.success() } else { status.signal() == Some(SIGKILL) };
    assert!(wanted, "round {round}: the child ended by itself ({status}):\n{other}");
    acknowledged
}

/// What the parent knows of one worker.
#[derive(Default)]
struct Known {
    state: State,
    bodies: BTreeSet<BodyId>,
}

/// Compares a worker's accounts with what must be there.
async fn check(
    engine: &dyn Engine,
    worker: u32,
    known: &mut Known,
    acknowledged: u64,
    random: &mut Seeded,
    orderly: bool,
) {
    for _ in 0..acknowledged {
        Change::draw(&known.state, worker, random).apply(&mut known.state);
    }
    let under_way = Change::draw(&known.state, worker, random);
    let (found, bodies) = read_state(engine, worker).await;
    if found != known.state {
        let mut ahead = known.state.clone();
        under_way.apply(&mut ahead);
        assert!(
            !orderly && found == ahead,
            "worker {worker} after {acknowledged} changes, then {under_way:?}:\nfound {found:#?}\nwanted {:#?}",
            known.state
        );
        known.state = ahead;
    }
    let mut by_seed = BTreeMap::new();
    for (place, id) in &bodies {
        let message = found.messages[place];
        let one = by_seed.entry(message.seed).or_insert(*id);
        assert_eq!(one, id, "one body under two names");
        let wanted = message.body();
        let mut whole = Vec::new();
        loop {
            let piece = engine.read_body(*id, whole.len() as u64..u64::MAX).await.unwrap();
            if piece.is_empty() {
                break;
            }
            whole.extend_from_slice(&piece);
        }
        assert!(whole == wanted, "worker {worker}: the body of {message:?} at {place:?} was altered");
    }
    let alive: BTreeSet<BodyId> = bodies.into_values().collect();
    for gone in known.bodies.difference(&alive) {
        let answer = engine.read_body(*gone, 0..1).await;
        assert!(matches!(answer, Err(StoreError::NoSuchBody(_))), "released, but {answer:?}");
    }
    known.bodies = alive;
}

fn scratch() -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

#[test]
fn a_killed_engine_has_everything_it_acknowledged_and_nothing_half() {
    if std::env::var_os(DIR).is_some() {
        return;
    }
    let rounds = env("POSTAMT_KILL_ROUNDS").unwrap_or(ROUNDS);
    let seed = env("POSTAMT_SEED").unwrap_or_else(|| RandomState::new().hash_one(0));
    let dir = scratch();
    eprintln!("POSTAMT_SEED={seed} POSTAMT_KILL_ROUNDS={rounds} in {}", dir.display());
    let store = dir.join("store");
    let mut random = Seeded::new(seed);
    let mut known: Vec<Known> = (0..WORKERS).map(|_| Known::default()).collect();
    let mut total = 0;
    for round in 0..rounds {
        let end = end_of_round(&mut random);
        let acknowledged = run_child(&store, seed, round, end);
        total += acknowledged.iter().sum::<u64>();
        if round % 5 == 4 {
            // The log alone must do.
            Embedded::rebuild(&store, options()).unwrap();
        }
        let orderly = matches!(end, End::Orderly(_));
        runtime().block_on(async {
            let engine = Embedded::open(&store, options()).unwrap();
            for ((worker, known), acknowledged) in (0..WORKERS).zip(&mut known).zip(acknowledged) {
                check(&*engine, worker, known, acknowledged, &mut draws(seed, round, worker), orderly).await;
            }
            let verified = engine.verify().await.unwrap();
            assert_eq!(verified.problems, 0, "round {round}, {end:?}: {:#?}", verified.listed);
            engine.close().await.unwrap();
        });
    }
    eprintln!("{total} changes acknowledged in {rounds} rounds");
    runtime().block_on(async {
        check_backup(&store, &dir.join("backup"), &mut known).await;
        delete_all(&store, &known).await;
    });
    std::fs::remove_dir_all(&dir).unwrap();
}

/// A backup of the store that was killed so often has everything too.
async fn check_backup(store: &Path, backup: &Path, known: &mut [Known]) {
    let engine = Embedded::open(store, options()).unwrap();
    engine.backup(backup).await.unwrap();
    engine.close().await.unwrap();
    let engine = Embedded::open(backup, options()).unwrap();
    for (worker, known) in (0..WORKERS).zip(known) {
        check(&*engine, worker, known, 0, &mut Seeded::new(0), true).await;
    }
    engine.close().await.unwrap();
}

/// Takes everything out: what is left of the space is little.
async fn delete_all(store: &Path, known: &[Known]) {
    let engine = Embedded::open(store, options()).unwrap();
    for (worker, known) in (0..WORKERS).zip(known) {
        let mut state = known.state.clone();
        let (_, bodies) = read_state(&*engine, worker).await;
        for account in script::accounts(worker) {
            let places: Vec<_> = state.messages.keys().copied().filter(|place| place.account == account).collect();
            if !places.is_empty() {
                let change = Change::Delete(places);
                engine.commit(change.batch(&state, &bodies, None)).await.unwrap();
                change.apply(&mut state);
            }
        }
    }
    // A segment is removed only when the index is past what was moved out of it: a few turns.
    for _ in 0..5 {
        engine.compact_now().await.unwrap();
    }
    let verified = engine.verify().await.unwrap();
    assert_eq!((verified.problems, verified.references), (0, 0), "{:#?}", verified.listed);
    engine.close().await.unwrap();
    let left: u64 = ["log", "body"].iter().map(|dir| bytes_in(&store.join(dir))).sum();
    assert!(left <= SPACE_LEFT_MAX, "{left} bytes are left of nothing");
    assert_eq!(std::fs::read_dir(store.join("body")).unwrap().count(), 0, "files of dead bodies");
}

/// The space that a directory's files take.
fn bytes_in(dir: &Path) -> u64 {
    let files = std::fs::read_dir(dir).unwrap().flatten();
    files.map(|file| file.metadata().unwrap().blocks() * 512).sum()
}
