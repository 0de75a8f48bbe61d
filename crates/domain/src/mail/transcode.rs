//! Parts in the transfer encoding `binary` that hold NUL, put into base64 while a message is taken in: everything but
//! BINARY in IMAP must be able to hand them out (RFC 3516 §4.4, §6). Nothing else of the message changes, and nothing of it is
//! held whole.

use super::account::Account;
use super::staging::{Staged, Staging};
use crate::MailError;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use message::{Part, PartKind, header};
use std::ops::Range;
use store_kv::BodyId;

/// Longest header of a part that is looked at. What has a longer one stays as it is.
const HEADER_MAX: u64 = 256 << 10;
/// Bytes that make a line of base64 (RFC 2045 §6.8: 76 characters).
const LINE: usize = 57;

/// A stretch of the message that becomes something else.
struct Edit {
    range: Range<u64>,
    becomes: Becomes,
}

enum Becomes {
    /// These bytes: a header field.
    Text(&'static str),
    /// Itself in base64.
    Base64,
}

impl Account {
    /// The same message with base64 for those of its binary parts that hold NUL; itself, if there are none.
    pub async fn encode_binary(&self, staged: Staged) -> Result<Staged, MailError> {
        let edits = self.edits(&staged).await?;
        if edits.is_empty() {
            return Ok(staged);
        }
        let (body, size) = (staged.body(), staged.size());
        let mut out = self.stage(Some(size)).await?;
        let mut at = 0;
        for Edit { range, becomes } in edits {
            self.pass_on(body, at..range.start, &mut out).await?;
            at = range.end;
            match becomes {
                Becomes::Text(text) => out.write(text.as_bytes()).await?,
                Becomes::Base64 => {
                    self.encode(body, range.clone(), &mut out).await?;
                    // Inside a multipart the line break belongs to the boundary.
                    if range.end == size.0 {
                        out.write(b"\r\n").await?;
                    }
                }
            }
        }
        self.pass_on(body, at..size.0, &mut out).await?;
        out.finish().await
    }

    /// What is to be changed, in order. What lies in a part that is encoded stays as it is.
    async fn edits(&self, staged: &Staged) -> Result<Vec<Edit>, MailError> {
        let mut edits = Vec::new();
        let mut around = Vec::new();
        let mut is_needed = false;
        for part in staged.summary().parts() {
            let Some(field) = self.binary_field(staged.body(), &part).await? else { continue };
            if part.kind != PartKind::Leaf {
                around.push(Edit { range: field, becomes: Becomes::Text("Content-Transfer-Encoding: 8bit\r\n") });
                continue;
            }
            if self.holds_nul(staged.body(), part.body.clone()).await? {
                is_needed = true;
                edits.push(Edit { range: field, becomes: Becomes::Text("Content-Transfer-Encoding: base64\r\n") });
                edits.push(Edit { range: part.body, becomes: Becomes::Base64 });
            }
        }
        if is_needed {
            edits.append(&mut around);
        }
        edits.sort_by_key(|edit| edit.range.start);
        Ok(edits)
    }

    /// Where the field is that says that a part is binary.
    async fn binary_field(&self, body: BodyId, part: &Part<'_>) -> Result<Option<Range<u64>>, MailError> {
        if part.header.end - part.header.start > HEADER_MAX {
            return Ok(None);
        }
        let mut block = Vec::new();
        let mut at = part.header.start;
        while let Some(piece) = self.piece(body, at..part.header.end).await? {
            at += wide(piece.len());
            block.extend_from_slice(&piece);
        }
        let mut start = part.header.start;
        for field in header::fields(&block) {
            let end = start + wide(field.raw.len());
            if field.is("Content-Transfer-Encoding") {
                return Ok(field.value.eq_ignore_ascii_case(b"binary").then_some(start..end));
            }
            start = end;
        }
        Ok(None)
    }

    async fn holds_nul(&self, body: BodyId, mut range: Range<u64>) -> Result<bool, MailError> {
        while let Some(piece) = self.piece(body, range.clone()).await? {
            if memchr::memchr(0, &piece).is_some() {
                return Ok(true);
            }
            range.start += wide(piece.len());
        }
        Ok(false)
    }

    async fn pass_on(&self, body: BodyId, mut range: Range<u64>, out: &mut Staging) -> Result<(), MailError> {
        while let Some(piece) = self.piece(body, range.clone()).await? {
            range.start += wide(piece.len());
            out.write(&piece).await?;
        }
        Ok(())
    }

    async fn encode(&self, body: BodyId, mut range: Range<u64>, out: &mut Staging) -> Result<(), MailError> {
        let mut rest: Vec<u8> = Vec::new();
        let mut text = String::new();
        let mut is_first = true;
        loop {
            let piece = self.piece(body, range.clone()).await?;
            let is_last = piece.is_none();
            if let Some(piece) = piece {
                range.start += wide(piece.len());
                rest.extend_from_slice(&piece);
            }
            let whole = if is_last { rest.len() } else { rest.len() - rest.len() % LINE };
            for line in rest.get(..whole).unwrap_or_default().chunks(LINE) {
                if !std::mem::take(&mut is_first) {
                    text.push_str("\r\n");
                }
                STANDARD.encode_string(line, &mut text);
            }
            rest.drain(..whole);
            out.write(text.as_bytes()).await?;
            text.clear();
            if is_last {
                return Ok(());
            }
        }
    }

    /// The first bytes of a range; `None` at its end.
    async fn piece(&self, body: BodyId, range: Range<u64>) -> Result<Option<Bytes>, MailError> {
        if range.is_empty() {
            return Ok(None);
        }
        let piece = self.live.shared.engine.read_body(body, range).await?;
        if piece.is_empty() { Err(MailError::Gone) } else { Ok(Some(piece)) }
    }
}

fn wide(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}
