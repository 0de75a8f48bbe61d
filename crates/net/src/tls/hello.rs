//! What a client offers in its first message and the TLS library does not tell us: the extended master secret.
//!
//! In TLS 1.2 two sessions can be made to share all their secrets unless both ends bind them to the whole handshake
//! (RFC 7627 §1), and then a channel binding made of those secrets binds nothing (RFC 9266 §4.2). The library agrees to the
//! extension whenever a client offers it, so it is enough to look at the offer. The message is looked at as the library
//! reads it, and only until it is whole.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Most bytes of a first message that are kept to look at. One with more, which no program sends, counts as one that
/// offers nothing.
const HELLO_MAX: usize = 16 << 10;
/// The kind of a record, and of a handshake message (RFC 5246 §6.2.1, §7.4).
const RECORD_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
/// RFC 7627 §5.1.
const EXTENDED_MASTER_SECRET: u16 = 23;

/// A stream that remembers the first bytes that are read from it.
pub(super) struct Overheard<S> {
    stream: S,
    heard: Vec<u8>,
}

impl<S> Overheard<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, heard: Vec::new() }
    }

    /// The stream, and whether the client offered the extended master secret.
    pub(super) fn finish(self) -> (S, bool) {
        (self.stream, offers_extended_master_secret(&self.heard) == Some(true))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Overheard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        let new = buffer.filled().get(before..).unwrap_or_default();
        let room = HELLO_MAX.saturating_sub(this.heard.len());
        this.heard.extend_from_slice(new.get(..room).unwrap_or(new));
        read
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Overheard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

/// Reads records as far as the first message goes; `None` if that is no whole `ClientHello`.
fn offers_extended_master_secret(records: &[u8]) -> Option<bool> {
    let mut message = Vec::new();
    let mut records = Fields(records);
    let body = loop {
        if let Some(body) = whole_body(&message) {
            break body;
        }
        if records.byte()? != RECORD_HANDSHAKE {
            return None;
        }
        records.take(2)?;
        message.extend_from_slice(records.vector::<2>()?);
        if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
            return None;
        }
    };
    // RFC 5246 §7.4.1.2: version, random, session_id, cipher_suites, compression_methods, extensions.
    let mut fields = Fields(body);
    fields.take(2 + 32)?;
    fields.vector::<1>()?;
    fields.vector::<2>()?;
    fields.vector::<1>()?;
    if fields.0.is_empty() {
        return Some(false);
    }
    let mut extensions = Fields(fields.vector::<2>()?);
    while !extensions.0.is_empty() {
        let kind = extensions.number::<2>()?;
        extensions.vector::<2>()?;
        if kind == usize::from(EXTENDED_MASTER_SECRET) {
            return Some(true);
        }
    }
    Some(false)
}

/// The body of a message once all of it is there.
fn whole_body(message: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields(message);
    fields.byte()?;
    fields.vector::<3>()
}

/// What is left of a structure (RFC 8446 §3).
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(size)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    /// A number of `N` octets.
    fn number<const N: usize>(&mut self) -> Option<usize> {
        Some(self.take(N)?.iter().fold(0, |number, octet| number << 8 | usize::from(*octet)))
    }

    /// What stands behind its length, of `N` octets.
    fn vector<const N: usize>(&mut self) -> Option<&'a [u8]> {
        let size = self.number::<N>()?;
        self.take(size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(extensions: Option<&[u8]>) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.extend([0, 0, 2, 0xC0, 0x2B, 1, 0]);
        if let Some(extensions) = extensions {
            body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
            body.extend(extensions);
        }
        let mut message = vec![CLIENT_HELLO, 0, 0, u8::try_from(body.len()).unwrap()];
        message.extend(body);
        message
    }

    fn in_records(message: &[u8], size: usize) -> Vec<u8> {
        let record = |part: &[u8]| [&[22, 3, 1, 0, u8::try_from(part.len()).unwrap()], part].concat();
        message.chunks(size).flat_map(record).collect()
    }

    #[test]
    fn the_extension_is_found_however_the_message_is_cut_into_records() {
        let with = hello(Some(&[0, 10, 0, 2, 0, 0, 0, 23, 0, 0]));
        let without = hello(Some(&[0, 10, 0, 2, 0, 23]));
        for size in 1..with.len() {
            assert_eq!(offers_extended_master_secret(&in_records(&with, size)), Some(true));
            assert_eq!(offers_extended_master_secret(&in_records(&without, size)), Some(false));
        }
        assert_eq!(offers_extended_master_secret(&in_records(&hello(None), 200)), Some(false));
    }

    #[test]
    fn what_is_not_whole_or_no_hello_offers_nothing() {
        let whole = in_records(&hello(Some(&[0, 23, 0, 0])), 200);
        for end in 0..whole.len() {
            assert_eq!(offers_extended_master_secret(&whole[..end]), None);
        }
        assert_eq!(offers_extended_master_secret(b"a LOGIN ann tinte\r\n"), None);
        for at in 0..whole.len() {
            for value in 0..=255 {
                let mut broken = whole.clone();
                broken[at] = value;
                let _ = offers_extended_master_secret(&broken);
            }
        }
    }

    #[tokio::test]
    async fn no_more_than_the_limit_is_remembered() {
        use tokio::io::AsyncReadExt as _;
        for size in [HELLO_MAX, HELLO_MAX + 1] {
            let bytes = vec![22; size];
            let mut overheard = Overheard::new(&bytes[..]);
            let mut all = Vec::new();
            overheard.read_to_end(&mut all).await.unwrap();
            assert_eq!((all.len(), overheard.heard.len()), (size, HELLO_MAX));
        }
    }
}
