//! A connection that reads lines and counted bytes, plain or in TLS, with a bound on every wait.

use anyhow::{Context as _, bail, ensure};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long an answer may take.
pub fn patience() -> Duration {
    Duration::from_secs(30)
}

/// Bytes asked for at once.
const CHUNK: usize = 64 << 10;

/// Both directions of a connection.
pub struct Wire {
    stream: Stream,
    buffer: Vec<u8>,
    start: usize,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    /// A plain connection to a port of this machine.
    pub fn plain(port: u16) -> anyhow::Result<Self> {
        Ok(Self { stream: Stream::Plain(connect(port)?), buffer: Vec::new(), start: 0 })
    }

    /// A connection that is TLS from the first byte.
    pub(crate) fn tls(port: u16, trust: Arc<ClientConfig>) -> anyhow::Result<Self> {
        let name = ServerName::try_from("localhost")?;
        let stream = StreamOwned::new(ClientConnection::new(trust, name)?, connect(port)?);
        Ok(Self { stream: Stream::Tls(Box::new(stream)), buffer: Vec::new(), start: 0 })
    }

    /// Writes it all.
    pub fn write(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes)?,
            Stream::Tls(stream) => {
                stream.write_all(bytes)?;
                stream.flush()?;
            }
        }
        Ok(())
    }

    /// Writes a piece again and again without reading, until so many bytes are written, the server has closed, or it has
    /// taken nothing for `stall`.
    pub fn pour(&mut self, piece: &[u8], bytes: usize, stall: Duration) -> anyhow::Result<()> {
        self.socket().set_write_timeout(Some(stall))?;
        for _ in 0..bytes.div_ceil(piece.len().max(1)) {
            if self.write(piece).is_err() {
                break;
            }
        }
        self.socket().set_write_timeout(Some(patience()))?;
        Ok(())
    }

    /// The next line, without its end.
    pub fn line(&mut self) -> anyhow::Result<Vec<u8>> {
        let line = self.raw_line()?;
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
    }

    /// The next line with its LF, and with its CR if it has one.
    pub fn raw_line(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            let held = self.buffer.get(self.start..).unwrap_or_default();
            let rest = held.get(searched..).unwrap_or_default();
            if let Some(place) = rest.iter().position(|b| *b == b'\n') {
                return Ok(self.take(searched + place + 1));
            }
            searched = held.len();
            self.fill()?;
        }
    }

    /// The next line as text.
    pub fn text(&mut self) -> anyhow::Result<String> {
        Ok(String::from_utf8_lossy(&self.line()?).into_owned())
    }

    /// Exactly so many bytes.
    pub fn exactly(&mut self, count: usize) -> anyhow::Result<Vec<u8>> {
        while self.buffer.len() - self.start < count {
            self.fill()?;
        }
        Ok(self.take(count))
    }

    /// The next line, or `None` if none has begun within this time.
    pub fn line_within(&mut self, time: Duration) -> anyhow::Result<Option<Vec<u8>>> {
        if self.start == self.buffer.len() {
            self.socket().set_read_timeout(Some(time))?;
            let filled = self.fill();
            self.socket().set_read_timeout(Some(patience()))?;
            match filled {
                Err(error) if is_timeout(&error) => return Ok(None),
                filled => filled?,
            }
        }
        self.line().map(Some)
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(stream) => stream,
            Stream::Tls(stream) => stream.get_ref(),
        }
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        let end = (self.start + count).min(self.buffer.len());
        let taken = self.buffer.get(self.start..end).unwrap_or_default().to_vec();
        self.start = end;
        if self.start == self.buffer.len() {
            self.buffer.clear();
            self.start = 0;
        }
        taken
    }

    fn fill(&mut self) -> anyhow::Result<()> {
        let mut chunk = vec![0; CHUNK];
        let count = loop {
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read(&mut chunk),
                Stream::Tls(stream) => stream.read(&mut chunk),
            };
            match read {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if count == 0 {
            bail!("the server closed the connection");
        }
        self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }
}

fn connect(port: u16) -> anyhow::Result<TcpStream> {
    ensure!(port != 0, "there is no such port");
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream =
        TcpStream::connect_timeout(&address, patience()).with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(patience()))?;
    stream.set_write_timeout(Some(patience()))?;
    Ok(stream)
}

fn is_timeout(error: &anyhow::Error) -> bool {
    let kind = error.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
    matches!(kind, Some(ErrorKind::WouldBlock | ErrorKind::TimedOut))
}
