//! What messages are compared by, as bytes that sort like it: all criteria of a message behind each other, each one
//! ended so that none is the beginning of another. Kept is a stretch of each, as long as the budget allows; where two
//! stretches are the same and not the end, the next ones decide.

use super::{SORT_TEXT_MAX, folded, sent_at};
use message::{FirstOf, Summary, base_subject};
use types::snapshot::Entry;
use types::{SortCriterion, SortKey, Uid};

/// The longest key: seven texts with their ends, and two numbers are shorter.
const KEY_MAX: usize = 9 * (SORT_TEXT_MAX + 1);
/// So many bytes of each key are kept even where the budget is too small for that: from some millions of messages on.
pub(super) const KEY_MIN: usize = 16;

/// Keys of messages, one behind another.
#[derive(Debug)]
pub(super) struct Keys {
    bytes: Vec<u8>,
    /// Where each ends.
    ends: Vec<u32>,
    /// After how many bytes they are cut.
    cut: usize,
    budget: usize,
}

impl Keys {
    /// None yet; they may take so many bytes together.
    pub(super) fn new(budget: usize) -> Self {
        Self { bytes: Vec::new(), ends: Vec::new(), cut: KEY_MAX.next_power_of_two(), budget }
    }

    /// How much of a key is kept.
    pub(super) fn cut(&self) -> usize {
        self.cut
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Adds a key, or as much of it as is kept.
    pub(super) fn push(&mut self, key: &[u8]) {
        while self.cut > KEY_MIN && self.bytes.len().saturating_add(key.len().min(self.cut)) > self.budget {
            self.shorten();
        }
        let key = key.get(..self.cut).unwrap_or(key);
        let needed = self.bytes.len().saturating_add(key.len());
        if needed > self.bytes.capacity() {
            // Twice as much as before, but no more than the budget.
            let room = self.bytes.capacity().saturating_mul(2).min(self.budget).max(needed);
            self.bytes.reserve_exact(room.saturating_sub(self.bytes.len()));
        }
        self.bytes.extend_from_slice(key);
        self.ends.push(u32::try_from(self.bytes.len()).unwrap_or(u32::MAX));
    }

    /// Cuts all keys to half of what is kept of them, until a quarter of the budget is free.
    fn shorten(&mut self) {
        loop {
            self.cut = (self.cut / 2).max(KEY_MIN);
            let (mut start, mut to) = (0, 0);
            for end in &mut self.ends {
                let next = place(*end);
                let kept = next.saturating_sub(start).min(self.cut);
                self.bytes.copy_within(start..start.saturating_add(kept), to);
                start = next;
                to = to.saturating_add(kept);
                *end = u32::try_from(to).unwrap_or(u32::MAX);
            }
            self.bytes.truncate(to);
            if self.cut <= KEY_MIN || self.bytes.len() <= self.budget - self.budget / 4 {
                return;
            }
        }
    }

    /// How many bytes they have, and for how many there is room.
    #[cfg(test)]
    pub(super) fn size(&self) -> (usize, usize) {
        (self.bytes.len(), self.bytes.capacity())
    }

    fn get(&self, at: usize) -> &[u8] {
        let start = at.checked_sub(1).and_then(|before| self.ends.get(before)).copied().map_or(0, place);
        let end = self.ends.get(at).copied().map_or(start, place);
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Sorts runs by their keys, which are here in the order of the runs and of the messages in them; what is the same
    /// stays by UID. Yields the runs that are the same so far.
    pub(super) fn sort(&self, order: &mut [Uid], open: &[Run]) -> Vec<Run> {
        let mut rest = Vec::new();
        let mut first = 0;
        for run in open {
            let Some(uids) = order.get_mut(place(run.start)..place(run.end)) else { continue };
            // Each with the place of its key.
            let mut places: Vec<(u32, Uid)> = (0..).zip(uids.iter().copied()).collect();
            let key = |at: u32| self.get(place(at).saturating_add(first));
            places.sort_unstable_by(|(a, uid), (b, other)| key(*a).cmp(key(*b)).then_with(|| uid.cmp(other)));
            let mut start = run.start;
            for same in places.chunk_by(|(a, _), (b, _)| key(*a) == key(*b)) {
                let end = start.saturating_add(u32::try_from(same.len()).unwrap_or(u32::MAX));
                // A key that was not cut is a whole one, and so is every one like it.
                let is_cut = same.first().is_some_and(|(at, _)| key(*at).len() == self.cut);
                if same.len() > 1 && is_cut {
                    let behind = u32::try_from(self.cut).unwrap_or(u32::MAX);
                    rest.push(Run { start, end, offset: run.offset.saturating_add(behind) });
                }
                start = end;
            }
            for (slot, (_, uid)) in uids.iter_mut().zip(&places) {
                *slot = *uid;
            }
            first = first.saturating_add(places.len());
        }
        rest
    }
}

/// Messages that stand behind each other in an order and are the same so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    start: u32,
    end: u32,
    /// How many bytes of their keys are the same.
    offset: u32,
}

impl Run {
    /// All of so many messages; none if there are not two.
    pub(super) fn all(count: usize) -> Option<Self> {
        let end = u32::try_from(count).unwrap_or(u32::MAX);
        (end > 1).then_some(Self { start: 0, end, offset: 0 })
    }

    /// Its messages.
    pub(super) fn of(self, order: &[Uid]) -> &[Uid] {
        order.get(place(self.start)..place(self.end)).unwrap_or_default()
    }

    /// From where on their keys may differ.
    pub(super) fn offset(self) -> usize {
        place(self.offset)
    }
}

fn place(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Writes a message's key, at least as much of it as ends at `end`. What is asked of a message whose content is gone is
/// the empty text.
pub(super) fn write_key(
    criteria: &[SortCriterion],
    entry: &Entry,
    summary: Option<&Summary>,
    end: usize,
    out: &mut Vec<u8>,
) {
    out.clear();
    for criterion in criteria {
        if out.len() >= end {
            return;
        }
        let start = out.len();
        match criterion.key {
            SortKey::Arrival => number(out, entry.internal_date.unix_seconds()),
            SortKey::Date => number(out, sent_at(entry, summary)),
            SortKey::Size => number(out, i64::from(entry.size)),
            key => text(out, &summary.map(|summary| text_of(key, summary)).unwrap_or_default()),
        }
        if criterion.is_reverse {
            out.iter_mut().skip(start).for_each(|byte| *byte = !*byte);
        }
    }
}

fn text_of(key: SortKey, summary: &Summary) -> String {
    match key {
        SortKey::Cc => folded(summary.first_address(FirstOf::Cc).mailbox),
        SortKey::DisplayFrom => folded(summary.first_address(FirstOf::From).display),
        SortKey::DisplayTo => folded(summary.first_address(FirstOf::To).display),
        SortKey::From => folded(summary.first_address(FirstOf::From).mailbox),
        SortKey::Subject => folded(&base_subject(summary.subject()).text),
        SortKey::To => folded(summary.first_address(FirstOf::To).mailbox),
        SortKey::Arrival | SortKey::Date | SortKey::Size => String::new(),
    }
}

fn number(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(&(u64::from_be_bytes(number.to_be_bytes()) ^ (1 << 63)).to_be_bytes());
}

/// A text and its end, which sorts before everything that may go on: there is no byte 255 in UTF-8.
fn text(out: &mut Vec<u8>, text: &str) {
    out.extend(text.bytes().map(|byte| byte.saturating_add(1)));
    out.push(0);
}
