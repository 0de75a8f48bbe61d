//! A message on its way out to a program that did not say UTF8: headers in UTF-8 go as surrogates (RFC 6856 §2.1, RFC 6858).
//!
//! Nearly every message is ASCII in its headers; it costs a look at them. Sizes in LIST are those of the message itself
//! (RFC 6858 §4).

use bytes::Bytes;
use domain::{Account, Content, MailError};
use message::surrogate_header;
use std::ops::Range;
use std::sync::Arc;

/// Longest header that is turned into a surrogate. A message with a longer one can be had in UTF-8 only.
const HEADER_MAX: u64 = 256 << 10;

/// Why a message does not go out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotSent {
    /// It would take the command UTF8.
    #[error("a header in UTF-8 is too long for a surrogate")]
    NeedsUtf8,
    /// The mail failed.
    #[error(transparent)]
    Mail(#[from] MailError),
}

/// Reads a message piece by piece, as the program may have it.
pub(crate) struct Outgoing {
    account: Account,
    content: Arc<Content>,
    /// Headers that may need a surrogate, the last first.
    headers: Vec<Range<u64>>,
    offset: u64,
}

impl Outgoing {
    /// Begins a message.
    pub(crate) async fn new(account: Account, content: Arc<Content>, is_utf8: bool) -> Result<Self, NotSent> {
        let mut outgoing = Self { account, content, headers: Vec::new(), offset: 0 };
        if !is_utf8 {
            let parts = outgoing.content.summary.parts();
            let headers: Vec<_> = parts.map(|part| part.header).filter(|header| !header.is_empty()).collect();
            for header in headers.iter().filter(|header| length(header) > HEADER_MAX) {
                outgoing.must_not_be_utf8(header.clone()).await?;
            }
            outgoing.headers = headers.into_iter().rev().filter(|header| length(header) <= HEADER_MAX).collect();
        }
        Ok(outgoing)
    }

    /// The next piece; `None` at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, MailError> {
        let size = self.content.size().0;
        if self.offset >= size {
            return Ok(None);
        }
        let piece = self.account.read_body(&self.content, self.offset..size).await?;
        if piece.is_empty() {
            return Err(MailError::Gone);
        }
        let end = self.offset.saturating_add(count(&piece));
        self.headers.retain(|header| header.start >= self.offset);
        let in_piece = self.headers.iter().rev().take_while(|header| header.start < end);
        let Some(header) = in_piece.clone().find(|header| header.end > end || !self.is_ascii(&piece, header)).cloned()
        else {
            self.offset = end;
            return Ok(Some(piece));
        };
        if header.start > self.offset {
            let before = usize::try_from(header.start.saturating_sub(self.offset)).unwrap_or(usize::MAX);
            self.offset = header.start;
            return Ok(Some(piece.slice(..before.min(piece.len()))));
        }
        let block = self.read(header.clone()).await?;
        self.offset = header.end;
        Ok(Some(surrogate_header(&block).map_or(block, Bytes::from)))
    }

    /// Whether a header that lies in this piece is ASCII.
    fn is_ascii(&self, piece: &[u8], header: &Range<u64>) -> bool {
        let place = |at: u64| usize::try_from(at.saturating_sub(self.offset)).unwrap_or(usize::MAX);
        piece.get(place(header.start)..place(header.end)).is_none_or(<[u8]>::is_ascii)
    }

    /// A range of the message that is at most [`HEADER_MAX`] long.
    async fn read(&self, range: Range<u64>) -> Result<Bytes, MailError> {
        let mut block = self.account.read_body(&self.content, range.clone()).await?;
        while count(&block) < length(&range) {
            let start = range.start.saturating_add(count(&block));
            let more = self.account.read_body(&self.content, start..range.end).await?;
            if more.is_empty() {
                return Err(MailError::Gone);
            }
            block = [block, more].concat().into();
        }
        Ok(block)
    }

    async fn must_not_be_utf8(&self, header: Range<u64>) -> Result<(), NotSent> {
        let mut start = header.start;
        while start < header.end {
            let piece = self.account.read_body(&self.content, start..header.end).await?;
            if piece.is_empty() {
                return Err(MailError::Gone.into());
            }
            if !piece.is_ascii() {
                return Err(NotSent::NeedsUtf8);
            }
            start = start.saturating_add(count(&piece));
        }
        Ok(())
    }
}

fn length(range: &Range<u64>) -> u64 {
    range.end.saturating_sub(range.start)
}

fn count(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
