//! Sections of a message's body: which bytes they are, and their way onto the wire.

use super::Plan;
use crate::session::{Session, broken_off};
use bytes::{Bytes, BytesMut};
use domain::{Content, MailError};
use message::header::{Selection, select};
use proto_imap::fetch::{BodySection, FetchItem, FetchResponse, Section, SectionText};
use service_session::Transport;
use std::io;
use std::ops::Range;

/// What one item sends.
pub(super) enum Piece {
    /// There is no such section: an empty text, as other servers answer.
    Nothing,
    /// These bytes, made up in memory: selected header fields.
    Made(Bytes),
    /// A range of the body, and the beginning of it, read already.
    Body(Range<u64>, Bytes),
}

/// Finds and begins to read every section that the FETCH asks for.
pub(super) async fn prepare(plan: &Plan, content: &Content) -> Result<Vec<Piece>, MailError> {
    let mut pieces = Vec::new();
    for section in plan.items.iter().filter_map(BodySection::of) {
        pieces.push(find(plan, content, &section).await?);
    }
    Ok(pieces)
}

async fn find(plan: &Plan, content: &Content, body: &BodySection) -> Result<Piece, MailError> {
    let Section { part, text } = &body.section;
    let path: Vec<u32> = part.iter().map(|n| n.get()).collect();
    let (located, names) = match text {
        SectionText::Whole => (message::SectionText::Body, None),
        SectionText::Header => (message::SectionText::Header, None),
        SectionText::Text => (message::SectionText::Text, None),
        SectionText::Mime => (message::SectionText::Mime, None),
        SectionText::HeaderFields(names) => (message::SectionText::Header, Some((Selection::Only, names))),
        SectionText::HeaderFieldsNot(names) => (message::SectionText::Header, Some((Selection::Except, names))),
    };
    let Some(range) = content.summary.locate(&path, located) else { return Ok(Piece::Nothing) };
    if let Some((selection, names)) = names {
        let block = read_all(plan, content, range).await?;
        let mut out = BytesMut::with_capacity(block.len().min(4096));
        select(&block, selection, names, &mut out);
        let made = out.freeze();
        let cut = cut(0..u64::try_from(made.len()).unwrap_or(u64::MAX), body);
        let bounds = usize::try_from(cut.start).unwrap_or(usize::MAX)..usize::try_from(cut.end).unwrap_or(usize::MAX);
        return Ok(Piece::Made(made.slice(bounds)));
    }
    let range = cut(range, body);
    let first = if range.is_empty() { Bytes::new() } else { plan.account.read_body(content, range.clone()).await? };
    Ok(Piece::Body(range, first))
}

/// The part of a range that `<offset.length>` names.
fn cut(range: Range<u64>, body: &BodySection) -> Range<u64> {
    let Some(partial) = body.partial else { return range };
    let start = range.start.saturating_add(u64::from(partial.offset)).min(range.end);
    let end = start.saturating_add(u64::from(partial.length.get())).min(range.end);
    start..end
}

/// A header block; the scanner bounds how long one can be.
async fn read_all(plan: &Plan, content: &Content, range: Range<u64>) -> Result<Bytes, MailError> {
    let mut offset = range.start;
    let mut all = BytesMut::new();
    while offset < range.end {
        let piece = plan.account.read_body(content, offset..range.end).await?;
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

/// Writes one section; a body longer than its first piece is read and sent piece by piece.
pub(super) async fn write<S: Transport>(
    session: &mut Session<S>,
    plan: &Plan,
    response: &mut FetchResponse,
    item: &FetchItem,
    content: &Content,
    piece: Piece,
) -> io::Result<()> {
    let out = session.machine.output();
    match piece {
        Piece::Nothing => response.literal_item(out, item, 0),
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
    Ok(())
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
