//! The rows of what does not change about a message: its content, and the links from message ids to its thread.

use super::VERSION;
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use store_kv::{BodyHash, BodyId};
use types::{ThreadId, TraceId};

/// Without thread: what the first version of this program wrote.
const WITHOUT_THREAD: u8 = 1;
/// With thread and links.
const WITH_THREAD: u8 = 2;

/// A message's content, but for the summary, which is handed on as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ContentRow {
    pub(crate) body: BodyId,
    pub(crate) hash: BodyHash,
    pub(crate) trace: Option<TraceId>,
    /// Its thread; `None` in rows that are older than threads.
    pub(crate) thread: Option<ThreadId>,
    /// The hashes of the thread links that count it.
    pub(crate) links: Vec<u64>,
    pub(crate) summary: Bytes,
}

impl ContentRow {
    pub(crate) fn encode(&self) -> Bytes {
        let version = if self.thread.is_some() { WITH_THREAD } else { WITHOUT_THREAD };
        let mut row = RowWriter::new(version, 76 + self.links.len() * 8 + self.summary.len());
        row.wide(self.body.0);
        row.raw(&self.hash.0);
        row.wide(self.trace.map_or(0, |t| t.0));
        if let Some(thread) = self.thread {
            row.number(thread.0);
            row.number(u64::try_from(self.links.len()).unwrap_or(u64::MAX));
            for link in &self.links {
                row.raw(&link.to_be_bytes());
            }
        }
        row.raw(&self.summary);
        row.finish()
    }

    pub(crate) fn decode(bytes: &Bytes) -> Option<Self> {
        let with_thread = RowReader::new(bytes, WITH_THREAD);
        let has_thread = with_thread.is_some();
        let mut row = with_thread.or_else(|| RowReader::new(bytes, WITHOUT_THREAD))?;
        let body = BodyId(row.wide()?);
        let hash = BodyHash(row.array()?);
        let trace = Some(TraceId(row.wide()?)).filter(|t| t.0 != 0);
        let mut thread = None;
        let mut links = Vec::new();
        if has_thread {
            thread = Some(ThreadId(row.number()?));
            for _ in 0..row.number()? {
                links.push(u64::from_be_bytes(row.array()?));
            }
        }
        let summary = bytes.slice(bytes.len() - row.left()..);
        Some(Self { body, hash, trace, thread, links, summary })
    }
}

/// Where a message id with a base subject leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ThreadLinkRow {
    /// The thread.
    pub(crate) thread: ThreadId,
    /// How many contents name it; it goes with the last of them.
    pub(crate) contents: u64,
}

impl ThreadLinkRow {
    pub(crate) fn encode(self) -> Bytes {
        let mut row = RowWriter::new(VERSION, 8);
        row.number(self.thread.0);
        row.number(self.contents);
        row.finish()
    }

    pub(crate) fn decode(row: &[u8]) -> Option<Self> {
        let mut row = RowReader::new(row, VERSION)?;
        let link = Self { thread: ThreadId(row.number()?), contents: row.number()? };
        row.end()?;
        Some(link)
    }
}
