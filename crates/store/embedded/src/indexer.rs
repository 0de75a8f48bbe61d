//! The index writer: brings the overlay into the index, about once a second, with the mark of how far the log is in it.

use crate::appender::keep_spare;
use crate::index::IndexWrite;
use crate::keys::{MARK_KEY, Position, Usage, decode_row, encode_row, segment_key, weight};
use crate::overlay::Layer;
use crate::shared::{Shared, lock, wait_for};
use crate::stats::Counters;
use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Instant;
use store_kv::StoreError;

/// Works until told to end; then writes once more.
pub(crate) fn run(shared: &Shared) {
    let mut last = Instant::now();
    loop {
        let mut flow = lock(&shared.index_flow);
        while !flow.due && !flow.closed {
            let Some(rest) = shared.options.index_interval.checked_sub(last.elapsed()) else { break };
            if rest.is_zero() {
                break;
            }
            flow = wait_for(&shared.index_wake, flow, rest);
        }
        flow.due = false;
        let closed = flow.closed;
        drop(flow);
        // Its error is the poison that everybody sees.
        let _ = step(shared);
        if closed {
            return;
        }
        shared.empty_trash();
        keep_spare(shared);
        last = Instant::now();
    }
}

/// Writes the overlay to the index. The mark is never past what is durable in the log: the overlay holds nothing else.
pub(crate) fn step(shared: &Shared) -> Result<(), StoreError> {
    let mut mark = lock(&shared.mark);
    if let Some(error) = shared.poisoned() {
        return Err(error);
    }
    let (layer, index) = {
        let mut visible = shared.visible.write().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = visible.index.clone() else { return Ok(()) };
        let Some(layer) = visible.overlay.freeze(*mark) else { return Ok(()) };
        (layer, index)
    };
    let gone_through = gone_through(shared, *mark, layer.end);
    let written = index.write(&mut |txn| write_layer(txn, &layer, &gone_through));
    written.map_err(|error| shared.poison("writing the index", &error))?;
    *mark = layer.end;
    shared.visible.write().unwrap_or_else(PoisonError::into_inner).overlay.frozen = None;
    drop(mark);
    Counters::add(&shared.counters.index_commits, 1);
    drop(lock(&shared.index_flow));
    shared.overlay_room.notify_all();
    Ok(())
}

/// How a segment's usage changes.
#[derive(Debug, Default)]
struct Change {
    gained: u64,
    lost: u64,
    deletes: u64,
}

/// The segments between two places. All become known to the index, if only with nothing alive in them.
fn gone_through(shared: &Shared, from: Position, to: Position) -> Vec<u32> {
    let sealed = lock(&shared.sealed);
    sealed.range(from.segment..to.segment).map(|(number, _)| *number).chain([to.segment]).collect()
}

/// Writes a layer's rows, what they do to the segments' usage, and the mark.
fn write_layer(txn: &mut dyn IndexWrite, layer: &Layer, gone_through: &[u32]) -> Result<(), StoreError> {
    let mut changes: BTreeMap<u32, Change> = BTreeMap::new();
    for segment in gone_through {
        changes.entry(*segment).or_default();
    }
    for (segment, bytes) in &layer.deletes {
        changes.entry(*segment).or_default().deletes += bytes;
    }
    for (key, row) in &layer.rows {
        if let Some((segment, value)) = txn.get(key)?.and_then(decode_row) {
            changes.entry(segment).or_default().lost += weight(key, value);
        }
        match &row.value {
            Some(value) => {
                changes.entry(row.segment).or_default().gained += weight(key, value);
                txn.put(key, &encode_row(row.segment, value))?;
            }
            None => txn.delete(key)?,
        }
    }
    for (segment, change) in changes {
        let key = segment_key(segment);
        let mut usage = txn.get(&key)?.and_then(Usage::decode).unwrap_or_default();
        usage.live = usage.live.saturating_add(change.gained).saturating_sub(change.lost);
        usage.deletes = usage.deletes.saturating_add(change.deletes);
        txn.put(&key, &usage.encode())?;
    }
    txn.put(MARK_KEY, &layer.end.encode())
}
