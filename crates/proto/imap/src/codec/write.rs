//! Writers of the grammar's small words, straight into the output.

use super::chars;
use crate::enabled::Enabled;
use crate::language::Language;
use bytes::BytesMut;

/// Longest string written in quotes; longer ones are literals.
const QUOTED_MAX: usize = 1000;

/// Writes a number in decimal.
pub fn write_number(out: &mut BytesMut, mut number: u64) {
    let mut digits = [0u8; 20];
    let mut count = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(number % 10).unwrap_or(0);
        number /= 10;
        count += 1;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - count..).unwrap_or_default());
}

/// Writes a length as a count of bytes.
pub fn write_length(out: &mut BytesMut, length: usize) {
    write_number(out, u64::try_from(length).unwrap_or(u64::MAX));
}

/// Writes `{n}` and the line end; `size` bytes must follow.
pub fn write_literal_header(out: &mut BytesMut, size: u64) {
    out.extend_from_slice(b"{");
    write_number(out, size);
    out.extend_from_slice(b"}\r\n");
}

/// `string`: in quotes where they can hold it, else as a literal.
pub fn write_string(out: &mut BytesMut, text: &[u8]) {
    let quotable = text.len() <= QUOTED_MAX && text.iter().all(|b| b.is_ascii() && !matches!(b, 0 | b'\r' | b'\n'));
    if !quotable {
        write_literal_header(out, u64::try_from(text.len()).unwrap_or(u64::MAX));
        out.extend_from_slice(text);
        return;
    }
    write_quoted(out, text);
}

fn write_quoted(out: &mut BytesMut, text: &[u8]) {
    out.extend_from_slice(b"\"");
    for piece in text.split_inclusive(|b| matches!(b, b'"' | b'\\')) {
        match piece.split_last() {
            Some((special @ (b'"' | b'\\'), plain)) => {
                out.extend_from_slice(plain);
                out.extend_from_slice(&[b'\\', *special]);
            }
            _ => out.extend_from_slice(piece),
        }
    }
    out.extend_from_slice(b"\"");
}

/// A string that the client takes as UTF-8: quoted where it can be (RFC 9755 §3).
pub fn write_utf8(out: &mut BytesMut, text: &str) {
    if text.len() > QUOTED_MAX || text.bytes().any(|b| matches!(b, 0 | b'\r' | b'\n')) {
        return write_string(out, text.as_bytes());
    }
    write_quoted(out, text.as_bytes());
}

/// `nstring`
pub fn write_nstring(out: &mut BytesMut, text: Option<&[u8]>) {
    match text {
        Some(text) => write_string(out, text),
        None => out.extend_from_slice(b"NIL"),
    }
}

/// `astring`: bare where it can be, but never a bare `NIL`, which some readers take for nothing.
pub fn write_astring(out: &mut BytesMut, text: &[u8]) {
    let bare =
        !text.is_empty() && text.iter().all(|b| chars::is_astring_char(*b)) && !text.eq_ignore_ascii_case(b"NIL");
    if bare { out.extend_from_slice(text) } else { write_string(out, text) }
}

/// A mailbox name in modified UTF-7, or in UTF-8 for who enabled it (RFC 9755 §3, RFC 9051 §5.1).
pub fn write_mailbox(out: &mut BytesMut, name: &str, enabled: Enabled) {
    if enabled.utf8() && !name.is_ascii() {
        write_utf8(out, name);
    } else if enabled.utf8() || name.bytes().all(|b| b.is_ascii() && b != b'&') {
        write_astring(out, name.as_bytes());
    } else {
        write_astring(out, super::modified_utf7::encode(name).as_bytes());
    }
}

/// Human text of a response in the client's language: what could end the line becomes `?`, and so does what is not ASCII
/// for a client that chose no language (RFC 5255 §3.5 `UTF8-TEXT-CHAR`).
pub fn write_text(out: &mut BytesMut, text: &str, language: Language) {
    if text.is_empty() {
        // RFC 3501 §9: `text` has at least one character.
        out.extend_from_slice(b"-");
    }
    for c in language.text(text).chars() {
        let is_fine = if language == Language::Default { matches!(c, ' '..='~') } else { !c.is_control() };
        let c = if is_fine { c } else { '?' };
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Writes each element with a space between.
pub fn write_spaced<T>(
    out: &mut BytesMut,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut BytesMut, T),
) {
    for (i, item) in items.into_iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b" ");
        }
        write(out, item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Cursor;
    use crate::command::enable::Extension;

    fn written(write: impl Fn(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn numbers_have_no_leading_zeros() {
        for n in [0, 9, 10, 99, 100, 4_294_967_295, u64::MAX] {
            assert_eq!(written(|o| write_number(o, n)), n.to_string());
        }
    }

    #[test]
    fn strings_take_the_plainest_form_that_holds_them() {
        assert_eq!(written(|o| write_astring(o, b"INBOX")), "INBOX");
        assert_eq!(written(|o| write_astring(o, b"")), "\"\"");
        assert_eq!(written(|o| write_astring(o, b"nil")), "\"nil\"");
        assert_eq!(written(|o| write_astring(o, b"a b")), "\"a b\"");
        assert_eq!(written(|o| write_string(o, b"a\"b\\c")), "\"a\\\"b\\\\c\"");
        assert_eq!(written(|o| write_string(o, b"a\r\nb")), "{4}\r\na\r\nb");
        assert_eq!(written(|o| write_string(o, "\u{e4}".as_bytes())), "{2}\r\n\u{e4}");
        assert_eq!(written(|o| write_nstring(o, None)), "NIL");
        let rev1 = Enabled::default();
        assert_eq!(written(|o| write_mailbox(o, "Entwürfe & mehr", rev1)), "\"Entw&APw-rfe &- mehr\"");
        let mut rev2 = Enabled::default();
        rev2.enable(Extension::Imap4Rev2);
        assert_eq!(written(|o| write_mailbox(o, "Entwürfe \"& mehr", rev2)), "\"Entwürfe \\\"& mehr\"");
        assert_eq!(written(|o| write_mailbox(o, "R&D", rev2)), "R&D");
        assert_eq!(written(|o| write_text(o, "a\r\n* BYE ü", Language::Default)), "a??* BYE ?");
        assert_eq!(written(|o| write_text(o, "a\r\nü", Language::English)), "a??ü");
        assert_eq!(written(|o| write_text(o, "", Language::Default)), "-");
    }

    #[test]
    fn what_is_written_as_a_string_is_read_as_the_same() {
        for text in
            ["", "a", "a\"", "\\\"\\", "x\r\ny", "(%*]", "ü", &"q".repeat(QUOTED_MAX), &"q".repeat(QUOTED_MAX + 1)]
        {
            let wire = written(|o| write_astring(o, text.as_bytes()));
            let mut cursor = Cursor::new(wire.as_bytes());
            assert_eq!(&*cursor.astring().unwrap(), text.as_bytes(), "{wire}");
            assert_eq!(cursor.end(), Ok(()));
        }
        assert!(written(|o| write_string(o, &[b'q'; QUOTED_MAX])).starts_with('"'));
        assert!(written(|o| write_string(o, &[b'q'; QUOTED_MAX + 1])).starts_with('{'));
    }
}
