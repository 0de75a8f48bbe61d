//! The FETCH response (RFC 3501 §7.4.2), written item by item straight into the output.

use super::binary::{BinarySection, write_section};
use super::item::FetchItem;
use super::section::Section;
use crate::codec::ObjectId;
use crate::codec::date::encode_date_time;
use crate::codec::write::{write_literal_header, write_number, write_string};
use crate::enabled::Enabled;
use crate::response::write_flags;
use bytes::BytesMut;
use std::num::NonZeroU32;
use types::{Flags, Keywords, ModSeq, Timestamp, Uid};

/// Room asked for at the start of a response, so that the small items grow the output once.
const SMALL_ITEMS: usize = 192;

/// A FETCH response in the making. It does not hold the output, so that the output can be flushed in between, also
/// within a literal: each method is handed the same buffer, or the one that follows it on the wire.
///
/// ```text
/// message-data = nz-number SP "FETCH" SP "(" msg-att *(SP msg-att) ")"
/// ```
#[derive(Debug)]
#[must_use = "a response must be ended"]
pub struct FetchResponse {
    first: bool,
    /// Bytes of the open literal that are still to come.
    literal_left: u64,
}

impl FetchResponse {
    /// Begins the response for a sequence number.
    pub fn begin(out: &mut BytesMut, sequence_number: u32) -> Self {
        out.reserve(SMALL_ITEMS);
        out.extend_from_slice(b"* ");
        write_number(out, u64::from(sequence_number));
        out.extend_from_slice(b" FETCH (");
        Self { first: true, literal_left: 0 }
    }

    /// Begins the response for a message in the form for a client that has enabled this: with UIDONLY it is a UIDFETCH,
    /// which begins with the UID (RFC 9586 §3.3).
    pub fn begin_for(out: &mut BytesMut, enabled: Enabled, sequence_number: u32, uid: Uid) -> Self {
        if !enabled.uid_only() {
            return Self::begin(out, sequence_number);
        }
        out.reserve(SMALL_ITEMS);
        out.extend_from_slice(b"* ");
        write_number(out, u64::from(uid.get()));
        out.extend_from_slice(b" UIDFETCH (");
        Self { first: true, literal_left: 0 }
    }

    /// # Panics
    /// When a literal was announced longer than what was written: the client would read our words as its message.
    fn item(&mut self, out: &mut BytesMut, name: &[u8]) {
        assert!(self.literal_left == 0, "a literal was announced longer than what was written");
        if !self.first {
            out.extend_from_slice(b" ");
        }
        self.first = false;
        out.extend_from_slice(name);
    }

    /// `UID`
    pub fn uid(&mut self, out: &mut BytesMut, uid: Uid) {
        self.item(out, b"UID ");
        write_number(out, u64::from(uid.get()));
    }

    /// `FLAGS`
    pub fn flags(&mut self, out: &mut BytesMut, flags: Flags, keywords: &Keywords, recent: bool) {
        self.item(out, b"FLAGS (");
        write_flags(out, flags, keywords, recent);
        out.extend_from_slice(b")");
    }

    /// `INTERNALDATE`
    pub fn internal_date(&mut self, out: &mut BytesMut, date: Timestamp) {
        self.item(out, b"INTERNALDATE ");
        out.extend_from_slice(&encode_date_time(date));
    }

    /// `RFC822.SIZE`
    pub fn size(&mut self, out: &mut BytesMut, size: u32) {
        self.item(out, b"RFC822.SIZE ");
        write_number(out, u64::from(size));
    }

    /// `MODSEQ` (RFC 7162 §3.1.4.2)
    pub fn modseq(&mut self, out: &mut BytesMut, modseq: ModSeq) {
        self.item(out, b"MODSEQ (");
        write_number(out, modseq.0);
        out.extend_from_slice(b")");
    }

    /// `EMAILID` (RFC 8474 §5.3)
    pub fn email_id(&mut self, out: &mut BytesMut, id: ObjectId) {
        self.item(out, b"EMAILID ");
        id.write(out);
    }

    /// `THREADID` (RFC 8474 §5.3)
    pub fn thread_id(&mut self, out: &mut BytesMut, id: ObjectId) {
        self.item(out, b"THREADID ");
        id.write(out);
    }

    /// `SAVEDATE` (RFC 8514 §4.2)
    pub fn save_date(&mut self, out: &mut BytesMut, date: Timestamp) {
        self.item(out, b"SAVEDATE ");
        out.extend_from_slice(&encode_date_time(date));
    }

    /// `PREVIEW` (RFC 8970 §3.2); an empty text if there is none.
    pub fn preview(&mut self, out: &mut BytesMut, text: &str) {
        self.item(out, b"PREVIEW ");
        write_string(out, text.as_bytes());
    }

    /// `BINARY.SIZE[…]` (RFC 3516 §4.3)
    pub fn binary_size(&mut self, out: &mut BytesMut, part: &[NonZeroU32], size: u64) {
        self.item(out, b"BINARY.SIZE");
        write_section(out, part);
        out.extend_from_slice(b" ");
        write_number(out, size);
    }

    fn binary_name(&mut self, out: &mut BytesMut, section: &BinarySection) {
        self.item(out, b"BINARY");
        write_section(out, &section.part);
        write_origin(out, section.partial.map(|partial| partial.offset));
    }

    /// `BINARY[…]<origin>` as a literal of `size` bytes that must follow through [`Self::literal`]; `has_nul` makes it
    /// a literal8 (RFC 3516 §4.3).
    pub fn binary(&mut self, out: &mut BytesMut, section: &BinarySection, size: u64, has_nul: bool) {
        self.binary_name(out, section);
        if has_nul {
            out.extend_from_slice(b"~");
        }
        self.open_literal(out, size);
    }

    /// `BINARY[…]<origin> NIL`: there is no such part.
    pub fn binary_nil(&mut self, out: &mut BytesMut, section: &BinarySection) {
        self.binary_name(out, section);
        out.extend_from_slice(b"NIL");
    }

    /// `ENVELOPE`, already in wire form with its parentheses.
    pub fn envelope(&mut self, out: &mut BytesMut, wire: &[u8]) {
        self.item(out, b"ENVELOPE ");
        out.extend_from_slice(wire);
    }

    /// `BODYSTRUCTURE`, already in wire form with its parentheses.
    pub fn body_structure(&mut self, out: &mut BytesMut, wire: &[u8]) {
        self.item(out, b"BODYSTRUCTURE ");
        out.extend_from_slice(wire);
    }

    /// `BODYSTRUCTURE`, written by `write` in wire form with its parentheses.
    pub fn body_structure_with(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        self.item(out, b"BODYSTRUCTURE ");
        write(out);
    }

    /// `BODY`, written by `write` in wire form with its parentheses and without extensions.
    pub fn body_with(&mut self, out: &mut BytesMut, write: impl FnOnce(&mut BytesMut)) {
        self.item(out, b"BODY ");
        write(out);
    }

    /// `BODY`, already in wire form with its parentheses and without extensions.
    pub fn body(&mut self, out: &mut BytesMut, wire: &[u8]) {
        self.item(out, b"BODY ");
        out.extend_from_slice(wire);
    }

    fn section_name(&mut self, out: &mut BytesMut, section: &Section, origin: Option<u64>) {
        self.item(out, b"BODY");
        section.write(out);
        write_origin(out, origin);
    }

    /// `BODY[…]<origin>` as a literal of `size` bytes; exactly so many must follow through [`Self::literal`].
    pub fn section(&mut self, out: &mut BytesMut, section: &Section, origin: Option<u64>, size: u64) {
        self.section_name(out, section, origin);
        self.open_literal(out, size);
    }

    /// `BODY[…] NIL`: there is no such section.
    pub fn section_nil(&mut self, out: &mut BytesMut, section: &Section, origin: Option<u64>) {
        self.section_name(out, section, origin);
        out.extend_from_slice(b"NIL");
    }

    /// `RFC822`, `RFC822.HEADER`, `RFC822.TEXT` or `BODY[…]`, whichever `item` is, as a literal of `size` bytes that
    /// must follow through [`Self::literal`]. Other items are no literals.
    ///
    /// # Panics
    /// When the item is none of these.
    pub fn literal_item(&mut self, out: &mut BytesMut, item: &FetchItem, size: u64) {
        match item {
            FetchItem::Rfc822 => self.item(out, b"RFC822 "),
            FetchItem::Rfc822Header => self.item(out, b"RFC822.HEADER "),
            FetchItem::Rfc822Text => self.item(out, b"RFC822.TEXT "),
            FetchItem::Section(body) => self.section_name(out, &body.section, body.partial.map(|p| p.offset)),
            _ => unreachable!("only bodies are sent as literals"),
        }
        self.open_literal(out, size);
    }

    fn open_literal(&mut self, out: &mut BytesMut, size: u64) {
        write_literal_header(out, size);
        self.literal_left = size;
    }

    /// Writes bytes of the open literal.
    ///
    /// # Panics
    /// When they are more than was announced.
    pub fn literal(&mut self, out: &mut BytesMut, bytes: &[u8]) {
        self.count_literal(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        out.extend_from_slice(bytes);
    }

    /// Counts bytes of the open literal that the caller puts on the wire itself, without a copy through the output.
    ///
    /// # Panics
    /// When they are more than was announced.
    pub fn count_literal(&mut self, length: u64) {
        let left = self.literal_left.checked_sub(length);
        assert!(left.is_some(), "a literal is longer than announced");
        self.literal_left = left.unwrap_or(0);
    }

    /// Bytes of the open literal that are still to come.
    pub fn literal_left(&self) -> u64 {
        self.literal_left
    }

    /// Ends the response.
    ///
    /// # Panics
    /// When bytes of a literal are missing.
    pub fn end(self, out: &mut BytesMut) {
        assert!(self.literal_left == 0, "a literal was announced longer than what was written");
        out.extend_from_slice(b")\r\n");
    }
}

/// `<origin>`, if there is one, and the space before what it is about.
fn write_origin(out: &mut BytesMut, origin: Option<u64>) {
    if let Some(origin) = origin {
        out.extend_from_slice(b"<");
        write_number(out, origin);
        out.extend_from_slice(b">");
    }
    out.extend_from_slice(b" ");
}

#[cfg(test)]
mod tests;
