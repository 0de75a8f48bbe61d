//! Bringing forward what the log has and the index has not.
//!
//! Only the last segment can have a torn tail: a later file exists only after the one before it is durable and sealed.
//! So a record that does not fit in any other place is damage, and nothing is cut.

use crate::codec::{narrow, wide};
use crate::disk::{DiskFile, OpenMode};
use crate::error::OpenError;
use crate::indexer;
use crate::keys::{Location, Place, Position, Row, body_key, is_logged};
use crate::record::Entry;
use crate::segment::{HEAD, Record, Walker, blocks_are_intact, damage, find_seal, is_seal, read_head};
use crate::shared::{Shared, lock};
use bytes::Bytes;
use std::sync::{Arc, PoisonError};
use store_kv::StoreError;

/// Bytes that are copied at once when a tail is made durable again.
const COPY: usize = 1 << 20;

/// Bytes after a segment's head that say whether anything was written to it.
const BLANK: u64 = 4 << 10;

/// What was found in the log.
#[derive(Debug)]
pub(crate) struct Replayed {
    /// Where the next record goes.
    pub(crate) end: Position,
    /// The last segment, if it is not sealed.
    pub(crate) active: Option<Arc<dyn DiskFile>>,
}

/// Brings forward what the log has and the index has not.
#[derive(Debug)]
pub(crate) struct Replay<'a> {
    shared: &'a Shared,
    mark: Option<Position>,
    end: Position,
}

impl<'a> Replay<'a> {
    /// Begins at the index's mark, or at the first segment.
    pub(crate) fn new(shared: &'a Shared, mark: Option<Position>) -> Self {
        let end = *lock(&shared.mark);
        Self { shared, mark, end }
    }

    /// Goes through the segments from the mark on.
    pub(crate) fn run(mut self, segments: &[u32]) -> Result<Replayed, OpenError> {
        let later: Vec<u32> = segments.iter().copied().filter(|number| *number >= self.end.segment).collect();
        let Some((last, sealed)) = later.split_last() else {
            return Ok(Replayed { end: self.end, active: None });
        };
        let mut before = None;
        for number in sealed {
            self.sealed(*number, before)?;
            before = Some(*number);
        }
        let active = self.last(*last, before)?;
        Ok(Replayed { end: self.end, active })
    }

    /// The place where reading a segment begins; `None` if its head is not whole.
    fn begin(&self, file: &dyn DiskFile, number: u32, before: Option<u32>) -> Result<Option<Position>, OpenError> {
        if let Some(mark) = self.mark
            && mark.segment == number
            && mark.offset > 0
        {
            if mark.offset > file.len()? {
                return Err(damage(mark, "the file ends before it").into_damage());
            }
            return Ok(Some(mark));
        }
        let Some(head) = read_head(file, number)? else { return Ok(None) };
        let follows = before.is_some_and(|before| before.checked_add(1) == Some(number));
        if self.mark.is_some() && !follows {
            return Err(OpenError::Damaged(format!("a log segment before {number} is missing")));
        }
        if follows && (head.chain != self.end.chain || head.sequence != self.end.sequence) {
            return Err(damage(head, "it does not follow on the segment before it").into_damage());
        }
        Ok(Some(head))
    }

    /// Goes through a segment that must be whole.
    fn sealed(&mut self, number: u32, before: Option<u32>) -> Result<(), OpenError> {
        let file = self.shared.disk.open(&self.shared.layout.segment(number), OpenMode::Read)?;
        let begin = self.begin(&*file, number, before)?;
        let begin = begin.ok_or_else(|| OpenError::Damaged(format!("the head of log segment {number} is damaged")))?;
        let len = file.len()?;
        let mut walker = Walker::new(&*file, begin, len);
        self.end = begin;
        if begin.offset == len && find_seal(&*file)?.is_some() {
            return Ok(());
        }
        loop {
            let at = walker.position();
            let record =
                walker.next()?.ok_or_else(|| damage(at, "it is damaged, and records follow it").into_damage())?;
            self.apply(&record)?;
            if is_seal(&record) {
                return Ok(());
            }
        }
    }

    /// Goes through the last segment: finds its end, makes what follows the mark durable again, then takes it in.
    fn last(&mut self, number: u32, before: Option<u32>) -> Result<Option<Arc<dyn DiskFile>>, OpenError> {
        let path = self.shared.layout.segment(number);
        let file = self.shared.disk.open(&path, OpenMode::Write)?;
        let Some(begin) = self.begin(&*file, number, before)? else {
            // The crash came while it was made: the head is synced before anything is written behind it.
            if !is_blank(&*file)? {
                return Err(OpenError::Damaged(format!("the head of log segment {number} is damaged")));
            }
            self.shared.disk.remove(&path)?;
            lock(&self.shared.sealed).remove(&number);
            return Ok(None);
        };
        let len = file.len()?;
        if begin.offset == len && find_seal(&*file)?.is_some() {
            self.end = begin;
            return Ok(None);
        }
        let (end, sealed) = find_end(&*file, begin, len)?;
        // A head that was read now may be no more durable than the records after it.
        let from = if Some(begin) == self.mark { begin.offset } else { 0 };
        if end.offset > from {
            copy_tail(&*file, from, end.offset, sealed)?;
            self.shared.disk.sync_dir(&self.shared.layout.log)?;
        }
        self.end = begin;
        let mut walker = Walker::new(&*file, begin, end.offset);
        while walker.position().offset < end.offset {
            let at = walker.position();
            let record = walker.next()?.ok_or_else(|| damage(at, "it changed while it was read").into_damage())?;
            self.apply(&record)?;
        }
        if sealed {
            lock(&self.shared.sealed).insert(number, end.offset);
            return Ok(None);
        }
        lock(&self.shared.sealed).remove(&number);
        Ok(Some(file))
    }

    /// Takes a record in.
    fn apply(&mut self, record: &Record) -> Result<(), OpenError> {
        self.end = record.end();
        let rows = rows(record)?;
        let bytes = {
            let mut visible = self.shared.visible.write().unwrap_or_else(PoisonError::into_inner);
            for (key, row) in rows {
                visible.overlay.active.insert(key, row);
            }
            visible.overlay.active.end = self.end;
            visible.overlay.bytes()
        };
        if bytes > self.shared.options.overlay_bytes {
            indexer::step(self.shared)?;
        }
        Ok(())
    }
}

/// The rows that a batch's record writes.
fn rows(record: &Record) -> Result<Vec<(Bytes, Row)>, StoreError> {
    let segment = record.at.segment;
    let mut offset = record.blocks_offset();
    let mut rows = Vec::new();
    let mut foreign = false;
    let mut push = |key: Bytes, value: Option<Bytes>| {
        foreign |= !is_logged(&key);
        rows.push((key, Row { segment, value }));
    };
    record.entries(|entry| match entry {
        Entry::Put { key, value } => push(Bytes::copy_from_slice(key), Some(Bytes::copy_from_slice(value))),
        Entry::Delete { key } => push(Bytes::copy_from_slice(key), None),
        Entry::Body(body) => {
            let place = Place::Segment(offset);
            offset = offset.saturating_add(body.stored());
            let location = Location { place, len: body.len, blocks: body.blocks };
            push(body_key(body.id), Some(location.encode().into()));
        }
        Entry::BodyFile(body) => {
            let location = Location { place: Place::File, len: body.len, blocks: body.blocks };
            push(body_key(body.id), Some(location.encode().into()));
        }
    })?;
    if foreign {
        return Err(record.damage("it writes a row that no batch can write"));
    }
    Ok(rows)
}

/// Whether nothing was written after a segment's head.
fn is_blank(file: &dyn DiskFile) -> Result<bool, OpenError> {
    let len = file.len()?.saturating_sub(wide(HEAD)).min(BLANK);
    if len == 0 {
        return Ok(true);
    }
    let mut behind = vec![0; narrow(len)];
    file.read_at(&mut behind, wide(HEAD))?;
    Ok(behind.iter().all(|byte| *byte == 0))
}

/// The end of what is whole in the last segment, its bodies included, and whether that is a seal.
fn find_end(file: &dyn DiskFile, begin: Position, len: u64) -> Result<(Position, bool), OpenError> {
    let mut walker = Walker::new(file, begin, len);
    let mut end = begin;
    while let Some(record) = walker.next()? {
        if is_seal(&record) {
            return Ok((record.end(), true));
        }
        for (body, offset) in record.bodies()? {
            if !blocks_are_intact(file, &body, offset, false)? {
                return Ok((end, false));
            }
        }
        end = record.end();
    }
    Ok((end, false))
}

/// Writes a tail over itself and syncs it: after a failed sync, pages may look written and not be.
fn copy_tail(file: &dyn DiskFile, from: u64, to: u64, sealed: bool) -> Result<(), OpenError> {
    let mut at = from;
    let mut buffer = vec![0; COPY];
    while at < to {
        let size = narrow(to - at).min(COPY);
        let Some(piece) = buffer.get_mut(..size) else { break };
        file.read_at(piece, at)?;
        file.write_at(&[piece], at)?;
        at += wide(size);
    }
    if sealed {
        file.set_len(to)?;
    }
    Ok(file.sync_data()?)
}

/// Damage found while opening.
trait IntoDamage {
    fn into_damage(self) -> OpenError;
}

impl IntoDamage for StoreError {
    fn into_damage(self) -> OpenError {
        match self {
            StoreError::Corrupt(what) => OpenError::Damaged(what.to_string()),
            other => other.into(),
        }
    }
}
