//! Running a search over a snapshot, in steps of bounded work.

use super::plan::Plan;
use super::texts::Reader;
use super::{Query, TextIndex, TextQuestion};
use crate::MailError;
use crate::mail::{Account, Content};
use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{EmailId, Uid};

/// How many messages one step looks at, at most.
pub const STEP_MESSAGES_MAX: usize = 8192;
/// How many contents one step reads, at most.
pub const STEP_CONTENTS_MAX: usize = 256;
/// After how many bytes of messages a step ends; it ends with the message with which it passes this.
pub const STEP_BYTES_MAX: u64 = 4 << 20;

/// How far a search has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What this step found, ascending, all past what earlier steps found.
    pub found: Vec<Uid>,
    /// How many messages have been looked at.
    pub done: u32,
    /// How many there are to look at.
    pub total: u32,
}

impl Progress {
    /// Whether nothing is left to do.
    pub fn is_finished(&self) -> bool {
        self.done >= self.total
    }
}

/// A search on its way. It is cancelled by dropping it.
pub struct Search<'a> {
    account: &'a Account,
    snapshot: &'a Snapshot,
    plan: Plan,
    source: Source<'a>,
    /// Messages whose columns were looked at, in order.
    batch: VecDeque<Waiting>,
    index: Option<Arc<dyn TextIndex>>,
    done: u32,
    total: u32,
}

/// Where messages come from.
enum Source<'a> {
    /// The whole snapshot, from here on; `None` at its end.
    All(Option<Uid>),
    /// These, ascending.
    Among(&'a [Uid]),
}

/// A message whose columns were looked at.
enum Waiting {
    Decided(Uid, bool),
    Open(Entry, Option<Arc<Content>>),
}

impl fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("done", &self.done).field("total", &self.total).finish_non_exhaustive()
    }
}

impl Account {
    /// The UIDs of the messages of a snapshot that fit, ascending. Messages whose content is gone fit nothing that
    /// asks for it.
    pub async fn search(&self, snapshot: &Snapshot, query: &Query) -> Result<Vec<Uid>, MailError> {
        self.begin_search(snapshot, query).finish().await
    }

    /// Begins a search that goes in steps, for those who tell how far it is.
    pub fn begin_search<'a>(&'a self, snapshot: &'a Snapshot, query: &Query) -> Search<'a> {
        let first = snapshot.iter().next().map(|entry| entry.uid);
        Search::new(self, snapshot, query, Source::All(first), snapshot.len())
    }

    /// Those of some messages of a snapshot, ascending, that fit. UIDs that are not there fit nothing.
    pub async fn search_among(&self, snapshot: &Snapshot, query: &Query, among: &[Uid]) -> Result<Vec<Uid>, MailError> {
        let mut sorted = among.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        sorted.retain(|uid| snapshot.get(*uid).is_some());
        let total = u32::try_from(sorted.len()).unwrap_or(u32::MAX);
        Search::new(self, snapshot, query, Source::Among(&sorted), total).finish().await
    }
}

impl<'a> Search<'a> {
    fn new(account: &'a Account, snapshot: &'a Snapshot, query: &Query, source: Source<'a>, total: u32) -> Self {
        let plan = Plan::new(query, snapshot, account.now());
        Self { account, snapshot, plan, source, batch: VecDeque::new(), index: None, done: 0, total }
    }

    /// Asks an index before messages are read.
    #[must_use]
    pub fn with_index(mut self, index: Arc<dyn TextIndex>) -> Self {
        self.index = Some(index);
        self
    }

    /// Goes on to the end.
    async fn finish(mut self) -> Result<Vec<Uid>, MailError> {
        let mut found = Vec::new();
        loop {
            let progress = self.step().await?;
            let is_finished = progress.is_finished();
            found.extend(progress.found);
            if is_finished {
                return Ok(found);
            }
            tokio::task::yield_now().await;
        }
    }

    /// Goes on by at most [`STEP_MESSAGES_MAX`] messages, [`STEP_CONTENTS_MAX`] contents and about [`STEP_BYTES_MAX`]
    /// bytes, and tells what was found. After an error the search can be gone on with; some may then be missing.
    pub async fn step(&mut self) -> Result<Progress, MailError> {
        if let Some(index) = self.index.take() {
            self.ask(&*index).await?;
        }
        if self.batch.is_empty() {
            self.fill().await?;
        }
        let (mut known, mut stack, mut found) = (Vec::new(), Vec::new(), Vec::new());
        let mut bytes = 0;
        while bytes < STEP_BYTES_MAX {
            let Some(waiting) = self.batch.pop_front() else { break };
            self.done += 1;
            let (entry, content) = match waiting {
                Waiting::Decided(uid, fits) => {
                    found.extend(fits.then_some(uid));
                    continue;
                }
                Waiting::Open(_, None) => continue,
                Waiting::Open(entry, Some(content)) => (entry, content),
            };
            self.plan.look(&entry, &mut known);
            self.plan.look_at_content(&content, &mut known);
            let mut reader = Reader::new(self.account, &content, &self.plan);
            let mut decision = self.plan.decide(&known, &mut stack);
            if decision.is_none() {
                gone_is_none(reader.look_at_header(&self.plan, &mut known).await)?;
                decision = self.plan.decide(&known, &mut stack);
            }
            if decision.is_none() {
                gone_is_none(reader.look_at_text(&self.plan, &mut known).await)?;
                decision = self.plan.decide(&known, &mut stack);
            }
            bytes += reader.bytes_read();
            found.extend((decision == Some(true)).then_some(entry.uid));
        }
        Ok(Progress { found, done: self.done, total: self.total })
    }

    async fn ask(&mut self, index: &dyn TextIndex) -> Result<(), MailError> {
        let mut hints = Vec::new();
        for key in &self.plan.texts {
            let question = TextQuestion { folded: key.needle.folded(), in_header: key.in_header };
            if let Some(candidates) = index.candidates(self.account.id(), question).await? {
                hints.push((key.place, candidates));
            }
        }
        for (place, candidates) in hints {
            self.plan.hint(place, candidates);
        }
        Ok(())
    }

    /// Looks at the columns of the next messages, and reads the contents of those that these leave open.
    async fn fill(&mut self) -> Result<(), MailError> {
        let (mut known, mut stack) = (Vec::new(), Vec::new());
        let mut emails: Vec<EmailId> = Vec::new();
        let needs_contents = self.plan.needs_contents();
        let (plan, batch) = (&self.plan, &mut self.batch);
        // Whether there is room for more.
        let mut take = |entry: &Entry| {
            plan.look(entry, &mut known);
            match plan.decide(&known, &mut stack) {
                None if needs_contents => {
                    emails.push(entry.email);
                    batch.push_back(Waiting::Open(*entry, None));
                }
                decision => batch.push_back(Waiting::Decided(entry.uid, decision == Some(true))),
            }
            batch.len() < STEP_MESSAGES_MAX && emails.len() < STEP_CONTENTS_MAX
        };
        match &mut self.source {
            Source::All(next) => {
                let Some(from) = *next else { return Ok(()) };
                let mut entries = self.snapshot.iter_from(from);
                while entries.next().is_some_and(&mut take) {}
                *next = entries.next().map(|entry| entry.uid);
            }
            Source::Among(uids) => {
                while let Some((uid, rest)) = uids.split_first() {
                    *uids = rest;
                    if !self.snapshot.get(*uid).is_some_and(&mut take) {
                        break;
                    }
                }
            }
        }
        if emails.is_empty() {
            return Ok(());
        }
        let mut contents = self.account.contents(&emails).await?.into_iter();
        for waiting in &mut self.batch {
            if let Waiting::Open(_, content) = waiting {
                *content = contents.next().flatten();
            }
        }
        Ok(())
    }
}

/// A body that was swept in the meantime is no failure of the search.
fn gone_is_none(result: Result<(), MailError>) -> Result<(), MailError> {
    match result {
        Err(MailError::Gone) => Ok(()),
        other => other,
    }
}
