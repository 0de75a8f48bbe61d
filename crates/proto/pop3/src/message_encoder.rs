//! A message as a multi-line answer: dot-stuffed, cut by TOP, ended by `CRLF . CRLF` (RFC 1939 §3 and §7).
//!
//! The content goes out byte for byte as an IMAP literal would show it; two things are added. A message without a
//! final CRLF gets one, because the end mark needs a line of its own. And a dot gets a second one at the start of a
//! line.
//!
//! Deviation: a bare LF counts as the end of a line when dots are doubled. Nearly all POP3 programs split at LF, and to
//! them `LF . CRLF` inside a message would be the end of it, with all that follows read as our answers. A program that
//! splits at CRLF only sees one dot more in such a line.

use bytes::{BufMut, BytesMut};
use memchr::{memchr, memmem};
use std::sync::LazyLock;

static LINE_WITH_DOT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\n."));

/// Whether an encoder wants more of the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Progress {
    /// The next chunk is wanted.
    More,
    /// TOP has all it asked for; further chunks are ignored.
    Enough,
}

/// Where in the message a TOP stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extent {
    /// RETR: all of it.
    Whole,
    /// In the header, on a line that holds nothing but perhaps a CR; then so many lines of the body.
    HeaderLineStart(u32),
    /// In the header, on a line that holds something.
    HeaderLine(u32),
    /// In the body: so many lines are still wanted.
    Body(u32),
    /// Enough.
    Done,
}

/// Writes one message, given in chunks of any size, into an output buffer.
#[derive(Clone, Debug)]
pub struct MessageEncoder {
    extent: Extent,
    /// The last two bytes written; before the first one, the CRLF of the status line.
    last: [u8; 2],
}

impl MessageEncoder {
    /// For RETR: the whole message.
    pub fn whole() -> Self {
        Self { extent: Extent::Whole, last: *b"\r\n" }
    }

    /// For TOP: the header, the empty line, and `lines` lines of the body.
    pub fn top(lines: u32) -> Self {
        Self { extent: Extent::HeaderLineStart(lines), last: *b"\r\n" }
    }

    /// Writes the next chunk of the message.
    pub fn push(&mut self, chunk: &[u8], out: &mut BytesMut) -> Progress {
        let wanted = match self.extent {
            Extent::Whole => chunk,
            Extent::Done => return Progress::Enough,
            _ => chunk.get(..self.count(chunk)).unwrap_or(chunk),
        };
        self.stuff(wanted, out);
        if self.extent == Extent::Done { Progress::Enough } else { Progress::More }
    }

    /// Ends the answer: a CRLF where the message has none, then the end mark.
    pub fn finish(self, out: &mut BytesMut) {
        out.put_slice(if self.last == *b"\r\n" { b".\r\n" } else { b"\r\n.\r\n" });
    }

    fn stuff(&mut self, mut rest: &[u8], out: &mut BytesMut) {
        if rest.is_empty() {
            return;
        }
        out.reserve(rest.len().saturating_add(16));
        if self.last.ends_with(b"\n") && rest.first() == Some(&b'.') {
            out.put_u8(b'.');
        }
        let end = rest.last_chunk::<2>().copied();
        self.last = end.unwrap_or([self.last[1], rest.first().copied().unwrap_or_default()]);
        while let Some((line, tail)) =
            LINE_WITH_DOT.find(rest).and_then(|place| rest.split_at_checked(place.saturating_add(1)))
        {
            out.put_slice(line);
            out.put_u8(b'.');
            // The dot itself is written with what follows; past it the search goes on.
            let (dot, tail) = tail.split_at_checked(1).unwrap_or((tail, &[]));
            out.put_slice(dot);
            rest = tail;
        }
        out.put_slice(rest);
    }

    /// How much of the chunk TOP wants; moves the extent on.
    fn count(&mut self, chunk: &[u8]) -> usize {
        let mut place = 0usize;
        loop {
            let rest = chunk.get(place..).unwrap_or_default();
            match self.extent {
                Extent::Whole => return chunk.len(),
                Extent::Done => return place,
                Extent::Body(0) => self.extent = Extent::Done,
                _ if rest.is_empty() => return place,
                Extent::HeaderLineStart(lines) => {
                    place = place.saturating_add(1);
                    match rest.first() {
                        Some(b'\n') => self.extent = Extent::Body(lines),
                        Some(b'\r') => {}
                        _ => self.extent = Extent::HeaderLine(lines),
                    }
                }
                Extent::HeaderLine(lines) => match memchr(b'\n', rest) {
                    Some(end) => {
                        place = place.saturating_add(end).saturating_add(1);
                        self.extent = Extent::HeaderLineStart(lines);
                    }
                    None => return chunk.len(),
                },
                Extent::Body(lines) => match memchr(b'\n', rest) {
                    Some(end) => {
                        place = place.saturating_add(end).saturating_add(1);
                        self.extent = Extent::Body(lines.saturating_sub(1));
                    }
                    None => return chunk.len(),
                },
            }
        }
    }
}

#[cfg(test)]
#[path = "message_encoder/tests.rs"]
mod tests;
