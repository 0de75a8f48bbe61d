//! The queue: mail that was accepted and has not yet reached everybody.
//!
//! An item is leased, tried, settled. Its state is a row of its own, so items never get in each other's way; the lease
//! stands in the row, so a runner that dies loses nothing and nobody delivers twice at once. Who writes bounces is the
//! runner: [`After::Report`] asks for one, and [`Queue::report`] puts it and forgets the failure in one batch.

mod admin;
mod item;
mod rows;
mod schedule;
mod settle;

pub use item::{
    Attempt, BodyForm, Envelope, EnvelopeRecipient, Notify, Outcome, QueueContent, QueueItem, QueuedRecipient,
    RECIPIENTS_MAX, RecipientState, Report, ReportKind, Returns, Trouble,
};
pub use schedule::Schedule;

use crate::keys::{self, QUEUE};
use crate::{EventKind, Incoming, MailError, Staged, Traces};
use bytes::Bytes;
use rows::{LeaseRow, Stored};
use settle::Next;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use store_kv::{Batch, BodyChange, CommitError, Engine, Scan, Space, StoreError};
use tokio::sync::Notify as Wake;
use types::{Clock, Timestamp, TraceId};

/// How often a change is decided anew when others change the same item at the same time.
const ATTEMPTS: usize = 8;
/// How many due items are looked at to find one that can be leased.
const LOOK_AHEAD: usize = 64;
/// When an item comes again whose way was full, without that counting as an attempt.
const PUT_OFF: Duration = Duration::from_secs(30);
/// What an item that is held is due at.
const NEVER: Timestamp = Timestamp(i64::MAX);

/// Settings.
#[derive(Clone, Debug)]
pub struct QueueOptions {
    /// When to try again, and when to give up.
    pub schedule: Schedule,
    /// How long a lease lasts; a runner that needs longer renews it.
    pub lease: Duration,
    /// Most items.
    pub items_max: usize,
    /// Whether other processes work on the same store: then their leases hold until they run out, else they are void at
    /// the start.
    pub shared_store: bool,
}

impl Default for QueueOptions {
    fn default() -> Self {
        let (schedule, lease) = (Schedule::default(), Duration::from_mins(15));
        Self { schedule, lease, items_max: 500_000, shared_store: false }
    }
}

/// Why the queue did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum QueueError {
    /// There is no such item (any more).
    #[error("there is no such message in the queue")]
    NoSuchItem,
    /// There is an item of this trace id already.
    #[error("the message is in the queue already")]
    Exists,
    /// No recipient, or more than [`RECIPIENTS_MAX`].
    #[error("a message has 1 to {RECIPIENTS_MAX} recipients")]
    Recipients,
    /// The queue has as many items as it may.
    #[error("the queue is full")]
    Full,
    /// It is just being delivered, or others kept changing it.
    #[error("the message is busy")]
    Busy,
    /// The mail's body, or the store, failed.
    #[error(transparent)]
    Mail(#[from] MailError),
}

impl From<StoreError> for QueueError {
    fn from(error: StoreError) -> Self {
        Self::Mail(error.into())
    }
}

/// The right to work on an item, until its time is over. A copy is the same right, to repeat what failed.
#[derive(Clone, Debug)]
pub struct Lease {
    item: QueueItem,
    token: u64,
}

impl Lease {
    /// The item as it was when it was leased.
    pub fn item(&self) -> &QueueItem {
        &self.item
    }

    /// What its sender has to be told before anything else, left over from a runner that did not get to it.
    pub fn report(&self) -> Option<Report> {
        settle::failures(&self.item)
    }
}

/// What comes after an item was settled.
#[derive(Debug)]
pub enum After {
    /// Nothing: it is done and gone.
    Done,
    /// The next attempt; [`i64::MAX`] if it is held.
    Later(Timestamp),
    /// The sender has to be told: write a letter and give it to [`Queue::report`].
    Report(Lease, Report),
    /// It was dropped meanwhile, or the lease was lost: forget it.
    Gone,
}

/// The queue.
pub struct Queue {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    traces: Arc<Traces>,
    options: QueueOptions,
    /// Tells this process's leases from those of others.
    owner: u64,
    count: AtomicUsize,
    wake: Wake,
}

impl Queue {
    /// Opens the queue of a store; leases of a process that is gone end here.
    pub async fn open(
        engine: Arc<dyn Engine>,
        clock: Arc<dyn Clock>,
        traces: Arc<Traces>,
        options: QueueOptions,
    ) -> Result<Arc<Self>, QueueError> {
        let owner = random()?;
        let (count, wake) = (AtomicUsize::new(0), Wake::new());
        let queue = Arc::new(Self { engine, clock, traces, options, owner, count, wake });
        queue.take_stock().await?;
        Ok(queue)
    }

    /// Puts a message in; returns once it is durable, so that a 250 may follow. `return_path` is how many bytes at its
    /// beginning are a Return-Path field that other servers must not get (RFC 5321 §4.4).
    pub async fn put(
        &self,
        trace: TraceId,
        envelope: Envelope,
        staged: &Staged,
        return_path: u64,
    ) -> Result<(), QueueError> {
        if self.count.load(Ordering::Relaxed) >= self.options.items_max {
            return Err(QueueError::Full);
        }
        let mut batch = Batch::new(QUEUE);
        self.fill(&mut batch, trace, envelope, staged, return_path)?;
        match self.commit(batch).await {
            Ok(true) => {
                self.added();
                Ok(())
            }
            Ok(false) => Err(QueueError::Exists),
            Err(error) => Err(error),
        }
    }

    /// Leases the next item that is due; `None` if none is.
    pub async fn lease(&self) -> Result<Option<Lease>, QueueError> {
        let now = self.clock.now();
        let mut scan = Scan::prefix(&keys::queue_dues());
        scan.end = keys::queue_due(now.after(Duration::from_millis(1)), TraceId(0));
        scan.limit.rows = LOOK_AHEAD;
        for (key, _) in self.engine.scan(&scan).await?.rows {
            let (due, trace) = keys::queue_due_of(&key).ok_or_else(damaged)?;
            let Some(stored) = self.load(trace).await? else {
                self.remove_stray(key).await?;
                continue;
            };
            if stored.item.due != due {
                // It was changed since the scan, or else this would be looked at for ever.
                self.remove_outdated(key, &stored).await?;
                continue;
            }
            let token = random()?;
            let until = now.after(self.options.lease);
            let lease = Some(LeaseRow { token, owner: self.owner, until });
            let item = QueueItem { due: until, leased_until: Some(until), ..stored.item.clone() };
            // Also on a full disk: what leaves makes room.
            let mut batch = freeing();
            stored.replace(&mut batch, &item, lease);
            if self.commit(batch).await? {
                return Ok(Some(Lease { item, token }));
            }
        }
        Ok(None)
    }

    /// Makes a lease last longer, from now; `false` if it was lost.
    pub async fn renew(&self, lease: &mut Lease) -> Result<bool, QueueError> {
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.held(lease).await? else { return Ok(false) };
            let until = self.clock.now().after(self.options.lease);
            let due = if stored.item.held { NEVER } else { until };
            let item = QueueItem { due, leased_until: Some(until), ..stored.item.clone() };
            let row = LeaseRow { token: lease.token, owner: self.owner, until };
            let mut batch = freeing();
            stored.replace(&mut batch, &item, Some(row));
            if self.commit(batch).await? {
                lease.item = item;
                return Ok(true);
            }
        }
        Err(QueueError::Busy)
    }

    /// Records those who have the message in the middle of an attempt, so that a crash does not make it reach them
    /// twice; `false` if the lease was lost. Other outcomes wait for [`Queue::settle`], which takes all of them.
    pub async fn record(&self, lease: &mut Lease, results: &[(usize, Outcome)]) -> Result<bool, QueueError> {
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.held(lease).await? else { return Ok(false) };
            let mut item = stored.item.clone();
            let mut batch = freeing();
            for note in settle::deliver(&mut item, results) {
                self.traces.put_into(&mut batch, item.trace, note.kind, &note.who, &note.text);
            }
            stored.replace(&mut batch, &item, stored.lease);
            if self.commit(batch).await? {
                lease.item = item;
                return Ok(true);
            }
        }
        Err(QueueError::Busy)
    }

    /// Records what came of an attempt: an outcome for each recipient that was tried, by its place in the item.
    pub async fn settle(&self, lease: Lease, results: &[(usize, Outcome)]) -> Result<After, QueueError> {
        let is_put_off = results.iter().any(|(_, outcome)| matches!(outcome, Outcome::PutOff));
        let pause = is_put_off.then_some(PUT_OFF);
        self.advance(lease, None, pause, |item, now| settle::apply(item, results, now, &self.options.schedule)).await
    }

    /// Records that the sender was told, by `letter`, which is put in by the same batch; `None` if nobody has to be.
    /// The letter's reverse-path must be null, so that it is never reported on itself.
    pub async fn report(
        &self,
        lease: Lease,
        report: &Report,
        letter: Option<(Envelope, Incoming)>,
    ) -> Result<After, QueueError> {
        self.advance(lease, letter.map(|letter| (letter, report)), None, |item, _| settle::reported(item, report)).await
    }

    /// Until when an item is tried.
    pub fn gives_up_at(&self, item: &QueueItem) -> Timestamp {
        item.created.after(self.options.schedule.give_up_after)
    }

    /// When the next item is due, or a lease runs out.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, QueueError> {
        let mut scan = Scan::prefix(&keys::queue_dues());
        scan.limit.rows = 1;
        let page = self.engine.scan(&scan).await?;
        let due = page.rows.first().and_then(|(key, _)| keys::queue_due_of(key)).map(|(due, _)| due);
        Ok(due.filter(|due| *due != NEVER))
    }

    /// Wakes one runner when something may have become due earlier than [`Queue::next_due`] said. Not by other
    /// processes' changes: look again now and then.
    pub async fn changed(&self) {
        self.wake.notified().await;
    }

    /// What an item carries.
    pub async fn content(&self, trace: TraceId) -> Result<QueueContent, QueueError> {
        let row = self.engine.get(&keys::queue_content(trace)).await?.ok_or(QueueError::NoSuchItem)?;
        Ok(rows::decode_content(&row).ok_or_else(damaged)?)
    }

    /// Bytes of an item's message, at most 256 KiB.
    pub async fn read_body(&self, content: &QueueContent, range: Range<u64>) -> Result<Bytes, QueueError> {
        Ok(self.engine.read_body(content.body, range).await?)
    }

    /// How many items there are.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Applies a change to a leased item, and does with it what follows.
    async fn advance(
        &self,
        lease: Lease,
        letter: Option<((Envelope, Incoming), &Report)>,
        pause: Option<Duration>,
        change: impl Fn(&mut QueueItem, Timestamp) -> Vec<settle::Note>,
    ) -> Result<After, QueueError> {
        for _ in 0..ATTEMPTS {
            let Some(stored) = self.held(&lease).await? else { return Ok(After::Gone) };
            let now = self.clock.now();
            let mut item = stored.item.clone();
            let mut batch = freeing();
            for note in change(&mut item, now) {
                self.traces.put_into(&mut batch, item.trace, note.kind, &note.who, &note.text);
            }
            if let Some(((envelope, mail), report)) = &letter {
                self.fill(&mut batch, mail.trace(), envelope.clone(), mail.staged(), mail.return_path())?;
                self.traces.put_into(&mut batch, item.trace, report.kind.event(), "", &mail.trace().to_string());
            }
            let next = settle::next(&item, now, &self.options.schedule);
            match &next {
                Next::Done => self.remove(&mut batch, &stored).await?,
                Next::At(due) => {
                    let due = pause.map_or(*due, |pause| now.after(pause).min(*due));
                    item.due = if item.held { NEVER } else { due };
                    item.leased_until = None;
                    stored.replace(&mut batch, &item, None);
                }
                Next::Report(_) => stored.replace(&mut batch, &item, stored.lease),
            }
            if !self.commit(batch).await? {
                continue;
            }
            if letter.is_some() {
                self.added();
            }
            return Ok(match next {
                Next::Done => {
                    self.count.fetch_sub(1, Ordering::Relaxed);
                    After::Done
                }
                Next::At(_) => After::Later(item.due),
                Next::Report(report) => After::Report(Lease { item, token: lease.token }, report),
            });
        }
        Err(QueueError::Busy)
    }

    /// Puts a new item's rows into a batch.
    fn fill(
        &self,
        batch: &mut Batch,
        trace: TraceId,
        envelope: Envelope,
        staged: &Staged,
        return_path: u64,
    ) -> Result<(), QueueError> {
        if envelope.recipients.is_empty() || envelope.recipients.len() > RECIPIENTS_MAX {
            return Err(QueueError::Recipients);
        }
        let (body, hash, size) = (staged.body(), staged.hash(), staged.size());
        let content = QueueContent { body, hash, size, summary: staged.summary().clone(), return_path };
        let item = QueueItem::new(trace, envelope, size, self.clock.now());
        batch.expect(keys::queue_item(trace), None);
        batch.put(keys::queue_content(trace), rows::encode_content(&content));
        batch.put(keys::queue_item(trace), rows::encode_item(&item, None));
        batch.put(keys::queue_due(item.due, trace), Bytes::new());
        batch.bodies.push(staged.reference());
        // What is named here grows the store, whatever the batch was for.
        batch.space = Space::Grows;
        self.traces.put_into(batch, trace, EventKind::Queued, "", &format!("{} recipients", item.recipients.len()));
        Ok(())
    }

    /// Takes an item away in a batch.
    async fn remove(&self, batch: &mut Batch, stored: &Stored) -> Result<(), QueueError> {
        let trace = stored.item.trace;
        let content = self.content(trace).await?;
        batch.expect(keys::queue_item(trace), Some(stored.row.clone()));
        batch.delete(keys::queue_item(trace));
        batch.delete(keys::queue_content(trace));
        batch.delete(keys::queue_due(stored.item.due, trace));
        batch.bodies.push(BodyChange::Release(content.body));
        Ok(())
    }

    async fn load(&self, trace: TraceId) -> Result<Option<Stored>, QueueError> {
        let row = self.engine.get(&keys::queue_item(trace)).await?;
        Ok(row.map(|row| rows::decode_item(trace, row).ok_or_else(damaged)).transpose()?)
    }

    /// The item of a lease, if the lease still holds.
    async fn held(&self, lease: &Lease) -> Result<Option<Stored>, QueueError> {
        let stored = self.load(lease.item.trace).await?;
        Ok(stored.filter(|stored| stored.lease.is_some_and(|row| row.token == lease.token)))
    }

    /// Commits; `false` asks to decide anew.
    async fn commit(&self, batch: Batch) -> Result<bool, QueueError> {
        match self.engine.commit(batch).await {
            Ok(_) => Ok(true),
            Err(CommitError::Conflict { .. }) => Ok(false),
            Err(CommitError::Full) => Err(MailError::StoreFull.into()),
            Err(CommitError::DeadBody(_)) => Err(MailError::Gone.into()),
            Err(CommitError::Store(error)) => Err(error.into()),
            Err(CommitError::Batch(defect)) => Err(StoreError::Unavailable(defect.to_string().into()).into()),
        }
    }

    fn added(&self) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.wake.notify_one();
    }

    /// A due time without an item is no more than litter: it goes.
    async fn remove_stray(&self, key: Bytes) -> Result<(), QueueError> {
        tracing::warn!("a due time without an item was removed from the queue");
        let mut batch = freeing();
        batch.delete(key);
        self.commit(batch).await.map(|_| ())
    }

    /// A due time that is not that of its item goes too, unless the item was changed meanwhile.
    async fn remove_outdated(&self, key: Bytes, stored: &Stored) -> Result<(), QueueError> {
        let mut batch = freeing();
        batch.expect(keys::queue_item(stored.item.trace), Some(stored.row.clone()));
        batch.delete(key);
        self.commit(batch).await.map(|_| ())
    }

    /// Counts the items, and voids leases of processes that are gone.
    async fn take_stock(&self) -> Result<(), QueueError> {
        let mut scan = Some(Scan::prefix(&keys::queue_items()));
        while let Some(page_scan) = scan {
            let page = self.engine.scan(&page_scan).await?;
            self.count.fetch_add(page.rows.len(), Ordering::Relaxed);
            for (key, row) in &page.rows {
                let trace = keys::queue_item_of(key).ok_or_else(damaged)?;
                let stored = rows::decode_item(trace, row.clone()).ok_or_else(damaged)?;
                let foreign = stored.lease.is_some_and(|lease| lease.owner != self.owner);
                if foreign && !self.options.shared_store {
                    let due = if stored.item.held { NEVER } else { self.clock.now() };
                    let item = QueueItem { due, leased_until: None, ..stored.item.clone() };
                    let mut batch = freeing();
                    stored.replace(&mut batch, &item, None);
                    self.commit(batch).await?;
                }
            }
            scan = page_scan.after(&page);
        }
        Ok(())
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("count", &self.count()).finish_non_exhaustive()
    }
}

/// A batch that is taken on a full disk too.
fn freeing() -> Batch {
    let mut batch = Batch::new(QUEUE);
    batch.space = Space::Frees;
    batch
}

fn damaged() -> StoreError {
    StoreError::Corrupt("a row of the queue".into())
}

fn random() -> Result<u64, StoreError> {
    getrandom::u64().map_err(|error| StoreError::Unavailable(error.to_string().into()))
}

#[cfg(test)]
mod tests;
