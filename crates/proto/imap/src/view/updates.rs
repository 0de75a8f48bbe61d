//! What a session has to be told, and how it is written.

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
        for (seq, _) in &self.expunged {
            Response::Expunge(*seq).encode(out);
        }
        if let Some(exists) = self.exists {
            Response::Exists(exists).encode(out);
        }
        if let Some(recent) = self.recent {
            Response::Recent(recent).encode(out);
        }
        if let Some(keywords) = &self.keywords {
            Response::Flags(keywords).encode(out);
        }
        for update in &self.flags {
            let mut fetch = FetchResponse::begin(out, update.seq);
            if form == UpdateForm::WithUid {
                fetch.uid(out, update.uid);
            }
            if let Some(modseq) = update.modseq {
                fetch.modseq(out, modseq);
            }
            if let Some(flags) = update.flags {
                fetch.flags(out, flags, keywords, update.recent);
            }
            fetch.end(out);
        }
    }
}
