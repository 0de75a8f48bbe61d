//! Looking into a message's bytes: header fields and the text of its parts, streamed.

use super::plan::{FieldKey, Known, Plan, Reading, set};
use crate::MailError;
use crate::mail::{Account, Content};
use bytes::Bytes;
use message::body_text::BodyText;
use message::casefold::Search;
use message::{PartKind, address, header};
use std::ops::Range;

/// Longest header field that is looked at as a whole; of a longer one every part of this length is looked at alone.
const FIELD_MAX: usize = 1 << 20;

/// How many bytes are read at once where text is looked for: most messages' text and headers.
const READ_AHEAD: u64 = 32 << 10;

/// Reads a message's bytes page by page, keeping the last page: most messages are one.
pub(super) struct Reader<'a> {
    account: &'a Account,
    content: &'a Content,
    page: Bytes,
    start: u64,
    /// How many bytes are read at least.
    read_ahead: u64,
    bytes_read: u64,
}

impl<'a> Reader<'a> {
    /// A reader of a message for a plan: only who looks for text reads more than the header.
    pub(super) fn new(account: &'a Account, content: &'a Content, plan: &Plan) -> Self {
        let read_ahead = if plan.texts.is_empty() { 0 } else { READ_AHEAD };
        Self { account, content, page: Bytes::new(), start: 0, read_ahead, bytes_read: 0 }
    }

    /// How many bytes have been read.
    pub(super) fn bytes_read(&self) -> u64 {
        self.bytes_read
    }

    /// The first bytes of a range, at least one unless it or the message ends there.
    async fn read(&mut self, range: Range<u64>) -> Result<Bytes, MailError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let length = u64::try_from(self.page.len()).unwrap_or(u64::MAX);
        if range.start < self.start || range.start >= self.start.saturating_add(length) {
            // What comes next is often wanted too; an attachment behind a short text is not.
            let end = range.end.max(range.start.saturating_add(self.read_ahead));
            if self.bytes_read > 0 {
                // A large message is no reason for others to wait.
                tokio::task::yield_now().await;
            }
            self.page = self.account.read_body(self.content, range.start..end).await?;
            self.start = range.start;
            self.bytes_read += u64::try_from(self.page.len()).unwrap_or(u64::MAX);
        }
        let from = usize::try_from(range.start - self.start).unwrap_or(usize::MAX).min(self.page.len());
        let wanted = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
        let to = from.saturating_add(wanted).min(self.page.len());
        Ok(self.page.slice(from..to))
    }

    /// Hands the fields of a header block over one by one.
    async fn fields(
        &mut self,
        mut range: Range<u64>,
        mut each: impl FnMut(&header::Field<'_>),
    ) -> Result<(), MailError> {
        let mut held: Vec<u8> = Vec::new();
        loop {
            let piece = self.read(range.clone()).await?;
            range.start = range.start.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
            let is_last = piece.is_empty() || range.is_empty();
            held.extend_from_slice(&piece);
            let mut done = 0;
            let mut fields = header::fields(&held).peekable();
            while let Some(field) = fields.next() {
                // The last one may go on in the next piece.
                if fields.peek().is_some() || is_last || field.raw.len() >= FIELD_MAX {
                    done += field.raw.len();
                    each(&field);
                }
            }
            drop(fields);
            if is_last {
                return Ok(());
            }
            held.drain(..done);
            if held.len() >= 2 * FIELD_MAX {
                // Whatever this is, it is no field.
                held.clear();
            }
        }
    }

    /// Answers the keys about fields of the message's header.
    pub(super) async fn look_at_header(&mut self, plan: &Plan, known: &mut Known) -> Result<(), MailError> {
        let open: Vec<&FieldKey> =
            plan.fields.iter().filter(|key| known.get(key.place).is_some_and(Option::is_none)).collect();
        if open.is_empty() {
            return Ok(());
        }
        let header = 0..self.content.summary.header_size().0;
        let mut is_in_last = vec![false; open.len()];
        self.fields(header, |field| {
            for (key, is_in_last) in open.iter().zip(&mut is_in_last).filter(|(key, _)| field.is(&key.name)) {
                let is_found = key.needle.folded().is_empty()
                    || match key.reading {
                        Reading::Addresses => key.needle.is_in(&address::list_text(field.value)),
                        Reading::Each | Reading::Last => key.needle.is_in(&field.text()),
                    };
                if key.reading == Reading::Last {
                    *is_in_last = is_found;
                } else if is_found {
                    set(known, key.place, true);
                }
            }
        })
        .await?;
        for (key, is_found) in open.iter().zip(is_in_last).filter(|(key, _)| key.reading == Reading::Last) {
            set(known, key.place, is_found);
        }
        for key in open {
            set(known, key.place, false);
        }
        Ok(())
    }

    /// Answers the keys about text anywhere.
    pub(super) async fn look_at_text(&mut self, plan: &Plan, known: &mut Known) -> Result<(), MailError> {
        let mut found = Found::new(plan, known);
        let summary = &self.content.summary;
        if found.wants_header() {
            let header = 0..summary.header_size().0;
            self.fields(header, |field| found.header_field(field, false)).await?;
        }
        let mut is_in_message = false;
        for (place, part) in summary.parts().enumerate() {
            if found.is_complete() {
                break;
            }
            // The first part's header is the message's own. That of a message within is text of the body, those of
            // parts are MIME header fields (RFC 9051 §6.4.4, TEXT).
            if place > 0 && (is_in_message || found.wants_header()) {
                self.fields(part.header.clone(), |field| found.header_field(field, is_in_message)).await?;
            }
            is_in_message = part.kind == PartKind::Message;
            let Some(mut text) = BodyText::new(&part) else { continue };
            let mut searches = found.searches();
            let mut range = part.body.clone();
            loop {
                let piece = self.read(range.clone()).await?;
                if piece.is_empty() {
                    break;
                }
                range.start = range.start.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                text.push(&piece, |text| push(&mut searches, text));
                if searches.iter().all(|(_, search)| search.is_found()) {
                    break;
                }
            }
            text.finish(|text| push(&mut searches, text));
            let hits: Vec<_> = searches.iter().filter(|(_, s)| s.is_found()).map(|(place, _)| *place).collect();
            for place in hits {
                found.hit(place);
            }
        }
        let places = found.places();
        for (place, is_found) in places {
            set(known, place, is_found);
        }
        Ok(())
    }
}

fn push(searches: &mut [(usize, Search<'_>)], text: &str) {
    for (_, search) in searches {
        search.push(text);
    }
}

/// Which of the open text keys were found.
struct Found<'p> {
    keys: Vec<(&'p super::plan::TextKey, bool)>,
}

impl<'p> Found<'p> {
    fn new(plan: &'p Plan, known: &Known) -> Self {
        let open = plan.texts.iter().filter(|key| known.get(key.place).is_some_and(Option::is_none));
        Self { keys: open.map(|key| (key, false)).collect() }
    }

    fn wants_header(&self) -> bool {
        self.keys.iter().any(|(key, _)| key.in_header)
    }

    fn is_complete(&self) -> bool {
        self.keys.iter().all(|(_, is_found)| *is_found)
    }

    fn header_field(&mut self, field: &header::Field<'_>, is_body: bool) {
        let mut line = String::from_utf8_lossy(field.name).into_owned();
        line.push_str(": ");
        line.push_str(&field.text());
        for (key, is_found) in &mut self.keys {
            if !*is_found && (key.in_header || is_body) {
                *is_found = key.needle.is_in(&line);
            }
        }
    }

    /// A search for each that is still missing, with its place among the keys.
    fn searches(&self) -> Vec<(usize, Search<'p>)> {
        let open = self.keys.iter().enumerate().filter(|(_, (_, is_found))| !is_found);
        open.map(|(place, (key, _))| (place, key.needle.search())).collect()
    }

    fn hit(&mut self, place: usize) {
        if let Some((_, is_found)) = self.keys.get_mut(place) {
            *is_found = true;
        }
    }

    fn places(&self) -> Vec<(usize, bool)> {
        self.keys.iter().map(|(key, is_found)| (key.place, *is_found)).collect()
    }
}
