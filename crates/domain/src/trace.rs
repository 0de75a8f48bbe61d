//! The life of each message, event by event, to be looked up by its trace id or the beginning of one.
//!
//! What happens in a batch of the queue is recorded in that batch. Everything else is gathered in memory, bounded, and
//! written now and then: nobody was promised it, and a delivery must not cost a second commit. Losing it loses no mail.

use crate::keys::{self, QUEUE};
use crate::row::{RowReader, RowWriter};
use bytes::Bytes;
use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use store_kv::{Batch, CommitError, Engine, PageLimit, Row, Scan, Space, StoreError};
use tokio::sync::Notify;
use types::{Clock, Timestamp, TraceId};

/// Most events that wait in memory; the oldest go first.
const PENDING_MAX: usize = 10_000;
/// Most events in one batch.
const BATCH_MAX: usize = 1000;
/// Most bytes that are kept of a text of an event.
const TEXT_MAX: usize = 500;
/// Most events of one message that a lookup returns.
const EVENTS_MAX: usize = 1000;
/// Most ids that an ambiguous lookup names.
pub const AMBIGUOUS_MAX: usize = 10;
/// Shortest part of an id that is looked up, in characters.
pub const TRACE_PART_MIN: usize = 4;
/// How long gathered events may wait.
const FLUSH_AFTER: Duration = Duration::from_millis(500);

const FORMAT: u8 = 1;

/// What can happen to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It came in; from whom and how.
    Received,
    /// It, or one of its recipients, was refused.
    Refused,
    /// It was put into the queue.
    Queued,
    /// It was put into a mailbox here.
    Delivered,
    /// Another server took it.
    Sent,
    /// An attempt failed; there will be another.
    Deferred,
    /// It will not reach a recipient.
    Failed,
    /// Its sender was told that it failed, in another message.
    Bounced,
    /// Its sender was told that it is late, in another message.
    DelayReported,
    /// The operator stopped it in the queue.
    Held,
    /// The operator let it go on.
    Released,
    /// The operator wants the next attempt now.
    Retried,
    /// The operator threw it away.
    Dropped,
}

const KINDS: [(EventKind, &str); 13] = [
    (EventKind::Received, "received"),
    (EventKind::Refused, "refused"),
    (EventKind::Queued, "queued"),
    (EventKind::Delivered, "delivered"),
    (EventKind::Sent, "sent"),
    (EventKind::Deferred, "deferred"),
    (EventKind::Failed, "failed"),
    (EventKind::Bounced, "bounced"),
    (EventKind::DelayReported, "delay-reported"),
    (EventKind::Held, "held"),
    (EventKind::Released, "released"),
    (EventKind::Retried, "retried"),
    (EventKind::Dropped, "dropped"),
];

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KINDS.iter().find(|(kind, _)| kind == self).map_or("event", |(_, name)| name))
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
    /// To which recipient, or from whom; may be empty.
    pub who: Box<str>,
    /// The rest, as a person reads it; may hold what a peer wrote: escape it where it is shown.
    pub text: Box<str>,
}

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The events of one message, in order.
    One(TraceId, Vec<Event>),
    /// Several messages begin so; the first [`AMBIGUOUS_MAX`] of them.
    Several(Vec<TraceId>),
    /// None does.
    None,
    /// That is no part of an id, or too short a one.
    NotAnId,
}

struct Pending {
    trace: TraceId,
    event: Event,
}

/// The traces.
pub struct Traces {
    engine: Arc<dyn Engine>,
    clock: Arc<dyn Clock>,
    pending: Mutex<VecDeque<Pending>>,
    /// Held while a batch is written, so that a lookup waits for what is under way.
    writing: tokio::sync::Mutex<()>,
    number: AtomicU32,
    lost: AtomicU64,
    /// Something waits.
    wake: Notify,
    /// A batch full waits.
    full: Notify,
}

impl Traces {
    /// The traces of an engine.
    pub fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>) -> Arc<Self> {
        // Begins anywhere, so that events of one millisecond before and after a restart do not share a key.
        let number = AtomicU32::new(getrandom::u32().unwrap_or(0));
        let (pending, writing, wake, full) = Default::default();
        Arc::new(Self { engine, clock, pending, writing, number, lost: AtomicU64::new(0), wake, full })
    }

    /// Notes that something happened, without waiting. It is on disk within a second if [`Traces::run`] runs.
    pub fn record(&self, trace: TraceId, kind: EventKind, who: &str, text: &str) {
        let event = self.event(kind, who, text);
        let mut pending = self.pending();
        if pending.len() >= PENDING_MAX {
            pending.pop_front();
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        pending.push_back(Pending { trace, event });
        let count = pending.len();
        drop(pending);
        match count {
            1 => self.wake.notify_one(),
            BATCH_MAX => self.full.notify_one(),
            _ => {}
        }
    }

    /// Puts an event into a batch of the queue's account.
    pub(crate) fn put_into(&self, batch: &mut Batch, trace: TraceId, kind: EventKind, who: &str, text: &str) {
        let event = self.event(kind, who, text);
        self.put(batch, trace, &event);
    }

    /// Events that were never written because too many waited.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Writes gathered events now and then, for ever. To be dropped at shutdown, after a last [`Traces::flush`].
    pub async fn run(&self) {
        loop {
            self.wake.notified().await;
            // Either way they are written now.
            let _full = tokio::time::timeout(FLUSH_AFTER, self.full.notified()).await;
            if let Err(error) = self.flush().await {
                tracing::warn!(error = &error as &dyn std::error::Error, "trace events were not written");
            }
        }
    }

    /// Writes all gathered events. After an error those of the failed batch are lost.
    pub async fn flush(&self) -> Result<(), CommitError> {
        let _writing = self.writing.lock().await;
        loop {
            let events: Vec<Pending> = {
                let mut pending = self.pending();
                let count = pending.len().min(BATCH_MAX);
                pending.drain(..count).collect()
            };
            if events.is_empty() {
                return Ok(());
            }
            let mut batch = Batch::new(QUEUE);
            for pending in &events {
                self.put(&mut batch, pending.trace, &pending.event);
            }
            self.engine.commit(batch).await?;
        }
    }

    /// Finds a message by its id or the beginning of one, in any case.
    pub async fn find(&self, part: &str) -> Result<Found, CommitError> {
        self.flush().await?;
        let Some((first, last)) = bounds(part) else { return Ok(Found::NotAnId) };
        let mut ids = Vec::new();
        let mut next = first;
        while let Some(id) = self.first_from(next).await?.filter(|id| *id <= last) {
            ids.push(id);
            let Some(after) = id.0.checked_add(1) else { break };
            if ids.len() >= AMBIGUOUS_MAX {
                break;
            }
            next = TraceId(after);
        }
        Ok(match ids.as_slice() {
            [] => Found::None,
            [id] => Found::One(*id, self.events(*id).await?),
            _ => Found::Several(ids),
        })
    }

    /// Removes the events of messages that came in before `keep` ago, one page at most; returns whether there may be
    /// more to remove.
    pub async fn sweep(&self, keep: Duration) -> Result<bool, CommitError> {
        let oldest = TraceId::new(self.clock.now().before(keep), [0; 10]);
        let mut scan = Scan::range(keys::all_events(), keys::events(oldest));
        scan.limit = PageLimit { rows: BATCH_MAX, ..PageLimit::default() };
        let page = self.engine.scan(&scan).await?;
        if page.rows.is_empty() {
            return Ok(false);
        }
        let mut batch = Batch::new(QUEUE);
        batch.space = Space::Frees;
        for (key, _) in page.rows {
            batch.delete(key);
        }
        self.engine.commit(batch).await?;
        Ok(page.more)
    }

    async fn first_from(&self, id: TraceId) -> Result<Option<TraceId>, StoreError> {
        let mut scan = Scan::prefix(&keys::all_events());
        scan.start = keys::events(id);
        scan.limit.rows = 1;
        let page = self.engine.scan(&scan).await?;
        Ok(page.rows.first().and_then(|(key, _)| keys::event_of(key)).map(|(trace, _)| trace))
    }

    async fn events(&self, id: TraceId) -> Result<Vec<Event>, StoreError> {
        let mut scan = Scan::prefix(&keys::events(id));
        scan.limit.rows = EVENTS_MAX;
        let page = self.engine.scan(&scan).await?;
        Ok(page.rows.iter().filter_map(decode).collect())
    }

    fn event(&self, kind: EventKind, who: &str, text: &str) -> Event {
        Event { at: self.clock.now(), kind, who: cut(who).into(), text: cut(text).into() }
    }

    fn put(&self, batch: &mut Batch, trace: TraceId, event: &Event) {
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        batch.put(keys::event(trace, event.at, number), encode(event));
    }

    fn pending(&self) -> MutexGuard<'_, VecDeque<Pending>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Traces").finish_non_exhaustive()
    }
}

/// The longest beginning that fits.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_MAX)).unwrap_or_default()
}

/// The lowest and the highest id that begin so: the rest filled up with the lowest and the highest digit.
fn bounds(part: &str) -> Option<(TraceId, TraceId)> {
    let length = TraceId(0).to_string().len();
    if part.len() < TRACE_PART_MIN || part.len() > length || !part.is_ascii() {
        return None;
    }
    let fill = |digit: &str| TraceId::parse(&format!("{part}{}", digit.repeat(length - part.len()))).ok();
    Some((fill("0")?, fill("z")?))
}

fn encode(event: &Event) -> Bytes {
    let kind = KINDS.iter().position(|(kind, _)| *kind == event.kind).and_then(|place| u8::try_from(place).ok());
    let mut row = RowWriter::new(FORMAT, 8 + event.who.len() + event.text.len());
    row.byte(kind.unwrap_or(u8::MAX));
    row.bytes(event.who.as_bytes());
    row.bytes(event.text.as_bytes());
    row.finish()
}

/// An event that a later version wrote is left out.
fn decode((key, value): &Row) -> Option<Event> {
    let (_, at) = keys::event_of(key)?;
    let mut row = RowReader::new(value, FORMAT)?;
    let (kind, _) = KINDS.get(usize::from(row.byte()?))?;
    Some(Event { at, kind: *kind, who: row.text()?.into(), text: row.text()?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use store_kv::Memory;
    use types::ManualClock;

    fn traces(engine: &Arc<Memory>) -> (Arc<Traces>, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at(Timestamp(1_000_000)));
        (Traces::new(engine.clone(), clock.clone()), clock)
    }

    #[tokio::test]
    async fn a_message_is_found_by_the_beginning_of_its_id() {
        let engine = Memory::new();
        let (traces, clock) = traces(&engine);
        let [one, two] = [1, 2].map(|chance| TraceId::new(clock.now(), [chance; 10]));
        traces.record(one, EventKind::Received, "bob@example.org", "from 192.0.2.1");
        clock.advance(Duration::from_millis(5));
        traces.record(two, EventKind::Received, "", "");
        traces.record(one, EventKind::Delivered, "ann@example.org", "INBOX");
        let (found, id) = (traces.find(&one.to_string().to_uppercase()[..18]).await.unwrap(), one.to_string());
        let Found::One(trace, events) = found else { panic!("{found:?}") };
        let seen: Vec<_> = events.iter().map(|e| (e.at.0, e.kind.to_string(), &*e.who, &*e.text)).collect();
        let received = (1_000_000, "received".to_owned(), "bob@example.org", "from 192.0.2.1");
        assert_eq!((trace, seen), (one, vec![received, (1_000_005, "delivered".into(), "ann@example.org", "INBOX")]));
        assert_eq!(traces.find(&id[..8]).await.unwrap(), Found::Several(vec![one, two]));
        assert_eq!(traces.find("7777").await.unwrap(), Found::None);
        for bad in ["", "abc", "uuuu", "ääää", &format!("{id}0"), "8zzz"] {
            assert_eq!(traces.find(bad).await.unwrap(), Found::NotAnId, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn what_was_flushed_survives_and_leaves_after_its_time() {
        let engine = Memory::new();
        let (first, clock) = traces(&engine);
        let id = TraceId::new(clock.now(), [9; 10]);
        first.record(id, EventKind::Queued, "", &"ä".repeat(TEXT_MAX));
        first.flush().await.unwrap();
        let (second, clock) = traces(&engine.reopen());
        let Found::One(_, events) = second.find(&id.to_string()).await.unwrap() else { panic!("not found") };
        assert_eq!(events[0].text.len(), TEXT_MAX, "cut between characters");
        let keep = Duration::from_mins(1);
        assert!(!second.sweep(keep).await.unwrap());
        clock.advance(keep + Duration::from_millis(1));
        assert!(!second.sweep(keep).await.unwrap());
        assert_eq!(second.find(&id.to_string()).await.unwrap(), Found::None);
    }

    #[tokio::test]
    async fn events_that_nobody_writes_do_not_fill_the_memory() {
        let engine = Memory::new();
        let (traces, clock) = traces(&engine);
        let id = TraceId::new(clock.now(), [9; 10]);
        for _ in 0..PENDING_MAX {
            traces.record(id, EventKind::Deferred, "", "");
        }
        assert_eq!(traces.lost(), 0);
        traces.record(id, EventKind::Deferred, "", "");
        assert_eq!(traces.lost(), 1);
    }
}
