//! UIDBATCHES (RFC 10022): where a mailbox is to be cut into parts of so many messages.

use crate::selected::AskedBatches;
use crate::session::Session;
use proto_imap::command::UidBatches;
use proto_imap::connection::Tag;
use proto_imap::response::UidBatchesResponse;
use proto_imap::{Code, SessionView, Status};
use service_session::{OUTPUT_HIGH, Transport};
use std::io;
use types::{Uid, UidSet};

/// Fewest messages of a batch (RFC 10022 §3.1.3.2): smaller ones would be sequence numbers by another name.
const BATCH_MIN: u32 = 500;
/// Most messages that the batches may have together that are asked for by number (RFC 10022 §3.1.5).
const TOGETHER_MAX: u64 = 100_000;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, tag: &Tag, request: UidBatches) -> io::Result<Status> {
    if request.size.get() < BATCH_MIN {
        return Ok(Status::no(Code::TooFew, "A batch has at least 500 messages"));
    }
    if together(&request) > TOGETHER_MAX {
        return Ok(Status::no(Code::TooMany, "Batches have at most 100000 messages together"));
    }
    let selected = session.selected_mut()?;
    if selected.batches.as_ref().is_some_and(|asked| asked.request == request && holds(asked, &selected.told)) {
        return Ok(Status::no(Code::Limit, "The batches are as they were told"));
    }
    let exists = selected.told.exists();
    let last = selected.told.last_uid().map_or(0, Uid::get);
    selected.batches = Some(AskedBatches { request: request.clone(), exists, last });
    let mut response = UidBatchesResponse::begin(session.machine.output(), tag.as_str());
    for (highest, lowest) in places(exists, &request) {
        let told = &session.selected()?.told;
        let uid = |seq: u32| told.by_seq(seq).map(|message| message.entry.uid);
        // RFC 10022 §3.1.4: so that the client knows the last one.
        let end = if lowest == 1 { Some(Uid::MIN) } else { uid(lowest) };
        if let (Some(begin), Some(end)) = (uid(highest), end) {
            response.batch(session.machine.output(), begin, end);
        }
        if session.machine.output().len() >= OUTPUT_HIGH {
            session.send_when_high().await?;
        }
    }
    response.end(session.machine.output());
    Ok(Status::ok("UIDBATCHES completed"))
}

/// How many messages the batches have together that are asked for by number.
fn together(request: &UidBatches) -> u64 {
    let batches = request.batches.as_ref();
    let count = batches.map_or(0, |batches| u64::from(*batches.end() - *batches.start()) + 1);
    count.saturating_mul(u64::from(request.size.get()))
}

/// The first and the last sequence number of each batch, from the highest down.
fn places(exists: u32, request: &UidBatches) -> impl Iterator<Item = (u32, u32)> {
    let size = request.size.get();
    let count = exists.div_ceil(size);
    let (first, last) = request.batches.as_ref().map_or((1, count), |some| (*some.start(), count.min(*some.end())));
    (first..=last).map(move |batch| {
        // The batches before it are whole, so this is at least one.
        let highest = exists - (batch - 1) * size;
        (highest, highest.saturating_sub(size) + 1)
    })
}

/// Whether what was answered still holds, so that it may not be asked for again: fewer than half a batch's messages came,
/// and fewer than that went (RFC 10022 §3.1.1).
fn holds(asked: &AskedBatches, told: &SessionView) -> bool {
    let left = told.selection_of(&UidSet::from_ranges([1..=asked.last])).len();
    let (gone, come) = (asked.exists.saturating_sub(left), told.exists().saturating_sub(left));
    let half = asked.request.size.get().div_ceil(2);
    gone < half && come < half
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::num::NonZeroU32;
    use std::ops::RangeInclusive;

    fn request(size: u32, batches: Option<RangeInclusive<u32>>) -> UidBatches {
        UidBatches { size: NonZeroU32::new(size).unwrap(), batches }
    }

    fn all(exists: u32, size: u32, batches: Option<RangeInclusive<u32>>) -> Vec<(u32, u32)> {
        places(exists, &request(size, batches)).collect()
    }

    #[test]
    fn batches_are_cut_from_the_highest_down() {
        assert_eq!(all(6823, 2000, None), [(6823, 4824), (4823, 2824), (2823, 824), (823, 1)], "RFC 10022 §3.1.1");
        assert_eq!(all(1000, 500, None), [(1000, 501), (500, 1)]);
        assert_eq!(all(500, 500, None), [(500, 1)]);
        assert_eq!(all(1, u32::MAX, None), [(1, 1)]);
        assert_eq!(all(u32::MAX, u32::MAX, Some(1..=1)), [(u32::MAX, 1)]);
        assert!(all(0, 500, None).is_empty());
    }

    #[test]
    fn batches_asked_for_by_number_are_those_of_them_that_there_are() {
        let some = all(100_000, 2000, Some(10..=20));
        assert_eq!((some.len(), some[0], some[10]), (11, (82_000, 80_001), (62_000, 60_001)), "RFC 10022 §3.1.5");
        assert_eq!(all(7000, 2000, Some(1..=5)).len(), 4);
        assert!(all(7000, 2000, Some(6..=8)).is_empty(), "RFC 10022 §3.1.6");
        assert!(all(0, 500, Some(1..=u32::MAX)).is_empty());
    }

    #[test]
    fn only_batches_asked_for_by_number_are_counted() {
        assert_eq!(together(&request(2000, Some(1..=50))), TOGETHER_MAX);
        assert_eq!(together(&request(2000, Some(1..=51))), TOGETHER_MAX + 2000);
        assert_eq!(together(&request(u32::MAX, Some(1..=u32::MAX))), u64::from(u32::MAX) * u64::from(u32::MAX));
        assert_eq!(together(&request(u32::MAX, None)), 0);
    }
}
