//! Strings in IMAP wire form (RFC 9051 §4.3): quoted where that is safe, else a literal.

/// A quoted string with more than this many quoted specials is sent as a literal: shorter on the wire.
const ESCAPES_MAX: usize = 4;

/// What a NUL becomes, U+FFFD: no IMAP string can hold one (RFC 9051 §9 `CHAR8`).
const NUL_REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Appends `nstring`: NIL for `None`.
pub(crate) fn put_nstring(out: &mut Vec<u8>, text: Option<&[u8]>) {
    match text {
        Some(text) => put_string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// Appends `string`.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &[u8]) {
    let escapes = text.iter().filter(|b| matches!(b, b'"' | b'\\')).count();
    if escapes > ESCAPES_MAX || text.iter().any(|b| matches!(b, 0 | b'\r' | b'\n' | 0x80..)) {
        put_literal(out, text);
        return;
    }
    out.push(b'"');
    if escapes == 0 {
        out.extend_from_slice(text);
    } else {
        for byte in text {
            if matches!(byte, b'"' | b'\\') {
                out.push(b'\\');
            }
            out.push(*byte);
        }
    }
    out.push(b'"');
}

fn put_literal(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'{');
    let nuls = memchr::memchr_iter(0, text).count();
    put_number(out, crate::varint::size(text.len() + nuls * (NUL_REPLACEMENT.len() - 1)));
    out.extend_from_slice(b"}\r\n");
    if nuls == 0 {
        out.extend_from_slice(text);
        return;
    }
    for byte in text {
        out.extend_from_slice(if *byte == 0 { NUL_REPLACEMENT } else { std::slice::from_ref(byte) });
    }
}

/// Appends the raw value of an unstructured field, its folds taken out (RFC 5322 §2.2.3).
pub(crate) fn put_unfolded(out: &mut Vec<u8>, value: Option<&[u8]>) {
    match value {
        Some(value) if value.iter().any(|b| matches!(b, b'\r' | b'\n')) => put_string(out, &unfold(value)),
        value => put_nstring(out, value),
    }
}

/// A raw value without its line breaks; one that no white space follows leaves a space.
pub(crate) fn unfold(value: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if !matches!(byte, b'\r' | b'\n') {
            out.push(byte);
        } else if bytes.peek().is_some_and(|next| !matches!(next, b' ' | b'\t' | b'\r' | b'\n')) {
            out.push(b' ');
        }
    }
    out
}

/// Appends text that people read (a subject, a display name): runs of white space become one space, none is left at
/// the ends.
pub(crate) fn put_text(out: &mut Vec<u8>, text: &[u8]) {
    let is_space = |b: &u8| matches!(b, b' ' | b'\t' | b'\r' | b'\n');
    let is_plain = !text.iter().any(|b| matches!(b, 0 | b'\t' | b'\r' | b'\n' | b'"' | b'\\' | 0x80..))
        && !text.first().is_some_and(is_space)
        && !text.last().is_some_and(is_space)
        && !text.windows(2).any(|pair| pair == b"  ");
    if is_plain {
        out.push(b'"');
        out.extend_from_slice(text);
        out.push(b'"');
        return;
    }
    let mut words = text.split(is_space).filter(|word| !word.is_empty());
    let mut joined = words.next().unwrap_or_default().to_vec();
    for word in words {
        joined.push(b' ');
        joined.extend_from_slice(word);
    }
    if joined.is_empty() {
        out.extend_from_slice(b"\"\"");
    } else {
        put_literal(out, &joined);
    }
}

/// Appends a number in decimal.
pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    let start = out.len();
    loop {
        out.push(b'0'.saturating_add(u8::try_from(number % 10).unwrap_or(0)));
        number /= 10;
        if number == 0 {
            break;
        }
    }
    if let Some(digits) = out.get_mut(start..) {
        digits.reverse();
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
            (b"\"\"\"\"\"", "{5}\r\n\"\"\"\"\""),
            (b"\xe4", "{1}\r\n\u{e4}"),
            (b"a\0b", "{5}\r\na\u{ef}\u{bf}\u{bd}b"),
            (b"a\r\nb", "{4}\r\na\r\nb"),
        ] {
            assert_eq!(written(|out| put_string(out, text)), wire);
        }
        assert_eq!(written(|out| put_nstring(out, None)), "NIL");
        assert_eq!(written(|out| put_unfolded(out, Some(b"a\r\n b\r\nc\r\n"))), "\"a b c\"");
        assert_eq!(written(|out| put_number(out, 0)) + &written(|out| put_number(out, 10_203)), "010203");
    }

    #[test]
    fn text_for_people_has_single_spaces_within_and_none_around() {
        for (text, wire) in [
            (&b"a b"[..], "\"a b\""),
            (b" a \r\n\tb ", "{3}\r\na b"),
            (b"a  b", "{3}\r\na b"),
            (b" \t", "\"\""),
            (b"", "\"\""),
            (b"a\"b", "{3}\r\na\"b"),
        ] {
            assert_eq!(written(|out| put_text(out, text)), wire);
        }
    }
}
