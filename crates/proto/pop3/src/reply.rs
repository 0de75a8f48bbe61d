//! Single-line answers and their extended response codes (RFC 2449 §8, RFC 3206).

use crate::Language;
use bytes::{BufMut, BytesMut};

/// Longest first line of an answer in bytes with its CRLF (RFC 2449 §4).
pub(crate) const REPLY_LINE_MAX: usize = 512;

/// The machine-readable cause of a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseCode {
    /// The credentials were wrong (RFC 3206 §5).
    Auth,
    /// The maildrop is in use (RFC 2449 §8.1.2).
    InUse,
    /// The last sign-in is too short a time ago (RFC 2449 §8.1.1).
    LoginDelay,
    /// A trouble that passes (RFC 3206 §4).
    SysTemp,
    /// A trouble that does not pass by itself (RFC 3206 §4).
    SysPerm,
    /// What was asked for can be had in UTF-8 only (RFC 6856 §5).
    Utf8,
}

impl ResponseCode {
    /// The code as it stands between the brackets.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "AUTH",
            Self::InUse => "IN-USE",
            Self::LoginDelay => "LOGIN-DELAY",
            Self::SysTemp => "SYS/TEMP",
            Self::SysPerm => "SYS/PERM",
            Self::Utf8 => "UTF8",
        }
    }
}

/// Writes `+OK text`, the text in a language.
pub(crate) fn encode_ok(language: Language, text: &str, out: &mut BytesMut) {
    encode_ok_behind(language, "", text, out);
}

/// Writes `+OK word text`: a word that programs read, and a text in a language.
pub(crate) fn encode_ok_behind(language: Language, word: &str, text: &str, out: &mut BytesMut) {
    let start = out.len();
    out.put_slice(b"+OK");
    if !word.is_empty() {
        out.put_u8(b' ');
        out.put_slice(word.as_bytes());
    }
    finish_line(language, text, out.len().saturating_sub(start), out);
}

/// Writes `-ERR [code] text`, the text in a language.
pub(crate) fn encode_err(language: Language, code: Option<ResponseCode>, text: &str, out: &mut BytesMut) {
    let start = out.len();
    out.put_slice(b"-ERR");
    if let Some(code) = code {
        out.put_slice(b" [");
        out.put_slice(code.as_str().as_bytes());
        out.put_u8(b']');
    }
    finish_line(language, text, out.len().saturating_sub(start), out);
}

/// Writes the text, cut to what the line may hold. Control characters become `?`, and so does what is not ASCII where
/// the language has none (RFC 1939 §3, RFC 6856 §3.2); a bracket at its start, which would be read as a response code
/// (RFC 2449 §8), becomes a parenthesis.
fn finish_line(language: Language, text: &str, used: usize, out: &mut BytesMut) {
    let text = language.text(text);
    if !text.is_empty() {
        out.put_u8(b' ');
        let mut room = REPLY_LINE_MAX.saturating_sub(used.saturating_add(3));
        for (place, char) in text.char_indices() {
            let char = match char {
                '[' if place == 0 => '(',
                ' '..='~' => char,
                _ if char.is_control() || !language.is_utf8() => '?',
                _ => char,
            };
            let mut bytes = [0; 4];
            let bytes = char.encode_utf8(&mut bytes).as_bytes();
            let Some(left) = room.checked_sub(bytes.len()) else { break };
            room = left;
            out.put_slice(bytes);
        }
    }
    out.put_slice(b"\r\n");
}

/// Writes a number in decimal.
pub(crate) fn encode_number(mut value: u64, out: &mut BytesMut) {
    let mut digits = [0u8; 20];
    let mut length = 0usize;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' | u8::try_from(value % 10).unwrap_or(0);
        length = length.saturating_add(1);
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.put_slice(digits.get(digits.len().saturating_sub(length)..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_cut_at_512_octets_and_cleaned() {
        let mut out = BytesMut::new();
        encode_err(Language::English, Some(ResponseCode::SysPerm), &"x".repeat(600), &mut out);
        assert_eq!(out.len(), REPLY_LINE_MAX);
        assert!(out.starts_with(b"-ERR [SYS/PERM] xxx") && out.ends_with(b"x\r\n"));
        out.clear();
        encode_ok(Language::English, "[fake] a\r\nb\u{fc}", &mut out);
        assert_eq!(&out[..], b"+OK (fake] a??b?\r\n");
        out.clear();
        encode_ok(Language::German, &"\u{fc}".repeat(600), &mut out);
        assert_eq!(out.len(), REPLY_LINE_MAX, "506 bytes are 253 characters");
        out.clear();
        encode_ok(Language::German, &format!("x{}", "\u{fc}".repeat(600)), &mut out);
        assert_eq!(out.len(), REPLY_LINE_MAX - 1, "no half a character");
    }

    #[test]
    fn numbers_print_as_display_does() {
        for value in [0, 9, 10, 4_294_967_296, u64::MAX] {
            let mut out = BytesMut::new();
            encode_number(value, &mut out);
            assert_eq!(&out[..], value.to_string().as_bytes());
        }
    }
}
