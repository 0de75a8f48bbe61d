//! THREAD (RFC 5256 §3): messages of a snapshot as trees.
//!
//! The result is a flat list, each node before its children, so that nothing that walks it recurses. The trees of
//! REFERENCES and REFS grow in `thread/references.rs` over `thread/forest.rs`, which tells loops in logarithmic time.

mod forest;
mod references;

use crate::MailError;
use crate::mail::Account;
use crate::meter::Meter;
use crate::search::Query;
use crate::sort::{folded, off_the_workers, sent_at};
use crate::turns::Scale;
use message::{Summary, base_subject};
use references::Builder;
use types::snapshot::{Entry, Snapshot};
use types::{EmailId, Uid};

/// How many contents are read at once.
const CONTENTS_AT_ONCE: usize = 256;

/// How messages are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ThreadAlgorithm {
    /// ORDEREDSUBJECT: by base subject.
    OrderedSubject,
    /// REFERENCES: by message ids, then by base subject.
    References,
    /// REFS: by message ids alone; threads by the INTERNALDATE of their most recent message
    /// (draft-ietf-morg-inthread-01). Only the draft's abstract was at hand, not the steps of the algorithm: these are
    /// REFERENCES without its step 5, with children by sent date, and threads by arrival as other servers have them.
    Refs,
}

/// A node of a thread. Nodes stand in the order of the answer, each before its children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ThreadNode {
    /// The message; `None` for one that is not there, which only the root of a thread can be. It has at least two
    /// children then.
    pub uid: Option<Uid>,
    /// How many nodes are above it; the root of a thread has none.
    pub depth: u32,
    /// How many nodes are directly below it.
    pub children: u32,
}

/// Stands for a message id or a subject, of which threads only ask whether two are the same: the beginning of its hash.
/// No two that differ have the same but by the work of 2⁶⁴ hashes, and then it is his own message that is in the wrong
/// thread.
type Mark = [u8; 16];

fn mark(text: &str) -> Mark {
    blake3::hash(text.as_bytes()).as_bytes().first_chunk().copied().unwrap_or_default()
}

/// What is known of a message.
#[derive(Clone, Debug)]
struct Message {
    uid: Uid,
    /// The sent date in seconds (RFC 5256 §2.2).
    sent: i64,
    /// INTERNALDATE in seconds.
    arrived: i64,
    /// The base subject, folded; `None` for the empty one.
    subject: Option<Mark>,
    is_reply: bool,
}

impl Message {
    fn new(entry: &Entry, summary: Option<&Summary>, needs_subject: bool) -> Self {
        let base = summary.filter(|_| needs_subject).map(|summary| base_subject(summary.subject()));
        let base = base.unwrap_or_default();
        Self {
            uid: entry.uid,
            sent: sent_at(entry, summary),
            arrived: entry.internal_date.unix_seconds(),
            subject: Some(folded(&base.text)).filter(|subject| !subject.is_empty()).map(|subject| mark(&subject)),
            is_reply: base.is_reply_or_forward,
        }
    }
}

impl Account {
    /// The messages of a snapshot that fit, as threads.
    pub async fn thread(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        algorithm: ThreadAlgorithm,
    ) -> Result<Vec<ThreadNode>, MailError> {
        let found = self.search(snapshot, query).await?;
        self.thread_found(snapshot, &found, algorithm, &Meter::default()).await
    }

    /// Some messages of a snapshot, ascending, as threads. UIDs that are not there are left out. Waits for its turn;
    /// [`MailError::TooMany`] where these messages and what they refer to are more than
    /// [`THREAD_NODES_MAX`](crate::THREAD_NODES_MAX).
    pub async fn thread_found(
        &self,
        snapshot: &Snapshot,
        found: &[Uid],
        algorithm: ThreadAlgorithm,
        meter: &Meter,
    ) -> Result<Vec<ThreadNode>, MailError> {
        let scale = Scale::of(found.len());
        let threads = self.thread_within(snapshot, found, algorithm, (scale, scale.nodes_max()), meter).await;
        match threads {
            // Few messages that refer to many.
            Err(MailError::TooMany { .. }) if scale == Scale::Small => {
                let scale = Scale::Large;
                self.thread_within(snapshot, found, algorithm, (scale, scale.nodes_max()), meter).await
            }
            threads => threads,
        }
    }

    /// The same with at most so many nodes, or a page of messages more.
    async fn thread_within(
        &self,
        snapshot: &Snapshot,
        found: &[Uid],
        algorithm: ThreadAlgorithm,
        (scale, max): (Scale, usize),
        meter: &Meter,
    ) -> Result<Vec<ThreadNode>, MailError> {
        let turn = self.turns().take(scale).await?;
        let needs_subject = algorithm != ThreadAlgorithm::Refs;
        let mut messages = Vec::with_capacity(found.len());
        let mut builder = Builder::default();
        for page in found.chunks(CONTENTS_AT_ONCE) {
            let page: Vec<Entry> = page.iter().filter_map(|uid| snapshot.get(*uid)).copied().collect();
            let emails: Vec<EmailId> = page.iter().map(|entry| entry.email).collect();
            let contents = self.contents(&emails).await?;
            for (entry, content) in page.iter().zip(contents) {
                let summary = content.as_ref().map(|content| &content.summary);
                if algorithm != ThreadAlgorithm::OrderedSubject {
                    builder
                        .add(summary.and_then(Summary::message_id), summary.into_iter().flat_map(Summary::references));
                }
                messages.push(Message::new(entry, summary, needs_subject));
            }
            if builder.len().max(messages.len()) > max {
                return Err(MailError::TooMany { max });
            }
            meter.step(messages.len(), found.len()).await;
            tokio::task::yield_now().await;
        }
        // It keeps its turn to its end, even if nobody waits for it any longer.
        off_the_workers(move || {
            let threads = match algorithm {
                ThreadAlgorithm::OrderedSubject => ordered_subject(&messages),
                ThreadAlgorithm::References => builder.threads(&messages, true),
                ThreadAlgorithm::Refs => builder.threads(&messages, false),
            };
            drop(turn);
            threads
        })
        .await
    }
}

/// Messages by base subject, then by sent date; what comes after the first of a thread is its child.
fn ordered_subject(messages: &[Message]) -> Vec<ThreadNode> {
    let mut order: Vec<&Message> = messages.iter().collect();
    order.sort_by(|a, b| (&a.subject, a.sent, a.uid).cmp(&(&b.subject, b.sent, b.uid)));
    let mut threads: Vec<&[&Message]> = order.chunk_by(|a, b| a.subject == b.subject).collect();
    threads.sort_by_key(|thread| thread.first().map(|first| (first.sent, first.uid)));
    let mut out = Vec::with_capacity(messages.len());
    for thread in threads {
        for (place, message) in thread.iter().enumerate() {
            let children = if place == 0 { thread.len().saturating_sub(1) } else { 0 };
            let children = u32::try_from(children).unwrap_or(u32::MAX);
            out.push(ThreadNode { uid: Some(message.uid), depth: u32::from(place > 0), children });
        }
    }
    out
}

#[cfg(test)]
#[path = "thread/tests.rs"]
mod tests;
