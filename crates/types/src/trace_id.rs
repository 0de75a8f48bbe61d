//! The id that follows one message from the greeting to the mailbox.

use crate::Timestamp;
use std::fmt;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Names one message's way through this server: 48 bits of milliseconds, 80 bits of chance, so that ids sort by
/// time and are unique over nodes. Written as 26 characters of Crockford's base 32, small letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TraceId(pub u128);

/// Why a string is no trace id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a trace id has 26 characters of 0-9 and a-z without i, l, o, u")]
pub struct TraceIdError;

impl TraceId {
    /// The id of something that began at `now`, with ten random bytes from the caller.
    pub fn new(now: Timestamp, random: [u8; 10]) -> Self {
        let millis = u128::from(u64::try_from(now.0).unwrap_or(0)) & 0xffff_ffff_ffff;
        let chance = random.iter().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
        Self(millis << 80 | chance)
    }

    /// Reads the form that `Display` writes, in any case.
    pub fn parse(text: &str) -> Result<Self, TraceIdError> {
        if text.len() != 26 {
            return Err(TraceIdError);
        }
        let mut value = 0u128;
        for byte in text.bytes() {
            let digit = ALPHABET.iter().position(|c| *c == byte.to_ascii_lowercase()).ok_or(TraceIdError)?;
            if value >> 123 != 0 {
                return Err(TraceIdError);
            }
            value = value << 5 | digit as u128;
        }
        Ok(Self(value))
    }
}

impl fmt::Display for TraceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in (0..26).rev() {
            let digit = (self.0 >> (5 * place)) as usize & 31;
            fmt::Write::write_char(f, ALPHABET.get(digit).map_or('0', |c| char::from(*c)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = TraceId::new(Timestamp(1_000), [255; 10]);
        let late = TraceId::new(Timestamp(1_001), [0; 10]);
        assert!(early < late && early.to_string() < late.to_string());
        for id in [early, late, TraceId(u128::MAX), TraceId(0)] {
            assert_eq!(TraceId::parse(&id.to_string().to_uppercase()), Ok(id));
        }
        assert_eq!(TraceId::parse("8zzzzzzzzzzzzzzzzzzzzzzzzz"), Err(TraceIdError), "would need 131 bits");
        assert_eq!(TraceId::parse("short"), Err(TraceIdError));
    }
}
