//! The messages that transcripts talk about: `tests/messages/NAME.eml`, kept with LF and handed out with CRLF, and the
//! numbered ones that only have to be there.

use anyhow::Context;
use std::path::PathBuf;

/// The bytes of `tests/messages/NAME.eml` as they travel.
pub(crate) fn load(name: &str) -> anyhow::Result<Vec<u8>> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("messages").join(format!("{name}.eml"));
    let text = std::fs::read(&path).with_context(|| format!("no message {name}"))?;
    Ok(with_crlf(&text))
}

/// The message that `INBOX with 3 messages` puts there as number `number`.
pub(crate) fn numbered(number: u32) -> Vec<u8> {
    format!(
        "From: Ben <ben@example.test>\r\nTo: Anna <anna@example.test>\r\nSubject: Message {number}\r\n\
         Date: Thu, 1 Jan 2026 12:00:00 +0000\r\nMessage-ID: <{number}@example.test>\r\n\r\nText {number}\r\n"
    )
    .into_bytes()
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 40);
    for byte in text {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_ends_become_crlf() {
        assert_eq!(with_crlf(b"a\n\nb"), b"a\r\n\r\nb");
    }

    #[test]
    fn a_message_that_is_not_there_is_an_error() {
        assert!(load("no_such_message").is_err());
        assert!(load("hello").is_ok());
    }
}
