//! Looking at every byte and every reference of a store while it runs.

use crate::disk::{DiskFile, OpenMode};
use crate::files::FileKey;
use crate::keys::{
    Position, SPACE_BODY, SPACE_REFERENCE, body_key, orphan_key, parse_id, parse_reference, references_prefix,
};
use crate::record::{Entry, Table};
use crate::segment::{Record, Walker, blocks_are_intact, is_seal, read_head};
use crate::shared::{Shared, lock};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::io;
use std::ops::Bound;
use std::sync::PoisonError;
use store_kv::{BodyId, Direction, KEY_SPACE_ACCOUNT, PageLimit, StoreError};

/// Most problems that are listed; the rest is counted.
pub const PROBLEMS_MAX: usize = 100;

/// What a look at the whole store found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Segments gone through.
    pub segments: u64,
    /// Records whose checksums were taken.
    pub records: u64,
    /// Bodies whose checksums were taken, dead ones that still take space included.
    pub bodies: u64,
    /// Rows of accounts that were looked at.
    pub rows: u64,
    /// References that were looked at.
    pub references: u64,
    /// How many problems there are.
    pub problems: u64,
    /// The first of them, for people to read.
    pub listed: Vec<String>,
}

impl Verified {
    fn problem(&mut self, what: String) {
        self.problems += 1;
        if self.listed.len() < PROBLEMS_MAX {
            self.listed.push(what);
        }
    }
}

/// Looks at everything. Holds off the removal of files meanwhile, nothing else.
pub(crate) fn verify(shared: &Shared) -> Result<Verified, StoreError> {
    let _keeping = shared.removal.read().unwrap_or_else(PoisonError::into_inner);
    let mut found = Verified::default();
    let end = shared.visible.read().unwrap_or_else(PoisonError::into_inner).overlay.active.end;
    let mut segments: BTreeSet<u32> = lock(&shared.sealed).keys().copied().collect();
    segments.retain(|number| *number <= end.segment);
    if end.offset > 0 {
        segments.insert(end.segment);
    }
    let mut before: Option<Position> = None;
    for number in &segments {
        found.segments += 1;
        before = verify_segment(shared, *number, before, end, &mut found)?;
    }
    verify_rows(shared, &segments, &mut found)?;
    verify_bodies(shared, &mut found)?;
    verify_references(shared, &mut found)?;
    Ok(found)
}

/// Goes through one segment; returns its end if all of it is whole.
fn verify_segment(
    shared: &Shared,
    number: u32,
    before: Option<Position>,
    end: Position,
    found: &mut Verified,
) -> Result<Option<Position>, StoreError> {
    let file = shared.disk.open(&shared.layout.segment(number), OpenMode::Read)?;
    let Some(head) = read_head(&*file, number)? else {
        found.problem(format!("log segment {number}: its head is damaged"));
        return Ok(None);
    };
    if let Some(before) = before.filter(|before| before.segment.checked_add(1) == Some(number))
        && (before.chain, before.sequence) != (head.chain, head.sequence)
    {
        found.problem(format!("log segment {number} does not follow on the one before it"));
    }
    let limit = if number == end.segment { end.offset } else { file.len()? };
    let mut walker = Walker::new(&*file, head, limit);
    let mut table = Vec::new();
    while walker.position().offset < limit {
        let at = walker.position();
        let Some(record) = walker.next()? else {
            found.problem(crate::segment::damage(at, "it is damaged").to_string());
            return Ok(None);
        };
        found.records += 1;
        if is_seal(&record) {
            let right = Table::parse(&record.meta).is_some_and(|(chain, rows)| chain == at.chain && rows == table);
            if !right {
                found.problem(format!("log segment {number}: its table is wrong"));
            }
            break;
        }
        table.push(crate::record::TableRow { meta: record.header.meta, blocks: record.header.blocks });
        verify_record(shared, &*file, &record, found)?;
    }
    Ok(Some(walker.position()))
}

fn verify_record(
    shared: &Shared,
    file: &dyn DiskFile,
    record: &Record,
    found: &mut Verified,
) -> Result<(), StoreError> {
    for (body, offset) in record.bodies()? {
        found.bodies += 1;
        if !blocks_are_intact(file, &body, offset, true)? {
            found.problem(record.damage(&format!("body {} is damaged", body.id)).to_string());
        }
    }
    let mut own_files = Vec::new();
    record.entries(|entry| {
        if let Entry::BodyFile(body) = entry {
            own_files.push(body);
        }
    })?;
    for body in own_files {
        if shared.row(&body_key(body.id))?.is_none_or(|(segment, _)| segment != record.at.segment) {
            continue;
        }
        found.bodies += 1;
        let intact = match crate::files::open(shared, FileKey::Body(body.id)) {
            Ok(file) => blocks_are_intact(&*file, &body, 0, true)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error.into()),
        };
        // It may have died meanwhile.
        if !intact && shared.row(&body_key(body.id))?.is_some() {
            found.problem(format!("body {}: its file is damaged or missing", body.id));
        }
    }
    Ok(())
}

/// Shows all keys of a space, page by page, with the segment of each.
fn each_key(
    shared: &Shared,
    space: u8,
    mut visit: impl FnMut(&Bytes) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let past = [space + 1];
    let mut start = Bytes::from(vec![space]);
    loop {
        let range = (Bound::Included(&start[..]), Bound::Excluded(&past[..]));
        let page = shared.page(range, Direction::Forward, PageLimit::default())?;
        for (key, _) in &page.rows {
            visit(key)?;
        }
        let Some((last, _)) = page.rows.last().filter(|_| page.more) else { return Ok(()) };
        start = [&last[..], &[0]].concat().into();
    }
}

/// Every row must say that a segment wrote it that is there.
fn verify_rows(shared: &Shared, segments: &BTreeSet<u32>, found: &mut Verified) -> Result<(), StoreError> {
    let newest = segments.last().copied().unwrap_or(0);
    each_key(shared, KEY_SPACE_ACCOUNT, |key| {
        found.rows += 1;
        if let Some((segment, _)) = shared.row(key)?
            && segment <= newest
            && !segments.contains(&segment)
        {
            found.problem(format!("a row says that log segment {segment} wrote it, which is not there"));
        }
        Ok(())
    })
}

/// Every body must have a reference, or a handle that keeps it.
fn verify_bodies(shared: &Shared, found: &mut Verified) -> Result<(), StoreError> {
    each_key(shared, SPACE_BODY, |key| {
        let Some(id) = parse_id(key) else { return Ok(()) };
        let kept = has_reference(shared, id)?
            || shared.row(&orphan_key(id))?.is_some()
            || shared.pins.get(id).is_some()
            || shared.row(key)?.is_none();
        if !kept {
            found.problem(format!("body {id} has no reference"));
        }
        Ok(())
    })
}

fn has_reference(shared: &Shared, id: BodyId) -> Result<bool, StoreError> {
    let first = references_prefix(id);
    let last = [&first[..], &[0xff; 5]].concat();
    let range = (Bound::Included(&first[..]), Bound::Excluded(&last[..]));
    let page = shared.page(range, Direction::Forward, PageLimit { rows: 1, bytes: 0 })?;
    Ok(!page.rows.is_empty())
}

/// Every reference must be to a body.
fn verify_references(shared: &Shared, found: &mut Verified) -> Result<(), StoreError> {
    each_key(shared, SPACE_REFERENCE, |key| {
        found.references += 1;
        let Some((id, account)) = parse_reference(key) else {
            found.problem("a reference cannot be read".to_owned());
            return Ok(());
        };
        if shared.row(&body_key(id))?.is_none() && shared.row(key)?.is_some() {
            found.problem(format!("account {} refers to body {id}, which is not there", account.0));
        }
        Ok(())
    })
}
