//! The row format: fixed numbers, then byte strings in the order of [`Slot`].

use super::{ImapRevision, SentDate, SummaryError};
use crate::varint;
use bytes::BufMut;
use std::ops::Range;
use types::Timestamp;

const VERSION: u8 = 2;

/// The pieces of a row; their order is the format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Slot {
    Envelope,
    Structure,
    /// What BODY and `IMAP4rev1` leave out of `Structure`: triples of gap, length, kind.
    Skips,
    Parts,
    MessageId,
    References,
    Subject,
    From,
    Sender,
    ReplyTo,
    To,
    Cc,
    Bcc,
    /// Where the first entries of From, To and Cc lie: name, mailbox, host.
    Firsts,
    Preview,
}

/// How many there are.
pub(crate) const SLOTS: usize = 15;

/// Where the pieces lie in the row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slots([u32; SLOTS], [u32; SLOTS]);

impl Slots {
    pub(crate) fn range(&self, slot: Slot) -> Option<Range<usize>> {
        let index = slot as usize;
        let start = usize::try_from(*self.0.get(index)?).ok()?;
        let end = usize::try_from(*self.1.get(index)?).ok()?;
        Some(start..end)
    }
}

/// What is no byte string.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one bit of the row")]
pub(crate) struct Fixed {
    pub(crate) size: u64,
    pub(crate) lines: u64,
    pub(crate) header_size: u64,
    pub(crate) sent: Option<SentDate>,
    pub(crate) has_attachment: bool,
    pub(crate) is_text_cut: bool,
    pub(crate) is_limited: bool,
    pub(crate) is_subject_repeated: bool,
}

/// Why a stretch of BODYSTRUCTURE is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Skip {
    /// Extension data: not in BODY.
    Extension,
    /// What makes message/global a message: not for `IMAP4rev1`.
    Global,
}

/// Writes a row.
pub(crate) fn write(fixed: &Fixed, slots: [&[u8]; SLOTS]) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + slots.iter().map(|s| s.len() + 3).sum::<usize>());
    out.push(VERSION);
    let bits = u8::from(fixed.has_attachment)
        | u8::from(fixed.is_text_cut) << 1
        | u8::from(fixed.is_limited) << 2
        | u8::from(fixed.sent.is_some()) << 3
        | u8::from(fixed.is_subject_repeated) << 4;
    out.push(bits);
    if let Some(sent) = fixed.sent {
        out.extend_from_slice(&sent.at.0.to_le_bytes());
        out.extend_from_slice(&sent.offset_minutes.to_le_bytes());
    }
    for number in [fixed.size, fixed.lines, fixed.header_size] {
        varint::put(&mut out, number);
    }
    for slot in slots {
        varint::put_bytes(&mut out, slot);
    }
    out
}

/// Reads the numbers of a row and where its pieces lie.
pub(crate) fn read(row: &[u8]) -> Result<(Fixed, Slots), SummaryError> {
    match row.split_first() {
        Some((&VERSION, rest)) => read_pieces(row.len(), rest).ok_or(SummaryError::Damaged),
        Some((&other, _)) => Err(SummaryError::Version(other)),
        None => Err(SummaryError::Damaged),
    }
}

fn read_pieces(row_length: usize, mut rest: &[u8]) -> Option<(Fixed, Slots)> {
    let (&bits, after) = rest.split_first()?;
    rest = after;
    let sent = if bits & 8 != 0 {
        let (at, after) = rest.split_first_chunk()?;
        let (offset, after) = after.split_first_chunk()?;
        rest = after;
        Some(SentDate { at: Timestamp(i64::from_le_bytes(*at)), offset_minutes: i16::from_le_bytes(*offset) })
    } else {
        None
    };
    let fixed = Fixed {
        size: varint::take(&mut rest)?,
        lines: varint::take(&mut rest)?,
        header_size: varint::take(&mut rest)?,
        sent,
        has_attachment: bits & 1 != 0,
        is_text_cut: bits & 2 != 0,
        is_limited: bits & 4 != 0,
        is_subject_repeated: bits & 16 != 0,
    };
    let mut slots = Slots([0; SLOTS], [0; SLOTS]);
    for (start, end) in slots.0.iter_mut().zip(slots.1.iter_mut()) {
        let piece = varint::take_bytes(&mut rest)?;
        let past = row_length.checked_sub(rest.len())?;
        *start = u32::try_from(past.checked_sub(piece.len())?).ok()?;
        *end = u32::try_from(past).ok()?;
    }
    rest.is_empty().then_some((fixed, slots))
}

/// Appends one stretch to a list of skips; `start_before` is where the stretch before it began.
pub(crate) fn put_skip(out: &mut Vec<u8>, start_before: usize, stretch: &Range<usize>, kind: Skip) {
    let length = stretch.end.saturating_sub(stretch.start);
    let kind = match kind {
        Skip::Extension => 0,
        Skip::Global => 1,
    };
    varint::put(out, varint::size(stretch.start.saturating_sub(start_before)));
    varint::put(out, varint::size(length) << 1 | kind);
}

/// Appends the structure without the stretches that this form leaves out.
///
/// Stretches may nest (extension data inside the message of a message/global part); they are listed by start, and
/// each gap counts from the start of the stretch before.
pub(crate) fn write_structure(
    structure: &[u8],
    mut skips: &[u8],
    is_body: bool,
    revision: ImapRevision,
    out: &mut impl BufMut,
) {
    let mut copied = 0usize;
    let mut position = 0usize;
    while let (Some(gap), Some(word)) = (varint::take(&mut skips), varint::take(&mut skips)) {
        let start = position.saturating_add(usize::try_from(gap).unwrap_or(usize::MAX));
        let end = start.saturating_add(usize::try_from(word >> 1).unwrap_or(usize::MAX));
        position = start;
        let leave_out = if word & 1 == 0 { is_body } else { revision == ImapRevision::Rev1 };
        if leave_out && start >= copied {
            out.put_slice(structure.get(copied..start).unwrap_or_default());
            copied = end;
        }
    }
    out.put_slice(structure.get(copied..).unwrap_or_default());
}
