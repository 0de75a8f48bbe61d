//! What a session has to be told, and how it is written.

use crate::enabled::Enabled;
use crate::fetch::FetchResponse;
use crate::response::{Code, Response, Status};
use bytes::BytesMut;
use types::{Flags, Keywords, ModSeq, Uid, UidSet};

/// How many UIDs one VANISHED tells at most, so that a line stays short enough to be read at once.
const VANISHED_AT_ONCE: usize = 1000;

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
    /// The form in which it is told.
    pub enabled: Enabled,
    /// EXPUNGE, or VANISHED with QRESYNC or UIDONLY: sequence numbers from the highest down, with their UIDs.
    pub expunged: Vec<(u32, Uid)>,
    /// EXISTS
    pub exists: Option<u32>,
    /// RECENT
    pub recent: Option<u32>,
    /// FLAGS: the mailbox has new keywords.
    pub keywords: Option<Keywords>,
    /// FETCH, by UID.
    pub flags: Vec<FlagUpdate>,
    /// HIGHESTMODSEQ, at the end: with QRESYNC, where EXPUNGEs are held back (RFC 7162 §3.2).
    pub highest_modseq: Option<ModSeq>,
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
        *self == Self { enabled: self.enabled, ..Self::default() }
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
        let at_once = if self.enabled.qresync() || self.enabled.uid_only() { VANISHED_AT_ONCE } else { 1 };
        for expunged in self.expunged.get(line..).unwrap_or_default().chunks(at_once) {
            if line > from && out.len() >= high {
                return Some(line);
            }
            self.encode_expunged(out, expunged);
            line += expunged.len();
        }
        if line == self.expunged.len() {
            self.encode_counts(out);
            line += 1;
        }
        for update in self.flags.iter().skip(line - self.expunged.len() - 1) {
            if line > from && out.len() >= high {
                return Some(line);
            }
            update.encode(out, keywords, form, self.enabled);
            line += 1;
        }
        if let Some(highest) = self.highest_modseq {
            let status = Status::ok("More is to be told").with_code(Code::HighestModSeq(highest));
            Response::Status(&status).encode(out, self.enabled);
        }
        None
    }

    /// RFC 7162 §3.2.10.2 and RFC 9586 §3.4, §3.6: VANISHED in the place of EXPUNGE.
    fn encode_expunged(&self, out: &mut BytesMut, expunged: &[(u32, Uid)]) {
        if self.enabled.qresync() || self.enabled.uid_only() {
            let uids = UidSet::from_uids(expunged.iter().rev().map(|(_, uid)| *uid));
            Response::Vanished { earlier: false, uids: &uids }.encode(out, self.enabled);
            return;
        }
        for (seq, _) in expunged {
            Response::Expunge(*seq).encode(out, self.enabled);
        }
    }

    /// What stands between EXPUNGE and FETCH.
    fn encode_counts(&self, out: &mut BytesMut) {
        if let Some(exists) = self.exists {
            Response::Exists(exists).encode(out, self.enabled);
        }
        if let Some(recent) = self.recent {
            Response::Recent(recent).encode(out, self.enabled);
        }
        if let Some(keywords) = &self.keywords {
            Response::Flags(keywords).encode(out, self.enabled);
        }
    }
}

impl FlagUpdate {
    /// Writes it in the form for a client that has enabled this. With CONDSTORE a UID is in each (RFC 7162 §3.2.4);
    /// with UIDONLY it stands in front of all.
    pub fn encode(&self, out: &mut BytesMut, keywords: &Keywords, form: UpdateForm, enabled: Enabled) {
        let mut fetch = FetchResponse::begin_for(out, enabled, self.seq, self.uid);
        if !enabled.uid_only() && (form == UpdateForm::WithUid || enabled.condstore()) {
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
    use crate::command::enable::Extension;

    #[test]
    fn news_written_in_pieces_are_the_same_news() {
        let uid = |n| Uid::new(n).unwrap();
        let flags = |seq| FlagUpdate { seq, uid: uid(seq), flags: Some(Flags::SEEN), modseq: None, recent: false };
        let counts = |exists| Updates { exists, ..Updates::default() };
        let mut qresync = Enabled::default();
        qresync.enable(Extension::QResync);
        for (expunged, updates) in [(3, 4), (0, 4), (3, 0), (0, 0)] {
            for (exists, enabled) in [(Some(9), Enabled::default()), (None, Enabled::default()), (Some(7), qresync)] {
                let expunges = if enabled.qresync() { 1.min(expunged) } else { expunged };
                let news = Updates {
                    enabled,
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
                assert!(pieces >= expunges.max(updates), "{pieces}");
            }
        }
    }
}
