//! Contents: what does not change about a message, read in one go, and a small cache of them.

use super::live::Live;
use super::rows::ContentRow;
use crate::row::corrupt;
use crate::{MailError, keys};
use bytes::Bytes;
use message::Summary;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use store_kv::{BodyHash, BodyId, StoreError};
use types::{AccountId, EmailId, Octets, ThreadId, TraceId};

/// Calls for more contents than this do not fill the cache: they would only sweep it clean.
const CACHED_CALL_MAX: usize = 512;
/// What a cached content costs besides its summary.
const ENTRY_COST: usize = 400;

/// A message's content.
#[derive(Clone, Debug)]
pub struct Content {
    /// Its name.
    pub email: EmailId,
    /// Its raw bytes.
    pub body: BodyId,
    /// Their hash.
    pub hash: BodyHash,
    /// The trace id it came with.
    pub trace: Option<TraceId>,
    /// Its thread: the same for as long as the content is there.
    pub thread: ThreadId,
    /// Everything that FETCH, SEARCH and threading want to know of it.
    pub summary: Summary,
}

impl Content {
    fn decode(email: EmailId, row: &Bytes) -> Result<Self, MailError> {
        let row = ContentRow::decode(row).ok_or_else(|| corrupt("the row of a content"))?;
        let summary = Summary::decode(row.summary).map_err(|error| {
            MailError::Store(StoreError::Corrupt(format!("the summary of message {email}: {error}").into()))
        })?;
        // What was stored before there were threads has one of its own.
        let thread = row.thread.unwrap_or(ThreadId(email.0));
        Ok(Self { email, body: row.body, hash: row.hash, trace: row.trace, thread, summary })
    }

    /// RFC822.SIZE.
    pub fn size(&self) -> Octets {
        self.summary.size()
    }
}

/// Contents that were read lately; the oldest go first.
pub(crate) struct ContentCache {
    max: usize,
    state: Mutex<Cached>,
}

#[derive(Default)]
struct Cached {
    contents: HashMap<(AccountId, EmailId), Arc<Content>>,
    order: VecDeque<((AccountId, EmailId), usize)>,
    bytes: usize,
}

impl ContentCache {
    pub(super) fn new(max: Octets) -> Self {
        Self { max: usize::try_from(max.0).unwrap_or(usize::MAX), state: Mutex::default() }
    }

    fn get_all(&self, account: AccountId, emails: &[EmailId]) -> Vec<Option<Arc<Content>>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        emails.iter().map(|email| state.contents.get(&(account, *email)).cloned()).collect()
    }

    fn put(&self, account: AccountId, content: &Arc<Content>) {
        let cost = content.summary.encode().len().saturating_add(ENTRY_COST);
        if cost > self.max / 8 {
            return;
        }
        let key = (account, content.email);
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.contents.insert(key, Arc::clone(content)).is_none() {
            state.order.push_back((key, cost));
            state.bytes += cost;
        }
        while state.bytes > self.max {
            let Some((key, cost)) = state.order.pop_front() else { return };
            state.contents.remove(&key);
            state.bytes -= cost;
        }
    }

    /// Forgets a content that is gone.
    pub(super) fn forget(&self, account: AccountId, email: EmailId) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.contents.remove(&(account, email)).is_some() {
            let key = (account, email);
            if let Some(place) = state.order.iter().position(|(k, _)| *k == key) {
                let cost = state.order.remove(place).map_or(0, |(_, cost)| cost);
                state.bytes -= cost;
            }
        }
    }
}

impl fmt::Debug for ContentCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ContentCache").field("max", &self.max).finish_non_exhaustive()
    }
}

impl Live {
    /// The contents of messages, in the order asked; `None` for those that are gone. One read of the store for all
    /// that are not in the cache; ascending ids are fastest.
    pub(super) async fn contents(&self, emails: &[EmailId]) -> Result<Vec<Option<Arc<Content>>>, MailError> {
        let cache = &self.shared.contents;
        let mut found = cache.get_all(self.id, emails);
        let is_missing = |(email, content): (&EmailId, &Option<Arc<Content>>)| content.is_none().then_some(*email);
        let missing: Vec<_> = emails.iter().zip(&found).filter_map(is_missing).collect();
        if missing.is_empty() {
            return Ok(found);
        }
        let rows = self.shared.engine.get_many(&keys::contents(self.id, &missing)).await?;
        let mut rows = missing.iter().zip(rows);
        for place in found.iter_mut().filter(|content| content.is_none()) {
            let Some((email, row)) = rows.next() else { break };
            let Some(row) = row else { continue };
            let content = Arc::new(Content::decode(*email, &row)?);
            if emails.len() <= CACHED_CALL_MAX {
                cache.put(self.id, &content);
            }
            *place = Some(content);
        }
        Ok(found)
    }

    /// Bytes of a message.
    pub(super) async fn read_body(&self, content: &Content, range: Range<u64>) -> Result<Bytes, MailError> {
        match self.shared.engine.read_body(content.body, range).await {
            Err(StoreError::NoSuchBody(_)) => Err(MailError::Gone),
            other => Ok(other?),
        }
    }
}
