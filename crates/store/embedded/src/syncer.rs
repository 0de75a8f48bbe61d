//! The syncer: makes durable what was written, then visible, then says so. One sync for all that stands there.

use crate::appender::fail;
use crate::keys::Position;
use crate::shared::{Applied, Awaited, Group, Shared, lock, wait};
use crate::stats::Counters;
use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use store_kv::Committed;

/// Works until the pipe is closed and empty.
pub(crate) fn run(shared: &Arc<Shared>) {
    loop {
        let mut pipe = lock(&shared.pipe);
        while pipe.groups.is_empty() && !pipe.closed {
            pipe = wait(&shared.pipe_filled, pipe);
        }
        if pipe.groups.is_empty() {
            return;
        }
        drop(pipe);
        step(shared);
    }
}

/// Syncs and publishes all that was written.
pub(crate) fn step(shared: &Arc<Shared>) {
    let groups = {
        let mut pipe = lock(&shared.pipe);
        pipe.busy = true;
        std::mem::take(&mut pipe.groups)
    };
    let bytes: u64 = groups.iter().map(|group| group.bytes).sum();
    match sync(shared, &groups) {
        Ok(()) => publish(shared, groups),
        Err(error) => {
            for group in groups {
                fail(group.applied, &error);
            }
        }
    }
    let mut pipe = lock(&shared.pipe);
    pipe.unsynced = pipe.unsynced.saturating_sub(bytes);
    pipe.busy = false;
    drop(pipe);
    shared.pipe_drained.notify_all();
    // The appender may have let small batches gather meanwhile.
    let gathered = lock(&shared.queue).awaited == Awaited::Sync;
    if gathered {
        shared.queue_filled.notify_one();
    }
}

/// One sync for each file: nearly always there is one, for a new segment begins only when the old one is durable.
fn sync(shared: &Shared, groups: &VecDeque<Group>) -> Result<(), store_kv::StoreError> {
    if let Some(error) = shared.poisoned() {
        return Err(error);
    }
    let mut last: Option<&Group> = None;
    for group in groups.iter().rev().filter(|group| group.bytes > 0) {
        if last.is_none_or(|last| !Arc::ptr_eq(&last.file, &group.file)) {
            group.file.sync_data().map_err(|error| shared.poison("syncing the log", &error))?;
            Counters::add(&shared.counters.syncs, 1);
        }
        last = Some(group);
    }
    Ok(())
}

/// Makes durable groups visible and answers.
fn publish(shared: &Arc<Shared>, groups: VecDeque<Group>) {
    let Some(end) = groups.back().map(|group| group.end) else { return };
    let mut applied: Vec<Applied> = groups.into_iter().flat_map(|group| group.applied).collect();
    let bytes = insert(shared, &mut applied, end);
    shared.published.store(end.sequence, Ordering::Release);
    if bytes > shared.options.overlay_bytes / 2 {
        shared.hurry_index();
    }
    for one in applied {
        for staged in &one.written {
            staged.written();
        }
        // Whoever gets the answer holds the last handle then, if any.
        drop((one.written, one.staged));
        if let Some(id) = one.ended {
            shared.pins.ended(id);
        }
        if !one.dead_files.is_empty() {
            lock(&shared.trash).extend(one.dead_files);
        }
        // Waking comes after the change is visible.
        if let Some(account) = one.wake {
            shared.hub.wake(account);
        }
        if let Some(answer) = one.answer {
            Counters::add(&shared.counters.commits, 1);
            // Nobody listens when the caller has gone.
            let _ = answer.send(Ok(Committed { sequence: one.sequence }));
        }
    }
}

/// Puts the rows into the overlay; returns the bytes it then has.
fn insert(shared: &Shared, applied: &mut [Applied], end: Position) -> usize {
    let mut visible = shared.visible.write().unwrap_or_else(PoisonError::into_inner);
    for one in applied {
        for (key, row) in one.rows.drain(..) {
            visible.overlay.active.insert(key, row);
        }
    }
    visible.overlay.active.end = end;
    visible.overlay.bytes()
}
