//! Message bodies: streamed in before a batch names them, read back in ranges.

use crate::{BoxFuture, StoreError};
use std::any::Any;
use std::fmt;
use std::sync::Arc;
use types::Octets;

/// Names a body for ever: unique, never derived from its content, never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyId(pub u128);

impl fmt::Display for BodyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// The BLAKE3 hash of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct BodyHash(pub [u8; 32]);

/// Takes a body in, piece by piece: in memory up to a limit of the engine, then on disk. Dropping it throws the body
/// away.
pub trait BodyWriter: Send + Sync {
    /// Appends a piece.
    fn write<'a>(&'a mut self, piece: &'a [u8]) -> BoxFuture<'a, Result<(), StoreError>>;
    /// Ends it. The body stays alive as long as the returned handle (or a copy of it) does or a reference to it.
    fn finish(self: Box<Self>) -> BoxFuture<'static, Result<StagedBody, StoreError>>;
}

/// A handle on a complete body that no batch need have named yet. Copies are cheap and keep it alive.
#[derive(Clone)]
pub struct StagedBody {
    id: BodyId,
    len: Octets,
    hash: BodyHash,
    inner: Arc<dyn Any + Send + Sync>,
}

impl StagedBody {
    /// For engines: the handle of a body, with what the engine needs to find it.
    pub fn new(id: BodyId, len: Octets, hash: BodyHash, inner: Arc<dyn Any + Send + Sync>) -> Self {
        Self { id, len, hash, inner }
    }

    /// Its name.
    pub fn id(&self) -> BodyId {
        self.id
    }

    /// Its length.
    pub fn len(&self) -> Octets {
        self.len
    }

    /// Whether it has no bytes.
    pub fn is_empty(&self) -> bool {
        self.len == Octets::ZERO
    }

    /// Its hash.
    pub fn hash(&self) -> BodyHash {
        self.hash
    }

    /// For engines: what they put in.
    pub fn inner(&self) -> &Arc<dyn Any + Send + Sync> {
        &self.inner
    }
}

impl fmt::Debug for StagedBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StagedBody({}, {} octets)", self.id, self.len)
    }
}
