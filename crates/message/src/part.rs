//! The part table: where every part of a message lies in its raw bytes.

use crate::varint;
use std::fmt;
use std::ops::Range;

/// A part's place in its message: `1.2.3` as RFC 9051 §6.4.5.1 counts. Empty for a multipart that is the whole
/// of the raw message: that has no number of its own. One that is the whole of a message inside another has the number
/// of the part that holds that message.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PartPath(pub Vec<u32>);

impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, number) in self.0.iter().enumerate() {
            write!(f, "{}{number}", if i == 0 { "" } else { "." })?;
        }
        Ok(())
    }
}

/// What a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// Bytes: text, an image, or whatever was not descended into.
    Leaf,
    /// Parts between boundaries.
    Multipart,
    /// A message (message/rfc822, message/global), which is the next part in the table.
    Message,
}

/// Content-Transfer-Encoding (RFC 2045 §6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TransferEncoding {
    /// 7bit, 8bit, binary, or none given: the bytes are the content.
    #[default]
    Identity,
    /// base64
    Base64,
    /// quoted-printable
    QuotedPrintable,
    /// Something else: the content cannot be had.
    Unknown,
}

impl TransferEncoding {
    /// Reads the value of a Content-Transfer-Encoding field, comments and white space taken off.
    pub fn parse(text: &[u8]) -> Self {
        let is = |name: &str| text.eq_ignore_ascii_case(name.as_bytes());
        if text.is_empty() || is("7bit") || is("8bit") || is("binary") {
            Self::Identity
        } else if is("base64") {
            Self::Base64
        } else if is("quoted-printable") {
            Self::QuotedPrintable
        } else {
            Self::Unknown
        }
    }
}

/// One part of a message. Offsets are bytes from the start of the raw message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    /// Its number.
    pub path: PartPath,
    /// How many parts it lies in; zero for the message itself.
    pub depth: usize,
    /// What it holds.
    pub kind: PartKind,
    /// Whether this is a message: the raw message itself, or the one inside a message/rfc822 part.
    pub is_message_root: bool,
    /// Its MIME header with the empty line that ends it (a message's whole header, if it is a message).
    pub header: Range<u64>,
    /// Its body, up to the line break that belongs to the next boundary.
    pub body: Range<u64>,
    /// Line feeds in the body.
    pub lines: u64,
    /// How the body is encoded.
    pub encoding: TransferEncoding,
    /// `type/subtype` in small letters.
    pub media_type: &'a str,
    /// The charset parameter in small letters; empty if there is none.
    pub charset: &'a str,
    /// Whether Content-Disposition says attachment.
    pub is_attachment: bool,
}

/// The media types that take one byte in a row. Order is part of the row format: append only.
const COMMON_TYPES: [&str; 16] = [
    "text/plain",
    "text/html",
    "multipart/mixed",
    "multipart/alternative",
    "multipart/related",
    "multipart/signed",
    "multipart/report",
    "message/rfc822",
    "application/octet-stream",
    "application/pdf",
    "image/png",
    "image/jpeg",
    "image/gif",
    "text/calendar",
    "message/delivery-status",
    "application/pgp-signature",
];

/// The charsets that take one byte in a row. Order is part of the row format: append only.
const COMMON_CHARSETS: [&str; 5] = ["", "us-ascii", "utf-8", "iso-8859-1", "windows-1252"];

/// One part as the scanner hands it over, in the order of their headers.
#[derive(Clone, Debug)]
pub(crate) struct PartEntry<'a> {
    pub(crate) depth: usize,
    pub(crate) kind: PartKind,
    pub(crate) is_message_root: bool,
    pub(crate) header: Range<u64>,
    pub(crate) body: Range<u64>,
    pub(crate) lines: u64,
    pub(crate) encoding: TransferEncoding,
    pub(crate) media_type: &'a str,
    pub(crate) charset: &'a str,
    pub(crate) is_attachment: bool,
}

fn put_word(out: &mut Vec<u8>, word: &str, common: &[&str]) {
    if let Some(index) = common.iter().position(|c| *c == word) {
        varint::put(out, varint::size(index));
    } else {
        varint::put(out, varint::size(common.len().saturating_add(word.len())));
        out.extend_from_slice(word.as_bytes());
    }
}

fn take_word<'a>(input: &mut &'a [u8], common: &[&'static str]) -> Option<&'a str> {
    let code = usize::try_from(varint::take(input)?).ok()?;
    if let Some(word) = common.get(code) {
        return Some(word);
    }
    let (word, rest) = input.split_at_checked(code.checked_sub(common.len())?)?;
    *input = rest;
    std::str::from_utf8(word).ok()
}

/// Appends one part to a table; `header_before` is where the header before it began.
pub(crate) fn put_part(out: &mut Vec<u8>, part: &PartEntry<'_>, header_before: u64) {
    let kind = match part.kind {
        PartKind::Leaf => 0u64,
        PartKind::Multipart => 1,
        PartKind::Message => 2,
    };
    let encoding = match part.encoding {
        TransferEncoding::Identity => 0u64,
        TransferEncoding::Base64 => 1,
        TransferEncoding::QuotedPrintable => 2,
        TransferEncoding::Unknown => 3,
    };
    let bits = kind | encoding << 2 | u64::from(part.is_message_root) << 4 | u64::from(part.is_attachment) << 5;
    varint::put(out, bits);
    varint::put(out, varint::size(part.depth));
    varint::put(out, part.header.start.saturating_sub(header_before));
    varint::put(out, part.header.end.saturating_sub(part.header.start));
    varint::put(out, part.body.start.saturating_sub(part.header.end));
    varint::put(out, part.body.end.saturating_sub(part.body.start));
    varint::put(out, part.lines);
    put_word(out, part.media_type, &COMMON_TYPES);
    put_word(out, part.charset, &COMMON_CHARSETS);
}

fn take_part<'a>(input: &mut &'a [u8], header_before: u64) -> Option<PartEntry<'a>> {
    let bits = varint::take(input)?;
    let depth = usize::try_from(varint::take(input)?).ok()?;
    let header_start = header_before.checked_add(varint::take(input)?)?;
    let header_end = header_start.checked_add(varint::take(input)?)?;
    let body_start = header_end.checked_add(varint::take(input)?)?;
    let body_end = body_start.checked_add(varint::take(input)?)?;
    Some(PartEntry {
        depth,
        kind: match bits & 3 {
            0 => PartKind::Leaf,
            1 => PartKind::Multipart,
            _ => PartKind::Message,
        },
        is_message_root: bits & 16 != 0,
        header: header_start..header_end,
        body: body_start..body_end,
        lines: varint::take(input)?,
        encoding: match bits >> 2 & 3 {
            0 => TransferEncoding::Identity,
            1 => TransferEncoding::Base64,
            2 => TransferEncoding::QuotedPrintable,
            _ => TransferEncoding::Unknown,
        },
        media_type: take_word(input, &COMMON_TYPES)?,
        charset: take_word(input, &COMMON_CHARSETS)?,
        is_attachment: bits & 32 != 0,
    })
}

/// What stands above the part that is read next.
struct Above {
    /// Numbers up to here.
    path_length: usize,
    /// Parts counted so far.
    children: u32,
}

/// Reads a part table from the front. Stops at the first entry that is damaged.
pub struct Parts<'a> {
    rest: &'a [u8],
    header_before: u64,
    above: Vec<Above>,
    path: Vec<u32>,
}

impl<'a> Parts<'a> {
    pub(crate) fn new(table: &'a [u8]) -> Self {
        Self { rest: table, header_before: 0, above: Vec::new(), path: Vec::new() }
    }

    /// The next entry, with its path left in `self.path`.
    fn step(&mut self) -> Option<PartEntry<'a>> {
        let entry = take_part(&mut self.rest, self.header_before)?;
        self.header_before = entry.header.start;
        self.above.truncate(entry.depth);
        if entry.depth != self.above.len() {
            return None;
        }
        match self.above.last_mut() {
            Some(above) => {
                above.children = above.children.saturating_add(1);
                self.path.truncate(above.path_length);
                if !(entry.is_message_root && entry.kind == PartKind::Multipart) {
                    self.path.push(above.children);
                }
            }
            // A message that is no multipart has its body as part 1 (RFC 9051 §6.4.5.1).
            None if entry.kind != PartKind::Multipart => self.path.push(1),
            None => {}
        }
        self.above.push(Above { path_length: self.path.len(), children: 0 });
        Some(entry)
    }

    /// What stands for the entry that was read last.
    fn part(&self, entry: PartEntry<'a>) -> Part<'a> {
        Part {
            path: PartPath(self.path.clone()),
            depth: entry.depth,
            kind: entry.kind,
            is_message_root: entry.is_message_root,
            header: entry.header,
            body: entry.body,
            lines: entry.lines,
            encoding: entry.encoding,
            media_type: entry.media_type,
            charset: entry.charset,
            is_attachment: entry.is_attachment,
        }
    }

    /// The first part with this number.
    pub(crate) fn find_path(mut self, path: &[u32]) -> Option<Part<'a>> {
        loop {
            let entry = self.step()?;
            if self.path == path {
                return Some(self.part(entry));
            }
        }
    }

    /// Moves to the part with this number and returns it with the part after it.
    pub(crate) fn seek(&mut self, path: &[u32]) -> Option<(PartEntry<'a>, Option<PartEntry<'a>>)> {
        loop {
            let entry = self.step()?;
            if self.path == path && !path.is_empty() {
                let next = take_part(&mut self.rest, self.header_before);
                return Some((entry, next));
            }
        }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        let entry = self.step()?;
        Some(self.part(entry))
    }
}
