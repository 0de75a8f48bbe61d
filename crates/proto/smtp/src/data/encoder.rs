//! Writes a message as DATA: dots doubled, ended by `CR LF . CR LF` (RFC 5321 §4.5.2).

use bytes::{BufMut, BytesMut};
use memchr::{memchr2, memmem};
use std::sync::LazyLock;

static LINE_WITH_DOT: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"\r\n."));

/// Writes one message, given in chunks of any size, into an output buffer.
///
/// A CR or LF that stands alone becomes CR LF: none may ever be sent (RFC 5321 §2.3.8), and the receiver could take
/// one for the end of a line.
#[derive(Clone, Debug)]
pub struct DataEncoder {
    line_start: bool,
    /// The last byte was a CR, which is not yet written.
    held_cr: bool,
}

impl Default for DataEncoder {
    fn default() -> Self {
        Self::new()
    }
}

impl DataEncoder {
    /// One that stands at the start of a message.
    pub fn new() -> Self {
        Self { line_start: true, held_cr: false }
    }

    /// Writes the next chunk of the message.
    pub fn push(&mut self, mut chunk: &[u8], out: &mut BytesMut) {
        out.reserve(chunk.len().saturating_add(16));
        if self.held_cr && !chunk.is_empty() {
            self.held_cr = false;
            chunk = chunk.strip_prefix(b"\n").unwrap_or(chunk);
            self.end_line(out);
        }
        while !chunk.is_empty() {
            let (clean, rest) = chunk.split_at_checked(clean_prefix(chunk)).unwrap_or((chunk, &[]));
            self.lines(clean, out);
            chunk = match rest {
                [] => rest,
                b"\r" => {
                    self.held_cr = true;
                    &[]
                }
                [b'\r', b'\n', rest @ ..] | [_, rest @ ..] => {
                    self.end_line(out);
                    rest
                }
            };
        }
    }

    /// Ends the message: CR LF where it has none, then the dot.
    pub fn finish(mut self, out: &mut BytesMut) {
        if self.held_cr || !self.line_start {
            self.end_line(out);
        }
        out.put_slice(b".\r\n");
    }

    fn end_line(&mut self, out: &mut BytesMut) {
        out.put_slice(b"\r\n");
        self.line_start = true;
    }

    /// Writes bytes in which every CR and LF belongs to a pair.
    fn lines(&mut self, mut rest: &[u8], out: &mut BytesMut) {
        let Some(first) = rest.first() else { return };
        if self.line_start && *first == b'.' {
            out.put_u8(b'.');
        }
        self.line_start = rest.ends_with(b"\r\n");
        while let Some(place) = LINE_WITH_DOT.find(rest) {
            let (line, tail) = rest.split_at_checked(place.saturating_add(3)).unwrap_or((rest, &[]));
            out.put_slice(line);
            out.put_u8(b'.');
            rest = tail;
        }
        out.put_slice(rest);
    }
}

/// How far every CR has its LF and every LF its CR.
fn clean_prefix(bytes: &[u8]) -> usize {
    let mut place = 0usize;
    loop {
        let rest = bytes.get(place..).unwrap_or_default();
        let Some(found) = memchr2(b'\r', b'\n', rest) else { return bytes.len() };
        let at = place.saturating_add(found);
        if bytes.get(at..at.saturating_add(2)) != Some(b"\r\n") {
            return at;
        }
        place = at.saturating_add(2);
    }
}
