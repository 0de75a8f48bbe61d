//! Sections of a message's body: which bytes they are, and their way onto the wire.

use super::Plan;
use super::binary::{self, Binary};
use crate::session::{Session, broken_off};
use bytes::{Bytes, BytesMut};
use domain::{Account, Content, MailError};
use message::header::{Selection, select};
use proto_imap::fetch::{BodySection, FetchItem, FetchResponse, Section, SectionText};
use service_session::Transport;
use std::io;
use std::ops::Range;

/// How much of a message's sections is read before its answer begins; the rest is read when its turn comes.
const READ_AHEAD_MAX: usize = 1 << 20;
/// How much of a header block HEADER.FIELDS looks at. HEADER itself is sent whole.
///
/// Deviation: RFC 3501 §6.4.5 knows no limit. The selection has to be held in memory, since its size goes before it.
const HEADER_LOOKED_AT_MAX: u64 = 1 << 20;

/// What one item sends.
pub(super) enum Piece {
    /// There is no such section: an empty text, as other servers answer.
    Nothing,
    /// These bytes, made up in memory: selected header fields.
    Made(Bytes),
    /// A range of the body, and the beginning of it, read already.
    Body(Range<u64>, Bytes),
    /// A part, decoded.
    Binary(Binary),
    /// Enough was read ahead.
    Later,
}

impl Piece {
    /// Whether it cannot be sent, because its encoding is not known.
    pub(super) fn is_unknown(&self) -> bool {
        matches!(self, Self::Binary(Binary::Unknown))
    }

    /// What it holds in memory.
    fn held(&self) -> usize {
        match self {
            Self::Nothing | Self::Later => 0,
            Self::Made(bytes) | Self::Body(_, bytes) => bytes.len(),
            Self::Binary(binary) => binary.held(),
        }
    }
}

/// Finds and begins to read the sections that the FETCH asks for, so that what cannot be had is refused in good form.
pub(super) async fn prepare(plan: &Plan, content: &Content) -> Result<Vec<Piece>, MailError> {
    let mut pieces = Vec::new();
    let mut held = 0;
    for item in plan.items.iter().filter(|item| is_sent_in_pieces(item)) {
        let piece = if held < READ_AHEAD_MAX { find(plan, content, item).await? } else { Piece::Later };
        held += piece.held();
        pieces.push(piece);
    }
    Ok(pieces)
}

/// Whether an item is one that this file is about.
pub(super) fn is_sent_in_pieces(item: &FetchItem) -> bool {
    match item {
        FetchItem::Binary(_) | FetchItem::BinarySize(_) => true,
        item => BodySection::of(item).is_some(),
    }
}

async fn find(plan: &Plan, content: &Content, item: &FetchItem) -> Result<Piece, MailError> {
    match BodySection::of(item) {
        Some(section) => find_section(plan, content, &section).await,
        None => binary::find(plan, content, item).await.map(Piece::Binary),
    }
}

async fn find_section(plan: &Plan, content: &Content, body: &BodySection) -> Result<Piece, MailError> {
    Ok(match locate(&plan.account, content, &body.section).await? {
        Located::Nothing => Piece::Nothing,
        Located::Made(made) => {
            let cut = cut(0..u64::try_from(made.len()).unwrap_or(u64::MAX), body);
            let [start, end] = [cut.start, cut.end].map(|at| usize::try_from(at).unwrap_or(usize::MAX));
            Piece::Made(made.slice(start..end))
        }
        Located::Body(range) => {
            let range = cut(range, body);
            let is_empty = range.is_empty();
            let first = if is_empty { Bytes::new() } else { plan.account.read_body(content, range.clone()).await? };
            Piece::Body(range, first)
        }
    })
}

/// Where a section is.
pub(crate) enum Located {
    /// There is none.
    Nothing,
    /// It is made up: selected header fields.
    Made(Bytes),
    /// A range of the message.
    Body(Range<u64>),
}

/// Finds a section of a message.
pub(crate) async fn locate(account: &Account, content: &Content, section: &Section) -> Result<Located, MailError> {
    let Section { part, text } = section;
    let path: Vec<u32> = part.iter().map(|n| n.get()).collect();
    let (located, names) = match text {
        SectionText::Whole => (message::SectionText::Body, None),
        SectionText::Header => (message::SectionText::Header, None),
        SectionText::Text => (message::SectionText::Text, None),
        SectionText::Mime => (message::SectionText::Mime, None),
        SectionText::HeaderFields(names) => (message::SectionText::Header, Some((Selection::Only, names))),
        SectionText::HeaderFieldsNot(names) => (message::SectionText::Header, Some((Selection::Except, names))),
    };
    let Some(range) = content.summary.locate(&path, located) else { return Ok(Located::Nothing) };
    let Some((selection, names)) = names else { return Ok(Located::Body(range)) };
    let block = read_header(account, content, range).await?;
    let mut out = BytesMut::with_capacity(block.len().min(4096));
    select(&block, selection, names, &mut out);
    Ok(Located::Made(out.freeze()))
}

/// The part of a range that `<offset.length>` names.
fn cut(range: Range<u64>, body: &BodySection) -> Range<u64> {
    let Some(partial) = body.partial else { return range };
    let start = range.start.saturating_add(partial.offset).min(range.end);
    let end = start.saturating_add(partial.length.get()).min(range.end);
    start..end
}

/// A header block, or the lines that fit of one that is too long.
async fn read_header(account: &Account, content: &Content, whole: Range<u64>) -> Result<Bytes, MailError> {
    let range = whole.start..whole.end.min(whole.start.saturating_add(HEADER_LOOKED_AT_MAX));
    let block = read_all(account, content, range.clone()).await?;
    if range.end == whole.end {
        return Ok(block);
    }
    let lines = memchr::memrchr(b'\n', &block).map_or(0, |end| end + 1);
    Ok([block.get(..lines).unwrap_or_default(), b"\r\n"].concat().into())
}

async fn read_all(account: &Account, content: &Content, range: Range<u64>) -> Result<Bytes, MailError> {
    let mut offset = range.start;
    let mut all = BytesMut::new();
    while offset < range.end {
        let piece = account.read_body(content, offset..range.end).await?;
        if piece.is_empty() {
            break;
        }
        offset += u64::try_from(piece.len()).unwrap_or(0);
        if all.is_empty() && offset >= range.end {
            return Ok(piece);
        }
        all.extend_from_slice(&piece);
    }
    Ok(all.freeze())
}

/// Writes one section; a body longer than its first piece is read and sent piece by piece. False if that cannot be done
/// because a part's encoding is not known.
pub(super) async fn write<S: Transport>(
    session: &mut Session<S>,
    plan: &Plan,
    response: &mut FetchResponse,
    item: &FetchItem,
    content: &Content,
    piece: Piece,
) -> io::Result<bool> {
    let piece = match piece {
        Piece::Later => find(plan, content, item).await.map_err(|e| broken_off(&e))?,
        piece => piece,
    };
    let out = session.machine.output();
    match piece {
        Piece::Nothing | Piece::Later => response.literal_item(out, item, 0),
        Piece::Binary(Binary::Unknown) => return Ok(false),
        Piece::Binary(binary) => binary::write(session, plan, response, item, content, binary).await?,
        Piece::Made(bytes) => {
            response.literal_item(out, item, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            write_literal(response, out, &bytes);
        }
        Piece::Body(range, first) => {
            response.literal_item(out, item, range.end - range.start);
            write_literal(response, out, &first);
            let mut offset = range.start + u64::try_from(first.len()).unwrap_or(0);
            while offset < range.end {
                session.send_when_high().await?;
                let more = plan.account.read_body(content, offset..range.end).await.map_err(|e| broken_off(&e))?;
                if more.is_empty() {
                    return Err(broken_off(&MailError::Gone));
                }
                write_literal(response, session.machine.output(), &more);
                offset += u64::try_from(more.len()).unwrap_or(0);
            }
        }
    }
    Ok(true)
}

/// RFC 3501 §4.3: a literal holds no NUL. One in a message goes out as 0x80, so that sizes and offsets stay true; POP3 and
/// the stored message have it as it is.
fn write_literal(response: &mut FetchResponse, out: &mut BytesMut, bytes: &[u8]) {
    if memchr::memchr(0, bytes).is_none() {
        return response.literal(out, bytes);
    }
    let clean: Vec<u8> = bytes.iter().map(|b| if *b == 0 { 0x80 } else { *b }).collect();
    response.literal(out, &clean);
}
