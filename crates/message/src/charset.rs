//! Charsets to UTF-8, whole or as bytes stream by. What cannot be decoded becomes U+FFFD.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// The encoding a MIME charset names (its WHATWG label); `None` if nobody knows it.
fn encoding(charset: &str) -> Option<&'static Encoding> {
    Encoding::for_label_no_replacement(charset.as_bytes())
}

/// Decodes bytes in a charset. Without one, or with one that is not known, or US-ASCII: UTF-8 if it is that, else
/// windows-1252, as bytes above 127 there mean in practice.
pub fn decode(bytes: &[u8], charset: &str) -> String {
    if bytes.is_ascii() && !charset.to_ascii_lowercase().starts_with("iso-2022") {
        return String::from_utf8(bytes.to_vec()).unwrap_or_default();
    }
    match encoding(charset).filter(|_| !charset.eq_ignore_ascii_case("us-ascii")) {
        Some(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
        None => match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => WINDOWS_1252.decode_without_bom_handling(bytes).0.into_owned(),
        },
    }
}

/// A charset in which a command may write its texts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// UTF-8, and with it US-ASCII.
    pub const UTF_8: Self = Self(UTF_8);

    /// The charset of a name; `None` if nobody knows it, or if its texts hold NULs as those of UTF-16 do, which no
    /// command can carry.
    pub fn find(name: &[u8]) -> Option<Self> {
        if name.eq_ignore_ascii_case(b"US-ASCII") {
            return Some(Self::UTF_8);
        }
        let found = Encoding::for_label_no_replacement(name)?;
        (found != UTF_16LE && found != UTF_16BE).then_some(Self(found))
    }

    /// Decodes a text; `None` if it is not in this charset.
    pub fn decode(self, bytes: &[u8]) -> Option<String> {
        self.0.decode_without_bom_handling_and_without_replacement(bytes).map(Into::into)
    }
}

/// Decodes a body as it streams by.
pub struct CharsetDecoder(Decoder);

impl CharsetDecoder {
    /// A decoder at the start of a text. A charset that is not known is taken for UTF-8.
    pub fn new(charset: &str) -> Self {
        let encoding = encoding(charset).filter(|_| !charset.eq_ignore_ascii_case("us-ascii")).unwrap_or(UTF_8);
        Self(encoding.new_decoder_without_bom_handling())
    }

    /// Appends what the next bytes decode to; `is_last` at the end of the text. The memory taken is at most three
    /// bytes for one that comes in.
    pub fn push(&mut self, mut input: &[u8], is_last: bool, out: &mut String) {
        loop {
            out.reserve(self.0.max_utf8_buffer_length(input.len()).unwrap_or(input.len()).max(16));
            let (result, read, _) = self.0.decode_to_string(input, out, is_last);
            input = input.get(read..).unwrap_or_default();
            if result == CoderResult::InputEmpty {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_charset_takes_only_what_is_in_it() {
        let decode = |name: &str, bytes: &[u8]| Charset::find(name.as_bytes()).map(|charset| charset.decode(bytes));
        assert_eq!(decode("koi8-r", b"\xcd\xc1\xd4\xd8"), Some(Some("мать".to_owned())));
        assert_eq!(decode("us-ascii", "ü".as_bytes()), Some(Some("ü".to_owned())), "UTF-8 is its superset");
        assert_eq!(decode("UTF-8", b"\xff"), Some(None));
        assert_eq!(decode("ISO-2022-JP", b"\x1b$B$3\x1b(B"), Some(Some("こ".to_owned())));
        assert_eq!((decode("utf-16", b"a\0"), decode("x-nobody", b"a"), decode("", b"a")), (None, None, None));
    }

    #[test]
    fn charsets_are_decoded_and_unknown_ones_guessed() {
        for (bytes, charset, text) in [
            (&b"caf\xe9"[..], "ISO-8859-1", "café"),
            (b"caf\xc3\xa9", "utf-8", "café"),
            (b"caf\xc3\xa9", "", "café"),
            (b"caf\xe9", "x-nobody", "café"),
            (b"caf\xe9", "utf-8", "caf\u{fffd}"),
            (b"\x1b$B$3\x1b(B", "ISO-2022-JP", "こ"),
        ] {
            assert_eq!(decode(bytes, charset), text);
        }
        let mut text = String::new();
        let mut decoder = CharsetDecoder::new("utf-8");
        for byte in "a€b".as_bytes() {
            decoder.push(&[*byte], false, &mut text);
        }
        decoder.push(b"\xe2", true, &mut text);
        assert_eq!(text, "a€b\u{fffd}");
    }
}
