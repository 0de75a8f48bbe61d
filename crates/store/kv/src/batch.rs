//! Batches: what happens together or not at all.

use crate::{BatchError, BodyId, KEY_MAX, StagedBody, VALUE_MAX, account_of};
use bytes::Bytes;
use types::AccountId;

/// What a precondition wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The key has this value.
    Value(Bytes),
    /// The key has no value.
    Absent,
}

/// A key that must be as expected at the instant the batch takes effect.
#[derive(Clone, Debug)]
pub struct Precondition {
    /// The key.
    pub key: Bytes,
    /// How it must be.
    pub expect: Expect,
}

/// One key's new state. Of several writes to one key in a batch the last counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// The key gets the value.
    Put(Bytes, Bytes),
    /// The key goes; no error if there is none.
    Delete(Bytes),
}

/// A change of the references that keep bodies alive. References are a set of (body, account): adding twice is adding
/// once, letting go of what was not held (or never was) is no error.
#[derive(Clone, Debug)]
pub enum BodyChange {
    /// The batch's account refers to a body that was staged (perhaps already written by another account's batch).
    Add(StagedBody),
    /// The batch's account refers to a body that already has a reference (an open handle alone does not do).
    Share(BodyId),
    /// The batch's account lets go; the last reference out takes the body along.
    Release(BodyId),
}

/// Whether a batch may still be taken when the disk is nearly full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Space {
    /// An ordinary batch: refused with [`crate::CommitError::Full`] while space is short.
    #[default]
    Grows,
    /// Deletes or moves things so that space can be had back: taken from the reserve.
    Frees,
}

/// An atomic change of one account's keys and body references.
#[derive(Clone, Debug)]
pub struct Batch {
    account: AccountId,
    /// All must hold, else nothing happens.
    pub preconditions: Vec<Precondition>,
    /// The changes, in order.
    pub writes: Vec<Write>,
    /// The references.
    pub bodies: Vec<BodyChange>,
    /// How to treat it on a full disk.
    pub space: Space,
}

impl Batch {
    /// An empty batch for an account.
    pub fn new(account: AccountId) -> Self {
        Self { account, preconditions: Vec::new(), writes: Vec::new(), bodies: Vec::new(), space: Space::Grows }
    }

    /// The account it is for.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// Sets a key.
    pub fn put(&mut self, key: impl Into<Bytes>, value: impl Into<Bytes>) {
        self.writes.push(Write::Put(key.into(), value.into()));
    }

    /// Deletes a key.
    pub fn delete(&mut self, key: impl Into<Bytes>) {
        self.writes.push(Write::Delete(key.into()));
    }

    /// Wants a key to have a value, or none.
    pub fn expect(&mut self, key: impl Into<Bytes>, value: Option<Bytes>) {
        let expect = value.map_or(Expect::Absent, Expect::Value);
        self.preconditions.push(Precondition { key: key.into(), expect });
    }

    /// Checks the rules that every engine enforces: keys of this account only, nothing too long.
    pub fn check(&self) -> Result<(), BatchError> {
        let check_key = |key: &Bytes| {
            if key.len() > KEY_MAX {
                return Err(BatchError::KeyTooLong);
            }
            if account_of(key) == Some(self.account) { Ok(()) } else { Err(BatchError::ForeignKey) }
        };
        for precondition in &self.preconditions {
            check_key(&precondition.key)?;
        }
        for write in &self.writes {
            match write {
                Write::Put(key, value) => {
                    check_key(key)?;
                    if value.len() > VALUE_MAX {
                        return Err(BatchError::ValueTooLong);
                    }
                }
                Write::Delete(key) => check_key(key)?,
            }
        }
        Ok(())
    }
}
