//! The text of a part as its raw bytes stream by: transfer encoding undone, charset to UTF-8, HTML to text. What
//! search and full-text indexing read.

use crate::charset::CharsetDecoder;
use crate::html::HtmlText;
use crate::part::{Part, PartKind};
use crate::transfer::TransferDecoder;

/// How many raw bytes are decoded in one go, so that buffers stay small whatever comes in.
const STEP: usize = 16 << 10;

/// Decodes one text part. Memory: a few times 16 KiB.
pub struct BodyText {
    transfer: TransferDecoder,
    charset: CharsetDecoder,
    html: Option<HtmlText>,
    bytes: Vec<u8>,
    markup: String,
}

impl BodyText {
    /// A decoder at the start of a part's body; `None` for a part that is no text.
    pub fn new(part: &Part<'_>) -> Option<Self> {
        if part.kind != PartKind::Leaf || !part.media_type.starts_with("text/") {
            return None;
        }
        Some(Self {
            transfer: TransferDecoder::new(part.encoding),
            charset: CharsetDecoder::new(part.charset),
            html: (part.media_type == "text/html").then(HtmlText::default),
            bytes: Vec::new(),
            markup: String::new(),
        })
    }

    /// Hands the text of the next raw bytes to `each`, in pieces.
    pub fn push(&mut self, raw: &[u8], mut each: impl FnMut(&str)) {
        let mut text = String::new();
        for piece in raw.chunks(STEP) {
            self.bytes.clear();
            self.transfer.push(piece, &mut self.bytes);
            self.decode(false, &mut text);
            each(&text);
        }
    }

    /// Hands over the text that was held back at the end of the part.
    pub fn finish(mut self, mut each: impl FnMut(&str)) {
        let mut text = String::new();
        self.bytes.clear();
        self.transfer.finish(&mut self.bytes);
        self.decode(true, &mut text);
        if let Some(html) = &mut self.html {
            html.finish(&mut text);
        }
        each(&text);
    }

    fn decode(&mut self, is_last: bool, text: &mut String) {
        text.clear();
        match &mut self.html {
            None => self.charset.push(&self.bytes, is_last, text),
            Some(html) => {
                self.markup.clear();
                self.charset.push(&self.bytes, is_last, &mut self.markup);
                html.push(&self.markup, text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Scanner, SectionText};

    #[test]
    fn any_split_of_a_body_gives_the_same_text() {
        for (head, body, want) in [
            ("text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", "R3LD\r\nvMOfZQ==\r\n", "Grüße"),
            (
                "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable",
                "Gr=C3=\r\n=BC=C3=9Fe  \r\n",
                "Grüße\r\n",
            ),
            ("text/html; charset=iso-8859-1", "<b>Gr\u{fc}\u{df}e</b> &amp; so", "Gr\u{c3}\u{bc}\u{c3}\u{178}e & so"),
        ] {
            let message = format!("Content-Type: {head}\r\n\r\n{body}");
            let summary = Scanner::scan(message.as_bytes());
            let part = summary.parts().next().unwrap();
            let range = summary.locate(&[1], SectionText::Body).unwrap();
            let raw = &message.as_bytes()[usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap()];
            for step in [1, 3, 1000] {
                let mut text = String::new();
                let mut decoder = BodyText::new(&part).unwrap();
                raw.chunks(step).for_each(|piece| decoder.push(piece, |t| text.push_str(t)));
                decoder.finish(|t| text.push_str(t));
                assert_eq!(text, want, "{head} in steps of {step}");
            }
        }
    }

    #[test]
    fn what_is_no_text_has_no_text() {
        let summary = Scanner::scan(b"Content-Type: image/png\r\n\r\nx");
        assert!(BodyText::new(&summary.parts().next().unwrap()).is_none());
    }
}
