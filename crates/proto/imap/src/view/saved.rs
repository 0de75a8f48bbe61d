//! `$`: what the last SEARCH saved (RFC 5182 §2.1).
//!
//! Messages that follow each other in the mailbox are kept as one range of UIDs, whatever gaps there are between their
//! UIDs: no message will ever come to be in such a gap. A message that the session is told to be gone leaves its view,
//! and with it what is saved.

use super::{Selection, SessionView};
use types::UidSet;

/// Most ranges that are kept of one result: a mebibyte for each session. More are refused with `NOTSAVED`.
pub const SAVED_RANGES_MAX: usize = 1 << 17;

/// A result with more than [`SAVED_RANGES_MAX`] ranges. What was saved before is forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooManyRanges;

impl SessionView {
    /// Lets `$` stand for these messages.
    pub fn save(&mut self, selection: &Selection) -> Result<(), TooManyRanges> {
        self.save_up_to(selection, SAVED_RANGES_MAX)
    }

    fn save_up_to(&mut self, selection: &Selection, ranges_max: usize) -> Result<(), TooManyRanges> {
        self.saved = UidSet::default();
        if selection.ranges().len() > ranges_max {
            return Err(TooManyRanges);
        }
        self.saved = self.spanned(selection);
        Ok(())
    }

    /// The UIDs of a selection, those that no message has taken in where that spares ranges: no message will ever have
    /// them.
    pub fn spanned(&self, selection: &Selection) -> UidSet {
        let ranges = selection.ranges().iter().filter_map(|range| {
            let uid = |seq: u32| self.by_seq(seq).map(|message| message.entry.uid.get());
            Some(uid(*range.start())?..=uid(*range.end())?)
        });
        UidSet::from_ranges(ranges.collect::<Vec<_>>())
    }

    /// Lets `$` stand for nothing, as after a SEARCH that was refused (RFC 5182 §2.1).
    pub fn forget_saved(&mut self) {
        self.saved = UidSet::default();
    }

    /// The messages for which `$` stands.
    pub fn saved(&self) -> Selection {
        self.selection_of(&self.saved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Expunges;
    use std::sync::Arc;
    use types::snapshot::{Entry, Snapshot};
    use types::{EmailId, Flags, MailboxId, ModSeq, Timestamp, Uid, UidValidity};

    fn snapshot(uids: &[u32], modseq: u64) -> Arc<Snapshot> {
        let entries = uids.iter().map(|uid| Entry {
            uid: Uid::new(*uid).unwrap(),
            flags: Flags::NONE,
            modseq: ModSeq(1),
            email: EmailId(u64::from(*uid)),
            size: 1,
            internal_date: Timestamp(0),
            save_date: Timestamp(0),
        });
        let mut snapshot = Snapshot::empty(MailboxId(1), UidValidity::new(1).unwrap()).with_entries(entries);
        snapshot.highest_modseq = ModSeq(modseq);
        Arc::new(snapshot)
    }

    fn selection(seqs: &[u32]) -> Selection {
        let mut selection = Selection::default();
        for seq in seqs {
            selection.push(*seq);
        }
        selection
    }

    #[test]
    fn what_is_saved_follows_the_messages_and_not_their_numbers() {
        let mut view = SessionView::open(snapshot(&[2, 5, 9, 40, 41], 1), None);
        assert!(view.saved().is_empty());
        view.save(&selection(&[2, 3, 5])).unwrap();
        assert_eq!(view.saved, UidSet::from_ranges([5..=9, 41..=41]), "one range over the gap");
        let gone = snapshot(&[5, 9, 40, 41, 42], 2);
        view.sync(&gone, Expunges::Held);
        assert_eq!(view.saved(), selection(&[2, 3, 5]), "the numbers have not moved");
        view.sync(&gone, Expunges::Told);
        assert_eq!(view.saved(), selection(&[1, 2, 4]));
        view.sync(&snapshot(&[9, 40, 42], 3), Expunges::Told);
        assert_eq!(view.saved(), selection(&[1]), "who is gone leaves");
        view.forget_saved();
        assert!(view.saved().is_empty());
    }

    #[test]
    fn a_result_is_saved_only_up_to_so_many_ranges() {
        let mut view = SessionView::open(snapshot(&[1, 2, 3, 4, 5], 1), None);
        assert_eq!(view.save_up_to(&selection(&[1, 3]), 2), Ok(()));
        assert_eq!(view.saved(), selection(&[1, 3]));
        assert_eq!(view.save_up_to(&selection(&[1, 3, 5]), 2), Err(TooManyRanges));
        assert!(view.saved().is_empty(), "RFC 5182 §2.5");
    }
}
