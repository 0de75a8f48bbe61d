//! The fields of one header block that matter, kept as raw bytes within limits.

use crate::Limits;
use std::ops::Range;

/// A field that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Name {
    Bcc,
    Cc,
    ContentDescription,
    ContentDisposition,
    ContentId,
    ContentLanguage,
    ContentLocation,
    ContentMd5,
    ContentTransferEncoding,
    ContentType,
    Date,
    From,
    InReplyTo,
    MessageId,
    MimeVersion,
    References,
    ReplyTo,
    Sender,
    Subject,
    To,
}

const NAMES: [(&str, Name); 20] = [
    ("bcc", Name::Bcc),
    ("cc", Name::Cc),
    ("content-description", Name::ContentDescription),
    ("content-disposition", Name::ContentDisposition),
    ("content-id", Name::ContentId),
    ("content-language", Name::ContentLanguage),
    ("content-location", Name::ContentLocation),
    ("content-md5", Name::ContentMd5),
    ("content-transfer-encoding", Name::ContentTransferEncoding),
    ("content-type", Name::ContentType),
    ("date", Name::Date),
    ("from", Name::From),
    ("in-reply-to", Name::InReplyTo),
    ("message-id", Name::MessageId),
    ("mime-version", Name::MimeVersion),
    ("references", Name::References),
    ("reply-to", Name::ReplyTo),
    ("sender", Name::Sender),
    ("subject", Name::Subject),
    ("to", Name::To),
];

impl Name {
    fn parse(name: &[u8]) -> Option<Self> {
        NAMES.iter().find(|(text, _)| name.eq_ignore_ascii_case(text.as_bytes())).map(|(_, name)| *name)
    }

    fn is_address(self) -> bool {
        matches!(self, Self::Bcc | Self::Cc | Self::From | Self::ReplyTo | Self::Sender | Self::To)
    }

    /// Whether it describes a part (RFC 2045 §3), and not a message.
    fn is_of_part(self) -> bool {
        use Name::{
            ContentDescription, ContentDisposition, ContentId, ContentLanguage, ContentLocation, ContentMd5,
            ContentTransferEncoding, ContentType, MimeVersion,
        };
        matches!(
            self,
            ContentDescription
                | ContentDisposition
                | ContentId
                | ContentLanguage
                | ContentLocation
                | ContentMd5
                | ContentTransferEncoding
                | ContentType
                | MimeVersion
        )
    }
}

/// How many fields of one header block are kept; ordinary mail has a dozen that matter.
const KEPT_MAX: usize = 4_096;

/// What is kept of the header block being read.
pub(crate) struct Fields {
    count_max: usize,
    bytes_max: usize,
    bytes: Vec<u8>,
    list: Vec<(Name, Range<usize>)>,
    /// Whether the last line belongs to the last field of the list.
    is_keeping: bool,
    seen: usize,
    is_limited: bool,
}

impl Fields {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            count_max: limits.header_fields,
            bytes_max: usize::try_from(limits.header_bytes.0).unwrap_or(usize::MAX),
            bytes: Vec::new(),
            list: Vec::new(),
            is_keeping: false,
            seen: 0,
            is_limited: false,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.list.clear();
        self.is_keeping = false;
        self.seen = 0;
    }

    /// How many bytes are kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        self.bytes.len()
    }

    /// Whether something was left out in any header so far.
    pub(crate) fn is_limited(&self) -> bool {
        self.is_limited
    }

    /// Takes a line of the header or a piece of one; the first piece holds the field's name whole.
    pub(crate) fn line(&mut self, piece: &[u8], is_first: bool, is_root: bool) {
        if is_first && !matches!(piece.first(), Some(b' ' | b'\t')) {
            self.begin(piece, is_root);
        } else if self.is_keeping {
            self.keep(piece);
        }
    }

    fn begin(&mut self, line: &[u8], is_root: bool) {
        self.is_keeping = false;
        self.seen = self.seen.saturating_add(1);
        if self.seen > self.count_max {
            self.is_limited = true;
            return;
        }
        let head = line.get(..super::LINE_HELD_MAX).unwrap_or(line);
        let Some(colon) = memchr::memchr(b':', head) else { return };
        let (name, value) = line.split_at_checked(colon).unwrap_or_default();
        // White space before the colon is obsolete syntax (RFC 5322 §4.5.1).
        let Some(name) = Name::parse(name.trim_ascii_end()).filter(|n| is_root || n.is_of_part()) else { return };
        if self.list.len() >= KEPT_MAX {
            self.is_limited = true;
            return;
        }
        let start = self.bytes.len();
        self.list.push((name, start..start));
        self.is_keeping = true;
        self.keep(value.get(1..).unwrap_or_default());
    }

    fn keep(&mut self, piece: &[u8]) {
        let room = self.bytes_max.saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(piece.get(..room).unwrap_or(piece));
        let Some((name, range)) = self.list.last_mut() else { return };
        range.end = self.bytes.len();
        if piece.len() > room {
            self.is_limited = true;
            self.is_keeping = false;
            if name.is_address() {
                // Half an address would be another address.
                let kept = self.bytes.get(range.clone()).unwrap_or_default();
                range.end = range.start.saturating_add(memchr::memrchr(b',', kept).unwrap_or(0));
            }
        }
    }

    /// The values of all fields of this name: raw, folded as they came, white space around them taken off.
    pub(crate) fn all(&self, name: Name) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.list.iter().filter(move |(n, _)| *n == name).map(|(_, range)| self.value(range))
    }

    /// The first of them.
    pub(crate) fn first(&self, name: Name) -> Option<&[u8]> {
        self.all(name).next()
    }

    /// The last of them.
    pub(crate) fn last(&self, name: Name) -> Option<&[u8]> {
        self.all(name).next_back()
    }

    fn value(&self, range: &Range<usize>) -> &[u8] {
        let value = self.bytes.get(range.clone()).unwrap_or_default();
        let start = value.iter().position(|b| !matches!(b, b' ' | b'\t')).unwrap_or(value.len());
        let value = value.get(start..).unwrap_or_default();
        value.strip_suffix(b"\r\n").or(value.strip_suffix(b"\n")).unwrap_or(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_that_matter_are_kept_up_to_a_number() {
        let mut fields = Fields::new(Limits::default());
        for _ in 0..KEPT_MAX {
            fields.line(b"To: a\n", true, true);
        }
        assert_eq!((fields.all(Name::To).count(), fields.is_limited()), (KEPT_MAX, false));
        fields.line(b"To: a\n", true, true);
        assert_eq!((fields.all(Name::To).count(), fields.is_limited()), (KEPT_MAX, true));
    }
}
