//! What follows from the outcomes of an attempt: pure functions on an item.

use super::item::{Outcome, QueueItem, QueuedRecipient, RecipientState, Report, ReportKind, Trouble};
use super::schedule::Schedule;
use crate::EventKind;
use types::Timestamp;

/// The status of a message that was tried for too long (RFC 3463 §3.5).
const DELIVERY_TIME_EXPIRED: &str = "5.4.7";

/// Something for the trace.
pub(super) struct Note {
    pub(super) kind: EventKind,
    pub(super) who: String,
    pub(super) text: String,
}

/// What to do with an item next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    At(Timestamp),
    Report(Report),
}

/// Records outcomes. Recipients that have one already, or that do not exist, are left alone.
pub(super) fn apply(
    item: &mut QueueItem,
    results: &[(usize, Outcome)],
    now: Timestamp,
    schedule: &Schedule,
) -> Vec<Note> {
    let over = schedule.is_over(item.created, now);
    if results.is_empty() || results.iter().any(|(_, outcome)| !matches!(outcome, Outcome::PutOff)) {
        item.attempts = item.attempts.saturating_add(1);
    }
    let mut notes = Vec::with_capacity(results.len());
    for (place, outcome) in results {
        let recipient = item.recipients.get_mut(*place).filter(|r| r.state == RecipientState::Waiting);
        let Some(recipient) = recipient else { continue };
        let who = recipient.envelope.address.to_string();
        let (kind, text) = match outcome {
            Outcome::PutOff => continue,
            Outcome::Delivered { host, text } => delivered(recipient, host.as_deref(), text),
            Outcome::Deferred(trouble) if over => {
                let trouble = Trouble { status: DELIVERY_TIME_EXPIRED.into(), ..trouble.clone() };
                (EventKind::Failed, fail(recipient, &trouble, RecipientState::Failed, now))
            }
            Outcome::Failed(trouble) => (EventKind::Failed, fail(recipient, trouble, RecipientState::Failed, now)),
            Outcome::Deferred(trouble) | Outcome::Fault(trouble) => {
                (EventKind::Deferred, fail(recipient, trouble, RecipientState::Waiting, now))
            }
        };
        notes.push(Note { kind, who, text });
    }
    // Nothing is reported to the null reverse-path (RFC 5321 §6.1), nor to whom does not want it (RFC 3461 §4.1).
    let nobody = item.reverse_path.is_none();
    for recipient in &mut item.recipients {
        if recipient.state == RecipientState::Failed && (nobody || !recipient.envelope.notify.failure) {
            recipient.state = RecipientState::Reported;
        }
    }
    notes
}

/// Records those of the outcomes that say that somebody has the message.
pub(super) fn deliver(item: &mut QueueItem, results: &[(usize, Outcome)]) -> Vec<Note> {
    let mut notes = Vec::new();
    for (place, outcome) in results {
        let recipient = item.recipients.get_mut(*place).filter(|r| r.state == RecipientState::Waiting);
        if let (Some(recipient), Outcome::Delivered { host, text }) = (recipient, outcome) {
            let who = recipient.envelope.address.to_string();
            let (kind, text) = delivered(recipient, host.as_deref(), text);
            notes.push(Note { kind, who, text });
        }
    }
    notes
}

fn delivered(recipient: &mut QueuedRecipient, host: Option<&str>, text: &str) -> (EventKind, String) {
    recipient.state = RecipientState::Delivered;
    match host {
        Some(host) => (EventKind::Sent, format!("{host}: {text}")),
        None => (EventKind::Delivered, text.to_owned()),
    }
}

fn fail(recipient: &mut QueuedRecipient, trouble: &Trouble, state: RecipientState, now: Timestamp) -> String {
    recipient.state = state;
    let attempt = trouble.attempt(now);
    let text = match &attempt.host {
        Some(host) => format!("{} {host}: {}", attempt.status, attempt.text),
        None => format!("{} {}", attempt.status, attempt.text),
    };
    recipient.last = Some(attempt);
    text
}

/// Records that the sender was told.
pub(super) fn reported(item: &mut QueueItem, report: &Report) -> Vec<Note> {
    match report.kind {
        ReportKind::Delayed => item.delay_reported = true,
        ReportKind::Failed => {
            for place in &report.recipients {
                if let Some(r) = item.recipients.get_mut(*place).filter(|r| r.state == RecipientState::Failed) {
                    r.state = RecipientState::Reported;
                }
            }
        }
    }
    Vec::new()
}

/// The failures that the sender has not been told.
pub(super) fn failures(item: &QueueItem) -> Option<Report> {
    let recipients = places(item, |recipient| recipient.state == RecipientState::Failed);
    (!recipients.is_empty()).then_some(Report { kind: ReportKind::Failed, recipients })
}

fn places(item: &QueueItem, fits: impl Fn(&QueuedRecipient) -> bool) -> Vec<usize> {
    item.recipients.iter().enumerate().filter(|(_, recipient)| fits(recipient)).map(|(place, _)| place).collect()
}

/// What to do with an item now.
pub(super) fn next(item: &QueueItem, now: Timestamp, schedule: &Schedule) -> Next {
    if let Some(report) = failures(item) {
        return Next::Report(report);
    }
    if item.waiting().next().is_none() {
        return Next::Done;
    }
    let late = |r: &QueuedRecipient| r.state == RecipientState::Waiting && r.envelope.notify.delay;
    if !item.delay_reported && item.reverse_path.is_some() && schedule.is_late(item.created, now) {
        let recipients = places(item, late);
        if !recipients.is_empty() {
            return Next::Report(Report { kind: ReportKind::Delayed, recipients });
        }
    }
    Next::At(schedule.next_attempt(item.created, item.attempts, now))
}
