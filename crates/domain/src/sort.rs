//! SORT (RFC 5256, RFC 5957): the order of messages. Only what the criteria ask for is read, and of each message only
//! what they compare is kept, within a budget (`sort/keys.rs`). Where that is too little to tell two messages apart, more
//! of the two is read: the answer is the same, whatever the budget.

mod keys;

use crate::MailError;
use crate::mail::Account;
use crate::meter::Meter;
use crate::search::Query;
use crate::turns::{Scale, Turn};
use keys::{Keys, Run, write_key};
use message::{Summary, casefold};
use std::sync::Arc;
use types::snapshot::{Entry, Snapshot};
use types::{EmailId, SortCriterion, SortKey, Uid};

/// Most criteria of one SORT; more say nothing new, for there are nine keys and two directions.
pub const SORT_CRITERIA_MAX: usize = 18;
/// How many bytes of a text are compared, after folding; texts that are the same up to there are the same.
pub const SORT_TEXT_MAX: usize = 1 << 10;
/// How many contents are read at once.
const CONTENTS_AT_ONCE: usize = 256;

/// Whether a snapshot's columns know a key's value.
fn is_column(key: SortKey) -> bool {
    matches!(key, SortKey::Arrival | SortKey::Size)
}

impl Account {
    /// The UIDs of the messages of a snapshot that fit, in the order of the criteria; what is the same by all of them
    /// is in the order of the mailbox.
    pub async fn sort(
        &self,
        snapshot: &Snapshot,
        query: &Query,
        criteria: &[SortCriterion],
    ) -> Result<Vec<Uid>, MailError> {
        let found = self.search(snapshot, query).await?;
        self.sort_found(snapshot, &found, criteria, &Meter::default()).await
    }

    /// Some messages of a snapshot in the order of the criteria. UIDs that are not there are left out. Waits for its
    /// turn; memory is bounded by [`SORT_KEYS_MAX`](crate::SORT_KEYS_MAX) and some 20 bytes for each message.
    pub async fn sort_found(
        &self,
        snapshot: &Snapshot,
        found: &[Uid],
        criteria: &[SortCriterion],
        meter: &Meter,
    ) -> Result<Vec<Uid>, MailError> {
        let scale = Scale::of(found.len());
        self.sort_within(snapshot, found, criteria, (scale, scale.keys_max()), meter).await
    }

    /// The same with keys of at most so many bytes.
    async fn sort_within(
        &self,
        snapshot: &Snapshot,
        found: &[Uid],
        criteria: &[SortCriterion],
        (scale, budget): (Scale, usize),
        meter: &Meter,
    ) -> Result<Vec<Uid>, MailError> {
        let turn = Arc::new(self.turns().take(scale).await?);
        let criteria = distinct(criteria);
        let mut uids: Vec<Uid> = found.iter().copied().filter(|uid| snapshot.get(*uid).is_some()).collect();
        uids.sort_unstable();
        let mut order = uids;
        let mut open: Vec<Run> = Run::all(order.len()).into_iter().collect();
        while !open.is_empty() {
            let keys = self.gather(snapshot, (&order, &open), &criteria, budget, meter).await?;
            (order, open) = sorted(&turn, keys, order, open).await?;
        }
        Ok(order)
    }

    /// The next stretch of the keys of all messages that are not told apart yet.
    async fn gather(
        &self,
        snapshot: &Snapshot,
        (order, open): (&[Uid], &[Run]),
        criteria: &[SortCriterion],
        budget: usize,
        meter: &Meter,
    ) -> Result<Keys, MailError> {
        let needs_contents = !criteria.iter().all(|criterion| is_column(criterion.key));
        let mut keys = Keys::new(budget);
        let mut key = Vec::new();
        let mut page: Vec<(Entry, usize)> = Vec::with_capacity(CONTENTS_AT_ONCE);
        let mut runs = open.iter();
        let (mut rest, mut offset) = (&[][..], 0);
        loop {
            page.clear();
            while page.len() < CONTENTS_AT_ONCE {
                if let Some((uid, behind)) = rest.split_first() {
                    page.extend(snapshot.get(*uid).map(|entry| (*entry, offset)));
                    rest = behind;
                } else if let Some(run) = runs.next() {
                    (rest, offset) = (run.of(order), run.offset());
                } else {
                    break;
                }
            }
            if page.is_empty() {
                return Ok(keys);
            }
            let emails: Vec<EmailId> = page.iter().map(|(entry, _)| entry.email).collect();
            let mut contents = if needs_contents { self.contents(&emails).await? } else { Vec::new() }.into_iter();
            for (entry, offset) in &page {
                let content = contents.next().flatten();
                let summary = content.as_ref().map(|content| &content.summary);
                write_key(criteria, entry, summary, offset.saturating_add(keys.cut()), &mut key);
                keys.push(key.get(*offset..).unwrap_or_default());
            }
            meter.step(keys.len(), order.len()).await;
            tokio::task::yield_now().await;
        }
    }
}

/// Sorts each run by its keys; yields the order, and the runs of which more must be known. Comparing yields to nobody: it
/// goes where it holds nobody up, and keeps its turn to its end even if nobody waits for it any longer.
async fn sorted(
    turn: &Arc<Turn>,
    keys: Keys,
    mut order: Vec<Uid>,
    open: Vec<Run>,
) -> Result<(Vec<Uid>, Vec<Run>), MailError> {
    let turn = Arc::clone(turn);
    off_the_workers(move || {
        let open = keys.sort(&mut order, &open);
        drop(turn);
        (order, open)
    })
    .await
}

/// Reckons something on a thread that may be busy for long.
pub(crate) async fn off_the_workers<T: Send + 'static>(
    reckon: impl FnOnce() -> T + Send + 'static,
) -> Result<T, MailError> {
    tokio::task::spawn_blocking(reckon).await.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The runtime ends.
        Err(_) => MailError::Busy,
    })
}

/// A key that comes again decides nothing.
fn distinct(criteria: &[SortCriterion]) -> Vec<SortCriterion> {
    let mut out: Vec<SortCriterion> = Vec::with_capacity(criteria.len().min(SORT_CRITERIA_MAX));
    for criterion in criteria {
        if !out.iter().any(|before| before.key == criterion.key) {
            out.push(*criterion);
        }
    }
    out
}

/// The sent date in seconds since 1970, for IMAP knows no less (RFC 5256 §2.2).
pub(crate) fn sent_at(entry: &Entry, summary: Option<&Summary>) -> i64 {
    summary.and_then(Summary::sent).map_or(entry.internal_date, |sent| sent.at).unix_seconds()
}

/// A text as it is compared: octet by octet once it is folded (RFC 5051 §2).
pub(crate) fn folded(text: &str) -> String {
    // Folding leaves at least one byte of a character's four, so this much of it is enough.
    let enough = text.get(..text.floor_char_boundary(4 * SORT_TEXT_MAX)).unwrap_or(text);
    let mut folded = casefold::fold(enough);
    folded.truncate(folded.floor_char_boundary(SORT_TEXT_MAX));
    folded
}

#[cfg(test)]
#[path = "sort/tests.rs"]
mod tests;
