//! Sections (RFC 9051 §6.4.5.1) as byte ranges.

use super::Summary;
use crate::part::{PartKind, Parts};
use std::ops::Range;

/// What of a part a section names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// The part's body, or the whole message: no word after the number.
    Body,
    /// `HEADER`: the header of the message, or of the message in a message/rfc822 part.
    Header,
    /// `TEXT`: the body of the message, or of the message in a message/rfc822 part.
    Text,
    /// `MIME`: the part's own header.
    Mime,
}

pub(super) fn locate(summary: &Summary, path: &[u32], text: SectionText) -> Option<Range<u64>> {
    let (size, header_size) = (summary.fixed.size, summary.fixed.header_size);
    if path.is_empty() {
        return match text {
            SectionText::Body => Some(0..size),
            SectionText::Header => Some(0..header_size),
            SectionText::Text => Some(header_size..size),
            SectionText::Mime => None,
        };
    }
    let (part, next) = Parts::new(summary.slot(super::Slot::Parts)).seek(path)?;
    match text {
        SectionText::Body => Some(part.body),
        SectionText::Mime => Some(part.header),
        SectionText::Header | SectionText::Text if part.kind != PartKind::Message => None,
        SectionText::Header => next.map(|message| message.header),
        SectionText::Text => next.map(|message| message.body),
    }
}
