//! Cuts the input into command lines, bounded; lends its bytes to the decoder of a message.

use bytes::{Buf, BytesMut};
use memchr::memchr;

/// The next thing in the input.
pub(crate) enum Line {
    /// A whole line without its CRLF.
    Complete(BytesMut),
    /// A line that ended in a bare LF: it is not to be obeyed (RFC 5321 §2.3.8).
    BareNewline,
    /// A line above the limit began: told once, the rest of it is thrown away.
    TooLong,
    /// Nothing yet.
    Incomplete,
}

/// The bytes received and not yet understood.
#[derive(Default)]
pub(crate) struct LineBuffer {
    buffer: BytesMut,
    searched: usize,
    skipping: bool,
}

impl LineBuffer {
    /// Takes as much of `bytes` as fits below `max` and says how much that was.
    pub(crate) fn receive(&mut self, bytes: &[u8], max: usize) -> usize {
        let room = max.saturating_sub(self.buffer.len());
        let taken = bytes.get(..room).unwrap_or(bytes);
        self.buffer.extend_from_slice(taken);
        taken.len()
    }

    /// Forgets everything, also that a line was too long.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The first byte of the next line.
    pub(crate) fn first(&self) -> Option<u8> {
        if self.skipping { None } else { self.buffer.first().copied() }
    }

    /// What waits, to be taken as the bytes of a message. Only between two lines.
    pub(crate) fn bytes(&mut self) -> &mut BytesMut {
        self.searched = 0;
        &mut self.buffer
    }

    /// The next line; `max` says how long a line with this beginning may be, its end included.
    pub(crate) fn next(&mut self, max: impl Fn(&[u8]) -> usize) -> Line {
        if self.skipping {
            let Some(end) = memchr(b'\n', &self.buffer) else {
                self.buffer.clear();
                return Line::Incomplete;
            };
            self.buffer.advance(end.saturating_add(1));
            self.skipping = false;
        }
        let max = max(&self.buffer);
        let Some(end) = memchr(b'\n', self.buffer.get(self.searched..).unwrap_or_default()) else {
            if self.buffer.is_empty() {
                self.buffer = BytesMut::new(); // an idle connection holds no buffer
            }
            if self.buffer.len() >= max {
                self.buffer.clear();
                self.searched = 0;
                self.skipping = true;
                return Line::TooLong;
            }
            self.searched = self.buffer.len();
            return Line::Incomplete;
        };
        let length = self.searched.saturating_add(end).saturating_add(1);
        self.searched = 0;
        let mut line = self.buffer.split_to(length);
        if length > max {
            return Line::TooLong;
        }
        if !line.ends_with(b"\r\n") {
            return Line::BareNewline;
        }
        line.truncate(length.saturating_sub(2));
        Line::Complete(line)
    }
}
