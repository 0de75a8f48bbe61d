//! What a client that was away does not know yet (RFC 7162 §3.2.5).

use super::SessionView;
use crate::command::KnownRun;
use types::{Uid, UidSet};

impl SessionView {
    /// Those of these UIDs that the session does not know. What was expunged since its snapshot was taken is told
    /// by the next `sync`, not as gone from the beginning.
    #[must_use]
    pub fn unknown_of(&self, uids: &UidSet) -> UidSet {
        let mut known = Vec::new();
        for range in uids.ranges() {
            let Some(first) = Uid::new(*range.start()) else { continue };
            let told = self.told.iter_from(first).take_while(|e| e.uid.get() <= *range.end());
            known.extend(told.map(|e| e.uid.get()));
            let held = self.held.iter().skip(self.held.partition_point(|e| e.uid < first));
            known.extend(held.take_while(|e| e.uid.get() <= *range.end()).map(|e| e.uid.get()));
        }
        known.sort_unstable();
        let mut known = known.into_iter().peekable();
        let mut unknown = Vec::new();
        for range in uids.ranges() {
            let mut next = Some(*range.start());
            while let Some(uid) = known.next_if(|uid| uid <= range.end()) {
                if let Some(start) = next.filter(|start| *start < uid) {
                    unknown.push(start..=uid - 1);
                }
                next = uid.checked_add(1);
            }
            if let Some(start) = next.filter(|start| start <= range.end()) {
                unknown.push(start..=*range.end());
            }
        }
        UidSet::from_ranges(unknown)
    }

    /// The highest UID of these samples that has the sequence number which the client thinks it has: then nothing up
    /// to it left the mailbox without the client knowing (RFC 7162 §3.2.5.2). Logarithmic for each run.
    pub fn last_match(&self, samples: &[KnownRun]) -> Option<Uid> {
        samples.iter().rev().find_map(|run| self.last_match_in(*run))
    }

    fn last_match_in(&self, run: KnownRun) -> Option<Uid> {
        // From one message to the next a UID grows by one or more, the run's by one: those that are not yet past the
        // run's come first, and of them the last ones match, if any do.
        let uid_at = |place: u32| self.by_seq(run.seq.checked_add(place)?).map(|m| m.entry.uid.get());
        let is_past =
            |place: u32| uid_at(place).is_none_or(|uid| u64::from(uid) > u64::from(run.uid) + u64::from(place));
        let (mut low, mut high) = (0, run.more.checked_add(1)?);
        while low < high {
            let middle = low + (high - low) / 2;
            if is_past(middle) { high = middle } else { low = middle + 1 }
        }
        let last = low.checked_sub(1)?;
        let expected = run.uid.checked_add(last)?;
        (uid_at(last) == Some(expected)).then(|| Uid::new(expected)).flatten()
    }
}
