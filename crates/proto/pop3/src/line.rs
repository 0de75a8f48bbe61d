//! Cuts the input into lines, bounded. Never holds more than the longest line plus what was pipelined behind it.

use bytes::{Buf, BytesMut};
use memchr::memchr;

/// The next thing in the input.
pub(crate) enum Line {
    /// A whole line without its end.
    Complete(BytesMut),
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

    /// Bytes that wait.
    pub(crate) fn len(&self) -> usize {
        self.buffer.len()
    }

    /// Forgets everything, also that a line was too long.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The next line; `max` says how long a line with this beginning may be, its end included.
    ///
    /// The line ends at LF. A CR before it is taken off; a client that leaves it out is understood too.
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
        line.truncate(length.saturating_sub(1));
        if line.ends_with(b"\r") {
            line.truncate(length.saturating_sub(2));
        }
        Line::Complete(line)
    }
}
