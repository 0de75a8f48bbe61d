//! A model of the index: a map, copied for each transaction; what was committed survives a crash, as LMDB's commits do.

use super::SimDisk;
use super::state::Rows;
use crate::index::{Index, IndexRead, IndexWrite, KeyRange, Visit, Work};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use store_kv::{Direction, StoreError};

/// A model of the index on a simulated disk.
#[derive(Debug)]
pub struct ModelIndex {
    disk: SimDisk,
    dir: PathBuf,
    writing: Mutex<()>,
}

impl ModelIndex {
    /// Opens the index in a directory of the disk; an empty one if there is none.
    pub fn open(disk: &SimDisk, dir: &Path) -> Self {
        Self { disk: disk.clone(), dir: dir.to_owned(), writing: Mutex::default() }
    }

    fn rows(&self) -> Result<Rows, StoreError> {
        let state = self.disk.state();
        state.alive()?;
        Ok(state.indexes.get(&self.dir).cloned().unwrap_or_default())
    }
}

impl Index for ModelIndex {
    fn read(&self) -> Result<Box<dyn IndexRead + '_>, StoreError> {
        Ok(Box::new(Snapshot(self.rows()?)))
    }

    fn write(&self, work: Work<'_>) -> Result<(), StoreError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = self.rows()?;
        let mut writer = Writer(BTreeMap::clone(&rows));
        work(&mut writer)?;
        let rows = Arc::new(writer.0);
        let mut state = self.disk.state();
        match state.change() {
            Ok(()) => {
                state.indexes.insert(self.dir.clone(), rows);
                Ok(())
            }
            Err(error) => {
                // A commit that failed half-way may have taken place or not.
                if state.random.chance(1, 2) {
                    state.indexes.insert(self.dir.clone(), rows);
                }
                Err(error.into())
            }
        }
    }
}

struct Snapshot(Rows);

impl IndexRead for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.0.get(key).map(Vec::as_slice))
    }

    fn scan(&self, range: KeyRange<'_>, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError> {
        let mut rows = self.0.range::<[u8], _>(range);
        let mut next = || match direction {
            Direction::Forward => rows.next(),
            Direction::Backward => rows.next_back(),
        };
        while let Some((key, value)) = next() {
            if visit(key, value).is_break() {
                break;
            }
        }
        Ok(())
    }
}

struct Writer(BTreeMap<Vec<u8>, Vec<u8>>);

impl IndexWrite for Writer {
    fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, StoreError> {
        Ok(self.0.get(key).map(Vec::as_slice))
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.0.insert(key.to_vec(), value.to_vec());
        Ok(())
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.0.remove(key);
        Ok(())
    }
}
