//! LIST patterns and their linear matcher (RFC 3501 §6.3.8).

use super::{ParseError, modified_utf7};
use crate::enabled::Enabled;
use crate::response::Code;
use std::fmt;
use types::{HIERARCHY_SEPARATOR, MAILBOX_NAME_MAX, MailboxName};
use unicode_normalization::UnicodeNormalization;

/// Longest pattern, reference included, in bytes of UTF-8.
pub const LIST_PATTERN_MAX: usize = MAILBOX_NAME_MAX;

const WORD_BITS: usize = 64;

/// A pattern for mailbox names: `*` stands for anything, `%` for anything within one level.
///
/// Matching takes one step over a row of bits per byte of the name, whatever the pattern (no backtracking).
#[derive(Clone, PartialEq, Eq)]
pub struct ListPattern {
    text: Box<str>,
    /// Places in the pattern, wildcards collapsed; one bit each in the masks, and one for "all read".
    tokens: usize,
    /// For each byte value the places that take it.
    masks: Box<[u64]>,
    stars: Box<[u64]>,
    percents: Box<[u64]>,
}

impl ListPattern {
    /// Puts a reference and a pattern from the wire together. A pattern that begins with the separator stands alone.
    /// They are in modified UTF-7, or in UTF-8 for who enabled it (RFC 9755 §3, RFC 9051 §5.1).
    pub fn parse(reference: &[u8], pattern: &[u8], enabled: Enabled) -> Result<Self, ParseError> {
        let pattern = decode(pattern, enabled)?;
        let reference = decode(reference, enabled)?;
        let text = match pattern.strip_prefix(HIERARCHY_SEPARATOR) {
            Some(absolute) => absolute.to_owned(),
            None => reference + &pattern,
        };
        Self::new(&text)
    }

    /// A pattern in UTF-8. It is composed as names are, so that both spellings of an umlaut find it.
    pub fn new(text: &str) -> Result<Self, ParseError> {
        let composed: String = text.chars().take(LIST_PATTERN_MAX + 1).nfc().collect();
        let text = composed.as_str();
        if text.len() > LIST_PATTERN_MAX {
            return Err(ParseError::Refusal(Code::Limit, "The pattern is too long"));
        }
        let tokens = collapse(text.as_bytes());
        let words = tokens.len() / WORD_BITS + 1;
        let mut pattern = Self {
            text: text.into(),
            tokens: tokens.len(),
            masks: vec![0; words * 256].into(),
            stars: vec![0; words].into(),
            percents: vec![0; words].into(),
        };
        for (place, token) in tokens.into_iter().enumerate() {
            let row = match token {
                b'*' => &mut pattern.stars,
                b'%' => &mut pattern.percents,
                byte => {
                    set(pattern.masks.get_mut(usize::from(byte) * words..).unwrap_or_default(), place);
                    continue;
                }
            };
            set(row, place);
        }
        Ok(pattern)
    }

    /// The pattern as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the name fits. INBOX as first level fits in any case (RFC 3501 §5.1).
    pub fn matches(&self, name: &MailboxName) -> bool {
        self.matches_text(name.as_str())
    }

    /// As [`Self::matches`], for the names of levels that are no mailboxes themselves.
    pub fn matches_text(&self, name: &str) -> bool {
        let words = self.stars.len();
        let first = name.split(HIERARCHY_SEPARATOR).next().unwrap_or_default();
        let folded = if first.eq_ignore_ascii_case("INBOX") { first.len() } else { 0 };
        let mut active = vec![0u64; words];
        set(&mut active, 0);
        self.skip_wildcards(&mut active);
        for (at, byte) in name.bytes().enumerate() {
            let mut carry = 0;
            for (word, slot) in active.iter_mut().enumerate() {
                let mask = |b: u8| self.masks.get(usize::from(b) * words + word).copied().unwrap_or(0);
                let takes = if at < folded {
                    mask(byte.to_ascii_uppercase()) | mask(byte.to_ascii_lowercase())
                } else {
                    mask(byte)
                };
                let mut stays = self.stars.get(word).copied().unwrap_or(0);
                if char::from(byte) != HIERARCHY_SEPARATOR {
                    stays |= self.percents.get(word).copied().unwrap_or(0);
                }
                let moved = *slot & takes;
                *slot = *slot & stays | moved << 1 | carry;
                carry = moved >> (WORD_BITS - 1);
            }
            self.skip_wildcards(&mut active);
        }
        is_set(&active, self.tokens)
    }

    /// A wildcard may stand for nothing. No two are neighbours, so one step is enough.
    fn skip_wildcards(&self, active: &mut [u64]) {
        let mut carry = 0;
        for ((slot, star), percent) in active.iter_mut().zip(&self.stars).zip(&self.percents) {
            let skipped = *slot & (star | percent);
            *slot |= skipped << 1 | carry;
            carry = skipped >> (WORD_BITS - 1);
        }
    }
}

fn decode(wire: &[u8], enabled: Enabled) -> Result<String, ParseError> {
    if enabled.utf8() {
        let text = std::str::from_utf8(wire).map(str::to_owned);
        return text.map_err(|_| ParseError::Refusal(Code::Cannot, "The pattern is not in UTF-8"));
    }
    let text = modified_utf7::decode(wire);
    text.map_err(|_| ParseError::Refusal(Code::Cannot, "The pattern is not in modified UTF-7"))
}

/// The pattern with each run of wildcards as one: `*` if it holds one, else `%`.
fn collapse(text: &[u8]) -> Vec<u8> {
    let mut tokens: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text {
        match (tokens.last_mut(), byte) {
            (Some(last @ (b'*' | b'%')), b'*' | b'%') => {
                if *byte == b'*' {
                    *last = b'*';
                }
            }
            _ => tokens.push(*byte),
        }
    }
    tokens
}

fn set(row: &mut [u64], place: usize) {
    if let Some(word) = row.get_mut(place / WORD_BITS) {
        *word |= 1 << (place % WORD_BITS);
    }
}

fn is_set(row: &[u64], place: usize) -> bool {
    row.get(place / WORD_BITS).is_some_and(|word| word >> (place % WORD_BITS) & 1 == 1)
}

impl fmt::Debug for ListPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests;
