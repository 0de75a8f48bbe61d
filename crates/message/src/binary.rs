//! A part without its transfer encoding, as BINARY hands it out (RFC 3516 §4.3, RFC 9051 §7.5.2).

use crate::TransferEncoding;
use crate::part::{Part, PartKind};
use crate::transfer::TransferDecoder;

/// How many raw bytes are decoded in one go, so that buffers stay small whatever comes in.
const STEP: usize = 16 << 10;

/// The part's transfer encoding is not known: what it decodes to cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the transfer encoding is not known")]
pub struct UnknownEncoding;

/// Decodes one part as its raw bytes stream by. Memory: a few times 16 KiB.
///
/// Parts that hold others have no encoding of their own (RFC 2045 §6.4), so they stay as they are. Text has CR LF at its
/// line ends, whatever is stored; what is encoded in base64 are bytes and no lines, and stays as it was before it was
/// encoded.
#[derive(Clone, Debug)]
pub struct BinaryDecoder {
    transfer: TransferDecoder,
    /// For text: whether the byte before was a CR.
    line_ends: Option<bool>,
    lines: Vec<u8>,
    decoded: Vec<u8>,
}

impl BinaryDecoder {
    /// A decoder at the start of a part's body. Fails if the part's encoding is not known.
    pub fn new(part: &Part<'_>) -> Result<Self, UnknownEncoding> {
        let encoding = match part.kind {
            PartKind::Multipart | PartKind::Message => TransferEncoding::Identity,
            PartKind::Leaf if part.encoding == TransferEncoding::Unknown => return Err(UnknownEncoding),
            PartKind::Leaf => part.encoding,
        };
        let is_lines =
            part.kind == PartKind::Leaf && encoding != TransferEncoding::Base64 && part.media_type.starts_with("text/");
        Ok(Self {
            transfer: TransferDecoder::new(encoding),
            line_ends: is_lines.then_some(false),
            lines: Vec::new(),
            decoded: Vec::new(),
        })
    }

    /// A decoder of what has no encoding, such as a whole message.
    pub fn identity() -> Self {
        let (lines, decoded) = Default::default();
        Self { transfer: TransferDecoder::Identity, line_ends: None, lines, decoded }
    }

    /// Whether what comes out is what goes in, byte by byte.
    pub fn is_identity(&self) -> bool {
        self.line_ends.is_none() && matches!(self.transfer, TransferDecoder::Identity)
    }

    /// Hands what the next raw bytes decode to, to `each`, in pieces.
    pub fn push(&mut self, raw: &[u8], mut each: impl FnMut(&[u8])) {
        if self.is_identity() {
            return each(raw);
        }
        for piece in raw.chunks(STEP) {
            let piece = match &mut self.line_ends {
                Some(after_cr) => {
                    self.lines.clear();
                    end_lines(piece, after_cr, &mut self.lines);
                    &self.lines
                }
                None => piece,
            };
            self.decoded.clear();
            self.transfer.push(piece, &mut self.decoded);
            each(&self.decoded);
        }
    }

    /// Hands over what was held back at the end of the part.
    pub fn finish(&mut self, mut each: impl FnMut(&[u8])) {
        self.decoded.clear();
        self.transfer.finish(&mut self.decoded);
        each(&self.decoded);
    }
}

/// Appends lines with CR before each LF that lacks it.
fn end_lines(mut input: &[u8], after_cr: &mut bool, out: &mut Vec<u8>) {
    while let Some(at) = memchr::memchr(b'\n', input) {
        let (line, rest) = input.split_at_checked(at).unwrap_or_default();
        let has_cr = line.last().map_or(*after_cr, |byte| *byte == b'\r');
        out.extend_from_slice(line);
        out.extend_from_slice(if has_cr { b"\n" } else { b"\r\n" });
        input = rest.get(1..).unwrap_or_default();
        *after_cr = false;
    }
    out.extend_from_slice(input);
    *after_cr = input.last().map_or(*after_cr, |byte| *byte == b'\r');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scanner, SectionText};

    fn decoded(message: &str, path: &[u32], step: usize) -> Result<Vec<u8>, UnknownEncoding> {
        let summary = Scanner::scan(message.as_bytes());
        let part = summary.part(path).unwrap();
        let range = summary.locate(path, SectionText::Body).unwrap();
        let raw = &message.as_bytes()[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
        let mut decoder = BinaryDecoder::new(&part)?;
        let mut out = Vec::new();
        raw.chunks(step).for_each(|piece| decoder.push(piece, |bytes| out.extend_from_slice(bytes)));
        decoder.finish(|bytes| out.extend_from_slice(bytes));
        Ok(out)
    }

    #[test]
    fn any_split_of_a_part_decodes_to_the_same_bytes() {
        for (head, body, want) in [
            ("", "a\r\nb\nc\r", "a\r\nb\r\nc\r"),
            ("", "\n\n\r\n\r\r\n", "\r\n\r\n\r\n\r\r\n"),
            ("Content-Type: image/png", "a\nb", "a\nb"),
            ("Content-Transfer-Encoding: base64", "YQpi\r\nDQo=\n", "a\nb\r\n"),
            ("Content-Transfer-Encoding: quoted-printable", "a=\nb=0Ac \nd", "ab\nc\r\nd"),
        ] {
            let message = format!("MIME-Version: 1.0\r\n{head}{}\r\n{body}", if head.is_empty() { "" } else { "\r\n" });
            for step in [1, 2, 3, 1000] {
                let found = decoded(&message, &[1], step).unwrap();
                assert_eq!(found.escape_ascii().to_string(), want.as_bytes().escape_ascii().to_string(), "{head}");
            }
        }
    }

    #[test]
    fn an_unknown_encoding_counts_only_where_something_is_encoded() {
        let leaf = "MIME-Version: 1.0\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin";
        assert_eq!(decoded(leaf, &[1], 9), Err(UnknownEncoding));
        let parts = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/mixed; boundary=y\r\n\
                     Content-Transfer-Encoding: x-uuencode\r\n\r\n--y\r\n\r\na\n\r\n--y--\r\n--x--\r\n";
        assert_eq!(decoded(parts, &[1], 9).unwrap(), b"--y\r\n\r\na\n\r\n--y--");
        assert_eq!(decoded(parts, &[1, 1], 9).unwrap(), b"a\r\n");
    }
}
