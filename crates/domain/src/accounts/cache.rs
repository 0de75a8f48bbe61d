//! A cache of the directory's rows: filled by reading, cleared by every change.

use crate::keys::{self, DIRECTORY};
use bytes::Bytes;
use std::collections::HashMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Waker};
use store_kv::{Engine, StoreError, Watch, account_prefix};

/// Most rows that are kept; when they are reached all go.
const ROWS_MAX: usize = 50_000;

pub(super) struct Cache {
    engine: Arc<dyn Engine>,
    state: Mutex<State>,
}

struct State {
    rows: HashMap<Bytes, Option<Bytes>>,
    /// Counts the clearings, so that what was read before one is not kept after it.
    generation: u64,
    watch: Watch,
}

impl Cache {
    pub(super) fn new(engine: Arc<dyn Engine>) -> Self {
        let watch = engine.watch(&account_prefix(DIRECTORY));
        Self { engine, state: Mutex::new(State { rows: HashMap::new(), generation: 0, watch }) }
    }

    /// The value of a key of the directory.
    pub(super) async fn get(&self, key: Bytes) -> Result<Option<Bytes>, StoreError> {
        let generation = {
            let mut state = self.lock();
            state.look_for_changes();
            if let Some(row) = state.rows.get(&key) {
                return Ok(row.clone());
            }
            state.generation
        };
        let row = self.engine.get(&key).await?;
        let mut state = self.lock();
        if state.generation == generation {
            if state.rows.len() >= ROWS_MAX {
                state.rows.clear();
            }
            state.rows.insert(key, row.clone());
        }
        Ok(row)
    }

    /// Forgets everything: called after each change by this process. Other processes' changes come by the watch.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn clear(&mut self) {
        self.rows.clear();
        self.generation += 1;
    }

    /// Asks the watch without waiting.
    fn look_for_changes(&mut self) {
        let mut context = Context::from_waker(Waker::noop());
        if pin!(self.watch.changed()).poll(&mut context).is_ready() {
            self.clear();
        }
    }
}

/// The row of a key, read; an error if it cannot be.
pub(super) async fn get_parsed<T>(
    cache: &Cache,
    key: Bytes,
    decode: fn(&[u8]) -> Option<T>,
) -> Result<Option<T>, StoreError> {
    match cache.get(key).await? {
        None => Ok(None),
        Some(row) => decode(&row).map(Some).ok_or_else(damaged),
    }
}

/// A row of the directory that cannot be read.
pub(super) fn damaged() -> StoreError {
    StoreError::Corrupt("a row of the directory".into())
}

/// The keys of an address.
pub(super) fn address_key(address: &types::Address) -> Bytes {
    keys::address(address.domain().as_str(), &address.canonical_local())
}
