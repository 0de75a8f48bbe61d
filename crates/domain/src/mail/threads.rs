//! Threads (RFC 8474 §5.2): which messages belong together.
//!
//! A message joins a thread where one of its message ids, together with its base subject, is known (RFC 8621 §3: an id
//! in common and the same subject); else it begins one, which has the number of its content. A thread once given never
//! changes, so two threads that a later message shows to be one stay two. The links from ids to threads are counted by
//! the contents that name them, and go with the last one.

use super::rows::ThreadLinkRow;
use super::tx::{Stop, Tx};
use crate::keys;
use crate::row::corrupt;
use bytes::Bytes;
use message::{Summary, base_subject, casefold};
use std::collections::BTreeMap;
use types::{EmailId, ThreadId};

/// How many ids one message may be linked by: its own, its thread's oldest and those that it answers, the nearest
/// first. A thread breaks only where a program leaves out more than that.
pub(super) const LINKS_MAX: usize = 8;

/// The hashes of a message's links, its own id first, then what it answers, the nearest first. They are part of the
/// format: a message that comes later must find them.
pub(super) fn links_of(summary: &Summary) -> Box<[u64]> {
    let references: Vec<&str> = summary.references().collect();
    let (oldest, others) = match references.split_first() {
        Some((oldest, others)) => (Some(*oldest), others),
        None => (None, &[][..]),
    };
    let own = summary.message_id();
    let nearest = LINKS_MAX - usize::from(own.is_some()) - usize::from(oldest.is_some());
    let ids = own.into_iter().chain(others.iter().rev().copied().take(nearest)).chain(oldest);
    let mut subject = None;
    let mut links = Vec::with_capacity(LINKS_MAX);
    for id in ids {
        let subject = subject.get_or_insert_with(|| casefold::fold(&base_subject(summary.subject()).text));
        let link = hash(id, subject);
        if !links.contains(&link) {
            links.push(link);
        }
    }
    links.into()
}

/// 64 bits: two that meet by accident would join two threads of one account, and who wants to join a thread need only
/// write its ids into his message.
fn hash(id: &str, subject: &str) -> u64 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(id.as_bytes());
    hasher.update(b"\n");
    hasher.update(subject.as_bytes());
    hasher.finalize().as_bytes().first_chunk().map_or(0, |first| u64::from_be_bytes(*first))
}

impl Tx<'_> {
    /// Makes sure that [`Tx::join_thread`] can read these links.
    pub(super) fn need_links<'a>(&self, links: impl Iterator<Item = &'a u64> + Clone) -> Result<(), Stop> {
        self.need_keys(links.clone().map(|link| keys::thread_link(self.id, *link)))?;
        links.into_iter().try_for_each(|link| self.link(*link).map(|_| ()))
    }

    /// The thread of a new content, whose links are counted with it.
    pub(super) fn join_thread(&mut self, email: EmailId, links: &[u64]) -> ThreadId {
        let found: Vec<_> = links.iter().map(|link| (*link, self.link(*link).ok().flatten())).collect();
        let known = found.iter().find_map(|(_, row)| row.map(|row| row.thread));
        let thread = known.unwrap_or(ThreadId(email.0));
        for (link, row) in found {
            let before = row.unwrap_or(ThreadLinkRow { thread, contents: 0 });
            let row = ThreadLinkRow { contents: before.contents.saturating_add(1), ..before };
            self.put_and_keep(keys::thread_link(self.id, link), row.encode());
        }
        thread
    }

    /// What becomes of links when contents leave that are counted in them; a link may stand there several times.
    /// `None` for one that goes.
    pub(super) fn leave_threads(&self, links: &[u64]) -> Result<Vec<(Bytes, Option<Bytes>)>, Stop> {
        let mut counts: BTreeMap<u64, u64> = BTreeMap::new();
        for link in links {
            *counts.entry(*link).or_default() += 1;
        }
        self.need_links(counts.keys())?;
        let mut out = Vec::with_capacity(counts.len());
        for (link, leaving) in counts {
            let Some(row) = self.link(link)? else { continue };
            let row = ThreadLinkRow { contents: row.contents.saturating_sub(leaving), ..row };
            out.push((keys::thread_link(self.id, link), (row.contents > 0).then(|| row.encode())));
        }
        Ok(out)
    }

    fn link(&self, link: u64) -> Result<Option<ThreadLinkRow>, Stop> {
        let row = self.get(keys::thread_link(self.id, link))?;
        let read = |row: &Bytes| ThreadLinkRow::decode(row).ok_or_else(|| corrupt("the row of a thread"));
        Ok(row.as_ref().map(read).transpose()?)
    }
}
