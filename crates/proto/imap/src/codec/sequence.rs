//! Sequence sets as ranges that are never expanded (RFC 3501 §9 `sequence-set`).

use super::{Cursor, ParseError};
use std::fmt;
use std::num::NonZeroU32;
use types::UidSet;

/// Most ranges in one sequence set; the length of a command ends longer ones in practice.
pub const SEQUENCE_SET_RANGES_MAX: usize = 16_384;

/// A message's number, or `*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SequenceNumber {
    /// A sequence number or a UID.
    Number(NonZeroU32),
    /// `*`: the highest one in use.
    Last,
}

impl SequenceNumber {
    /// The number, with `last` for `*`.
    pub fn resolve(self, last: u32) -> u32 {
        match self {
            Self::Number(n) => n.get(),
            Self::Last => last,
        }
    }
}

/// One element of a set: a single number when both ends are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceRange {
    /// As written first; may be above `to`.
    pub from: SequenceNumber,
    /// As written second.
    pub to: SequenceNumber,
}

impl SequenceRange {
    /// The range with `last` for `*`, low end first: `4:2` is `2:4` (RFC 3501 §9).
    pub fn resolve(self, last: u32) -> (u32, u32) {
        let (a, b) = (self.from.resolve(last), self.to.resolve(last));
        (a.min(b), a.max(b))
    }
}

/// A sequence set as the client wrote it: 1 to [`SEQUENCE_SET_RANGES_MAX`] ranges in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet(Vec<SequenceRange>);

/// What a command names: its `UID` prefix picks the variant (RFC 3501 §6.4.8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageSet {
    /// Sequence numbers.
    Seq(SequenceSet),
    /// UIDs.
    Uid(SequenceSet),
    /// `$`: what the last SEARCH saved (RFC 5182 §2.1).
    Saved {
        /// Whether the command had the `UID` prefix.
        uid: bool,
    },
}

impl MessageSet {
    /// Reads a set for a command with or without its `UID` prefix.
    ///
    /// ```text
    /// sequence-set =/ seq-last-command
    /// seq-last-command = "$"
    /// ```
    pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Self, ParseError> {
        if cursor.take_if(b'$') {
            return Ok(Self::Saved { uid });
        }
        let set = SequenceSet::parse(cursor)?;
        Ok(if uid { Self::Uid(set) } else { Self::Seq(set) })
    }

    /// Whether the command had the `UID` prefix.
    pub fn is_uid(&self) -> bool {
        matches!(self, Self::Uid(_) | Self::Saved { uid: true })
    }
}

impl SequenceSet {
    /// Reads a set.
    ///
    /// ```text
    /// sequence-set = (seq-number / seq-range) *("," sequence-set)
    /// seq-range    = seq-number ":" seq-number
    /// seq-number   = nz-number / "*"
    /// ```
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let mut ranges = Vec::new();
        loop {
            let from = parse_number(cursor)?;
            let to = if cursor.take_if(b':') { parse_number(cursor)? } else { from };
            if ranges.len() >= SEQUENCE_SET_RANGES_MAX {
                return Err(ParseError::Syntax("A sequence set has too many ranges"));
            }
            ranges.push(SequenceRange { from, to });
            if !cursor.take_if(b',') {
                return Ok(Self(ranges));
            }
        }
    }

    /// The set of these ranges; `None` if there are none or more than [`SEQUENCE_SET_RANGES_MAX`].
    pub fn new(ranges: Vec<SequenceRange>) -> Option<Self> {
        (!ranges.is_empty() && ranges.len() <= SEQUENCE_SET_RANGES_MAX).then_some(Self(ranges))
    }

    /// The UIDs it names, with `last` for `*`.
    pub fn uids(&self, last: u32) -> UidSet {
        UidSet::from_ranges(self.0.iter().map(|range| {
            let (low, high) = range.resolve(last);
            low..=high
        }))
    }

    /// Reads a set in which `*` is not allowed, as ranges in the order and the direction in which they were written.
    pub(crate) fn parse_numbers(cursor: &mut Cursor<'_>) -> Result<Vec<(u32, u32)>, ParseError> {
        let set = Self::parse(cursor)?;
        let number = |number| match number {
            SequenceNumber::Number(number) => Ok(number.get()),
            SequenceNumber::Last => Err(ParseError::Syntax("* is not allowed here")),
        };
        set.0.into_iter().map(|range| Ok((number(range.from)?, number(range.to)?))).collect()
    }

    /// The ranges in the order they were written.
    pub fn ranges(&self) -> &[SequenceRange] {
        &self.0
    }
}

fn parse_number(cursor: &mut Cursor<'_>) -> Result<SequenceNumber, ParseError> {
    if cursor.take_if(b'*') { Ok(SequenceNumber::Last) } else { cursor.nz_number().map(SequenceNumber::Number) }
}

impl fmt::Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(n) => write!(f, "{n}"),
            Self::Last => f.write_str("*"),
        }
    }
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, range) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(",")?;
            }
            write!(f, "{}", range.from)?;
            if range.from != range.to {
                write!(f, ":{}", range.to)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<SequenceSet, ParseError> {
        let mut cursor = Cursor::new(text.as_bytes());
        let set = SequenceSet::parse(&mut cursor)?;
        cursor.end()?;
        Ok(set)
    }

    #[test]
    fn sets_read_and_write() {
        for text in ["1", "*", "1:*", "*:1", "2,4:7,9,12:*", "4294967295", "4:2"] {
            assert_eq!(parse(text).unwrap().to_string(), text);
        }
        for bad in ["", "0", "1:", ":1", "1,", ",1", "1;2", "4294967296", "a", "1:0", "1::2", "-1"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert_eq!(parse("4:2").unwrap().ranges()[0].resolve(9), (2, 4));
        assert_eq!(parse("*:3").unwrap().ranges()[0].resolve(9), (3, 9));
    }

    #[test]
    fn a_set_has_a_limited_number_of_ranges() {
        let set = |n| vec!["1"; n].join(",");
        assert_eq!(parse(&set(SEQUENCE_SET_RANGES_MAX)).unwrap().ranges().len(), SEQUENCE_SET_RANGES_MAX);
        assert!(parse(&set(SEQUENCE_SET_RANGES_MAX + 1)).is_err());
    }
}
