//! Literal announcements at the end of a line (RFC 3501 §4.3, RFC 7888).

/// Most digits of a literal's size, leading zeros included.
const DIGITS_MAX: usize = 20;
/// Longest announcement, `{`, `+`, `}` and the line end included.
pub(crate) const ANNOUNCEMENT_MAX: usize = DIGITS_MAX + 5;

/// What the end of a line announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiteralAnnouncement {
    /// How many bytes follow the line.
    pub size: u64,
    /// Whether the client waits for a continuation before it sends them.
    pub synchronising: bool,
}

/// Reads the literal announcement at the end of a line, its line end included.
///
/// ```text
/// literal = "{" number64 ["+"] "}" CRLF *CHAR8
/// ```
/// A bare LF ends a line as well. A number past 63 bits is read as the highest one (every limit refuses it), one of more than
/// 20 digits is none.
pub fn literal_announced(line: &[u8]) -> Option<LiteralAnnouncement> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let body = line.strip_suffix(b"}")?;
    let (body, synchronising) = match body.strip_suffix(b"+") {
        Some(body) => (body, false),
        None => (body, true),
    };
    let digits = body.iter().rev().take_while(|b| b.is_ascii_digit()).take(DIGITS_MAX + 1).count();
    let (before, number) = body.split_at_checked(body.len() - digits)?;
    if number.is_empty() || digits > DIGITS_MAX || before.last() != Some(&b'{') {
        return None;
    }
    let size = number.iter().fold(0u64, |n, d| n.saturating_mul(10).saturating_add(u64::from(d - b'0')));
    Some(LiteralAnnouncement { size: size.min(i64::MAX as u64), synchronising })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_number_in_braces_at_the_end_of_a_line_announces_a_literal() {
        let found = |size, synchronising| Some(LiteralAnnouncement { size, synchronising });
        assert_eq!(literal_announced(b"a LOGIN {11}\r\n"), found(11, true));
        assert_eq!(literal_announced(b"a LOGIN {11+}\n"), found(11, false));
        assert_eq!(literal_announced(b"{0}\r\n"), found(0, true));
        assert_eq!(literal_announced(b"{99999999999999999999}\r\n"), found(i64::MAX as u64, true));
        for none in [
            "{}\r\n",
            "{+}\r\n",
            "{1} \r\n",
            "1}\r\n",
            "{1",
            "{1}",
            "{-1}\r\n",
            "\r\n",
            "{1++}\r\n",
            "{a1}\r\n",
            "{000000000000000000001}\r\n",
        ] {
            assert_eq!(literal_announced(none.as_bytes()), None, "{none:?}");
        }
    }
}
