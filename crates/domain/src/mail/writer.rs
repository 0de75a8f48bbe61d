//! The way to the store: verbs wait in the account's queue, and a leader makes one batch of all that wait.
//!
//! The leader is a task of its own: a session that goes away takes nobody's work along, and its own verb still
//! happens whole or not at all. Each verb gets its own answer, after the batch is durable and its snapshots are
//! published.

use super::live::Live;
use super::tx::{Need, Stop, Tx, Work};
use super::verb::fold::is_due;
use crate::{MailError, keys};
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use store_kv::{CommitError, Space, StoreError};
use tokio::sync::oneshot;

/// How many verbs one batch takes.
const BATCH_VERBS_MAX: usize = 256;
/// How many writes a batch may have before it takes no further verb.
const BATCH_WRITES_MAX: usize = 20_000;
/// How many bytes a batch may have before it takes no further verb.
const BATCH_BYTES_MAX: usize = 4 << 20;
/// How often a batch is made anew because another process was faster.
const CONFLICTS_MAX: u32 = 24;
/// How often one verb may ask for something that is not in memory.
const NEEDS_MAX: usize = 64;

/// Something that changes an account.
pub(crate) trait Verb: Send + 'static {
    /// What it answers.
    type Answer: Send + 'static;

    /// Looks, decides, then changes; if it fails it has changed nothing. Called again when the batch must be made
    /// anew.
    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop>;

    /// Whether it may run while the disk is nearly full.
    fn space(&self) -> Space {
        Space::Grows
    }

    /// Whether it reads ranges of the store that another verb of the same batch may change.
    fn is_alone(&self) -> bool {
        false
    }
}

/// A verb with who waits for it.
pub(super) trait Job: Send {
    fn apply(&mut self, tx: &mut Tx<'_>) -> Result<(), Need>;
    fn space(&self) -> Space;
    fn is_alone(&self) -> bool;
    fn fail(self: Box<Self>, error: MailError);
    fn answer(self: Box<Self>);
}

struct Waiting<V: Verb> {
    verb: V,
    answer: Option<Result<V::Answer, MailError>>,
    reply: oneshot::Sender<Result<V::Answer, MailError>>,
}

impl<V: Verb> Job for Waiting<V> {
    fn apply(&mut self, tx: &mut Tx<'_>) -> Result<(), Need> {
        let before = (tx.work.account.counter, tx.work.size());
        let answer = match self.verb.apply(tx) {
            Ok(answer) => {
                if tx.work.size() != before.1 {
                    tx.set_space(self.verb.space());
                }
                Ok(answer)
            }
            Err(stop) => {
                assert!(before == (tx.work.account.counter, tx.work.size()), "a verb that fails has changed nothing");
                match stop {
                    Stop::Need(need) => return Err(need),
                    Stop::Fail(error) => Err(error),
                }
            }
        };
        self.answer = Some(answer);
        Ok(())
    }

    fn space(&self) -> Space {
        self.verb.space()
    }

    fn is_alone(&self) -> bool {
        self.verb.is_alone()
    }

    fn fail(self: Box<Self>, error: MailError) {
        // Who no longer waits need not know.
        let _ = self.reply.send(Err(error));
    }

    fn answer(self: Box<Self>) {
        let _ = self.reply.send(self.answer.unwrap_or(Err(MailError::Busy)));
    }
}

type Jobs = VecDeque<Box<dyn Job>>;

/// The verbs that wait for an account.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Jobs,
    has_leader: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("waiting", &self.waiting.len()).finish_non_exhaustive()
    }
}

/// Whose end, however it comes, leaves the account usable.
struct Leader {
    live: Arc<Live>,
    is_done: bool,
}

impl Drop for Leader {
    fn drop(&mut self) {
        if self.is_done {
            return;
        }
        self.live.distrust();
        let mut queue = self.live.queue();
        queue.has_leader = false;
        // Their senders go with them, and who waits is told that it did not work.
        queue.waiting.clear();
    }
}

impl Live {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a verb; answers when it is durable.
    pub(super) async fn submit<V: Verb>(self: &Arc<Self>, verb: V) -> Result<V::Answer, MailError> {
        let (reply, answer) = oneshot::channel();
        let is_leader = {
            let mut queue = self.queue();
            if queue.waiting.len() >= self.shared.options.waiting_max {
                return Err(MailError::Busy);
            }
            queue.waiting.push_back(Box::new(Waiting { verb, answer: None, reply }));
            !std::mem::replace(&mut queue.has_leader, true)
        };
        if is_leader {
            tokio::spawn(lead(Leader { live: Arc::clone(self), is_done: false }));
        }
        answer
            .await
            .unwrap_or_else(|_| Err(MailError::Store(StoreError::Unavailable("the account's writer ended".into()))))
    }

    /// The next verbs; without any the leader's time is over.
    fn take_waiting(&self) -> Option<Jobs> {
        let mut queue = self.queue();
        if queue.waiting.is_empty() {
            queue.has_leader = false;
            return None;
        }
        let count = queue.waiting.len().min(BATCH_VERBS_MAX);
        Some(queue.waiting.drain(..count).collect())
    }
}

async fn lead(mut leader: Leader) {
    let live = Arc::clone(&leader.live);
    let live = &live;
    loop {
        let lead = live.lead.lock().await;
        let Some(jobs) = live.take_waiting() else {
            leader.is_done = true;
            return;
        };
        Run { live, lead: &lead, is_isolating: false }.all(jobs).await;
    }
}

fn fail_all(jobs: impl IntoIterator<Item = Box<dyn Job>>, error: &MailError) {
    jobs.into_iter().for_each(|job| job.fail(error.clone()));
}

/// One turn of the leader.
struct Run<'a> {
    live: &'a Arc<Live>,
    lead: &'a tokio::sync::MutexGuard<'a, ()>,
    /// Whether a batch was refused for what one verb put in: then each has a batch to itself.
    is_isolating: bool,
}

impl Run<'_> {
    async fn all(&mut self, mut todo: Jobs) {
        let mut conflicts = 0;
        while !todo.is_empty() {
            if let Err(error) = self.live.refresh(self.lead).await {
                return fail_all(todo, &error);
            }
            let mut work = Work::new(self.live.id, &self.live.read(), self.live.shared.clock.now());
            let done = self.gather(&mut todo, &mut work).await;
            match self.commit(work).await {
                Ok(()) => {
                    conflicts = 0;
                    for job in done {
                        job.answer();
                    }
                }
                Err(error) => self.after_failure(error, done, &mut todo, &mut conflicts).await,
            }
        }
    }

    /// Applies verbs until the batch is large enough.
    async fn gather(&self, todo: &mut Jobs, work: &mut Work) -> Vec<Box<dyn Job>> {
        let mut done: Vec<Box<dyn Job>> = Vec::with_capacity(todo.len());
        while let Some(mut job) = todo.pop_front() {
            let is_alone = job.is_alone();
            if is_alone && !done.is_empty() {
                todo.push_front(job);
                break;
            }
            match self.apply(&mut job, work).await {
                Applied::Done => done.push(job),
                Applied::Later => {
                    todo.push_front(job);
                    break;
                }
                Applied::Failed(error) => job.fail(error),
            }
            let (writes, bytes) = work.size();
            if is_alone || self.is_isolating || writes >= BATCH_WRITES_MAX || bytes >= BATCH_BYTES_MAX {
                break;
            }
        }
        done
    }

    async fn apply(&self, job: &mut Box<dyn Job>, work: &mut Work) -> Applied {
        for _ in 0..NEEDS_MAX {
            let need = {
                let core = self.live.read();
                let mut tx = Tx { core: &core, work, shared: &self.live.shared, id: self.live.id };
                match job.apply(&mut tx) {
                    Ok(()) => return Applied::Done,
                    Err(need) => need,
                }
            };
            match self.fetch(need, work).await {
                Ok(true) => {}
                Ok(false) => return Applied::Later,
                Err(error) => return Applied::Failed(error),
            }
        }
        Applied::Failed(MailError::Busy)
    }

    /// Fetches what a verb needs; false if that can only be had after the batch.
    async fn fetch(&self, need: Need, work: &mut Work) -> Result<bool, MailError> {
        let engine = &self.live.shared.engine;
        match need {
            // The store does not have the batch's messages yet, so a view read from it now would lack them.
            Need::View(id) if work.touches(id) => return Ok(false),
            Need::View(id) => {
                let stored = self.live.read().stored.clone();
                self.live.load_view(self.lead, id).await?;
                // If others wrote meanwhile and the state was read anew, what was applied so far is void.
                return Ok(self.live.read().stored == stored);
            }
            Need::Keys(keys) => {
                let values = engine.get_many(&keys).await?;
                work.fetched(keys, values);
            }
            Need::Scans(scans) => {
                for scan in scans {
                    let page = engine.scan(&scan).await?;
                    work.scanned(scan.start, page.rows);
                }
            }
        }
        Ok(true)
    }

    async fn commit(&self, mut work: Work) -> Result<(), CommitError> {
        let (batch, snapshots) = {
            let core = self.live.read();
            if work.is_empty() {
                return Ok(());
            }
            if !work.is_of(&core) {
                return Err(CommitError::Conflict { key: keys::account(self.live.id) });
            }
            (work.seal(&core, self.live.id), work.snapshots(&core))
        };
        self.live.shared.engine.commit(batch).await?;
        self.publish(work, snapshots);
        Ok(())
    }

    fn publish(&self, work: Work, snapshots: Vec<(types::MailboxId, Arc<types::snapshot::Snapshot>)>) {
        let counter = work.account.counter;
        let mut core = self.live.write();
        core.stored = Some(work.account.encode());
        core.account = work.account;
        let list_changed = work.names.is_some() || work.subscriptions.is_some() || !work.acls.is_empty();
        let mut due = Vec::new();
        for (id, row) in work.mailboxes {
            if let Some(row) = row {
                if is_due(&row) {
                    due.push(id);
                }
                core.mailboxes.insert(id, Arc::new(row));
                continue;
            }
            core.mailboxes.remove(&id);
            core.recent.remove(&id);
            if let Some(cell) = core.views.remove(&id) {
                cell.delete();
            }
        }
        if let Some(names) = work.names {
            core.names = names;
        }
        if let Some(subscriptions) = work.subscriptions {
            core.subscriptions = subscriptions;
        }
        for (id, acl) in work.acls {
            if acl.is_empty() {
                core.acls.remove(&id);
            } else {
                core.acls.insert(id, acl);
            }
        }
        for (id, index) in work.annotations {
            if index.is_empty() {
                core.annotations.remove(&id);
            } else {
                core.annotations.insert(id, index);
            }
        }
        if list_changed {
            core.rebuild_list(self.live.id);
        }
        for (id, snapshot) in snapshots {
            if let Some(cell) = core.views.get(&id) {
                let before = cell.snapshot();
                assert!(snapshot.highest_modseq >= before.highest_modseq, "MODSEQ never goes back");
                assert!(snapshot.uid_validity == before.uid_validity, "UIDVALIDITY of a living mailbox stays");
                cell.publish(snapshot);
            }
        }
        drop(core);
        self.live.announce(counter);
        for mailbox in due {
            self.live.fold(mailbox);
        }
    }

    async fn after_failure(
        &mut self,
        error: CommitError,
        done: Vec<Box<dyn Job>>,
        todo: &mut Jobs,
        conflicts: &mut u32,
    ) {
        let is_single = done.len() == 1;
        match error {
            CommitError::Conflict { .. } => {
                self.live.distrust();
                *conflicts += 1;
                if *conflicts > CONFLICTS_MAX {
                    return fail_all(done, &MailError::Busy);
                }
                put_back(done, todo);
                back_off(*conflicts).await;
            }
            CommitError::Full => {
                let (grow, free): (Vec<_>, Vec<_>) = done.into_iter().partition(|job| job.space() == Space::Grows);
                if grow.is_empty() {
                    // Not even the reserve has room: trying again would never end.
                    return fail_all(free, &MailError::StoreFull);
                }
                fail_all(grow, &MailError::StoreFull);
                put_back(free, todo);
            }
            CommitError::DeadBody(_) if is_single => fail_all(done, &MailError::Gone),
            CommitError::Batch(cause) if is_single => {
                tracing::error!(account = %self.live.id, error = &cause as &dyn std::error::Error, "a batch was refused");
                let refused = StoreError::Unavailable("the change was refused by the store".into());
                fail_all(done, &MailError::Store(refused));
            }
            CommitError::DeadBody(_) | CommitError::Batch(_) => {
                self.is_isolating = true;
                put_back(done, todo);
            }
            CommitError::Store(cause) => {
                self.live.distrust();
                fail_all(done, &MailError::Store(cause));
            }
        }
    }
}

enum Applied {
    Done,
    /// It needs what only the next batch can have.
    Later,
    Failed(MailError),
}

fn put_back(jobs: Vec<Box<dyn Job>>, todo: &mut Jobs) {
    jobs.into_iter().rev().for_each(|job| todo.push_front(job));
}

/// Waits a little, a different time for each, so that two processes do not keep step.
async fn back_off(conflicts: u32) {
    static TURN: AtomicU64 = AtomicU64::new(0);
    let turn = TURN.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    let most = 50_u64 << conflicts.min(8);
    tokio::time::sleep(Duration::from_micros(turn.checked_rem(most).unwrap_or(0))).await;
}
