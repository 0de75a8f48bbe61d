//! Peers on plain connections: those that send without end, those that never finish a word.

use anyhow::{Context as _, ensure};
use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::time::Duration;

/// How long a server may take nothing before its peer gives up.
pub(crate) const STALL: Duration = Duration::from_secs(2);
/// Bytes written at once.
const PIECE: usize = 64 << 10;
/// What is kept of the answers: their end.
const KEPT: usize = 4 << 10;
/// Connections from one address, as the test server's configuration has it, and some more.
const PER_ADDRESS: usize = 500;
const BEYOND: usize = 20;
/// Addresses that they come from.
const ADDRESSES: u8 = 4;

/// A client that says one thing again and again.
#[derive(Clone)]
pub(crate) struct Flood {
    port: u16,
    opening: String,
    piece: Vec<u8>,
    bytes: usize,
    closing: &'static str,
    reads: bool,
    expected: &'static [&'static str],
}

impl Flood {
    /// Says this until so many bytes are sent; reads nothing, and stays for a while.
    pub(crate) fn of(port: u16, words: &[u8], bytes: usize) -> Self {
        let piece = words.repeat(PIECE.div_ceil(words.len().max(1)));
        Self { port, opening: String::new(), piece, bytes, closing: "", reads: false, expected: &[] }
    }

    /// Says this before.
    pub(crate) fn opening(self, opening: &str) -> Self {
        Self { opening: opening.to_owned(), ..self }
    }

    /// Says this at the end.
    pub(crate) fn closing(self, closing: &'static str) -> Self {
        Self { closing, ..self }
    }

    /// Reads what it is answered.
    pub(crate) fn reading(self) -> Self {
        Self { reads: true, ..self }
    }

    /// A line of the answers must begin so, if any came through: a server that closes may cut them off.
    pub(crate) fn expecting(self, expected: &'static [&'static str]) -> Self {
        Self { expected, ..self }
    }

    fn run(&self) -> anyhow::Result<()> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port))?;
        stream.set_write_timeout(Some(STALL))?;
        let reading = if self.reads { Some(stream.try_clone()?) } else { None };
        let reading = reading.map(|stream| std::thread::spawn(move || end_of(stream)));
        let mut written = stream.write_all(self.opening.as_bytes());
        for _ in 0..self.bytes.div_ceil(self.piece.len()) {
            if written.is_err() {
                break;
            }
            written = stream.write_all(&self.piece);
        }
        // The server may have closed long ago: that is its right.
        let _ = written.and_then(|()| stream.write_all(self.closing.as_bytes()));
        if !self.reads {
            // The system's buffers take much: the server is to have the time to work on all that.
            std::thread::sleep(STALL);
        }
        let _ = stream.shutdown(Shutdown::Write);
        let Some(answers) = reading.map(std::thread::JoinHandle::join).transpose().ok().context("a reader broke")?
        else {
            return Ok(());
        };
        let found = answers.lines().any(|line| self.expected.iter().any(|start| line.starts_with(start)));
        ensure!(found || answers.is_empty(), "none of {:?} in {answers:?}", self.expected);
        Ok(())
    }
}

/// All at the same time.
pub(crate) fn all(floods: impl IntoIterator<Item = Flood>) -> anyhow::Result<()> {
    let threads: Vec<_> = floods.into_iter().map(|flood| std::thread::spawn(move || flood.run())).collect();
    threads.into_iter().try_for_each(|thread| thread.join().ok().context("a client panicked")?)
}

/// Reads to the end, and keeps the end.
fn end_of(mut stream: TcpStream) -> String {
    let mut kept = Vec::new();
    let mut piece = vec![0; PIECE];
    let _ = stream.set_read_timeout(Some(10 * STALL));
    while let Ok(count @ 1..) = stream.read(&mut piece) {
        kept.extend_from_slice(piece.get(..count).unwrap_or_default());
        kept.drain(..kept.len().saturating_sub(KEPT));
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// As many connections as each address may have, each in the middle of its largest command before the sign-in; then some
/// more, which are refused.
pub(crate) fn half_open(port: u16) -> anyhow::Result<()> {
    let mut open = Vec::new();
    for host in 2..2 + ADDRESSES {
        let from = Ipv4Addr::new(127, 0, 0, host);
        for _ in 0..PER_ADDRESS {
            let mut stream = connect_from(from, port)?;
            stream.write_all(b"a LOGIN {4000+}\r\n")?;
            stream.write_all(&[b'A'; 3999])?;
            open.push(stream);
        }
        for _ in 0..BEYOND {
            let mut stream = connect_from(from, port)?;
            stream.set_read_timeout(Some(10 * STALL))?;
            let mut answer = String::new();
            stream.read_to_string(&mut answer)?;
            ensure!(answer.starts_with("* BYE"), "one too many is told {answer:?}");
        }
    }
    // All were let in.
    for stream in &mut open {
        let mut word = [0; 4];
        stream.set_read_timeout(Some(10 * STALL))?;
        stream.read_exact(&mut word)?;
        ensure!(&word == b"* OK", "a greeting begins with {word:?}");
    }
    Ok(())
}

fn connect_from(from: Ipv4Addr, port: u16) -> anyhow::Result<TcpStream> {
    let socket = socket(AddressFamily::INET, SocketType::STREAM, None)?;
    bind(&socket, &SocketAddr::V4(SocketAddrV4::new(from, 0)))?;
    connect(&socket, &SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)))?;
    Ok(TcpStream::from(socket))
}

/// Both ends need a file for each connection.
pub(crate) fn raise_open_files() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
    Ok(())
}
