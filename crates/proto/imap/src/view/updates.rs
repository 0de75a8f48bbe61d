//! What a session has to be told, and how it is written.

use crate::enabled::Enabled;
use crate::fetch::FetchResponse;
use crate::response::Response;
use bytes::BytesMut;
use types::{Flags, Keywords, ModSeq, Uid};

/// The news for one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagUpdate {
    /// Its sequence number, after the EXPUNGEs of the same news.
    pub seq: u32,
    /// Its UID.
    pub uid: Uid,
    /// Its flags, if the client takes them for others.
    pub flags: Option<Flags>,
    /// Its MODSEQ, if CONDSTORE is enabled.
    pub modseq: Option<ModSeq>,
    /// Whether it is recent.
    pub recent: bool,
}

/// What changed, in the order in which it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    /// EXPUNGE: sequence numbers from the highest down, with their UIDs.
    pub expunged: Vec<(u32, Uid)>,
    /// EXISTS
    pub exists: Option<u32>,
    /// RECENT
    pub recent: Option<u32>,
    /// FLAGS: the mailbox has new keywords.
    pub keywords: Option<Keywords>,
    /// FETCH, by UID.
    pub flags: Vec<FlagUpdate>,
}

/// How FETCH news are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateForm {
    /// `FLAGS` and what CONDSTORE wants.
    Plain,
    /// With `UID`, as every FETCH response to a UID command has it (RFC 3501 §6.4.8).
    WithUid,
}

impl Updates {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Writes the news. `keywords` are those of the snapshot that was synced to.
    pub fn encode(&self, out: &mut BytesMut, keywords: &Keywords, form: UpdateForm) {
        let mut written = 0;
        while let Some(next) = self.encode_some(written, usize::MAX, out, keywords, form) {
            written = next;
        }
    }

    /// Writes the news from a line on until `out` holds `high` bytes; yields the line to go on with, if there is one. So
    /// the news of a large mailbox can be sent on before all of them are written.
    pub fn encode_some(
        &self,
        from: usize,
        high: usize,
        out: &mut BytesMut,
        keywords: &Keywords,
        form: UpdateForm,
    ) -> Option<usize> {
        let mut line = from;
        for (seq, _) in self.expunged.iter().skip(line) {
            if line > from && out.len() >= high {
                return Some(line);
            }
            Response::Expunge(*seq).encode(out, Enabled::default());
            line += 1;
        }
        if line == self.expunged.len() {
            self.encode_counts(out);
            line += 1;
        }
        for update in self.flags.iter().skip(line - self.expunged.len() - 1) {
            if line > from && out.len() >= high {
                return Some(line);
            }
            update.encode(out, keywords, form);
            line += 1;
        }
        None
    }

    /// What stands between EXPUNGE and FETCH.
    fn encode_counts(&self, out: &mut BytesMut) {
        if let Some(exists) = self.exists {
            Response::Exists(exists).encode(out, Enabled::default());
        }
        if let Some(recent) = self.recent {
            Response::Recent(recent).encode(out, Enabled::default());
        }
        if let Some(keywords) = &self.keywords {
            Response::Flags(keywords).encode(out, Enabled::default());
        }
    }
}

impl FlagUpdate {
    fn encode(&self, out: &mut BytesMut, keywords: &Keywords, form: UpdateForm) {
        let mut fetch = FetchResponse::begin(out, self.seq);
        if form == UpdateForm::WithUid {
            fetch.uid(out, self.uid);
        }
        if let Some(modseq) = self.modseq {
            fetch.modseq(out, modseq);
        }
        if let Some(flags) = self.flags {
            fetch.flags(out, flags, keywords, self.recent);
        }
        fetch.end(out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_written_in_pieces_are_the_same_news() {
        let uid = |n| Uid::new(n).unwrap();
        let flags = |seq| FlagUpdate { seq, uid: uid(seq), flags: Some(Flags::SEEN), modseq: None, recent: false };
        let counts = |exists| Updates { exists, ..Updates::default() };
        for (expunged, updates) in [(3, 4), (0, 4), (3, 0), (0, 0)] {
            for exists in [Some(9), None] {
                let news = Updates {
                    expunged: (1..=expunged).rev().map(|n| (n, uid(n))).collect(),
                    flags: (1..=updates).map(flags).collect(),
                    ..counts(exists)
                };
                let (mut whole, mut out) = (BytesMut::new(), BytesMut::new());
                news.encode(&mut whole, &Keywords::default(), UpdateForm::WithUid);
                let (mut line, mut pieces) = (Some(0), 0);
                while let Some(from) = line {
                    let mut piece = BytesMut::new();
                    line = news.encode_some(from, 1, &mut piece, &Keywords::default(), UpdateForm::WithUid);
                    assert!(piece[..].split(|b| *b == b'\n').count() <= 3, "a piece is no longer than it must be");
                    out.extend_from_slice(&piece);
                    pieces += 1;
                }
                assert_eq!(out, whole);
                assert!(pieces >= expunged.max(updates), "{pieces}");
            }
        }
    }
}
