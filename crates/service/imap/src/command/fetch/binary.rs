//! BINARY and BINARY.SIZE (RFC 3516 §4.2, RFC 9051 §6.4.5): parts without their transfer encoding.
//!
//! The size goes before the data, so a part is decoded twice: once to know its size, and whether it holds a NUL, and
//! once to send it. What is small is kept from the first time. Either way memory is bounded, whatever the part's size.

use super::Plan;
use crate::session::{Session, broken_off};
use bytes::{Bytes, BytesMut};
use domain::{Content, MailError};
use message::{BinaryDecoder, SectionText};
use proto_imap::fetch::{FetchItem, FetchResponse, Partial};
use service_session::Transport;
use std::io;
use std::num::NonZeroU32;
use std::ops::Range;

/// How much of what a part decodes to is kept, so that it need not be decoded again.
const HELD_MAX: usize = 256 << 10;

/// What is known of a part before its answer begins.
pub(super) enum Binary {
    /// There is no such part.
    Nothing,
    /// Its encoding is not known (UNKNOWN-CTE).
    Unknown,
    /// It can be sent.
    Data(Box<Data>),
}

/// What is to be sent of a part.
pub(super) struct Data {
    /// Where the part lies in the message.
    range: Range<u64>,
    /// Stands at its start.
    decoder: BinaryDecoder,
    /// What of the decoded bytes is wanted, as far as it is there.
    wanted: Wanted,
    has_nul: bool,
    /// All that is wanted, if that is not much.
    held: Option<Bytes>,
}

impl Binary {
    /// What it holds in memory.
    pub(super) fn held(&self) -> usize {
        match self {
            Self::Data(data) => data.held.as_ref().map_or(0, Bytes::len),
            Self::Nothing | Self::Unknown => 0,
        }
    }
}

/// A stretch of decoded bytes that is cut out of what streams by.
#[derive(Clone, Copy)]
struct Wanted {
    skip: u64,
    length: u64,
}

impl Wanted {
    /// The wanted bytes of the next decoded ones.
    fn cut<'a>(&mut self, decoded: &'a [u8]) -> &'a [u8] {
        let skip = usize::try_from(self.skip).unwrap_or(usize::MAX).min(decoded.len());
        let rest = decoded.get(skip..).unwrap_or_default();
        let length = usize::try_from(self.length).unwrap_or(usize::MAX).min(rest.len());
        self.skip -= u64::try_from(skip).unwrap_or(0);
        self.length -= u64::try_from(length).unwrap_or(0);
        rest.get(..length).unwrap_or_default()
    }
}

/// Finds a part and decodes it for the first time. `item` is BINARY or BINARY.SIZE.
pub(super) async fn find(plan: &Plan, content: &Content, item: &FetchItem) -> Result<Binary, MailError> {
    let (part, partial, is_size) = match item {
        FetchItem::Binary(section) => (&section.part, section.partial, false),
        FetchItem::BinarySize(part) => (part, None, true),
        _ => return Ok(Binary::Nothing),
    };
    let Some((range, decoder)) = locate(content, part) else { return Ok(Binary::Nothing) };
    let Some(decoder) = decoder else { return Ok(Binary::Unknown) };
    let data = Box::new(begin(range, decoder, partial));
    if is_size && data.decoder.is_identity() {
        return Ok(Binary::Data(data));
    }
    measure(plan, content, data).await.map(Binary::Data)
}

/// Where a part lies and how it is decoded; `Some((_, None))` if nobody knows how.
fn locate(content: &Content, part: &[NonZeroU32]) -> Option<(Range<u64>, Option<BinaryDecoder>)> {
    if part.is_empty() {
        // The message itself: its header has no encoding, and what stands there about the body is about part 1.
        return Some((0..content.size().0, Some(BinaryDecoder::identity())));
    }
    let path: Vec<u32> = part.iter().map(|n| n.get()).collect();
    let range = content.summary.locate(&path, SectionText::Body)?;
    let part = content.summary.part(&path)?;
    Some((range, BinaryDecoder::new(&part).ok()))
}

fn begin(range: Range<u64>, decoder: BinaryDecoder, partial: Option<Partial>) -> Data {
    let (mut range, mut skip, mut length) = match partial {
        Some(partial) => (range, partial.offset, partial.length.get()),
        None => (range, 0, u64::MAX),
    };
    if decoder.is_identity() {
        let start = range.start.saturating_add(skip).min(range.end);
        range = start..start.saturating_add(length).min(range.end);
        (skip, length) = (0, range.end - range.start);
    }
    Data { range, decoder, wanted: Wanted { skip, length }, has_nul: false, held: None }
}

/// Decodes what is wanted, to know its size and whether it holds a NUL.
async fn measure(plan: &Plan, content: &Content, mut data: Box<Data>) -> Result<Box<Data>, MailError> {
    let mut wanted = data.wanted;
    let mut decoder = data.decoder.clone();
    let mut size = 0;
    let mut has_nul = false;
    let mut held = Some(BytesMut::new());
    let mut look = |decoded: &[u8], wanted: &mut Wanted| {
        let bytes = wanted.cut(decoded);
        size += u64::try_from(bytes.len()).unwrap_or(0);
        has_nul = has_nul || memchr::memchr(0, bytes).is_some();
        match &mut held {
            Some(all) if all.len() + bytes.len() <= HELD_MAX => all.extend_from_slice(bytes),
            _ => held = None,
        }
    };
    let mut offset = data.range.start;
    while offset < data.range.end && wanted.length > 0 {
        let piece = read(plan, content, offset..data.range.end).await?;
        offset += u64::try_from(piece.len()).unwrap_or(0);
        decoder.push(&piece, |decoded| look(decoded, &mut wanted));
    }
    if offset >= data.range.end {
        decoder.finish(|decoded| look(decoded, &mut wanted));
    }
    data.wanted.length = size;
    data.has_nul = has_nul;
    data.held = held.map(BytesMut::freeze);
    Ok(data)
}

async fn read(plan: &Plan, content: &Content, range: Range<u64>) -> Result<Bytes, MailError> {
    let piece = plan.account.read_body(content, range).await?;
    if piece.is_empty() { Err(MailError::Gone) } else { Ok(piece) }
}

/// Writes a part or its size.
pub(super) async fn write<S: Transport>(
    session: &mut Session<S>,
    plan: &Plan,
    response: &mut FetchResponse,
    item: &FetchItem,
    content: &Content,
    binary: Binary,
) -> io::Result<()> {
    let out = session.machine.output();
    let (section, data) = match (item, binary) {
        (FetchItem::BinarySize(part), binary) => {
            let size = if let Binary::Data(data) = binary { data.wanted.length } else { 0 };
            response.binary_size(out, part, size);
            return Ok(());
        }
        (FetchItem::Binary(section), Binary::Data(data)) => (section, data),
        (FetchItem::Binary(section), Binary::Nothing) => {
            response.binary_nil(out, section);
            return Ok(());
        }
        _ => return Ok(()),
    };
    response.binary(out, section, data.wanted.length, data.has_nul);
    if let Some(held) = data.held {
        response.literal(out, &held);
        return Ok(());
    }
    let Data { range, mut decoder, mut wanted, .. } = *data;
    let mut offset = range.start;
    while offset < range.end && wanted.length > 0 {
        session.send_when_high().await?;
        let piece = read(plan, content, offset..range.end).await.map_err(|e| broken_off(&e))?;
        offset += u64::try_from(piece.len()).unwrap_or(0);
        let out = session.machine.output();
        decoder.push(&piece, |decoded| response.literal(out, wanted.cut(decoded)));
    }
    let out = session.machine.output();
    decoder.finish(|decoded| response.literal(out, wanted.cut(decoded)));
    Ok(())
}
