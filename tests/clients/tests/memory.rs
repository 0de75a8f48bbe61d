//! Memory is bounded by configuration (docs/guarantees.md, G7): peers that send all they can, or that never read, against
//! the real process. Its own memory (without the files that it maps) is read from `/proc` all the while.

#[path = "memory/flood.rs"]
mod flood;
#[path = "memory/meter.rs"]
mod meter;

use anyhow::{Context as _, ensure};
use flood::{Flood, STALL, half_open, raise_open_files};
use meter::measured;
use std::time::Duration;
use tests_clients::{Account, Ports, Server, Wire, letter};

/// Connections that do the same at the same time.
const CROWD: usize = 8;
/// What each of them sends at most: together far more than [`meter::GROWTH_MAX`].
const EACH: usize = 16 << 20;
/// Bytes of a line or a literal sent at once.
const PIECE: usize = 16 << 10;
/// Commands sent without reading an answer.
const COMMANDS: usize = 100_000;
/// How long an answer may take that has to come.
const SOON: Duration = Duration::from_secs(20);
/// Messages of a megabyte in the mailbox that slow readers fetch.
const MESSAGES: usize = 24;

/// Every port that speaks before TLS, with how it refuses.
fn plain(ports: Ports) -> [(u16, &'static [&'static str]); 5] {
    let smtp: &[&str] = &["500 ", "421 ", "503 ", "501 "];
    [
        (ports.smtp, smtp),
        (ports.submission, smtp),
        (ports.lmtp, smtp),
        (ports.imap, &["* BAD", "* BYE", "A", "a BAD"]),
        (ports.pop3, &["-ERR"]),
    ]
}

/// Signed in on IMAP; the password is checked before anything is measured.
fn signed_in(server: &Server, account: &Account) -> anyhow::Result<Wire> {
    let mut wire = server.tls(server.ports().imaps)?;
    wire.text()?;
    say(&mut wire, &format!("a LOGIN {} {}", account.address, account.password), "a OK")?;
    Ok(wire)
}

/// Says a line and reads to the answer that begins so.
fn say(wire: &mut Wire, line: &str, expected: &str) -> anyhow::Result<()> {
    wire.write(format!("{line}\r\n").as_bytes())?;
    hear(wire, &[expected])
}

/// Reads to a line that begins with one of these. The end of the connection is an answer too.
fn hear(wire: &mut Wire, expected: &[&str]) -> anyhow::Result<()> {
    let mut last = String::new();
    for _ in 0..COMMANDS {
        let Ok(line) = wire.line_within(SOON) else { return Ok(()) };
        last = String::from_utf8_lossy(&line.with_context(|| format!("no answer after {last:?}"))?).into_owned();
        if expected.iter().any(|start| last.starts_with(start)) {
            return Ok(());
        }
    }
    anyhow::bail!("none of {expected:?}, at last {last:?}")
}

fn endless_lines(server: &Server) -> anyhow::Result<()> {
    let floods = plain(server.ports()).into_iter().flat_map(|(port, refusals)| {
        (0..CROWD).map(move |_| Flood::of(port, b"A", EACH).reading().expecting(refusals))
    });
    flood::all(floods)
}

fn commands_without_reading(server: &Server) -> anyhow::Result<()> {
    let ports = server.ports();
    let commands: [(u16, &[u8]); 5] = [
        (ports.smtp, b"EHLO client.example.test\r\n"),
        (ports.submission, b"EHLO client.example.test\r\n"),
        (ports.lmtp, b"LHLO client.example.test\r\n"),
        (ports.imap, b"a CAPABILITY\r\n"),
        (ports.pop3, b"CAPA\r\n"),
    ];
    flood::all(
        commands
            .into_iter()
            .flat_map(|(port, command)| (0..CROWD).map(move |_| Flood::of(port, command, COMMANDS * command.len()))),
    )
}

fn huge_literals(server: &Server, mut signed_in: Wire) -> anyhow::Result<()> {
    let mut before = Wire::plain(server.ports().imap)?;
    before.text()?;
    before.write(b"a LOGIN {10000000000}\r\n")?;
    hear(&mut before, &["a BAD", "a NO", "* BYE"])?;
    let mut pouring = Wire::plain(server.ports().imap)?;
    pouring.text()?;
    pouring.write(b"a LOGIN {10000000000+}\r\n")?;
    pouring.pour(&[b'A'; PIECE], EACH, STALL)?;
    hear(&mut pouring, &["a BAD", "a NO", "* BYE"])?;
    say(&mut signed_in, "a APPEND INBOX {10000000000}", "a NO [TOOBIG]")?;
    say(&mut signed_in, "a SEARCH SUBJECT {10000000000}", "a ")?;
    signed_in.write(b"a APPEND INBOX {10000000000+}\r\n")?;
    signed_in.pour(&[b'A'; PIECE], EACH, STALL)?;
    hear(&mut signed_in, &["a BAD", "a NO", "* BYE"])
}

fn endless_sasl_lines(server: &Server) -> anyhow::Result<()> {
    let ports = server.ports();
    let openings: [(u16, &[&str], &[&str]); 3] = [
        (ports.submissions, &["EHLO client.example.test", "AUTH PLAIN"], &["500", "501", "421", "535"]),
        (ports.imaps, &["a AUTHENTICATE PLAIN"], &["a BAD", "a NO", "* BYE"]),
        (ports.pop3s, &["AUTH PLAIN"], &["-ERR"]),
    ];
    for (port, lines, refusals) in openings {
        let mut wire = server.tls(port)?;
        wire.text()?;
        for line in lines {
            wire.write(format!("{line}\r\n").as_bytes())?;
            hear(&mut wire, &["250 ", "334 ", "+ "])?;
        }
        wire.pour(&[b'A'; PIECE], EACH, STALL)?;
        hear(&mut wire, refusals)?;
    }
    Ok(())
}

fn deep_searches(mut wire: Wire, mut another: Wire) -> anyhow::Result<()> {
    say(&mut wire, "a SELECT INBOX", "a OK")?;
    for nested in [100, 1000, 30_000] {
        say(&mut wire, &format!("a SEARCH {}", "(".repeat(nested)), "a BAD")?;
    }
    say(&mut wire, &format!("a SEARCH {}ALL", "NOT ".repeat(12_000)), "a ")?;
    another.write(format!("a SEARCH {}\r\n", "(".repeat(COMMANDS)).as_bytes())?;
    hear(&mut another, &["a BAD", "* BAD", "* BYE"])
}

fn envelopes(server: &Server, account: &Account) -> anyhow::Result<()> {
    let port = server.ports().lmtp;
    let begun = "LHLO client.example.test\r\nMAIL FROM:<carl@example.org>\r\n";
    let recipient = format!("RCPT TO:<{}>\r\n", account.address);
    let whole = format!("{begun}{recipient}");
    let refused: &[&str] = &["421 ", "452 "];
    let floods = [
        Flood::of(port, recipient.as_bytes(), COMMANDS * recipient.len()).opening(begun).expecting(refused),
        Flood::of(port, b"BDAT 0 LAST\r\n", COMMANDS * 13).opening(begun).expecting(&["421 "]),
        Flood::of(port, b"BDAT 0\r\n", COMMANDS * 8).opening(&whole).expecting(&["421 "]),
        Flood::of(port, b"A", EACH).opening(&format!("{whole}BDAT 10000000000 LAST\r\n")).expecting(&["552 "]),
    ];
    flood::all(floods.into_iter().flat_map(|flood| vec![flood.reading(); CROWD / 2]))
}

/// Headers of many lines are taken in, up to the size of a message; a header of one line is not.
fn endless_headers(server: &Server, account: &Account) -> anyhow::Result<()> {
    let begun = format!(
        "LHLO client.example.test\r\nMAIL FROM:<carl@example.org>\r\nRCPT TO:<{}>\r\nDATA\r\n",
        account.address
    );
    let port = server.ports().lmtp;
    let lines = Flood::of(port, b"X-Filler: something\r\n", EACH).opening(&begun).closing("\r\n.\r\nQUIT\r\n");
    let line = Flood::of(port, b"A", EACH).opening(&format!("{begun}Subject: ")).closing("\r\n.\r\nQUIT\r\n");
    let floods = [lines.expecting(&["250 2.1.5", "250 2.0.0", "552 "]), line.expecting(&["554 ", "421 "])];
    flood::all(floods.into_iter().flat_map(|flood| vec![flood.reading(); CROWD / 2]))
}

fn slow_readers(crowd: Vec<Wire>) -> anyhow::Result<()> {
    let mut crowd = crowd;
    let command = b"a FETCH 1:* (FLAGS ENVELOPE BODYSTRUCTURE BODY.PEEK[])\r\n";
    for wire in &mut crowd {
        say(wire, "a SELECT INBOX", "a OK")?;
    }
    std::thread::scope(|scope| {
        let pouring = crowd.iter_mut().map(|wire| scope.spawn(|| wire.pour(command, COMMANDS * command.len(), STALL)));
        let pouring: Vec<_> = pouring.collect();
        pouring.into_iter().try_for_each(|thread| thread.join().ok().context("a client panicked")?)
    })
}

#[test]
fn no_peer_makes_the_server_grow_beyond_its_limits() -> anyhow::Result<()> {
    raise_open_files()?;
    let server = Server::start()?;
    let anna = server.account("anna")?;
    let megabyte = [letter("large"), b"0123456789 a line of a large message\r\n".repeat(27_000)].concat();
    for _ in 0..MESSAGES {
        let answers = server.lmtp()?.data(&[&anna.address], &megabyte)?;
        ensure!(answers.iter().all(|answer| answer.code == 250), "{answers:?}");
    }
    let mut wires = (0..CROWD + 3).map(|_| signed_in(&server, &anna)).collect::<anyhow::Result<Vec<_>>>()?;
    let mut one = || wires.pop().context("enough connections");
    let (literals, searching, another) = (one()?, one()?, one()?);
    let meter = meter::Meter::of(&server)?;
    measured(&meter, "endless lines", || endless_lines(&server))?;
    measured(&meter, "huge literals", || huge_literals(&server, literals))?;
    measured(&meter, "commands without reading", || commands_without_reading(&server))?;
    measured(&meter, "endless SASL lines", || endless_sasl_lines(&server))?;
    measured(&meter, "deep searches", || deep_searches(searching, another))?;
    measured(&meter, "envelopes", || envelopes(&server, &anna))?;
    measured(&meter, "endless headers", || endless_headers(&server, &anna))?;
    measured(&meter, "slow readers", || slow_readers(wires))?;
    measured(&meter, "half-open connections", || half_open(server.ports().imap))?;
    // It still serves.
    let count = server.imap(&anna)?.count("INBOX")?;
    ensure!(usize::try_from(count)? >= MESSAGES, "{count} messages are left");
    meter.ensure_settled()
}
