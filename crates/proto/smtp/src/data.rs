//! The bytes of a message on the wire: how DATA ends and nothing else ends it, and that no bare CR or LF passes.
//!
//! RFC 5321 §2.3.8 and §4.1.1.4: a line ends at CR LF and only there; DATA ends at `CR LF . CR LF` and only there. A
//! server that is laxer can be talked into seeing two messages where the sender's server saw one. `Decoder` reads DATA
//! and BDAT; [`DataEncoder`] writes DATA.

mod encoder;

pub use encoder::DataEncoder;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memchr2;
use types::Octets;

/// What happens to a message with a CR or LF that stands alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BareNewline {
    /// The message is refused: 550 5.6.11 after its end.
    Refuse,
    /// Each becomes CR LF. It still ends nothing: a dot behind it is content.
    Fix,
}

/// Why the machine itself refuses a message. The rest of it is read and thrown away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataFailure {
    /// A CR or LF that stands alone.
    BareNewline,
    /// Larger than the limit.
    TooLarge,
    /// A line longer than the limit.
    LineTooLong,
}

/// What [`Decoder`] and its callers need to know.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) bare_newline: BareNewline,
    pub(crate) message_max: Octets,
    pub(crate) line_max: usize,
}

/// What the decoder found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Content.
    Chunk(Bytes),
    /// The end of DATA, or of a BDAT chunk.
    End,
    /// More input is needed.
    More,
}

/// Why a scan stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// The input is used up, or what is left cannot be judged yet.
    More,
    /// At a doubled dot, or any dot at the start of a line.
    Dot,
    /// At the end of DATA.
    End,
    /// At a CR or LF that stands alone.
    Bare,
}

/// Whether dots at the start of a line mean something.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Framing {
    Dots,
    Counted,
}

/// Takes the framing off a message while it streams in.
#[derive(Debug)]
pub(crate) struct Decoder {
    rules: Rules,
    /// The next byte is the first of a line, with CR LF before it.
    line_start: bool,
    /// A BDAT chunk ended in CR: its LF may begin the next one.
    held_cr: bool,
    line_length: usize,
    size: u64,
    discarded: u64,
    failure: Option<DataFailure>,
}

impl Decoder {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, line_start: true, held_cr: false, line_length: 0, size: 0, discarded: 0, failure: None }
    }

    /// Why the message is refused, if it is.
    pub(crate) fn failure(&self) -> Option<DataFailure> {
        self.failure
    }

    /// From now on everything is thrown away.
    pub(crate) fn fail(&mut self, failure: DataFailure) {
        self.failure.get_or_insert(failure);
    }

    /// Content so far.
    pub(crate) fn size(&self) -> Octets {
        Octets(self.size)
    }

    /// Bytes thrown away so far.
    pub(crate) fn discarded(&self) -> u64 {
        self.discarded
    }

    /// The next step of DATA.
    pub(crate) fn next_of_data(&mut self, input: &mut BytesMut) -> Step {
        loop {
            let (length, stop) = self.scan(input, Framing::Dots);
            if length > 0 {
                let chunk = input.split_to(length).freeze();
                match self.admit(chunk) {
                    Some(chunk) => return Step::Chunk(chunk),
                    None => continue,
                }
            }
            match stop {
                Stop::More => return Step::More,
                Stop::Dot => {
                    input.advance(1);
                    self.line_start = false;
                }
                Stop::End => {
                    input.advance(b".\r\n".len());
                    return Step::End;
                }
                Stop::Bare => {
                    input.advance(1);
                    if let Some(chunk) = self.bare() {
                        return Step::Chunk(chunk);
                    }
                }
            }
        }
    }

    /// The next step of a BDAT chunk of which `remaining` bytes are still to come.
    pub(crate) fn next_of_chunk(&mut self, input: &mut BytesMut, remaining: &mut u64) -> Step {
        loop {
            if *remaining == 0 {
                return Step::End;
            }
            let Some(first) = input.first().copied() else { return Step::More };
            let chunk = if std::mem::take(&mut self.held_cr) {
                if first == b'\n' {
                    input.advance(1);
                    *remaining = remaining.saturating_sub(1);
                    self.end_line();
                    self.admit(Bytes::from_static(b"\r\n"))
                } else {
                    self.bare()
                }
            } else {
                let window = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                let (length, stop) = self.scan(input.get(..window).unwrap_or_default(), Framing::Counted);
                *remaining = remaining.saturating_sub(length.max(1) as u64);
                if length > 0 {
                    let chunk = input.split_to(length).freeze();
                    self.admit(chunk)
                } else {
                    input.advance(1);
                    self.held_cr = stop == Stop::More;
                    if self.held_cr { None } else { self.bare() }
                }
            };
            if let Some(chunk) = chunk {
                return Step::Chunk(chunk);
            }
        }
    }

    /// The last BDAT chunk is read: a CR that still waits for its LF stands alone. Gives what is left to hand out.
    pub(crate) fn finish_chunks(&mut self) -> Option<Bytes> {
        if std::mem::take(&mut self.held_cr) { self.bare() } else { None }
    }

    /// How much from the start on is content that may be handed out, and what stands behind it.
    fn scan(&mut self, bytes: &[u8], framing: Framing) -> (usize, Stop) {
        let mut place = 0usize;
        loop {
            let rest = bytes.get(place..).unwrap_or_default();
            if self.line_start && framing == Framing::Dots && rest.first() == Some(&b'.') {
                let stop = match (rest.get(1), rest.get(2)) {
                    (None, _) | (Some(b'\r'), None) => Stop::More,
                    (Some(b'\r'), Some(b'\n')) => Stop::End,
                    _ => Stop::Dot,
                };
                return (place, stop);
            }
            let Some(found) = memchr2(b'\r', b'\n', rest) else {
                self.advance_line(place, rest.len());
                return (bytes.len(), Stop::More);
            };
            self.advance_line(place, found);
            place = place.saturating_add(found);
            match (bytes.get(place), bytes.get(place.saturating_add(1))) {
                (Some(b'\r'), None) => return (place, Stop::More),
                (Some(b'\r'), Some(b'\n')) => {
                    place = place.saturating_add(2);
                    self.end_line();
                }
                _ => return (place, Stop::Bare),
            }
        }
    }

    /// The line goes on for `length` bytes, which begin at `place` in what is being scanned.
    fn advance_line(&mut self, place: usize, length: usize) {
        if length == 0 {
            return;
        }
        let room = self.rules.line_max.saturating_sub(self.line_length);
        self.line_start = false;
        self.line_length = self.line_length.saturating_add(length);
        if length > room {
            // The limit that was passed first counts, however the bytes arrived.
            let first_too_many = place.saturating_add(room).saturating_add(1) as u64;
            let too_large = self.size.saturating_add(first_too_many) > self.rules.message_max.0;
            self.fail(if too_large { DataFailure::TooLarge } else { DataFailure::LineTooLong });
        }
    }

    fn end_line(&mut self) {
        self.line_start = true;
        self.line_length = 0;
    }

    /// A CR or LF that stands alone was met. What follows is not at the start of a line.
    fn bare(&mut self) -> Option<Bytes> {
        self.line_start = false;
        self.line_length = 0;
        match self.rules.bare_newline {
            BareNewline::Refuse => {
                self.fail(DataFailure::BareNewline);
                None
            }
            BareNewline::Fix => self.admit(Bytes::from_static(b"\r\n")),
        }
    }

    /// Counts content; gives it back unless the message is refused.
    fn admit(&mut self, chunk: Bytes) -> Option<Bytes> {
        let length = chunk.len() as u64;
        if self.size.saturating_add(length) > self.rules.message_max.0 {
            self.fail(DataFailure::TooLarge);
        }
        if self.failure.is_some() {
            self.discarded = self.discarded.saturating_add(length);
            return None;
        }
        self.size = self.size.saturating_add(length);
        Some(chunk)
    }
}

#[cfg(test)]
mod tests;
