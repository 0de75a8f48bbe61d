//! A line of a transcript: text, captures (`$uid1`), messages (`$message(hello)`, `$size(hello)`), raw bytes (`‹00›`) and,
//! in what the server says, `...` for any run of bytes.

use crate::messages;
use anyhow::{Context, bail};
use std::collections::BTreeMap;
use std::fmt::Write;

/// What captures stand for, by name.
pub(crate) type Captures = BTreeMap<String, Vec<u8>>;

/// Bytes that end what an unbound capture takes.
const CAPTURE_ENDS: &[u8] = b" ()[]\"<>";

/// A piece of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Capture(String),
    /// Any run of bytes, also none.
    Any,
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    pieces: Vec<Piece>,
}

impl Pattern {
    /// Reads a line of a transcript.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut pattern = Self::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let length = match c {
                '$' => pattern.dollar(rest)?,
                '‹' => pattern.raw(rest)?,
                '.' if rest.starts_with("...") => {
                    pattern.pieces.push(Piece::Any);
                    3
                }
                _ => {
                    let length = c.len_utf8();
                    pattern.push(rest.as_bytes().get(..length).unwrap_or_default());
                    length
                }
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        Ok(pattern)
    }

    fn push(&mut self, bytes: &[u8]) {
        if let Some(Piece::Bytes(last)) = self.pieces.last_mut() {
            last.extend_from_slice(bytes);
        } else {
            self.pieces.push(Piece::Bytes(bytes.to_vec()));
        }
    }

    /// `$name`, `$message(name)` or `$size(name)`; before anything but a small letter the sign is itself (`$Forwarded`).
    fn dollar(&mut self, rest: &str) -> anyhow::Result<usize> {
        let name = word(rest.get(1..).unwrap_or_default());
        if name.is_empty() {
            self.push(b"$");
            return Ok(1);
        }
        let after = rest.get(1 + name.len()..).unwrap_or_default();
        let argument = after.strip_prefix('(').map(word);
        match (name, argument) {
            ("message", Some(file)) => self.push(&messages::load(file)?),
            ("size", Some(file)) => self.push(messages::load(file)?.len().to_string().as_bytes()),
            _ => {
                self.pieces.push(Piece::Capture(name.to_owned()));
                return Ok(1 + name.len());
            }
        }
        Ok(1 + name.len() + 2 + argument.map_or(0, str::len))
    }

    /// `‹0D 0A›`
    fn raw(&mut self, rest: &str) -> anyhow::Result<usize> {
        let inside = rest.strip_prefix('‹').and_then(|rest| rest.split_once('›')).context("`‹` without `›`")?.0;
        for digits in inside.split(' ') {
            let byte = u8::from_str_radix(digits, 16).with_context(|| format!("`{digits}` is no byte"))?;
            self.push(&[byte]);
        }
        Ok(inside.len() + '‹'.len_utf8() + '›'.len_utf8())
    }

    /// The lines that this one stands for: a message brings many.
    pub(crate) fn lines(self) -> Vec<Self> {
        let mut lines = vec![Self::default()];
        for piece in self.pieces {
            let Piece::Bytes(bytes) = piece else {
                if let Some(line) = lines.last_mut() {
                    line.pieces.push(piece);
                }
                continue;
            };
            for (index, part) in split_crlf(&bytes).into_iter().enumerate() {
                if index > 0 {
                    lines.push(Self::default());
                }
                if let Some(line) = lines.last_mut().filter(|_| !part.is_empty()) {
                    line.push(part);
                }
            }
        }
        lines
    }

    /// The bytes to send.
    pub(crate) fn fill(&self, captures: &Captures) -> anyhow::Result<Vec<u8>> {
        let mut out = Vec::new();
        for piece in &self.pieces {
            match piece {
                Piece::Bytes(bytes) => out.extend_from_slice(bytes),
                Piece::Capture(name) => {
                    out.extend_from_slice(
                        captures.get(name).with_context(|| format!("${name} stands for nothing yet"))?,
                    );
                }
                Piece::Any => bail!("`...` can not be sent"),
            }
        }
        Ok(out)
    }

    /// Whether a line of the server is this one; then with what its captures stand for.
    pub(crate) fn matches(&self, line: &[u8], captures: &Captures) -> Option<Captures> {
        let mut found = captures.clone();
        matches(&self.pieces, line, &mut found).then_some(found)
    }
}

/// Small letters, digits and underscores, beginning with a letter.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let word = text.get(..end).unwrap_or_default();
    if word.starts_with(|c: char| c.is_ascii_lowercase()) { word } else { "" }
}

fn split_crlf(bytes: &[u8]) -> Vec<&[u8]> {
    let mut parts = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(2).position(|pair| pair == b"\r\n") {
        let (part, after) = rest.split_at(at);
        parts.push(part);
        rest = after.get(2..).unwrap_or_default();
    }
    parts.push(rest);
    parts
}

/// Tries every way that the open pieces can be filled; as deep as there are pieces.
fn matches(pieces: &[Piece], line: &[u8], captures: &mut Captures) -> bool {
    let Some((first, later)) = pieces.split_first() else { return line.is_empty() };
    match first {
        Piece::Bytes(bytes) => line.strip_prefix(bytes.as_slice()).is_some_and(|rest| matches(later, rest, captures)),
        Piece::Any => (0..=line.len()).any(|at| matches(later, line.get(at..).unwrap_or_default(), captures)),
        Piece::Capture(name) => match captures.get(name).cloned() {
            Some(value) => line.strip_prefix(value.as_slice()).is_some_and(|rest| matches(later, rest, captures)),
            None => capture(name, later, line, captures),
        },
    }
}

fn capture(name: &str, later: &[Piece], line: &[u8], captures: &mut Captures) -> bool {
    let most = line.iter().position(|byte| CAPTURE_ENDS.contains(byte)).unwrap_or(line.len());
    for length in (1..=most).rev() {
        let (value, rest) = line.split_at(length);
        captures.insert(name.to_owned(), value.to_vec());
        if matches(later, rest, captures) {
            return true;
        }
    }
    captures.remove(name);
    false
}

/// Bytes as a transcript would write them.
pub(crate) fn show(line: &[u8]) -> String {
    let mut out = String::new();
    for chunk in line.utf8_chunks() {
        for c in chunk.valid().chars() {
            if c.is_control() {
                // Writing to a string does not fail.
                let _ = write!(out, "‹{:02X}›", u32::from(c));
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "‹{byte:02X}›");
        }
    }
    out
}

/// Refuses what only the server's lines may hold.
pub(crate) fn parse_sent(text: &str) -> anyhow::Result<Pattern> {
    let pattern = Pattern::parse(text)?;
    if pattern.pieces.contains(&Piece::Any) {
        bail!("a client does not send `...`; write ‹2E 2E 2E› if it does");
    }
    Ok(pattern)
}

#[cfg(test)]
#[path = "pattern/tests.rs"]
mod tests;
