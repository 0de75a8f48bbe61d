//! The first words of a message (RFC 8970): taken from the first bytes of its text while they stream by.

use crate::charset::CharsetDecoder;
use crate::html::HtmlText;
use crate::part::TransferEncoding;
use crate::transfer::TransferDecoder;

/// Longest preview in characters (RFC 8970 §3.1).
pub const PREVIEW_MAX: usize = 200;

/// How many bytes of a plain text are kept until its preview is made.
const PLAIN_BYTES_MAX: usize = 4 << 10;
/// How many bytes of HTML: its head may be long.
const HTML_BYTES_MAX: usize = 32 << 10;

/// The start of one text.
struct Text {
    encoding: TransferEncoding,
    charset: String,
    bytes: Vec<u8>,
}

/// Keeps the start of the first plain text and of the first HTML.
#[derive(Default)]
pub(crate) struct Capture {
    plain: Option<Text>,
    html: Option<Text>,
    /// Which of the two the body being read belongs to.
    active: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Html,
}

impl Capture {
    /// The body of a leaf begins.
    pub(crate) fn begin(&mut self, media_type: &[u8], charset: &[u8], encoding: TransferEncoding) {
        let (kind, place) = match media_type {
            b"text/plain" => (Kind::Plain, &mut self.plain),
            b"text/html" => (Kind::Html, &mut self.html),
            _ => return,
        };
        if place.is_none() {
            let charset = String::from_utf8_lossy(charset).into_owned();
            *place = Some(Text { encoding, charset, bytes: Vec::new() });
            self.active = Some(kind);
        }
    }

    /// Body bytes stream by.
    pub(crate) fn take(&mut self, bytes: &[u8]) {
        let (text, limit) = match self.active {
            None => return,
            Some(Kind::Plain) => (&mut self.plain, PLAIN_BYTES_MAX),
            Some(Kind::Html) => (&mut self.html, HTML_BYTES_MAX),
        };
        if let Some(text) = text {
            let room = limit.saturating_sub(text.bytes.len());
            text.bytes.extend_from_slice(bytes.get(..room).unwrap_or(bytes));
            if text.bytes.len() >= limit {
                self.active = None;
            }
        }
    }

    /// The body ends.
    pub(crate) fn pause(&mut self) {
        self.active = None;
    }

    /// The preview; empty if there is no text.
    pub(crate) fn preview(&self) -> String {
        let plain = self.plain.as_ref().map(|text| text.preview(Kind::Plain)).unwrap_or_default();
        if !plain.is_empty() {
            return plain;
        }
        self.html.as_ref().map(|text| text.preview(Kind::Html)).unwrap_or_default()
    }
}

impl Text {
    fn preview(&self, kind: Kind) -> String {
        let mut bytes = Vec::new();
        let mut decoder = TransferDecoder::new(self.encoding);
        decoder.push(&self.bytes, &mut bytes);
        decoder.finish(&mut bytes);
        let mut text = String::new();
        CharsetDecoder::new(&self.charset).push(&bytes, false, &mut text);
        if kind == Kind::Html {
            let mut html = HtmlText::default();
            let mut out = String::new();
            html.push(&text, &mut out);
            text = out;
        }
        let own = words(text.lines().filter(|line| !line.starts_with('>')));
        // A mail that is nothing but quotation is shown as such.
        if own.is_empty() { words(text.lines()) } else { own }
    }
}

fn is_unseen(c: char) -> bool {
    c.is_control() || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fffd}' | '\u{34f}')
}

/// The words of these lines, joined by single spaces, up to [`PREVIEW_MAX`] characters.
fn words<'a>(lines: impl Iterator<Item = &'a str>) -> String {
    let mut out = String::new();
    let mut count = 0;
    for word in lines.flat_map(str::split_whitespace) {
        let mut is_first = true;
        for c in word.chars().filter(|c| !is_unseen(*c)) {
            let needed = if is_first && !out.is_empty() { 2 } else { 1 };
            if count + needed > PREVIEW_MAX {
                return out;
            }
            if needed == 2 {
                out.push(' ');
            }
            out.push(c);
            count += needed;
            is_first = false;
        }
    }
    out
}
