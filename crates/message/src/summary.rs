//! What is kept of a message: everything that FETCH, SEARCH and threading answer without its raw bytes.
//!
//! A summary is one row of bytes, written once at delivery; reading one back copies nothing and parses only the
//! lengths of its pieces. The row format stands in `summary/row.rs`.

mod first;
mod locate;
pub(crate) mod row;

use crate::part::{Part, Parts};
use bytes::{BufMut, Bytes};
use std::ops::Range;
use types::{Octets, Timestamp};

pub use first::{FirstAddress, FirstOf};
pub use locate::SectionText;
use row::Slot;

/// Which IMAP a client speaks: the two differ in what BODYSTRUCTURE says of message/global (RFC 9051 appendix E).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ImapRevision {
    /// RFC 3501: message/global is a part like any other.
    #[default]
    Rev1,
    /// RFC 9051: message/global has the form of message/rfc822.
    Rev2,
}

/// When a message says it was sent (its Date field).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentDate {
    /// The moment.
    pub at: Timestamp,
    /// East of Greenwich, in minutes, as the field has it: SENTON and its like look at the day as written
    /// (RFC 9051 §6.4.4 disregards the zone).
    pub offset_minutes: i16,
}

/// An immutable summary of one message; cloning it is cheap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    row: Bytes,
    fixed: row::Fixed,
    slots: row::Slots,
}

/// Why a row is no summary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SummaryError {
    /// Written by a version of this program that this one does not know.
    #[error("the row has format {0}")]
    Version(u8),
    /// A piece is missing or too long.
    #[error("the row is damaged")]
    Damaged,
}

impl Summary {
    /// The row to store. Costs a reference count.
    pub fn encode(&self) -> Bytes {
        self.row.clone()
    }

    /// Reads a stored row without copying. Fails when the row is not one that [`Summary::encode`] gave.
    pub fn decode(row: Bytes) -> Result<Self, SummaryError> {
        let (fixed, slots) = row::read(&row)?;
        Ok(Self { row, fixed, slots })
    }

    /// The summary of a row that was just written.
    pub(crate) fn of_row(row: Bytes) -> Self {
        let (fixed, slots) = row::read(&row).unwrap_or_default();
        Self { row, fixed, slots }
    }

    fn slot(&self, slot: Slot) -> &[u8] {
        self.slots.range(slot).and_then(|range| self.row.get(range)).unwrap_or_default()
    }

    fn text(&self, slot: Slot) -> &str {
        std::str::from_utf8(self.slot(slot)).unwrap_or_default()
    }

    /// RFC822.SIZE: the raw message in bytes.
    pub fn size(&self) -> Octets {
        Octets(self.fixed.size)
    }

    /// Line feeds in the whole message.
    pub fn lines(&self) -> u64 {
        self.fixed.lines
    }

    /// Bytes of the message's header with the empty line that ends it.
    pub fn header_size(&self) -> Octets {
        Octets(self.fixed.header_size)
    }

    /// ENVELOPE in wire form with its parentheses (RFC 9051 §7.5.2).
    pub fn envelope(&self) -> &[u8] {
        self.slot(Slot::Envelope)
    }

    /// Appends BODYSTRUCTURE in wire form, extension data included (RFC 9051 §7.5.2).
    pub fn write_bodystructure(&self, revision: ImapRevision, out: &mut impl BufMut) {
        row::write_structure(self.slot(Slot::Structure), self.slot(Slot::Skips), false, revision, out);
    }

    /// Appends BODY in wire form: BODYSTRUCTURE without extension data.
    pub fn write_body(&self, revision: ImapRevision, out: &mut impl BufMut) {
        row::write_structure(self.slot(Slot::Structure), self.slot(Slot::Skips), true, revision, out);
    }

    /// All parts, each before those it holds.
    pub fn parts(&self) -> Parts<'_> {
        Parts::new(self.slot(Slot::Parts))
    }

    /// The part with this number; of a part that holds a message, that part.
    pub fn part(&self, path: &[u32]) -> Option<Part<'_>> {
        self.parts().find_path(path)
    }

    /// Where a section of RFC 9051 §6.4.5.1 lies in the raw message: `BODY[1.2.MIME]` is `(&[1, 2], Mime)`,
    /// `BODY[HEADER]` is `(&[], Header)`, `BODY[]` is `(&[], Body)`. `None` if there is no such section.
    /// `HEADER.FIELDS` is cut by [`header::select`](crate::header::select) from what `Header` locates.
    pub fn locate(&self, path: &[u32], text: SectionText) -> Option<Range<u64>> {
        locate::locate(self, path, text)
    }

    /// When the message says it was sent; `None` without a Date field that can be read.
    pub fn sent(&self) -> Option<SentDate> {
        self.fixed.sent
    }

    /// Message-ID in its normal form, without angle brackets and quotes (RFC 5256 §3); `None` if there is no valid one.
    pub fn message_id(&self) -> Option<&str> {
        Some(self.text(Slot::MessageId)).filter(|id| !id.is_empty())
    }

    /// The ids of the messages this one answers, oldest first, as [`Summary::message_id`]: those of References, or
    /// of In-Reply-To where there are none (RFC 5256 §3). At most [`REFERENCES_MAX`](crate::REFERENCES_MAX).
    pub fn references(&self) -> impl Iterator<Item = &str> {
        let mut rest = self.slot(Slot::References);
        std::iter::from_fn(move || crate::varint::take_bytes(&mut rest))
            .map(|id| std::str::from_utf8(id).unwrap_or_default())
    }

    /// Subject: unfolded, decoded; of several the last, as in ENVELOPE.
    pub fn subject(&self) -> &str {
        self.text(Slot::Subject)
    }

    /// Whether there are several Subject fields: who asks for any of them reads the header.
    pub fn is_subject_repeated(&self) -> bool {
        self.fixed.is_subject_repeated
    }

    /// From: what ENVELOPE shows, decoded, for SEARCH: `name <mailbox@host>, group: mailbox@host;`.
    pub fn from(&self) -> &str {
        self.text(Slot::From)
    }

    /// Sender, as [`Summary::from`].
    pub fn sender(&self) -> &str {
        self.text(Slot::Sender)
    }

    /// Reply-To, as [`Summary::from`].
    pub fn reply_to(&self) -> &str {
        self.text(Slot::ReplyTo)
    }

    /// To, as [`Summary::from`].
    pub fn to(&self) -> &str {
        self.text(Slot::To)
    }

    /// Cc, as [`Summary::from`].
    pub fn cc(&self) -> &str {
        self.text(Slot::Cc)
    }

    /// Bcc, as [`Summary::from`].
    pub fn bcc(&self) -> &str {
        self.text(Slot::Bcc)
    }

    /// Whether some of the texts above were cut at [`SEARCH_TEXT_MAX`](crate::SEARCH_TEXT_MAX): who needs to be
    /// exact reads the header.
    pub fn is_text_cut(&self) -> bool {
        self.fixed.is_text_cut
    }

    /// The first words of the text, at most 200 characters (RFC 8970 §3.1).
    pub fn preview(&self) -> &str {
        self.text(Slot::Preview)
    }

    /// Whether a person would say that something is attached.
    pub fn has_attachment(&self) -> bool {
        self.fixed.has_attachment
    }

    /// Whether a limit kept the scanner from looking into all of the message.
    pub fn is_limited(&self) -> bool {
        self.fixed.is_limited
    }
}
