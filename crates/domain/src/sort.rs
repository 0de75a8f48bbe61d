//! SORT (RFC 5256, RFC 5957): the order of messages. Only what the criteria ask for is read, and of each message only
//! what they compare is kept.

use crate::MailError;
use crate::mail::Account;
use crate::meter::Meter;
use crate::search::Query;
use message::{FirstOf, Summary, base_subject, casefold};
use std::cmp::Ordering;
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

/// What a message is compared by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Number(i64),
    Text(Box<str>),
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

    /// Some messages of a snapshot in the order of the criteria. UIDs that are not there are left out.
    pub async fn sort_found(
        &self,
        snapshot: &Snapshot,
        found: &[Uid],
        criteria: &[SortCriterion],
        meter: &Meter,
    ) -> Result<Vec<Uid>, MailError> {
        let criteria = distinct(criteria);
        let entries: Vec<Entry> = found.iter().filter_map(|uid| snapshot.get(*uid)).copied().collect();
        let width = criteria.len();
        let needs_contents = !criteria.iter().all(|criterion| is_column(criterion.key));
        let mut values: Vec<Value> = Vec::with_capacity(entries.len().saturating_mul(width));
        for page in entries.chunks(CONTENTS_AT_ONCE) {
            let emails: Vec<EmailId> = page.iter().map(|entry| entry.email).collect();
            let mut contents = if needs_contents { self.contents(&emails).await? } else { Vec::new() }.into_iter();
            for entry in page {
                let content = contents.next().flatten();
                let summary = content.as_ref().map(|content| &content.summary);
                values.extend(criteria.iter().map(|criterion| value(criterion.key, entry, summary)));
            }
            meter.step(values.len().checked_div(width).unwrap_or(0), entries.len()).await;
            tokio::task::yield_now().await;
        }
        // Comparing yields to nobody: it goes where it holds nobody up.
        off_the_workers(move || {
            let mut order: Vec<usize> = (0..entries.len()).collect();
            let uid = |at: usize| entries.get(at).map(|entry| entry.uid);
            let row = |at: usize| values.get(at.saturating_mul(width)..).unwrap_or_default();
            order.sort_unstable_by(|a, b| compare(&criteria, row(*a), row(*b)).then_with(|| uid(*a).cmp(&uid(*b))));
            order.into_iter().filter_map(uid).collect()
        })
        .await
    }
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

fn compare(criteria: &[SortCriterion], a: &[Value], b: &[Value]) -> Ordering {
    let orders = criteria.iter().zip(a.iter().zip(b)).map(|(criterion, (a, b))| {
        let order = a.cmp(b);
        if criterion.is_reverse { order.reverse() } else { order }
    });
    orders.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The value of a key; that of a message whose content is gone is the empty one.
fn value(key: SortKey, entry: &Entry, summary: Option<&Summary>) -> Value {
    let text = |text: fn(&Summary) -> Box<str>| Value::Text(summary.map(text).unwrap_or_default());
    match key {
        SortKey::Arrival => Value::Number(entry.internal_date.unix_seconds()),
        SortKey::Date => Value::Number(sent_at(entry, summary)),
        SortKey::Size => Value::Number(i64::from(entry.size)),
        SortKey::Cc => text(|summary| folded(summary.first_address(FirstOf::Cc).mailbox)),
        SortKey::DisplayFrom => text(|summary| folded(summary.first_address(FirstOf::From).display)),
        SortKey::DisplayTo => text(|summary| folded(summary.first_address(FirstOf::To).display)),
        SortKey::From => text(|summary| folded(summary.first_address(FirstOf::From).mailbox)),
        SortKey::Subject => text(|summary| folded(&base_subject(summary.subject()).text)),
        SortKey::To => text(|summary| folded(summary.first_address(FirstOf::To).mailbox)),
    }
}

/// The sent date in seconds since 1970, for IMAP knows no less (RFC 5256 §2.2).
pub(crate) fn sent_at(entry: &Entry, summary: Option<&Summary>) -> i64 {
    summary.and_then(Summary::sent).map_or(entry.internal_date, |sent| sent.at).unix_seconds()
}

/// A text as it is compared: octet by octet once it is folded (RFC 5051 §2).
pub(crate) fn folded(text: &str) -> Box<str> {
    // Folding leaves at least one byte of a character's four, so this much of it is enough.
    let enough = text.get(..text.floor_char_boundary(4 * SORT_TEXT_MAX)).unwrap_or(text);
    let mut folded = casefold::fold(enough);
    folded.truncate(folded.floor_char_boundary(SORT_TEXT_MAX));
    folded.into()
}
