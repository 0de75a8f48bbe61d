//! Messages this server writes itself: notices, reports, samples. CR LF throughout, lines of at most 998 bytes, all
//! header text ASCII (encoded words, RFC 2047) unless an address itself needs UTF-8 (RFC 6532).
//!
//! Nothing a caller passes can add a field or end the header: line breaks and NUL in values become spaces.

mod flowed;

use crate::{date, encoded_word};
use std::fmt::Write;
use types::{Address, Timestamp};

/// Longest line that is sent as it is (RFC 5322 §2.1.1).
const LINE_MAX: usize = 998;

/// Base64 digits in a line (RFC 2045 §6.8).
const BASE64_LINE: usize = 76;

/// A message, or a part of one, being built.
#[derive(Clone, Debug, Default)]
pub struct Builder {
    header: String,
    body: Vec<u8>,
}

impl Builder {
    /// A part without fields and without body.
    pub fn new() -> Self {
        Self::default()
    }

    /// A text part in UTF-8; line ends become CR LF.
    pub fn text(text: &str) -> Self {
        Self::new().field("Content-Type", "text/plain; charset=utf-8").with_text(text)
    }

    /// A text part in UTF-8 whose lines are paragraphs: short lines for programs that show them as they come, and a width
    /// of the reader's own for those that know better (RFC 3676).
    pub fn flowed(paragraphs: &str) -> Self {
        Self::new()
            .field("Content-Type", "text/plain; charset=utf-8; format=flowed")
            .with_text(&flowed::flow(paragraphs))
    }

    /// An HTML part in UTF-8.
    pub fn html(html: &str) -> Self {
        Self::new().field("Content-Type", "text/html; charset=utf-8").with_text(html)
    }

    /// A file: base64, with a name that may be any text (RFC 2231 where it must be).
    pub fn attachment(media_type: &str, name: &str, content: &[u8]) -> Self {
        Self::new()
            .field("Content-Type", media_type)
            .field("Content-Transfer-Encoding", "base64")
            .field("Content-Disposition", &format!("attachment; {}", parameter("filename", name)))
            .with_body(base64_lines(content))
    }

    /// A part whose body is given as it is to be sent: 7bit or 8bit, with CR LF.
    pub fn raw(media_type: &str, body: &[u8]) -> Self {
        let encoding = if body.is_ascii() { "7bit" } else { "8bit" };
        Self::new()
            .field("Content-Type", media_type)
            .field("Content-Transfer-Encoding", encoding)
            .with_body(with_crlf(body))
    }

    /// A multipart of these parts. The boundary is chosen so that no part holds it.
    pub fn multipart(subtype: &str, parts: &[Self]) -> Self {
        let parts: Vec<Vec<u8>> = parts.iter().map(Self::build).collect();
        let boundary = free_boundary(&parts);
        let mut body = Vec::new();
        for part in &parts {
            body.extend_from_slice(format!("--{boundary}\r\n").as_bytes());
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        Self::new().field("Content-Type", &format!("multipart/{subtype};\r\n boundary=\"{boundary}\"")).with_body(body)
    }

    /// Adds a field whose value is already in its wire form; a fold in it must be CR LF and white space. Of a value
    /// that is anything else, line breaks become spaces.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.header.push_str(name);
        self.header.push_str(": ");
        let mut pieces = value.split("\r\n").peekable();
        while let Some(piece) = pieces.next() {
            self.header.extend(piece.chars().map(|c| if matches!(c, '\r' | '\n' | '\0') { ' ' } else { c }));
            match pieces.peek() {
                Some(next) if next.starts_with([' ', '\t']) => self.header.push_str("\r\n"),
                Some(_) => self.header.push(' '),
                None => {}
            }
        }
        self.header.push_str("\r\n");
        self
    }

    /// Adds a field of free text, encoded where it must be.
    #[must_use]
    pub fn text_field(self, name: &str, text: &str) -> Self {
        let one_line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        self.field(name, &encoded_word::encode(one_line.trim()))
    }

    /// Adds a field with one address and perhaps a name.
    #[must_use]
    pub fn address(self, name: &str, display: Option<&str>, address: &Address) -> Self {
        self.field(name, &mailbox(display, address))
    }

    /// Adds Subject.
    #[must_use]
    pub fn subject(self, text: &str) -> Self {
        self.text_field("Subject", text)
    }

    /// Adds Date (RFC 5322 §3.3).
    #[must_use]
    pub fn date(self, at: Timestamp, offset_minutes: i16) -> Self {
        self.field("Date", &date::format(at, offset_minutes))
    }

    /// Adds Message-ID; `id` without angle brackets.
    #[must_use]
    pub fn message_id(self, id: &str) -> Self {
        self.field("Message-ID", &format!("<{id}>"))
    }

    /// Puts the fields of another part (its type and encoding) and its body under the fields so far.
    #[must_use]
    pub fn content(mut self, content: Self) -> Self {
        if !self.header.contains("MIME-Version:") {
            self = self.field("MIME-Version", "1.0");
        }
        self.header.push_str(&content.header);
        self.body = content.body;
        self
    }

    fn with_text(self, text: &str) -> Self {
        let body = with_crlf(text.as_bytes());
        let fits = body.split(|b| *b == b'\n').all(|line| line.len() <= LINE_MAX);
        if body.is_ascii() && fits && !body.contains(&0) {
            return self.field("Content-Transfer-Encoding", "7bit").with_body(body);
        }
        self.field("Content-Transfer-Encoding", "quoted-printable").with_body(quoted_printable(&body))
    }

    fn with_body(mut self, body: Vec<u8>) -> Self {
        self.body = body;
        self
    }

    /// The bytes.
    pub fn build(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.header.len() + self.body.len() + 2);
        out.extend_from_slice(self.header.as_bytes());
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(&self.body);
        out
    }
}

/// `name-addr`, or the address alone: `=?utf-8?Q?J=C3=B6rg?= <joerg@example.org>`.
pub fn mailbox(display: Option<&str>, address: &Address) -> String {
    let Some(display) = display.map(str::trim).filter(|d| !d.is_empty()) else { return format!("<{address}>") };
    let one_line: String = display.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let is_atoms = one_line.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/^_`{|}~ ".contains(&b));
    let name = if is_atoms {
        one_line
    } else if one_line.is_ascii() && !one_line.contains("=?") {
        format!("\"{}\"", one_line.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        encoded_word::encode(&one_line)
    };
    format!("{name} <{address}>")
}

/// `name="value"`, or the RFC 2231 form for what a quoted string cannot hold.
pub(crate) fn parameter(name: &str, value: &str) -> String {
    if value.chars().all(|c| c == ' ' || c.is_ascii_graphic()) {
        return format!("{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
    }
    let mut out = format!("{name}*=utf-8''");
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

/// A boundary that no part holds, not even at the start of a longer one: numbered, so that building the same message
/// gives the same bytes. One pass over the parts.
fn free_boundary(parts: &[Vec<u8>]) -> String {
    const STEM: &str = "=_part_";
    /// Digits that are looked at; a number past them is larger than any that is chosen.
    const DIGITS_MAX: usize = 18;
    let mut next = 0u64;
    for part in parts {
        for at in memchr::memmem::find_iter(part, STEM) {
            let digits = part.get(at + STEM.len()..).unwrap_or_default().iter().take(DIGITS_MAX);
            let number = digits
                .take_while(|d| d.is_ascii_digit())
                .fold(0u64, |sum, d| sum * 10 + u64::from(d.saturating_sub(b'0')));
            next = next.max(number + 1);
        }
    }
    format!("{STEM}{next}")
}

/// Bare CR and LF become CR LF.
fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\r' => {
                out.extend_from_slice(b"\r\n");
                let _ = bytes.next_if_eq(&b'\n');
            }
            b'\n' => out.extend_from_slice(b"\r\n"),
            _ => out.push(byte),
        }
    }
    out
}

fn digit(alphabet: &[u8], value: u32) -> u8 {
    usize::try_from(value).ok().and_then(|v| alphabet.get(v)).copied().unwrap_or(b'=')
}

/// Base64 in lines of 76 digits (RFC 2045 §6.8).
fn base64_lines(content: &[u8]) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = Vec::with_capacity(content.len() / 3 * 4 + content.len() / 28 + 8);
    for line in content.chunks(BASE64_LINE / 4 * 3) {
        for group in line.chunks(3) {
            let bits = (0..3).fold(0u32, |sum, at| sum << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
            for at in 0..4u32 {
                let is_padding = usize::try_from(at).is_ok_and(|at| at > group.len());
                out.push(if is_padding { b'=' } else { digit(ALPHABET, bits >> (18 - 6 * at) & 63) });
            }
        }
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Quoted-printable with lines of at most 76 bytes (RFC 2045 §6.7); the text has CR LF line ends.
fn quoted_printable(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive(|b| *b == b'\n') {
        let (content, ends) = line.strip_suffix(b"\r\n").map_or((line, false), |content| (content, true));
        let mut width = 0;
        for (at, byte) in content.iter().enumerate() {
            let is_last = at + 1 == content.len();
            let is_plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (matches!(byte, b' ' | b'\t') && !is_last);
            let cost = if is_plain { 1 } else { 3 };
            if width + cost > 75 {
                out.extend_from_slice(b"=\r\n");
                width = 0;
            }
            if is_plain {
                out.push(*byte);
            } else {
                let hex = b"0123456789ABCDEF";
                out.extend_from_slice(&[b'=', digit(hex, u32::from(byte >> 4)), digit(hex, u32::from(byte & 15))]);
            }
            width += cost;
        }
        if ends {
            out.extend_from_slice(b"\r\n");
        }
    }
    out
}

#[cfg(test)]
#[path = "build/tests.rs"]
mod tests;
