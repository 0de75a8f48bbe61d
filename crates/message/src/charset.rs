//! Charsets to UTF-8, whole or as bytes stream by. What cannot be decoded becomes U+FFFD.

use encoding_rs::{CoderResult, Decoder, Encoding, UTF_8, WINDOWS_1252};

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
