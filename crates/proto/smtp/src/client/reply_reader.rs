//! Reads replies, bounded (RFC 5321 §4.2.1).

use crate::{EnhancedCode, Reply};
use bytes::{Buf, BytesMut};
use memchr::memchr;

/// Longest line in bytes with its end. RFC 5321 §4.5.3.1.5 says 512; some servers write more.
const LINE_MAX: usize = 4096;
/// Most lines of a reply.
const LINES_MAX: usize = 200;
/// Most bytes of text of a reply that are kept; the rest is read and dropped. Each recipient keeps one.
const TEXT_MAX: usize = 4 * 1024;

/// What came of looking at the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A whole reply.
    Reply(Reply),
    /// More input is needed.
    More,
    /// This is no reply.
    Malformed,
}

/// The lines of a reply so far.
#[derive(Default)]
pub(super) struct ReplyReader {
    code: Option<u16>,
    enhanced: Option<EnhancedCode>,
    text: String,
    lines: usize,
}

impl ReplyReader {
    /// The next reply.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Reading {
        loop {
            let Some(end) = memchr(b'\n', input) else {
                return if input.len() >= LINE_MAX { Reading::Malformed } else { Reading::More };
            };
            let length = end.saturating_add(1);
            let line = input.get(..end).unwrap_or_default();
            let parsed = parse_line(line.strip_suffix(b"\r").unwrap_or(line));
            let fits = length <= LINE_MAX && self.lines < LINES_MAX;
            let Some(line) = parsed.filter(|line| fits && self.code.is_none_or(|code| code == line.code)) else {
                return Reading::Malformed;
            };
            let last = line.last;
            self.take(&line);
            input.advance(length);
            if last && let Some(code) = self.code.take() {
                let done = std::mem::take(self);
                return Reading::Reply(Reply::read(code, done.enhanced, done.text));
            }
        }
    }

    fn take(&mut self, line: &ReplyLine) {
        if self.lines == 0 {
            self.enhanced = line.enhanced;
        } else if self.text.len() < TEXT_MAX {
            self.text.push('\n');
        }
        for c in line.text.chars() {
            if self.text.len().saturating_add(c.len_utf8()) > TEXT_MAX {
                break;
            }
            self.text.push(c);
        }
        self.code = Some(line.code);
        self.lines = self.lines.saturating_add(1);
    }
}

struct ReplyLine {
    code: u16,
    last: bool,
    enhanced: Option<EnhancedCode>,
    text: String,
}

/// `Reply-line = *( Reply-code "-" [ textstring ] CRLF ) Reply-code [ SP textstring ] CRLF`
fn parse_line(line: &[u8]) -> Option<ReplyLine> {
    let (digits, rest) = line.split_at_checked(3)?;
    let code = match digits {
        [b'2'..=b'5', b'0'..=b'9', b'0'..=b'9'] => std::str::from_utf8(digits).ok()?.parse().ok()?,
        _ => return None,
    };
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return None,
    };
    let text = String::from_utf8_lossy(text);
    let (word, behind) = text.split_once(' ').unwrap_or((&text, ""));
    let enhanced = EnhancedCode::parse(word).filter(|enhanced| u16::from(enhanced.class) == code / 100);
    let text = if enhanced.is_some() { behind } else { &text };
    Some(ReplyLine { code, last, enhanced, text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(wire: &[u8]) -> Reading {
        let whole = ReplyReader::default().next(&mut BytesMut::from(wire));
        let (mut reader, mut input) = (ReplyReader::default(), BytesMut::new());
        for byte in wire {
            input.extend_from_slice(&[*byte]);
            match reader.next(&mut input) {
                Reading::More => {}
                done => {
                    assert_eq!(done, whole, "byte by byte");
                    return done;
                }
            }
        }
        assert_eq!(whole, Reading::More);
        whole
    }

    #[test]
    fn replies_are_read_with_their_enhanced_codes() {
        let reply = |code, enhanced: Option<&str>, text: &str| {
            Reading::Reply(Reply::read(code, enhanced.and_then(EnhancedCode::parse), text.into()))
        };
        assert_eq!(read(b"250 2.1.5 ok\r\n"), reply(250, Some("2.1.5"), "ok"));
        assert_eq!(read(b"250-2.1.5 a\r\n250-2.1.5 b\r\n250 2.1.5 c\r\n"), reply(250, Some("2.1.5"), "a\nb\nc"));
        assert_eq!(read(b"550 4.1.1 odd\r\n"), reply(550, None, "4.1.1 odd"), "the class does not fit");
        assert_eq!(read(b"354\r\n"), reply(354, None, ""));
        assert_eq!(read(b"220 bare\n"), reply(220, None, "bare"));
        assert_eq!(read(b"550 \xff\r\n"), reply(550, None, "\u{fffd}"));
        assert_eq!(read(b"250-more\r\n"), Reading::More);
    }

    #[test]
    fn what_is_no_reply_is_malformed() {
        for bad in
            [&b"hello\r\n"[..], b"25\r\n", b"250x\r\n", b"150 a\r\n", b"650 a\r\n", b"\r\n", b"250-a\r\n251 b\r\n"]
        {
            assert_eq!(ReplyReader::default().next(&mut BytesMut::from(bad)), Reading::Malformed, "{bad:?}");
        }
    }

    #[test]
    fn lines_and_their_number_and_the_text_are_bounded() {
        let line = |length: usize| [b"250 ".to_vec(), vec![b'x'; length - 6], b"\r\n".to_vec()].concat();
        assert!(matches!(read(&line(LINE_MAX)), Reading::Reply(_)));
        assert_eq!(ReplyReader::default().next(&mut BytesMut::from(&line(LINE_MAX + 1)[..])), Reading::Malformed);
        assert_eq!(
            ReplyReader::default().next(&mut BytesMut::from(&line(LINE_MAX + 2)[..LINE_MAX])),
            Reading::Malformed
        );
        let many = |lines: usize| [b"250-a\r\n".repeat(lines - 1), b"250 a\r\n".to_vec()].concat();
        assert!(matches!(read(&many(LINES_MAX)), Reading::Reply(_)));
        assert_eq!(ReplyReader::default().next(&mut BytesMut::from(&many(LINES_MAX + 1)[..])), Reading::Malformed);
        let long = [b"250-".to_vec(), vec![b'x'; 4000], b"\r\n".to_vec()].concat().repeat(10);
        let long = [long, b"250 end\r\n".to_vec()].concat();
        let Reading::Reply(reply) = ReplyReader::default().next(&mut BytesMut::from(&long[..])) else { panic!() };
        assert_eq!(reply.text().len(), TEXT_MAX);
    }

    proptest::proptest! {
        #[test]
        fn what_the_server_writes_the_client_reads(
            code in proptest::sample::select(vec![250u16, 421, 550]),
            subject in 0u16..1000,
            detail in 0u16..1000,
            text in "[ -~\\n]{0,300}",
        ) {
            let reply = Reply::new(code, subject, detail, text);
            let mut wire = BytesMut::new();
            reply.encode(&mut wire);
            let Reading::Reply(read) = ReplyReader::default().next(&mut wire) else { panic!() };
            proptest::prop_assert_eq!((read.code(), read.enhanced()), (code, reply.enhanced()));
            let lines: Vec<&str> = reply.text().split('\n').take(16).collect();
            proptest::prop_assert_eq!(read.text(), lines.join("\n"));
        }
    }
}
