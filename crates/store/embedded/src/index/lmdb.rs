//! The index in LMDB.

use super::{Index, IndexRead, IndexWrite, KeyRange, Visit, Work};
use heed::types::Bytes;
use heed::{CommitOrAbort, Database, Env, EnvOpenOptions, MdbError, RoTxn, RwTxn, WithoutTls};
use std::io;
use std::path::Path;
use store_kv::{Direction, StoreError};

/// Most snapshots at once.
const READERS_MAX: u32 = 1024;
/// Least address space that is worth trying.
const MAP_MIN: usize = 1 << 26;

type Table = Database<'static, Bytes, Bytes>;

/// The index in LMDB.
#[derive(Debug)]
pub struct LmdbIndex {
    env: Option<Env<WithoutTls>>,
    table: Table,
}

impl LmdbIndex {
    /// Opens or makes the index in a directory that nobody else has open (the caller holds the store's lock). `map` is
    /// the address space wanted in bytes; less is taken where the system does not give that much.
    pub fn open(dir: &Path, map: usize) -> Result<Self, StoreError> {
        std::fs::create_dir_all(dir)?;
        let size = std::fs::metadata(dir.join("data.mdb")).map_or(0, |data| data.len());
        // Four times what is there: the store can grow for long before a restart must give it more.
        let wanted = usize::try_from(size).unwrap_or(0).saturating_mul(4).max(map).max(MAP_MIN);
        let env = open_env(dir, wanted)?;
        env.clear_stale_readers().map_err(failed)?;
        let txn = env.write_txn().map_err(failed)?;
        let table = env
            .create_databases_and_commit(txn, |opener, txn| {
                opener.create_database::<Bytes, Bytes>(txn, None).map(CommitOrAbort::<_, ()>::Commit)
            })
            .map_err(failed)?
            .commit()
            .ok_or_else(|| StoreError::Unavailable("the index has no table".into()))?;
        Ok(Self { env: Some(env), table })
    }

    fn env(&self) -> Result<&Env<WithoutTls>, StoreError> {
        self.env.as_ref().ok_or_else(|| StoreError::Unavailable("the index is closed".into()))
    }
}

/// Opens the environment with as much of the wanted address space as the system gives.
fn open_env(dir: &Path, wanted: usize) -> Result<Env<WithoutTls>, StoreError> {
    let mut map = wanted.next_multiple_of(1 << 16);
    loop {
        // Without thread-local reader slots: a thread's end would clear its slot, and crash if the environment is being
        // closed at that instant.
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map).max_readers(READERS_MAX);
        #[expect(unsafe_code, reason = "LMDB maps its file, and only we can know that nobody else changes it")]
        // SAFETY: the caller holds the lock of the store's directory, so no other process opens or changes the file;
        // heed itself refuses to open it twice in this process; no flag that weakens LMDB's guarantees is set; a store
        // on a network file system, where mapped files can change under us, is not supported.
        let opened = unsafe { options.open(dir) };
        match opened {
            Ok(env) => return Ok(env),
            Err(heed::Error::Io(error)) if error.kind() == io::ErrorKind::OutOfMemory && map > MAP_MIN => map /= 2,
            Err(error) => return Err(failed(error)),
        }
    }
}

impl Drop for LmdbIndex {
    fn drop(&mut self) {
        if let Some(env) = self.env.take() {
            // Whoever opens the store next must find it closed here.
            env.prepare_for_closing().wait();
        }
    }
}

fn failed(error: heed::Error) -> StoreError {
    match error {
        heed::Error::Io(error) => error.into(),
        heed::Error::Mdb(MdbError::MapFull) => {
            StoreError::Unavailable("the index has used up its address space; a restart gives it more".into())
        }
        heed::Error::Mdb(error @ (MdbError::Corrupted | MdbError::PageNotFound | MdbError::Invalid)) => {
            StoreError::Corrupt(format!("the index: {error}; it can be rebuilt from the log").into())
        }
        other => StoreError::Unavailable(format!("the index: {other}").into()),
    }
}

impl Index for LmdbIndex {
    fn read(&self) -> Result<Box<dyn IndexRead + '_>, StoreError> {
        let txn = self.env()?.read_txn().map_err(failed)?;
        Ok(Box::new(Snapshot { txn, table: self.table }))
    }

    fn write(&self, work: Work<'_>) -> Result<(), StoreError> {
        let txn = self.env()?.write_txn().map_err(failed)?;
        let mut writer = Writer { txn, table: self.table };
        work(&mut writer)?;
        writer.txn.commit().map_err(failed)
    }
}

struct Snapshot<'a> {
    txn: RoTxn<'a, WithoutTls>,
    table: Table,
}

impl IndexRead for Snapshot<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, StoreError> {
        self.table.get(&self.txn, key).map_err(failed)
    }

    fn scan(&self, range: KeyRange<'_>, direction: Direction, visit: Visit<'_>) -> Result<(), StoreError> {
        match direction {
            Direction::Forward => {
                for row in self.table.range(&self.txn, &range).map_err(failed)? {
                    let (key, value) = row.map_err(failed)?;
                    if visit(key, value).is_break() {
                        break;
                    }
                }
            }
            Direction::Backward => {
                for row in self.table.rev_range(&self.txn, &range).map_err(failed)? {
                    let (key, value) = row.map_err(failed)?;
                    if visit(key, value).is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

struct Writer<'a> {
    txn: RwTxn<'a>,
    table: Table,
}

impl IndexWrite for Writer<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<&[u8]>, StoreError> {
        self.table.get(&self.txn, key).map_err(failed)
    }

    fn put(&mut self, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.table.put(&mut self.txn, key, value).map_err(failed)
    }

    fn delete(&mut self, key: &[u8]) -> Result<(), StoreError> {
        self.table.delete(&mut self.txn, key).map(drop).map_err(failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_dir::TestDir;
    use std::ops::{Bound, ControlFlow};

    #[test]
    fn what_is_written_is_read_in_both_directions_and_after_reopening() {
        let dir = TestDir::new();
        let index = LmdbIndex::open(dir.path(), MAP_MIN).unwrap();
        index
            .write(&mut |txn| {
                for key in [b"a", b"b", b"c"] {
                    txn.put(key, key)?;
                }
                txn.delete(b"b")?;
                assert_eq!(txn.get(b"b")?, None);
                Ok(())
            })
            .unwrap();
        drop(index);
        let index = LmdbIndex::open(dir.path(), MAP_MIN).unwrap();
        let txn = index.read().unwrap();
        let mut seen = Vec::new();
        for direction in [Direction::Forward, Direction::Backward] {
            txn.scan((Bound::Included(b"a"), Bound::Unbounded), direction, &mut |key, _| {
                seen.push(key.to_vec());
                ControlFlow::Continue(())
            })
            .unwrap();
        }
        assert_eq!(seen, [b"a", b"c", b"c", b"a"]);
        assert_eq!(txn.get(b"a").unwrap(), Some(&b"a"[..]));
    }

    #[test]
    fn a_write_that_fails_leaves_nothing() {
        let dir = TestDir::new();
        let index = LmdbIndex::open(dir.path(), MAP_MIN).unwrap();
        let failed = index.write(&mut |txn| {
            txn.put(b"a", b"1")?;
            Err(StoreError::Unavailable("no".into()))
        });
        assert!(failed.is_err());
        assert_eq!(index.read().unwrap().get(b"a").unwrap(), None);
    }
}
