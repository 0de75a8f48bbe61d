//! Strings in IMAP wire form (RFC 3501 §4.3, §9 `string`, `nstring`). Texts come as pieces that are never put together:
//! one scan over them decides between a quoted string and a literal, a second pass writes.

/// What a NUL becomes, U+FFFD: no IMAP string can hold one (RFC 3501 §9 `CHAR8`).
const NUL_REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Appends `string`.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    put_pieces(out, std::iter::once(Piece { has_space: false, text }));
}

/// Appends `nstring`: NIL for `None`.
pub(crate) fn put_nstring(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => put_string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// Appends the raw value of an unstructured field, its folds taken out (RFC 5322 §2.2.3); NIL for `None`.
pub(crate) fn put_unfolded(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) => put_pieces(out, unfolded(value)),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// Appends text that people read (a subject, a display name): runs of white space become one space, none is left at
/// the ends.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let words = text.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).filter(|word| !word.is_empty());
    put_pieces(out, words.enumerate().map(|(number, text)| Piece { has_space: number > 0, text }));
}

/// Appends a number in decimal.
pub(crate) fn put_number(out: &mut Vec<u8>, number: u64) {
    // A `Vec` takes whatever is written.
    let _ = std::io::Write::write_fmt(out, format_args!("{number}"));
}

/// A raw value without its line breaks; one that no white space follows leaves a space.
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    unfolded(value).for_each(|piece| piece.put(&mut out, false, |_| None));
    out
}

fn unfolded(value: &[u8]) -> impl Iterator<Item = Piece<'_>> + Clone {
    value.split_inclusive(|byte| *byte == b'\n').enumerate().map(|(number, line)| Piece {
        has_space: number > 0 && !matches!(line.first(), Some(b' ' | b'\t')),
        // A CR is part of a line end only before LF.
        text: line.strip_suffix(b"\n").map_or(line, |text| text.strip_suffix(b"\r").unwrap_or(text)),
    })
}

/// A part of a text.
#[derive(Clone, Copy, Debug)]
struct Piece<'a> {
    /// Whether a space goes before it.
    has_space: bool,
    text: &'a [u8],
}

impl Piece<'_> {
    /// Appends it, some of its bytes replaced if there is any to replace.
    fn put(&self, out: &mut Vec<u8>, has_any: bool, replacement: impl Fn(u8) -> Option<&'static [u8]>) {
        if self.has_space {
            out.push(b' ');
        }
        if !has_any {
            out.extend_from_slice(self.text);
            return;
        }
        for byte in self.text {
            out.extend_from_slice(replacement(*byte).unwrap_or(std::slice::from_ref(byte)));
        }
    }
}

/// What decides about the form of a string.
#[derive(Clone, Copy, Debug, Default)]
struct Scan {
    bytes: usize,
    nuls: usize,
    /// Bytes that a quoted string escapes.
    escapes: usize,
    /// Whether there are bytes that no quoted string holds: CR, LF, and those above 127, for which it would need
    /// `UTF8=ACCEPT` or `IMAP4rev2`.
    needs_literal: bool,
}

impl Scan {
    fn add(mut self, piece: Piece<'_>) -> Self {
        self.bytes += usize::from(piece.has_space) + piece.text.len();
        for byte in piece.text {
            self.nuls += usize::from(*byte == 0);
            self.escapes += usize::from(matches!(byte, b'"' | b'\\'));
            self.needs_literal |= matches!(byte, 0 | b'\r' | b'\n' | 128..);
        }
        self
    }

    /// How many bytes a literal has.
    fn literal_bytes(self) -> usize {
        self.bytes + self.nuls * (NUL_REPLACEMENT.len() - 1)
    }

    /// The shorter form, where there is a choice.
    fn is_quoted(self) -> bool {
        let digits = 1 + self.literal_bytes().checked_ilog10().map_or(0, |log| usize::try_from(log).unwrap_or(0));
        !self.needs_literal && self.escapes + b"\"\"".len() <= digits + b"{}\r\n".len()
    }
}

/// Appends `string`, made of these pieces.
fn put_pieces<'a>(out: &mut Vec<u8>, pieces: impl Iterator<Item = Piece<'a>> + Clone) {
    let scan = pieces.clone().fold(Scan::default(), Scan::add);
    if scan.is_quoted() {
        out.reserve(scan.bytes + scan.escapes + 2);
        out.push(b'"');
        pieces.for_each(|piece| piece.put(out, scan.escapes > 0, escape));
        out.push(b'"');
    } else {
        let length = scan.literal_bytes();
        out.push(b'{');
        put_number(out, u64::try_from(length).unwrap_or(u64::MAX));
        out.extend_from_slice(b"}\r\n");
        out.reserve(length);
        pieces.for_each(|piece| piece.put(out, scan.nuls > 0, |byte| (byte == 0).then_some(NUL_REPLACEMENT)));
    }
}

/// `"\" quoted-specials`
fn escape(byte: u8) -> Option<&'static [u8]> {
    match byte {
        b'"' => Some(b"\\\""),
        b'\\' => Some(b"\\\\"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(put: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        put(&mut out);
        out.iter().map(|b| char::from(*b)).collect()
    }

    #[test]
    fn strings_are_quoted_where_safe_and_literals_elsewhere() {
        for (text, wire) in [
            (&b"abc"[..], "\"abc\""),
            (b"", "\"\""),
            (b"a\"b\\", "\"a\\\"b\\\\\""),
            (b"\"\"\"", "\"\\\"\\\"\\\"\""),
            (b"\"\"\"\"", "{4}\r\n\"\"\"\""),
            (b"\"\"\"\"567890", "\"\\\"\\\"\\\"\\\"567890\""),
            (b"a\x01\x7f", "\"a\u{1}\u{7f}\""),
            (b"\xe4", "{1}\r\n\u{e4}"),
            (b"a\0b", "{5}\r\na\u{ef}\u{bf}\u{bd}b"),
            (b"a\r\nb", "{4}\r\na\r\nb"),
        ] {
            assert_eq!(written(|out| put_string(out, text)), wire);
        }
        assert_eq!(written(|out| put_nstring(out, None)), "NIL");
        assert_eq!(written(|out| put_number(out, 0)) + &written(|out| put_number(out, 10_203)), "010203");
    }

    #[test]
    fn folds_are_taken_out_and_other_line_breaks_leave_a_space() {
        for (value, wire) in [
            (&b"a\r\n b\r\nc\r\n"[..], "\"a b c\""),
            (b"a\n\tb\n", "\"a\tb\""),
            (b"a\r\n \r\n b", "\"a  b\""),
            (b"a\rb\r", "{4}\r\na\rb\r"),
            (b"", "\"\""),
        ] {
            assert_eq!(written(|out| put_unfolded(out, Some(value))), wire, "{}", value.escape_ascii());
        }
        assert_eq!(written(|out| put_unfolded(out, None)), "NIL");
    }

    #[test]
    fn text_for_people_has_single_spaces_within_and_none_around() {
        for (text, wire) in [
            (&b"a b"[..], "\"a b\""),
            (b" a \r\n\tb ", "\"a b\""),
            (b"a  b", "\"a b\""),
            (b" \t", "\"\""),
            (b"", "\"\""),
            (b"a\"b", "\"a\\\"b\""),
            (b" \xe4  \xe4", "{3}\r\n\u{e4} \u{e4}"),
        ] {
            assert_eq!(written(|out| put_text(out, text)), wire);
        }
    }
}
