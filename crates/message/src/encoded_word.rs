//! Encoded words (RFC 2047) in header text, both ways.

use crate::{charset, transfer};
use std::fmt::Write;

/// Longest encoded word in bytes (RFC 2047 §2); longer ones are met and read all the same, up to this many times it.
const WORD_MAX: usize = 75;
const WORD_READ_MAX: usize = WORD_MAX * 20;

/// Decodes a field's raw value: folds go, encoded words become text, other bytes above 127 are taken for UTF-8 or,
/// failing that, windows-1252. Words that make no sense stay as they are.
pub fn decode(value: &[u8]) -> String {
    // What most fields are: nothing to unfold, nothing to decode.
    if value.is_ascii() && !value.iter().any(|b| matches!(b, b'\r' | b'\n')) && !has_word(value) {
        return String::from_utf8(value.to_vec()).unwrap_or_default();
    }
    let unfolded = crate::wire::unfold(value);
    let mut out = String::with_capacity(unfolded.len());
    let mut rest = unfolded.as_slice();
    // Bytes of adjacent words in one charset, decoded together: some programs cut characters in two.
    let mut pending = Pending::default();
    while let Some(at) = memchr::memmem::find(rest, b"=?") {
        let (before, word) = rest.split_at_checked(at).unwrap_or_default();
        let Some((parsed, after)) = parse_word(word) else {
            pending.flush(&mut out);
            let (head, tail) = rest.split_at_checked(at.saturating_add(2)).unwrap_or_default();
            out.push_str(&charset::decode(head, ""));
            rest = tail;
            continue;
        };
        // White space between two words is no text (RFC 2047 §6.2).
        if !(pending.is_open && before.iter().all(|b| matches!(b, b' ' | b'\t'))) {
            pending.flush(&mut out);
            out.push_str(&charset::decode(before, ""));
        }
        pending.add(&parsed, &mut out);
        rest = after;
    }
    pending.flush(&mut out);
    out.push_str(&charset::decode(rest, ""));
    out
}

fn has_word(value: &[u8]) -> bool {
    memchr::memchr_iter(b'?', value).any(|at| at.checked_sub(1).and_then(|before| value.get(before)) == Some(&b'='))
}

#[derive(Default)]
struct Pending {
    is_open: bool,
    charset: String,
    bytes: Vec<u8>,
}

impl Pending {
    fn add(&mut self, word: &Word<'_>, out: &mut String) {
        if self.is_open && !self.charset.eq_ignore_ascii_case(word.charset) {
            self.flush(out);
        }
        if !self.is_open {
            word.charset.clone_into(&mut self.charset);
        }
        self.is_open = true;
        word.decode(&mut self.bytes);
    }

    fn flush(&mut self, out: &mut String) {
        if self.is_open {
            out.push_str(&charset::decode(&self.bytes, &self.charset));
            self.bytes.clear();
            self.is_open = false;
        }
    }
}

struct Word<'a> {
    charset: &'a str,
    is_base64: bool,
    text: &'a [u8],
}

impl Word<'_> {
    fn decode(&self, out: &mut Vec<u8>) {
        if self.is_base64 {
            let mut decoder = transfer::TransferDecoder::new(crate::TransferEncoding::Base64);
            decoder.push(self.text, out);
            decoder.finish(out);
            return;
        }
        let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        let mut rest = self.text;
        while let Some((byte, after)) = rest.split_first() {
            rest = after;
            match (byte, hex(after.first()), hex(after.get(1))) {
                (b'=', Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after.get(2..).unwrap_or_default();
                }
                (b'_', ..) => out.push(b' '),
                _ => out.push(*byte),
            }
        }
    }
}

/// `encoded-word = "=?" charset "?" encoding "?" encoded-text "?="` from its first byte, and what comes after it.
fn parse_word(input: &[u8]) -> Option<(Word<'_>, &[u8])> {
    let input = input.strip_prefix(b"=?")?;
    let window = input.get(..WORD_READ_MAX).unwrap_or(input);
    let charset_end = memchr::memchr(b'?', window)?;
    let (charset, rest) = input.split_at_checked(charset_end)?;
    let is_base64 = match rest.get(1..3)? {
        b"b?" | b"B?" => true,
        b"q?" | b"Q?" => false,
        _ => return None,
    };
    let rest = rest.get(3..)?;
    let window = rest.get(..WORD_READ_MAX).unwrap_or(rest);
    let end = memchr::memmem::find(window, b"?=")?;
    let (text, after) = rest.split_at_checked(end)?;
    // A language may follow the charset (RFC 2231 §5).
    let charset = std::str::from_utf8(charset).ok()?.split('*').next().unwrap_or_default();
    if charset.is_empty() {
        return None;
    }
    Some((Word { charset, is_base64, text }, after.get(2..)?))
}

/// Writes text for an unstructured field or a phrase: as it is when it is printable ASCII without `=?`, else as
/// encoded words in UTF-8 of at most 75 bytes, parted by folds.
pub fn encode(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_graphic() || c == ' ';
    if text.chars().all(is_plain) && !text.contains("=?") {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut word = String::new();
    let head = "=?utf-8?Q?";
    for c in text.chars() {
        let mut encoded = String::new();
        let mut buffer = [0; 4];
        for byte in c.encode_utf8(&mut buffer).bytes() {
            if byte == b' ' {
                encoded.push('_');
            } else if byte.is_ascii_alphanumeric() || b"!*+-/".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                // Writing to a string does not fail.
                let _ = write!(encoded, "={byte:02X}");
            }
        }
        if head.len() + word.len() + encoded.len() + 2 > WORD_MAX {
            out.push_str(if out.is_empty() { head } else { "\r\n =?utf-8?Q?" });
            out.push_str(&word);
            out.push_str("?=");
            word.clear();
        }
        word.push_str(&encoded);
    }
    out.push_str(if out.is_empty() { head } else { "\r\n =?utf-8?Q?" });
    out.push_str(&word);
    out.push_str("?=");
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_decoded_and_the_white_space_between_them_goes() {
        for (value, text) in [
            (&b"=?iso-8859-1?Q?caf=E9?= =?UTF-8?b?4oKs?= x"[..], "café€ x"),
            (b"a =?utf-8*en?q?b_c?=", "a b c"),
            (b"=?utf-8?Q?=E2=82?=\r\n =?utf-8?Q?=AC?=", "€"),
            (b"=?utf-8?X?a?= =? =?utf-8?q?open", "=?utf-8?X?a?= =? =?utf-8?q?open"),
            (b"Gr\xfc\xdfe", "Grüße"),
            (b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
            (b"=?x-none?Q?a?=", "a"),
            (b"=??Q?a?=", "=??Q?a?="),
            (b"folded\r\n text", "folded text"),
        ] {
            assert_eq!(decode(value), text);
        }
    }

    #[test]
    fn what_is_encoded_reads_back_and_keeps_to_its_length() {
        for text in ["plain", "Grüße aus Köln, und zwar viele, bis es mehr als ein Wort wird: äöüäöüäöü", "=?", "a\tb"]
        {
            let encoded = encode(text);
            assert!(encoded.is_ascii() && encoded.lines().all(|l| l.trim_start().len() <= WORD_MAX), "{encoded}");
            assert_eq!(decode(encoded.as_bytes()), text);
        }
    }
}
