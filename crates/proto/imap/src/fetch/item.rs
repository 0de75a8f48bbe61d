//! The items of FETCH and their parser (RFC 3501 §6.4.5, §9 `fetch-att`).

use super::binary::{BinarySection, parse_section};
use super::section::{Section, SectionText};
use crate::codec::{Cursor, ParseError};
use std::num::{NonZeroU32, NonZeroU64};

/// Most items in one FETCH.
pub const FETCH_ITEMS_MAX: usize = 256;

/// One item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchItem {
    /// UID
    Uid,
    /// FLAGS
    Flags,
    /// INTERNALDATE
    InternalDate,
    /// RFC822.SIZE
    Rfc822Size,
    /// ENVELOPE
    Envelope,
    /// BODY without a section: BODYSTRUCTURE without its extensions.
    Body,
    /// BODYSTRUCTURE
    BodyStructure,
    /// RFC822: as `BODY[]`, sets `\Seen`.
    Rfc822,
    /// RFC822.HEADER: as `BODY.PEEK[HEADER]`.
    Rfc822Header,
    /// RFC822.TEXT: as `BODY[TEXT]`, sets `\Seen`.
    Rfc822Text,
    /// `BODY[…]`, `BODY.PEEK[…]`
    Section(BodySection),
    /// MODSEQ (RFC 7162 §3.1.4.2); enables CONDSTORE.
    ModSeq,
    /// EMAILID (RFC 8474 §5.1)
    EmailId,
    /// THREADID (RFC 8474 §5.2)
    ThreadId,
    /// SAVEDATE (RFC 8514 §4.2)
    SaveDate,
    /// PREVIEW (RFC 8970 §3); LAZY asks for no more than what is at hand, and with us it always is.
    Preview,
    /// `BINARY[…]`, `BINARY.PEEK[…]` (RFC 3516 §4.2)
    Binary(BinarySection),
    /// `BINARY.SIZE[…]` of the part with these numbers (RFC 3516 §4.2)
    BinarySize(Box<[NonZeroU32]>),
}

impl FetchItem {
    /// Whether fetching it sets `\Seen`.
    pub fn sets_seen(&self) -> bool {
        match self {
            Self::Rfc822 | Self::Rfc822Text => true,
            Self::Section(section) => !section.peek,
            Self::Binary(section) => !section.peek,
            _ => false,
        }
    }
}

/// A section of a message's body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BodySection {
    /// `.PEEK`: `\Seen` stays as it is.
    pub peek: bool,
    /// Which section.
    pub section: Section,
    /// Which bytes of it; `None` for all.
    pub partial: Option<Partial>,
}

/// A range of bytes within a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    /// The first byte, from 0.
    pub offset: u64,
    /// At most so many.
    pub length: NonZeroU64,
}

/// The items with plain names.
const PLAIN: [(&str, FetchItem); 13] = [
    ("UID", FetchItem::Uid),
    ("FLAGS", FetchItem::Flags),
    ("INTERNALDATE", FetchItem::InternalDate),
    ("RFC822.SIZE", FetchItem::Rfc822Size),
    ("ENVELOPE", FetchItem::Envelope),
    ("BODYSTRUCTURE", FetchItem::BodyStructure),
    ("RFC822", FetchItem::Rfc822),
    ("RFC822.HEADER", FetchItem::Rfc822Header),
    ("RFC822.TEXT", FetchItem::Rfc822Text),
    ("MODSEQ", FetchItem::ModSeq),
    ("EMAILID", FetchItem::EmailId),
    ("THREADID", FetchItem::ThreadId),
    ("SAVEDATE", FetchItem::SaveDate),
];

/// The macros: ALL, FAST and FULL are the first four, three or five of these.
fn expand(name: &str) -> Option<Vec<FetchItem>> {
    let count = match name {
        _ if name.eq_ignore_ascii_case("FAST") => 3,
        _ if name.eq_ignore_ascii_case("ALL") => 4,
        _ if name.eq_ignore_ascii_case("FULL") => 5,
        _ => return None,
    };
    let all = [FetchItem::Flags, FetchItem::InternalDate, FetchItem::Rfc822Size, FetchItem::Envelope, FetchItem::Body];
    Some(all.into_iter().take(count).collect())
}

/// ```text
/// fetch-items = "ALL" / "FULL" / "FAST" / fetch-att / "(" fetch-att *(SP fetch-att) ")"
/// ```
pub(crate) fn parse_items(cursor: &mut Cursor<'_>) -> Result<Vec<FetchItem>, ParseError> {
    if !cursor.take_if(b'(') {
        let mut ahead = cursor.clone();
        if let Some(items) = expand(ahead.word()?) {
            *cursor = ahead;
            return Ok(items);
        }
        return Ok(vec![parse_item(cursor)?]);
    }
    let mut items: Vec<FetchItem> = Vec::new();
    loop {
        let item = parse_item(cursor)?;
        if items.len() >= FETCH_ITEMS_MAX {
            return Err(ParseError::Syntax("FETCH has too many items"));
        }
        add(&mut items, item);
        if cursor.take_if(b')') {
            return Ok(items);
        }
        cursor.space()?;
    }
}

/// Adds an item unless it is there, so that none is made twice. With and without `.PEEK` it is the same, and sets `\Seen`
/// if one of them does: their answers could not be told apart.
fn add(items: &mut Vec<FetchItem>, item: FetchItem) {
    let known = items.iter_mut().find_map(|known| match (known, &item) {
        (FetchItem::Section(known), FetchItem::Section(item)) => {
            let is_same = known.section == item.section && known.partial == item.partial;
            is_same.then_some((Some(&mut known.peek), item.peek))
        }
        (FetchItem::Binary(known), FetchItem::Binary(item)) => {
            let is_same = known.part == item.part && known.partial == item.partial;
            is_same.then_some((Some(&mut known.peek), item.peek))
        }
        (known, item) => (known == item).then_some((None, true)),
    });
    match known {
        Some((Some(peek), peeks)) => *peek &= peeks,
        Some((None, _)) => {}
        None => items.push(item),
    }
}

/// ```text
/// fetch-att = "ENVELOPE" / "FLAGS" / "INTERNALDATE" / "RFC822" [".HEADER" / ".SIZE" / ".TEXT"] /
///             "BODY" ["STRUCTURE"] / "UID" / "MODSEQ" / "BODY" [".PEEK"] section [partial] /
///             "BINARY" [".PEEK"] section-binary [partial] / "BINARY.SIZE" section-binary /
///             "EMAILID" / "THREADID" / "SAVEDATE" / "PREVIEW" [SP "(" preview-mod *(SP preview-mod) ")"]
/// ```
fn parse_item(cursor: &mut Cursor<'_>) -> Result<FetchItem, ParseError> {
    let name = cursor.word()?;
    let peek = name.eq_ignore_ascii_case("BODY.PEEK");
    if peek || name.eq_ignore_ascii_case("BODY") {
        if !cursor.take_if(b'[') {
            return if peek { Err(ParseError::Syntax("BODY.PEEK needs a section")) } else { Ok(FetchItem::Body) };
        }
        let section = Section::parse(cursor)?;
        let partial = if cursor.take_if(b'<') { Some(parse_partial(cursor)?) } else { None };
        return Ok(FetchItem::Section(BodySection { peek, section, partial }));
    }
    if name.eq_ignore_ascii_case("PREVIEW") {
        take_preview_modifiers(cursor)?;
        return Ok(FetchItem::Preview);
    }
    let peek = name.eq_ignore_ascii_case("BINARY.PEEK");
    if peek || name.eq_ignore_ascii_case("BINARY") {
        cursor.expect(b'[', "BINARY needs a section")?;
        let part = parse_section(cursor)?;
        let partial = if cursor.take_if(b'<') { Some(parse_partial(cursor)?) } else { None };
        return Ok(FetchItem::Binary(BinarySection { peek, part, partial }));
    }
    if name.eq_ignore_ascii_case("BINARY.SIZE") {
        cursor.expect(b'[', "BINARY.SIZE needs a section")?;
        return Ok(FetchItem::BinarySize(parse_section(cursor)?));
    }
    let plain = PLAIN.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
    plain.map(|(_, item)| item.clone()).ok_or(ParseError::Syntax("There is no such FETCH item"))
}

/// `preview-mod = "LAZY"`. What else stands in parentheses may be the FETCH modifiers, which come behind the items.
fn take_preview_modifiers(cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
    let mut ahead = cursor.clone();
    if !ahead.take_word(" (") || !ahead.take_word("LAZY") {
        return Ok(());
    }
    while ahead.take_if(b' ') {
        if !ahead.take_word("LAZY") {
            return Err(ParseError::Syntax("There is no such PREVIEW modifier"));
        }
    }
    ahead.expect(b')', "The PREVIEW modifiers are not closed")?;
    *cursor = ahead;
    Ok(())
}

/// `partial = "<" number64 "." nz-number64 ">"` (RFC 9051 §9; RFC 3501 has 32 bits)
fn parse_partial(cursor: &mut Cursor<'_>) -> Result<Partial, ParseError> {
    let offset = cursor.number64()?;
    cursor.expect(b'.', "A partial has an offset and a length")?;
    let length = NonZeroU64::new(cursor.number64()?).ok_or(ParseError::Syntax("Zero is not allowed here"))?;
    cursor.expect(b'>', "A partial is not closed")?;
    Ok(Partial { offset, length })
}

impl BodySection {
    /// The section that `RFC822`, `RFC822.HEADER` and `RFC822.TEXT` name by another word; `None` for other items.
    pub fn of(item: &FetchItem) -> Option<Self> {
        let (peek, text) = match item {
            FetchItem::Rfc822 => (false, SectionText::Whole),
            FetchItem::Rfc822Header => (true, SectionText::Header),
            FetchItem::Rfc822Text => (false, SectionText::Text),
            FetchItem::Section(section) => return Some(section.clone()),
            _ => return None,
        };
        Some(Self { peek, section: Section { part: Box::default(), text }, partial: None })
    }
}

#[cfg(test)]
mod tests;
