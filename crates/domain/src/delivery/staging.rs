//! Taking a message in for delivery: what is put before it, and whether it goes round in circles.

use super::Refusal;
use crate::{Staged, Staging};
use types::{Octets, TraceId};

/// The most Received fields that a message may have, unless the operator says otherwise (RFC 5321 §6.3 wants at least
/// 100).
pub const RECEIVED_MAX: usize = 100;

/// The field that is counted.
const RECEIVED: &[u8] = b"received:";

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) received_max: usize,
    /// Of the message without what is put before it.
    pub(super) message_max: Octets,
}

/// A message that is being taken in. Dropping it throws the message away.
#[derive(Debug)]
pub struct DeliveryStaging {
    staging: Staging,
    trace: TraceId,
    return_path: u64,
    limits: Limits,
    size: u64,
    counter: ReceivedCounter,
}

impl DeliveryStaging {
    pub(super) fn new(staging: Staging, trace: TraceId, return_path: u64, limits: Limits) -> Self {
        Self { staging, trace, return_path, limits, size: 0, counter: ReceivedCounter::default() }
    }

    /// Appends a piece. Fails as soon as the message is too large, or goes round in circles.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        self.size = self.size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if self.size > self.limits.message_max.0 {
            return Err(Refusal::TooLarge { max: self.limits.message_max });
        }
        self.counter.push(piece);
        if self.counter.count > self.limits.received_max {
            return Err(Refusal::Loop);
        }
        Ok(self.staging.write(piece).await?)
    }

    /// How much of the message was written.
    pub fn size(&self) -> Octets {
        Octets(self.size)
    }

    /// Ends the message.
    pub async fn finish(self) -> Result<Incoming, Refusal> {
        let staged = self.staging.finish().await?;
        Ok(Incoming::new(self.trace, staged, self.return_path))
    }
}

/// A whole message that waits to be delivered. Copies are cheap.
#[derive(Clone, Debug)]
pub struct Incoming {
    trace: TraceId,
    staged: Staged,
    return_path: u64,
}

impl Incoming {
    pub(crate) fn new(trace: TraceId, staged: Staged, return_path: u64) -> Self {
        Self { trace, staged, return_path }
    }

    /// Its trace id.
    pub fn trace(&self) -> TraceId {
        self.trace
    }

    /// Its body and summary.
    pub fn staged(&self) -> &Staged {
        &self.staged
    }

    /// How many bytes at its beginning are the Return-Path field.
    pub fn return_path(&self) -> u64 {
        self.return_path
    }
}

/// Counts Received fields in a header that comes in pieces.
#[derive(Debug, Default)]
struct ReceivedCounter {
    count: usize,
    line: Line,
}

#[derive(Clone, Copy, Debug)]
enum Line {
    /// So many bytes of the line were those of the field's name.
    Matching(usize),
    /// It is another field, or the rest of one.
    Other,
    /// The header is over.
    Body,
}

impl Default for Line {
    fn default() -> Self {
        Self::Matching(0)
    }
}

impl ReceivedCounter {
    fn push(&mut self, piece: &[u8]) {
        if matches!(self.line, Line::Body) {
            return;
        }
        for &byte in piece {
            self.line = match (self.line, byte) {
                (Line::Body, _) => return,
                (Line::Matching(0), b'\n') => Line::Body,
                // An empty line is CR LF; a lone CR in it changes nothing that matters here.
                (_, b'\n') | (Line::Matching(0), b'\r') => Line::Matching(0),
                (Line::Matching(place), byte) if RECEIVED.get(place) == Some(&byte.to_ascii_lowercase()) => {
                    if place + 1 == RECEIVED.len() {
                        self.count += 1;
                        Line::Other
                    } else {
                        Line::Matching(place + 1)
                    }
                }
                _ => Line::Other,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(message: &str, pieces: usize) -> usize {
        let mut counter = ReceivedCounter::default();
        message.as_bytes().chunks(pieces).for_each(|piece| counter.push(piece));
        counter.count
    }

    #[test]
    fn received_fields_are_counted_in_the_header_only() {
        let message = "Received: a\r\n\tReceived: folded\r\nRECEIVED:b\r\nX-Received: c\r\nReceived-SPF: d\r\n\
            receiveD: e\nSubject: x\r\n\r\nReceived: body\r\n";
        for pieces in [1, 2, 7, 1000] {
            assert_eq!(count(message, pieces), 3);
        }
        assert_eq!(count("\r\nReceived: body", 100), 0);
        assert_eq!(count("Received", 3), 0);
    }
}
