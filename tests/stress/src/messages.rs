//! The messages that are stored: a number decides every byte, so that whoever reads one knows whether it is whole.

use crate::random::Random;
use std::fmt::Write as _;

/// The header field that carries the number.
pub(crate) const FIELD: &str = "X-Stress-Id";

/// The message of a number.
pub(crate) fn message(number: u64) -> Vec<u8> {
    let mut random = Random::new(number, 7);
    let lines = match random.below(20) {
        0 => 2000,
        1..4 => 200,
        _ => 1 + random.below(12),
    };
    let is_multipart = random.once_in(3);
    let mut text = format!(
        "From: \"Anna {number}\" <anna@example.test>\r\nTo: ben@example.test\r\nSubject: Brief Nr. {number}\r\n\
         Date: Tue, {:02} Nov 2026 12:{:02}:00 +0100\r\nMessage-ID: <{number}.stress@example.test>\r\n{FIELD}: {number}\r\n",
        1 + random.below(28),
        random.below(60)
    );
    if is_multipart {
        text.push_str("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"=_grenze\"\r\n\r\n");
        text.push_str("--=_grenze\r\nContent-Type: text/plain\r\n\r\n");
    } else {
        text.push_str("\r\n");
    }
    for line in 0..lines {
        // Writing to a string does not fail.
        let _ = write!(text, "Zeile {line} von {number}: {}\r\n", random.below(1_000_000));
    }
    if is_multipart {
        text.push_str("\r\n--=_grenze\r\nContent-Type: text/html\r\n\r\n<p>nichts</p>\r\n\r\n--=_grenze--\r\n");
    }
    text.into_bytes()
}

/// The number of a header that consists of [`FIELD`] alone.
pub(crate) fn number_in(header: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(header).ok()?;
    text.split_once(':')?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_the_same_each_time_and_tells_its_number() {
        for number in 0..50 {
            let text = String::from_utf8(message(number)).unwrap();
            assert_eq!(text.as_bytes(), message(number));
            let line = text.lines().find(|line| line.starts_with(FIELD)).unwrap();
            assert_eq!(number_in(line.as_bytes()), Some(number));
        }
    }
}
