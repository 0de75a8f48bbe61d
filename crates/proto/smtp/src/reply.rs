//! Replies and their enhanced status codes (RFC 5321 §4.2, RFC 2034, RFC 3463), written by one side, read by the other.

use bytes::{BufMut, BytesMut};
use std::fmt;

/// Longest reply line in bytes with its CRLF (RFC 5321 §4.5.3.1.5).
pub(crate) const REPLY_LINE_MAX: usize = 512;
/// Most lines that a reply of ours has.
const REPLY_LINES_MAX: usize = 16;
/// Most bytes of text in a line of ours: room for the code, the enhanced code and the CRLF.
const LINE_TEXT_MAX: usize = REPLY_LINE_MAX - "250-5.777.777 \r\n".len();

/// `class.subject.detail` (RFC 3463 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnhancedCode {
    /// 2, 4 or 5.
    pub class: u8,
    /// What it is about: 0 to 999.
    pub subject: u16,
    /// More exactly: 0 to 999.
    pub detail: u16,
}

/// A reply: code, enhanced code, text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedCode>,
    text: String,
}

impl EnhancedCode {
    /// Makes one.
    pub const fn new(class: u8, subject: u16, detail: u16) -> Self {
        Self { class, subject, detail }
    }

    /// Reads `class.subject.detail`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let number = |part: Option<&str>| {
            let part = part?;
            let fits = (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
            if fits { part.parse::<u16>().ok() } else { None }
        };
        let class = u8::try_from(number(parts.next())?).ok()?;
        let (subject, detail) = (number(parts.next())?, number(parts.next())?);
        (matches!(class, 2 | 4 | 5) && parts.next().is_none()).then_some(Self { class, subject, detail })
    }
}

impl fmt::Display for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}

impl Reply {
    /// A reply of ours; lines of the text are parted by `\n`. The enhanced code is `subject.detail` with the class that
    /// the code has.
    ///
    /// # Panics
    /// If the code is not one of 200 to 299 or 400 to 599.
    pub fn new(code: u16, subject: u16, detail: u16, text: impl Into<String>) -> Self {
        let class = match code {
            200..300 => 2,
            400..500 => 4,
            500..600 => 5,
            _ => 0,
        };
        assert!(class != 0, "such a reply has no enhanced code");
        Self { code, enhanced: Some(EnhancedCode { class, subject, detail }), text: text.into() }
    }

    /// A reply without an enhanced code: the greeting, EHLO, 334 and 354 have none (RFC 2034 §4).
    pub(crate) fn plain(code: u16, text: impl Into<String>) -> Self {
        Self { code, enhanced: None, text: text.into() }
    }

    /// One that was read.
    pub(crate) fn read(code: u16, enhanced: Option<EnhancedCode>, text: String) -> Self {
        Self { code, enhanced, text }
    }

    /// The code: 200 to 599.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced code, if there is one.
    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    /// The text without the codes; lines are parted by `\n`. From a peer: escape it before anyone reads it.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// 2yz.
    pub fn is_positive(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// 3yz.
    pub fn is_intermediate(&self) -> bool {
        (300..400).contains(&self.code)
    }

    /// 4yz: worth another try later.
    pub fn is_temporary(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5yz.
    pub fn is_permanent(&self) -> bool {
        (500..600).contains(&self.code)
    }

    /// Writes the reply: printable ASCII only (the rest becomes `?`), lines that are too long are broken.
    pub(crate) fn encode(&self, out: &mut BytesMut) {
        let mut lines: Vec<&[u8]> = Vec::new();
        for line in self.text.split('\n') {
            let mut line = line.as_bytes();
            while line.len() > LINE_TEXT_MAX {
                let cut = line.get(..LINE_TEXT_MAX).and_then(|head| head.iter().rposition(|byte| *byte == b' '));
                let cut = cut.filter(|cut| *cut > 0).unwrap_or(LINE_TEXT_MAX);
                let (head, tail) = line.split_at_checked(cut).unwrap_or((line, &[]));
                lines.push(head);
                line = tail.trim_ascii_start();
            }
            lines.push(line);
        }
        lines.truncate(REPLY_LINES_MAX);
        let last = lines.len().saturating_sub(1);
        for (number, line) in lines.into_iter().enumerate() {
            self.encode_line(line, number == last, out);
        }
    }

    fn encode_line(&self, line: &[u8], last: bool, out: &mut BytesMut) {
        out.put_slice(self.code.to_string().as_bytes());
        out.put_u8(if last { b' ' } else { b'-' });
        if let Some(enhanced) = self.enhanced {
            out.put_slice(enhanced.to_string().as_bytes());
            out.put_u8(b' ');
        }
        out.extend(line.iter().map(|byte| if matches!(byte, b' '..=b'~') { *byte } else { b'?' }));
        out.put_slice(b"\r\n");
    }
}

impl fmt::Display for Reply {
    /// In one line, as a log or a bounce shows it: what is no printable ASCII is escaped.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        if let Some(enhanced) = self.enhanced {
            write!(f, " {enhanced}")?;
        }
        if !self.text.is_empty() {
            write!(f, " {}", self.text.replace('\n', " ").escape_default())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(reply: &Reply) -> String {
        let mut out = BytesMut::new();
        reply.encode(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn every_line_carries_both_codes() {
        let reply = Reply::new(550, 1, 1, "No such person\nSee https://x.example");
        assert_eq!(wire(&reply), "550-5.1.1 No such person\r\n550 5.1.1 See https://x.example\r\n");
        assert_eq!(wire(&Reply::plain(354, "Go on")), "354 Go on\r\n");
        assert_eq!(wire(&Reply::new(250, 0, 0, "")), "250 2.0.0 \r\n");
    }

    #[test]
    fn long_and_dirty_text_is_bounded_and_cleaned() {
        let text = wire(&Reply::new(550, 777, 777, "word ".repeat(20_000)));
        assert!(text.lines().count() == REPLY_LINES_MAX && text.lines().all(|line| line.len() + 2 <= REPLY_LINE_MAX));
        assert!(text.lines().last().unwrap().starts_with("550 5.777.777 word"));
        let exact = wire(&Reply::new(550, 777, 777, "x".repeat(LINE_TEXT_MAX)));
        assert_eq!((exact.lines().count(), exact.len()), (1, REPLY_LINE_MAX));
        assert_eq!(wire(&Reply::new(550, 777, 777, "x".repeat(LINE_TEXT_MAX + 1))).lines().count(), 2);
        assert_eq!(wire(&Reply::new(550, 1, 1, "a\r\0ü")), "550 5.1.1 a????\r\n");
    }

    #[test]
    fn enhanced_codes_read_as_they_print() {
        assert_eq!(EnhancedCode::parse("5.1.10"), Some(EnhancedCode::new(5, 1, 10)));
        for bad in ["", "5", "5.1", "5.1.1.1", "3.1.1", "5.1000.1", "5.+1.1", "5..1", " 5.1.1", "55.1.1"] {
            assert_eq!(EnhancedCode::parse(bad), None, "{bad:?}");
        }
    }
}
