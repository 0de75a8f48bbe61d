//! Body sections (RFC 3501 §6.4.5, §9 `section`).

use crate::codec::write::{write_astring, write_number, write_spaced};
use crate::codec::{Cursor, ParseError};
use bytes::BytesMut;
use std::num::NonZeroU32;

/// Most part numbers in a row: `1.2.3` has three.
pub const PART_DEPTH_MAX: usize = 64;
/// Most header field names in one section.
pub const HEADER_FIELDS_MAX: usize = 512;

/// Which part of a message, and what of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// The part numbers from the outside in; empty for the message itself.
    pub part: Box<[NonZeroU32]>,
    /// What of it.
    pub text: SectionText,
}

/// What of a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionText {
    /// All of it: `BODY[]`, `BODY[1.2]`.
    Whole,
    /// HEADER: of the message, or of the message in a message/rfc822 part.
    Header,
    /// HEADER.FIELDS with these names, as written.
    HeaderFields(Box<[Box<[u8]>]>),
    /// HEADER.FIELDS.NOT with these names, as written.
    HeaderFieldsNot(Box<[Box<[u8]>]>),
    /// TEXT
    Text,
    /// MIME; only with part numbers.
    Mime,
}

impl Section {
    /// Reads a section behind its opening bracket, the closing one included.
    ///
    /// ```text
    /// section        = "[" [section-spec] "]"
    /// section-spec   = section-msgtext / (section-part ["." section-text])
    /// section-part   = nz-number *("." nz-number)
    /// section-text   = section-msgtext / "MIME"
    /// section-msgtext = "HEADER" / "HEADER.FIELDS" [".NOT"] SP header-list / "TEXT"
    /// ```
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let (part, text_may_follow) = parse_part(cursor)?;
        let text = if part.is_empty() && cursor.peek() == Some(b']') || !text_may_follow {
            SectionText::Whole
        } else {
            parse_text(cursor, !part.is_empty())?
        };
        cursor.expect(b']', "A section is not closed")?;
        Ok(Self { part: part.into(), text })
    }

    /// Writes the section with its brackets, as a FETCH response repeats it.
    pub fn write(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"[");
        write_part(out, &self.part);
        if !self.part.is_empty() && self.text != SectionText::Whole {
            out.extend_from_slice(b".");
        }
        match &self.text {
            SectionText::Whole => {}
            SectionText::Header => out.extend_from_slice(b"HEADER"),
            SectionText::Text => out.extend_from_slice(b"TEXT"),
            SectionText::Mime => out.extend_from_slice(b"MIME"),
            SectionText::HeaderFields(names) => write_fields(out, b"HEADER.FIELDS (", names),
            SectionText::HeaderFieldsNot(names) => write_fields(out, b"HEADER.FIELDS.NOT (", names),
        }
        out.extend_from_slice(b"]");
    }
}

/// `section-part`, which may be missing; and whether a section-text may follow.
pub(super) fn parse_part(cursor: &mut Cursor<'_>) -> Result<(Vec<NonZeroU32>, bool), ParseError> {
    let mut part = Vec::new();
    while cursor.peek().is_some_and(|b| b.is_ascii_digit()) {
        if part.len() >= PART_DEPTH_MAX {
            return Err(ParseError::Syntax("A section has too many part numbers"));
        }
        part.push(cursor.nz_number()?);
        if !cursor.take_if(b'.') {
            return Ok((part, false));
        }
    }
    Ok((part, true))
}

pub(super) fn write_part(out: &mut BytesMut, part: &[NonZeroU32]) {
    for (i, number) in part.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b".");
        }
        write_number(out, u64::from(number.get()));
    }
}

fn write_fields(out: &mut BytesMut, word: &[u8], names: &[Box<[u8]>]) {
    out.extend_from_slice(word);
    write_spaced(out, names, |out, name| write_astring(out, name));
    out.extend_from_slice(b")");
}

fn parse_text(cursor: &mut Cursor<'_>, in_part: bool) -> Result<SectionText, ParseError> {
    let word = cursor.word()?;
    let is = |name: &str| word.eq_ignore_ascii_case(name);
    if is("HEADER") {
        Ok(SectionText::Header)
    } else if is("TEXT") {
        Ok(SectionText::Text)
    } else if is("MIME") && in_part {
        Ok(SectionText::Mime)
    } else if is("HEADER.FIELDS") {
        parse_fields(cursor).map(SectionText::HeaderFields)
    } else if is("HEADER.FIELDS.NOT") {
        parse_fields(cursor).map(SectionText::HeaderFieldsNot)
    } else {
        Err(ParseError::Syntax("There is no such section"))
    }
}

/// `header-list = "(" header-fld-name *(SP header-fld-name) ")"`, a name being an astring.
fn parse_fields(cursor: &mut Cursor<'_>) -> Result<Box<[Box<[u8]>]>, ParseError> {
    cursor.space()?;
    cursor.expect(b'(', "A list of header fields is missing")?;
    let mut names: Vec<Box<[u8]>> = Vec::new();
    loop {
        let name = cursor.astring()?;
        if names.len() >= HEADER_FIELDS_MAX {
            return Err(ParseError::Syntax("A section has too many header fields"));
        }
        names.push(name.into());
        if cursor.take_if(b')') {
            return Ok(names.into());
        }
        cursor.space()?;
    }
}
