//! Taking a message in: its bytes go to the store and through the scanner as they come, never whole into memory.

use super::threads;
use crate::MailError;
use message::{Scanner, Summary};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use store_kv::{BodyChange, BodyHash, BodyId, BodyWriter, StagedBody};
use types::{AccountId, EmailId, Octets};

/// Most accounts that a staged message remembers having been put into; more only cost a further copy of its summary.
const PLACED_MAX: usize = 1024;

/// A message that is being taken in. Dropping it throws the message away.
pub struct Staging {
    writer: Box<dyn BodyWriter>,
    scanner: Scanner,
    size: u64,
    max: Octets,
}

impl Staging {
    pub(super) fn new(writer: Box<dyn BodyWriter>, max: Octets) -> Self {
        Self { writer, scanner: Scanner::new(message::Limits::default()), size: 0, max }
    }

    /// Appends a piece. Fails with [`MailError::TooLarge`] as soon as the message is larger than messages may be.
    pub async fn write(&mut self, piece: &[u8]) -> Result<(), MailError> {
        let size = self.size.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
        if size > self.max.0 {
            return Err(MailError::TooLarge { max: self.max });
        }
        self.size = size;
        self.scanner.push(piece);
        Ok(self.writer.write(piece).await?)
    }

    /// How much was written.
    pub fn size(&self) -> Octets {
        Octets(self.size)
    }

    /// Ends the message.
    pub async fn finish(self) -> Result<Staged, MailError> {
        let body = self.writer.finish().await?;
        Ok(Staged::of(Source::Fresh(body), self.scanner.finish()))
    }
}

impl fmt::Debug for Staging {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Staging").field("size", &self.size).finish_non_exhaustive()
    }
}

/// A whole message that is in no mailbox yet. Copies are cheap and keep its body alive; when the last goes and no
/// mailbox took it, so does the body.
#[derive(Clone)]
pub struct Staged(Arc<Inner>);

struct Inner {
    source: Source,
    summary: Summary,
    /// What links it to its thread.
    links: Box<[u64]>,
    /// Which contents it became, so that one body has one content in an account.
    placed: Mutex<Vec<(AccountId, EmailId)>>,
}

#[derive(Clone)]
enum Source {
    Fresh(StagedBody),
    Stored(BodyId, BodyHash),
}

impl Staged {
    fn of(source: Source, summary: Summary) -> Self {
        let links = threads::links_of(&summary);
        Self(Arc::new(Inner { source, summary, links, placed: Mutex::default() }))
    }

    /// A message whose body some account refers to already, such as the queue's. In an account where it may be put
    /// more than once, it must come with a trace id and a recipient each time.
    pub(crate) fn stored(body: BodyId, hash: BodyHash, summary: Summary) -> Self {
        Self::of(Source::Stored(body, hash), summary)
    }

    /// What is known of it.
    pub fn summary(&self) -> &Summary {
        &self.0.summary
    }

    /// Its size.
    pub fn size(&self) -> Octets {
        self.0.summary.size()
    }

    /// Its body's name.
    pub fn body(&self) -> BodyId {
        match &self.0.source {
            Source::Fresh(body) => body.id(),
            Source::Stored(body, _) => *body,
        }
    }

    /// Its body's hash.
    pub fn hash(&self) -> BodyHash {
        match &self.0.source {
            Source::Fresh(body) => body.hash(),
            Source::Stored(_, hash) => *hash,
        }
    }

    /// What links it to its thread.
    pub(super) fn links(&self) -> &[u64] {
        &self.0.links
    }

    /// The reference that a batch which names the body takes.
    pub(crate) fn reference(&self) -> BodyChange {
        match &self.0.source {
            Source::Fresh(body) => BodyChange::Add(body.clone()),
            Source::Stored(body, _) => BodyChange::Share(*body),
        }
    }

    /// The content that this perhaps became in an account. Only a hint: the batch may have failed.
    pub(super) fn placed_in(&self, account: AccountId) -> Option<EmailId> {
        let placed = self.0.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.iter().rev().find(|(a, _)| *a == account).map(|(_, email)| *email)
    }

    pub(super) fn remember(&self, account: AccountId, email: EmailId) {
        let mut placed = self.0.placed.lock().unwrap_or_else(PoisonError::into_inner);
        placed.retain(|(a, _)| *a != account);
        if placed.len() < PLACED_MAX {
            placed.push((account, email));
        }
    }
}

impl fmt::Debug for Staged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Staged({}, {} octets)", self.body(), self.size())
    }
}
