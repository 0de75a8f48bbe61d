//! What the operator does with the queue.

use super::rows::{self, Stored};
use super::{ATTEMPTS, NEVER, Queue, QueueError, QueueItem, damaged, freeing};
use crate::EventKind;
use crate::keys;
use std::sync::atomic::Ordering;
use store_kv::{Row, Scan};
use types::TraceId;

impl Queue {
    /// Items in the order of their trace ids, which is that of time; those after `after` first.
    pub async fn list(&self, after: Option<TraceId>, limit: usize) -> Result<Vec<QueueItem>, QueueError> {
        let mut scan = Scan::prefix(&keys::queue_items());
        if let Some(after) = after {
            scan.start = keys::queue_item(TraceId(after.0.saturating_add(1)));
        }
        scan.limit.rows = limit.max(1);
        let rows = self.engine.scan(&scan).await?.rows;
        let decode = |(key, row): Row| rows::decode_item(keys::queue_item_of(&key)?, row).map(|stored| stored.item);
        Ok(rows.into_iter().map(decode).collect::<Option<_>>().ok_or_else(damaged)?)
    }

    /// One item.
    pub async fn show(&self, trace: TraceId) -> Result<QueueItem, QueueError> {
        Ok(self.load(trace).await?.ok_or(QueueError::NoSuchItem)?.item)
    }

    /// Stops an item until it is released. An attempt that is under way goes on.
    pub async fn hold(&self, trace: TraceId) -> Result<(), QueueError> {
        self.change(trace, EventKind::Held, |stored| Ok(QueueItem { held: true, due: NEVER, ..stored.item.clone() }))
            .await
    }

    /// Lets an item go on, at once.
    pub async fn release(&self, trace: TraceId) -> Result<(), QueueError> {
        let now = self.clock.now();
        self.change(trace, EventKind::Released, |stored| {
            let due = stored.lease.map_or(now, |lease| lease.until);
            Ok(QueueItem { held: false, due, ..stored.item.clone() })
        })
        .await
    }

    /// Tries an item now. Fails with [`QueueError::Busy`] while somebody does.
    pub async fn retry(&self, trace: TraceId) -> Result<(), QueueError> {
        let now = self.clock.now();
        self.change(trace, EventKind::Retried, |stored| match stored.lease {
            Some(lease) if now < lease.until => Err(QueueError::Busy),
            _ => Ok(QueueItem { held: false, due: now, ..stored.item.clone() }),
        })
        .await
    }

    /// Throws an item away; nobody is told. An attempt that is under way goes on and is forgotten.
    pub async fn drop_item(&self, trace: TraceId) -> Result<(), QueueError> {
        for _ in 0..ATTEMPTS {
            let stored = self.load(trace).await?.ok_or(QueueError::NoSuchItem)?;
            let mut batch = freeing();
            self.remove(&mut batch, &stored).await?;
            self.traces.put_into(&mut batch, trace, EventKind::Dropped, "", "by the operator");
            if self.commit(batch).await? {
                self.count.fetch_sub(1, Ordering::Relaxed);
                return Ok(());
            }
        }
        Err(QueueError::Busy)
    }

    async fn change(
        &self,
        trace: TraceId,
        kind: EventKind,
        change: impl Fn(&Stored) -> Result<QueueItem, QueueError>,
    ) -> Result<(), QueueError> {
        for _ in 0..ATTEMPTS {
            let stored = self.load(trace).await?.ok_or(QueueError::NoSuchItem)?;
            let item = change(&stored)?;
            let mut batch = freeing();
            stored.replace(&mut batch, &item, stored.lease);
            self.traces.put_into(&mut batch, trace, kind, "", "by the operator");
            if self.commit(batch).await? {
                self.wake.notify_one();
                return Ok(());
            }
        }
        Err(QueueError::Busy)
    }
}
