//! Hostile bytes for whole sessions, in every state that a session can be brought to: none panics, each answers or ends
//! when its client has gone, and none says or holds more than is due.
//!
//! `POSTAMT_FUZZ_ROUNDS` sets how many conversations (1000), `POSTAMT_SEED` where the draws begin; a failure names both.

mod scenes;

use crate::client::{Client, PATIENCE};
use crate::server::Server;
use miniz_oxide::deflate::compress_to_vec;
use scenes::{SCENES, Scene};
use store_kv::{Memory, Seeded};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

/// Conversations with one server before it is replaced by a fresh one.
const ROUNDS_PER_SERVER: u64 = 50;
/// Room in each direction of a pipe: small, so that sessions have to wait for their client.
const PIPE: usize = 4 << 10;
/// Most bytes that a session may say to one conversation of at most [`LINES_MAX`] lines over small messages.
const SAID_MAX: usize = 8 << 20;
/// Most lines of a conversation, before it is mutated.
const LINES_MAX: usize = 12;
/// Most mutations of a conversation.
const MUTATIONS_MAX: u64 = 6;
/// Most that the process may grow over all rounds.
const GROWTH_MAX_KIB: u64 = 256 << 10;

fn number(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The most memory that this process ever had, in KiB.
fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Lines that mean something to the scene, in any order, then spoilt.
fn conversation(scene: &Scene, random: &mut Seeded) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..=random.index(LINES_MAX) {
        bytes.extend_from_slice(scene.lines[random.index(scene.lines.len())].as_bytes());
    }
    for _ in 0..random.below(MUTATIONS_MAX + 1) {
        mutate(&mut bytes, scene, random);
    }
    if scene.is_compressed {
        bytes = compress_to_vec(&bytes, 1);
        if random.below(3) == 0 {
            mutate(&mut bytes, scene, random);
        }
    }
    bytes
}

fn mutate(bytes: &mut Vec<u8>, scene: &Scene, random: &mut Seeded) {
    let place = random.index(bytes.len() + 1);
    let end = (place + random.index(16)).min(bytes.len());
    match random.below(9) {
        0 => bytes.truncate(place),
        1 => drop(bytes.drain(place..end)),
        2 => {
            let copy = bytes[place..end].to_vec();
            bytes.splice(place..place, copy.repeat(1 + random.index(40)));
        }
        3 => bytes.splice(place..place, [u8::try_from(random.below(256)).unwrap()]).for_each(drop),
        4 => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << random.below(8);
            }
        }
        5 => {
            let line = scene.lines[random.index(scene.lines.len())];
            bytes.splice(place..place, line.bytes()).for_each(drop);
        }
        6 => {
            let hostile = scenes::HOSTILE[random.index(scenes::HOSTILE.len())];
            bytes.splice(place..end, hostile.bytes()).for_each(drop);
        }
        7 => {
            let filler = [b'a', b' ', b'(', b'\\', b'"', 0, 0xff, b'\r', b'\n', b'.', b'{'][random.index(11)];
            bytes.splice(place..place, vec![filler; 1 << random.below(17)]).for_each(drop);
        }
        _ => {
            let digit = bytes.iter().skip(place).position(u8::is_ascii_digit);
            if let Some(byte) = digit.and_then(|at| bytes.get_mut(place + at)) {
                *byte = b'0' + u8::try_from(random.below(10)).unwrap();
            }
        }
    }
}

/// Says everything in pieces and hangs up; hears everything meanwhile. Yields how many bytes were heard.
async fn converse(client: Client, bytes: &[u8], random: &mut Seeded) -> usize {
    let (mut reader, mut writer) = tokio::io::split(client.stream.into_inner());
    let say = async {
        let mut rest = bytes;
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + random.index(3000)).min(rest.len()));
            // A session that has ended takes no more.
            if writer.write_all(now).await.is_err() {
                break;
            }
            rest = later;
        }
        let _ = writer.shutdown().await;
    };
    let hear = async {
        let mut heard = 0;
        let mut buffer = vec![0; 8 << 10];
        loop {
            match reader.read(&mut buffer).await {
                Ok(0) | Err(_) => return heard,
                Ok(count) => heard += count,
            }
            assert!(heard <= SAID_MAX, "it says too much");
        }
    };
    tokio::join!(say, hear).1
}

async fn round(server: &Server, seed: u64) {
    let mut random = Seeded::new(seed);
    let scene = &SCENES[random.index(SCENES.len())];
    let bytes = conversation(scene, &mut random);
    let case =
        format!("POSTAMT_FUZZ_ROUNDS=1 POSTAMT_SEED={seed}: {} {:?}", scene.name, bytes.escape_ascii().to_string());
    let (mut client, task) = server.connect(scene.service, scene.listener, PIPE);
    client.greeting().await;
    for (command, answer) in scene.prologue {
        let heard = client.ask(command).await;
        assert!(heard.starts_with(answer), "{case}: {command:?} is answered {heard:?}");
    }
    let conversed = timeout(PATIENCE, converse(client, &bytes, &mut random)).await;
    assert!(conversed.is_ok(), "it is stuck: {case}");
    let ended = timeout(PATIENCE, task).await;
    assert!(ended.is_ok_and(|ended| ended.is_ok()), "it panicked, or did not end: {case}");
}

#[tokio::test]
async fn sessions_survive_hostile_bytes_in_every_state() {
    let (first, rounds) = (number("POSTAMT_SEED", 1), number("POSTAMT_FUZZ_ROUNDS", 1000));
    let before = peak_kib();
    let mut server = Server::start(Memory::new()).await;
    for seed in first..first + rounds {
        if (seed - first) % ROUNDS_PER_SERVER == 0 {
            server = Server::start(Memory::new()).await;
            scenes::furnish(&server).await;
        }
        round(&server, seed).await;
        assert_eq!(server.open(), 0, "a connection is still counted after seed {seed}");
    }
    let grown = peak_kib() - before;
    assert!(grown <= GROWTH_MAX_KIB, "{rounds} conversations took {grown} KiB");
}
