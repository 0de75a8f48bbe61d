//! Segments as they are written: made, filled, sealed.
//!
//! Sealing is a barrier: the next segment's file exists only after all of this one is durable, so a file after it
//! means that every record in it must be whole.

use super::Appender;
use crate::codec::wide;
use crate::disk::{DiskFile, OpenMode};
use crate::keys::Position;
use crate::record::{HEADER, Header, Kind, Table};
use crate::segment::{HEAD, Walker, encode_head, read_head};
use crate::shared::{Group, Shared, lock};
use crate::syncer;
use std::io;
use std::sync::Arc;
use store_kv::{CommitError, StoreError};

/// The segment that is written to.
#[derive(Debug)]
pub(crate) struct Active {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) number: u32,
    /// Its length.
    pub(crate) allocated: u64,
    /// What lies before this was written at least once.
    pub(crate) zeroed: u64,
    /// The records since `table_from`.
    pub(crate) table: Table,
    /// Where the table begins: at the segment's beginning, or where this run began to write.
    pub(crate) table_from: u64,
}

impl Active {
    /// A segment that an earlier run began; it is written on at `end`.
    pub(crate) fn resumed(file: Arc<dyn DiskFile>, end: Position) -> io::Result<Self> {
        let allocated = file.len()?;
        Ok(Self { file, number: end.segment, allocated, zeroed: 0, table: Table::default(), table_from: end.offset })
    }

    /// Most bytes that the seal will take when `more` records have come.
    fn seal_max(&self, more: usize) -> u64 {
        // Of the records of an earlier run only the bytes are known: a row has two bytes where its record has 40.
        self.table.seal_max(more) + self.table_from.saturating_sub(wide(HEAD)) / 20
    }
}

impl Appender {
    /// Sees to it that a record of `len` bytes can follow, in the next segment if need be.
    pub(super) fn make_room(&mut self, len: u64, reserved: bool) -> Result<(), CommitError> {
        let (open_len, records) = if self.opened { (0, 1) } else { (wide(HEADER) + 16, 2) };
        let len = len.saturating_add(open_len);
        let fresh = self.end.offset == wide(HEAD);
        if let Some(active) = &self.active {
            // With its seal, or a full disk could not be left by way of the next segment.
            let end = self.end.offset.saturating_add(len).saturating_add(active.seal_max(records));
            if end > self.shared.options.segment_size && !fresh {
                self.flush();
                self.seal()?;
            }
        }
        if self.active.is_none() {
            let size = wide(HEAD).saturating_add(len).saturating_add(Table::default().seal_max(records));
            self.begin_segment(size.max(self.shared.options.segment_size), reserved)?;
        }
        if !self.opened {
            let nonce = self.shared.disk.nonce().map_err(|error| self.shared.poison("drawing a nonce", &error))?;
            self.push_header(Kind::Open, nonce.to_vec(), 0);
            self.opened = true;
        }
        Ok(())
    }

    /// Ends the segment that is written to: everything in it becomes durable, its table too. Nothing happens if no
    /// record stands in it.
    pub(super) fn seal(&mut self) -> Result<(), CommitError> {
        self.drain()?;
        let Some(active) = &self.active else { return Ok(()) };
        if self.end.offset == wide(HEAD) {
            return Ok(());
        }
        let table = self.whole_table(active)?;
        let meta = table.seal(self.end.offset, &self.end.chain);
        let header = Header::new(Kind::Seal, &meta, 0, self.end.sequence, &self.end.chain);
        let len = self.end.offset + header.record_len();
        let file = active.file.clone();
        let sealed = file
            .write_at(&[&header.encode(), &meta], self.end.offset)
            .and_then(|()| file.set_len(len))
            .and_then(|()| file.sync_data());
        sealed.map_err(|error| self.shared.poison("sealing a segment", &error))?;
        self.end.offset = len;
        self.end.sequence += 1;
        self.end.chain = header.chain;
        lock(&self.shared.sealed).insert(active.number, len);
        self.active = None;
        // The mark may come up to here: a group without batches says so.
        self.shared.pass_on(Group { file, applied: Vec::new(), end: self.end, bytes: 0 });
        self.drain()?;
        Ok(())
    }

    /// Waits until everything written is durable and visible.
    fn drain(&self) -> Result<(), StoreError> {
        if self.shared.is_threaded() {
            self.shared.wait_for_pipe_empty();
        } else {
            syncer::step(&self.shared);
        }
        self.shared.poisoned().map_or(Ok(()), Err)
    }

    /// The table of all records of the segment, those of an earlier run included.
    fn whole_table(&self, active: &Active) -> Result<Table, StoreError> {
        if active.table_from == wide(HEAD) {
            return Ok(active.table.clone());
        }
        let file = &*active.file;
        let start = read_head(file, active.number)?.ok_or_else(|| damaged(active.number))?;
        let mut walker = Walker::new(file, start, self.end.offset);
        let mut table = Table::default();
        while walker.position().offset < self.end.offset {
            let record = walker.next()?.ok_or_else(|| damaged(active.number))?;
            table.push(&record.header);
        }
        Ok(table)
    }

    /// Makes the next segment, of `size` bytes.
    fn begin_segment(&mut self, size: u64, reserved: bool) -> Result<(), CommitError> {
        let number = match (self.end.segment.checked_add(1), self.end.offset) {
            // The very first.
            (_, 0) => self.end.segment,
            (Some(number), _) => number,
            (None, _) => return Err(StoreError::Unavailable("there are no segment numbers left".into()).into()),
        };
        let head = encode_head(number, self.end.sequence, &self.end.chain);
        // The spare one is of the usual size.
        let reserved = reserved && size <= self.shared.options.segment_size;
        let made = make_segment(&self.shared, number, &head, size, reserved);
        let file = made.map_err(|error| match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => CommitError::Full,
            _ => self.shared.poison("making a segment", &error).into(),
        })?;
        let allocated = file.len().map_err(StoreError::from)?;
        self.end.segment = number;
        self.end.offset = wide(HEAD);
        let (table, table_from) = (Table::default(), wide(HEAD));
        self.active = Some(Active { file, number, allocated, zeroed: 0, table, table_from });
        Ok(())
    }
}

fn damaged(number: u32) -> StoreError {
    StoreError::Corrupt(format!("log segment {number} cannot be gone through again to be sealed").into())
}

/// Makes a segment's file, durable with its head before any record is written to it.
fn make_segment(
    shared: &Shared,
    number: u32,
    head: &[u8; HEAD],
    size: u64,
    reserved: bool,
) -> io::Result<Arc<dyn DiskFile>> {
    let path = shared.layout.segment(number);
    let file = match set_aside(shared, &path, size) {
        // The disk is full: the spare one, for whoever gives space back.
        Err(error) if reserved && matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => {
            match shared.disk.rename(&shared.layout.spare(), &path) {
                Ok(()) => shared.disk.open(&path, OpenMode::Write)?,
                Err(_) => return Err(error),
            }
        }
        other => other?,
    };
    file.write_at(&[head], 0)?;
    file.sync_data()?;
    shared.disk.sync_dir(&shared.layout.log)?;
    Ok(file)
}

/// Makes a file of `size` bytes; leaves nothing where there is no space.
fn set_aside(shared: &Shared, path: &std::path::Path, size: u64) -> io::Result<Arc<dyn DiskFile>> {
    let file = shared.disk.open(path, OpenMode::Create)?;
    match file.allocate(size) {
        Ok(()) => Ok(file),
        Err(error) => {
            drop(file);
            shared.disk.remove(path)?;
            Err(error)
        }
    }
}

/// Makes the spare segment if there is none and the disk has room enough.
pub(crate) fn keep_spare(shared: &Shared) {
    let spare = shared.layout.spare();
    if shared.is_nearly_full() || shared.disk.open(&spare, OpenMode::Read).is_ok() {
        return;
    }
    // Synced, so that it is still there with its space when it is needed.
    let made = set_aside(shared, &spare, shared.options.segment_size).and_then(|file| file.sync_data());
    if let Err(error) = made.and_then(|()| shared.disk.sync_dir(&shared.layout.log)) {
        tracing::warn!(%error, "no spare segment could be set aside");
    }
}
