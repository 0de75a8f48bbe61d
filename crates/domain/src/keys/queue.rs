//! Queue and traces: the system account 1.
//!
//! | kind | rest of the key | row |
//! |---|---|---|
//! | `q` | trace u128 | a queue item: envelope, recipients with their states, lease |
//! | `b` | trace u128 | its content: body, hash, summary; never changes |
//! | `w` | time i64, trace u128 | when the item is due, its lease ends, or never (held); no value |
//! | `t` | trace u128, time i64, number u32 | an event in a message's life |

use super::{key, rest, time_bytes, time_of};
use bytes::Bytes;
use types::{AccountId, Timestamp, TraceId};

/// The account that holds queue and traces.
pub(crate) const QUEUE: AccountId = AccountId(1);

/// A queue item.
pub(crate) fn queue_item(trace: TraceId) -> Bytes {
    key(QUEUE, b'q', &[&trace.0.to_be_bytes()])
}

/// All queue items.
pub(crate) fn queue_items() -> Bytes {
    key(QUEUE, b'q', &[])
}

/// Reads the trace id off a key of [`queue_item`].
pub(crate) fn queue_item_of(key: &[u8]) -> Option<TraceId> {
    Some(TraceId(u128::from_be_bytes(rest(key).try_into().ok()?)))
}

/// A queue item's content.
pub(crate) fn queue_content(trace: TraceId) -> Bytes {
    key(QUEUE, b'b', &[&trace.0.to_be_bytes()])
}

/// When a queue item is due.
pub(crate) fn queue_due(due: Timestamp, trace: TraceId) -> Bytes {
    key(QUEUE, b'w', &[&time_bytes(due), &trace.0.to_be_bytes()])
}

/// All times at which queue items are due.
pub(crate) fn queue_dues() -> Bytes {
    key(QUEUE, b'w', &[])
}

/// Reads time and trace id off a key of [`queue_due`].
pub(crate) fn queue_due_of(key: &[u8]) -> Option<(Timestamp, TraceId)> {
    let (due, trace) = rest(key).split_first_chunk::<8>()?;
    Some((time_of(*due), TraceId(u128::from_be_bytes(trace.try_into().ok()?))))
}

/// An event.
pub(crate) fn event(trace: TraceId, at: Timestamp, number: u32) -> Bytes {
    key(QUEUE, b't', &[&trace.0.to_be_bytes(), &time_bytes(at), &number.to_be_bytes()])
}

/// All events of traces from this one on.
pub(crate) fn events(trace: TraceId) -> Bytes {
    key(QUEUE, b't', &[&trace.0.to_be_bytes()])
}

/// All events.
pub(crate) fn all_events() -> Bytes {
    key(QUEUE, b't', &[])
}

/// Reads trace id and time off a key of [`event`].
pub(crate) fn event_of(key: &[u8]) -> Option<(TraceId, Timestamp)> {
    let (trace, rest) = rest(key).split_first_chunk::<16>()?;
    Some((TraceId(u128::from_be_bytes(*trace)), time_of(*rest.first_chunk()?)))
}
