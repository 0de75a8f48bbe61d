//! How a store fails.

use store_kv::{CommitFault, Faulty, Memory, Operation, Rates, StoreError};

/// More operations than any step makes.
pub(crate) const NTH_MAX: u64 = 60;

/// A fault during one step; `nth` counts that step's operations from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    /// No read works.
    AllReads,
    /// Nothing can be staged.
    AllStages,
    /// Every commit finds that somebody else was faster, beyond all retries.
    AllConflict,
    /// The disk is full.
    Full,
    /// No read and no write works.
    Everything,
    Read(u64),
    Stage(u64),
    /// A commit that finds the disk full.
    FullAt(u64),
    /// A commit that fails and is not done; the store takes no more.
    PoisonedBefore(u64),
    /// A commit that is done, but seems to have failed; the store takes no more.
    PoisonedAfter(u64),
}

impl Fault {
    /// The faults of one operation, by its number.
    pub(crate) const EACH: [fn(u64) -> Self; 5] =
        [Self::Read, Self::Stage, Self::FullAt, Self::PoisonedBefore, Self::PoisonedAfter];

    /// The faults of the whole store.
    pub(crate) fn everything() -> [Self; 5] {
        [Self::AllReads, Self::AllStages, Self::AllConflict, Self::Full, Self::Everything]
    }

    fn operation(self) -> Option<(Operation, u64)> {
        match self {
            Self::AllReads => Some((Operation::Read, 1)),
            Self::AllStages => Some((Operation::Stage, 1)),
            Self::AllConflict | Self::Full => Some((Operation::Commit, 1)),
            Self::Everything => None,
            Self::Read(nth) => Some((Operation::Read, nth)),
            Self::Stage(nth) => Some((Operation::Stage, nth)),
            Self::FullAt(nth) | Self::PoisonedBefore(nth) | Self::PoisonedAfter(nth) => Some((Operation::Commit, nth)),
        }
    }

    /// From now on; yields the count of its operations so far.
    pub(crate) fn inject(self, engine: &Faulty<Memory>) -> u64 {
        let error = || StoreError::from(std::io::Error::other("told to"));
        match self {
            Self::AllReads => engine.fail_by_chance(1, Rates { read: 1000, ..Rates::default() }),
            Self::AllStages => engine.fail_by_chance(1, Rates { stage: 1000, ..Rates::default() }),
            Self::AllConflict => engine.fail_by_chance(1, Rates { conflict: 1000, ..Rates::default() }),
            Self::Full => engine.set_full(true),
            Self::Everything => {
                let rates = Rates { read: 1000, stage: 1000, poisoned_before: 1000, ..Rates::default() };
                engine.fail_by_chance(1, rates);
            }
            Self::Read(nth) => engine.fail_read(nth, error()),
            Self::Stage(nth) => engine.fail_stage(nth, error()),
            Self::FullAt(nth) => engine.fail_commit(nth, CommitFault::Full),
            Self::PoisonedBefore(nth) => engine.fail_commit(nth, CommitFault::PoisonedBefore),
            Self::PoisonedAfter(nth) => engine.fail_commit(nth, CommitFault::PoisonedAfter),
        }
        self.operation().map_or(0, |(operation, _)| engine.count(operation))
    }

    /// Whether the step went as far as the operation that was to fail.
    pub(crate) fn was_met(self, engine: &Faulty<Memory>, before: u64) -> bool {
        self.operation().is_some_and(|(operation, nth)| engine.count(operation) >= before + nth)
    }

    /// Whether what was refused may be there all the same.
    pub(crate) fn may_have_done_it(self) -> bool {
        matches!(self, Self::PoisonedAfter(_))
    }
}
