//! An engine that fails when told to: a wrapper for the tests of whatever stands on an engine. Faults come by script (the
//! nth commit), by chance from a seed, or from a hook that can also wait or work in between. Without faults it is
//! transparent.

use crate::{
    Batch, BodyId, BodyWriter, BoxFuture, CommitError, Committed, Engine, Page, Scan, Seeded, Space, StagedBody,
    StoreError, Watch,
};
use bytes::Bytes;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use types::Octets;

/// What a caller asks of an engine, as far as faults go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `get`, `get_many`, `scan` or `read_body`.
    Read,
    /// `stage`, or a writer's `write` or `finish`.
    Stage,
    /// `commit`.
    Commit,
}

/// How a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitFault {
    /// As if somebody else had changed the first guarded key. A batch without preconditions is let through.
    Conflict,
    /// As if the disk were full. A batch that frees space is let through.
    Full,
    /// Not applied; the engine is poisoned: it takes no more writes until [`Faulty::heal`].
    PoisonedBefore,
    /// Applied, but the caller is told what [`Self::PoisonedBefore`] tells, and the engine is poisoned the same.
    PoisonedAfter,
}

/// How often what fails, in operations of a thousand.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rates {
    /// [`CommitFault::Conflict`].
    pub conflict: u64,
    /// [`CommitFault::Full`].
    pub full: u64,
    /// [`CommitFault::PoisonedBefore`].
    pub poisoned_before: u64,
    /// [`CommitFault::PoisonedAfter`].
    pub poisoned_after: u64,
    /// A [`Operation::Read`] that is answered [`StoreError::Io`].
    pub read: u64,
    /// A [`Operation::Stage`] that is answered [`StoreError::Io`].
    pub stage: u64,
}

/// Called before every operation; the operation goes on when the future is done.
pub type Hook = Arc<dyn Fn(Operation) -> BoxFuture<'static, ()> + Send + Sync>;

/// An engine with faults.
pub struct Faulty<E: ?Sized> {
    inner: Arc<E>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Default)]
struct Plan {
    reads: u64,
    stages: u64,
    commits: u64,
    failing_reads: BTreeMap<u64, StoreError>,
    failing_stages: BTreeMap<u64, StoreError>,
    failing_commits: BTreeMap<u64, CommitFault>,
    chance: Option<(Seeded, Rates)>,
    full: bool,
    poisoned: bool,
    hook: Option<Hook>,
}

impl<E: Engine + ?Sized> Faulty<E> {
    /// Wraps an engine; nothing fails yet.
    pub fn new(inner: Arc<E>) -> Arc<Self> {
        Arc::new(Self { inner, plan: Arc::default() })
    }

    /// The engine inside, which does not fail.
    pub fn inner(&self) -> &Arc<E> {
        &self.inner
    }

    /// Makes the `nth` commit from now fail; 1 is the next.
    pub fn fail_commit(&self, nth: u64, fault: CommitFault) {
        let mut plan = lock(&self.plan);
        let at = plan.commits + nth;
        plan.failing_commits.insert(at, fault);
    }

    /// Makes the `nth` read from now fail; 1 is the next.
    pub fn fail_read(&self, nth: u64, error: StoreError) {
        let mut plan = lock(&self.plan);
        let at = plan.reads + nth;
        plan.failing_reads.insert(at, error);
    }

    /// Makes the `nth` staging operation from now fail; 1 is the next.
    pub fn fail_stage(&self, nth: u64, error: StoreError) {
        let mut plan = lock(&self.plan);
        let at = plan.stages + nth;
        plan.failing_stages.insert(at, error);
    }

    /// Lets things fail by chance from now on; the same seed and the same operations give the same faults.
    pub fn fail_by_chance(&self, seed: u64, rates: Rates) {
        lock(&self.plan).chance = Some((Seeded::new(seed), rates));
    }

    /// Sets whether the disk is full: then every batch that grows is answered [`CommitError::Full`].
    pub fn set_full(&self, full: bool) {
        lock(&self.plan).full = full;
    }

    /// Sets what runs before every operation.
    pub fn set_hook(&self, hook: Option<Hook>) {
        lock(&self.plan).hook = hook;
    }

    /// Ends all faults, the hook and the poisoning, as a restart would. The counts go on.
    pub fn heal(&self) {
        let mut plan = lock(&self.plan);
        let (reads, stages, commits) = (plan.reads, plan.stages, plan.commits);
        *plan = Plan { reads, stages, commits, ..Plan::default() };
    }

    /// How many operations of a kind were asked for so far, failed ones included.
    pub fn count(&self, operation: Operation) -> u64 {
        let plan = lock(&self.plan);
        match operation {
            Operation::Read => plan.reads,
            Operation::Stage => plan.stages,
            Operation::Commit => plan.commits,
        }
    }

    async fn read(&self) -> Result<(), StoreError> {
        run_hook(&self.plan, Operation::Read).await;
        lock(&self.plan).next_read()
    }
}

fn lock(plan: &Mutex<Plan>) -> MutexGuard<'_, Plan> {
    plan.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn run_hook(plan: &Mutex<Plan>, operation: Operation) {
    let hook = lock(plan).hook.clone();
    if let Some(hook) = hook {
        hook(operation).await;
    }
}

async fn before_stage(plan: &Mutex<Plan>) -> Result<(), StoreError> {
    run_hook(plan, Operation::Stage).await;
    lock(plan).next_stage()
}

fn poisoned() -> StoreError {
    StoreError::Poisoned("an injected fault".into())
}

fn input_output() -> StoreError {
    std::io::Error::other("an injected fault").into()
}

impl Plan {
    fn next_read(&mut self) -> Result<(), StoreError> {
        self.reads += 1;
        let by_chance = self.chance.as_mut().is_some_and(|(random, rates)| random.chance(rates.read, 1000));
        match self.failing_reads.remove(&self.reads) {
            Some(error) => Err(error),
            None if by_chance => Err(input_output()),
            None => Ok(()),
        }
    }

    fn next_stage(&mut self) -> Result<(), StoreError> {
        self.stages += 1;
        let by_chance = self.chance.as_mut().is_some_and(|(random, rates)| random.chance(rates.stage, 1000));
        match self.failing_stages.remove(&self.stages) {
            _ if self.poisoned => Err(poisoned()),
            Some(error) => Err(error),
            None if by_chance => Err(input_output()),
            None => Ok(()),
        }
    }

    /// What is to be done with a batch: an error instead of it, or it, and whether its answer is to be lost.
    fn next_commit(&mut self, batch: &Batch) -> Result<bool, CommitError> {
        self.commits += 1;
        let by_chance = self.chance.as_mut().and_then(|(random, rates)| rates.draw(random));
        let fault = self.failing_commits.remove(&self.commits).or(by_chance);
        if self.poisoned {
            return Err(poisoned().into());
        }
        if self.full && batch.space == Space::Grows {
            return Err(CommitError::Full);
        }
        match (fault, batch.preconditions.first()) {
            (Some(CommitFault::Conflict), Some(guard)) => Err(CommitError::Conflict { key: guard.key.clone() }),
            (Some(CommitFault::Full), _) if batch.space == Space::Grows => Err(CommitError::Full),
            (Some(CommitFault::PoisonedBefore), _) => {
                self.poisoned = true;
                Err(poisoned().into())
            }
            (Some(CommitFault::PoisonedAfter), _) => {
                self.poisoned = true;
                Ok(true)
            }
            (Some(CommitFault::Conflict | CommitFault::Full) | None, _) => Ok(false),
        }
    }
}

impl Rates {
    fn draw(&self, random: &mut Seeded) -> Option<CommitFault> {
        let mut at = random.below(1000);
        let kinds = [
            (self.conflict, CommitFault::Conflict),
            (self.full, CommitFault::Full),
            (self.poisoned_before, CommitFault::PoisonedBefore),
            (self.poisoned_after, CommitFault::PoisonedAfter),
        ];
        for (rate, fault) in kinds {
            match at.checked_sub(rate) {
                Some(rest) => at = rest,
                None => return Some(fault),
            }
        }
        None
    }
}

impl<E: ?Sized> fmt::Debug for Faulty<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Faulty").finish_non_exhaustive()
    }
}

impl<E: Engine + ?Sized> Engine for Faulty<E> {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, StoreError>> {
        Box::pin(async move {
            self.read().await?;
            self.inner.get(key).await
        })
    }

    fn get_many<'a>(&'a self, keys: &'a [Bytes]) -> BoxFuture<'a, Result<Vec<Option<Bytes>>, StoreError>> {
        Box::pin(async move {
            self.read().await?;
            self.inner.get_many(keys).await
        })
    }

    fn scan<'a>(&'a self, scan: &'a Scan) -> BoxFuture<'a, Result<Page, StoreError>> {
        Box::pin(async move {
            self.read().await?;
            self.inner.scan(scan).await
        })
    }

    fn stage(&self, size_hint: Option<Octets>) -> BoxFuture<'_, Result<Box<dyn BodyWriter>, StoreError>> {
        Box::pin(async move {
            before_stage(&self.plan).await?;
            let inner = self.inner.stage(size_hint).await?;
            Ok(Box::new(Writer { inner, plan: Arc::clone(&self.plan) }) as Box<dyn BodyWriter>)
        })
    }

    fn read_body(&self, body: BodyId, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, StoreError>> {
        Box::pin(async move {
            self.read().await?;
            self.inner.read_body(body, range).await
        })
    }

    fn commit(&self, batch: Batch) -> BoxFuture<'_, Result<Committed, CommitError>> {
        Box::pin(async move {
            run_hook(&self.plan, Operation::Commit).await;
            let answer_is_lost = lock(&self.plan).next_commit(&batch)?;
            let committed = self.inner.commit(batch).await?;
            if answer_is_lost { Err(poisoned().into()) } else { Ok(committed) }
        })
    }

    fn watch(&self, prefix: &[u8]) -> Watch {
        self.inner.watch(prefix)
    }
}

struct Writer {
    inner: Box<dyn BodyWriter>,
    plan: Arc<Mutex<Plan>>,
}

impl BodyWriter for Writer {
    fn write<'a>(&'a mut self, piece: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(async move {
            before_stage(&self.plan).await?;
            self.inner.write(piece).await
        })
    }

    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<StagedBody, StoreError>> {
        Box::pin(async move {
            before_stage(&self.plan).await?;
            self.inner.finish().await
        })
    }
}
