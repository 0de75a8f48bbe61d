//! What a sender is told about mail that did not arrive or is late (RFC 3464), in German and English.

use domain::{
    BodyForm, Delivery, Envelope, EnvelopeRecipient, Incoming, Queue, QueueContent, QueueError, QueueItem, Refusal,
    Report, ReportKind, Resolution, Returns,
};
use message::build::Builder;
use message::report::{Action, RecipientReport, Report as StatusReport, Returned};
use service_session::Shared;
use std::fmt::Write as _;
use types::{Address, Timestamp, TraceId};

/// Most bytes of the header that come back.
const HEADER_RETURNED_MAX: u64 = 64 << 10;

/// Writes the letter about some recipients; `None` if nobody is to be told (RFC 5321 §6.1: no report on a report).
pub(crate) async fn write(
    shared: &Shared,
    delivery: &Delivery,
    queue: &Queue,
    item: &QueueItem,
    report: &Report,
) -> Result<Option<(Envelope, Incoming)>, QueueError> {
    let Some(sender) = &item.reverse_path else { return Ok(None) };
    let recipients = recipients(shared, sender).await?;
    if recipients.is_empty() {
        return Ok(None);
    }
    let content = queue.content(item.trace).await?;
    let header = header(queue, &content).await?;
    let trace = shared.mail.new_trace();
    let raw = compose(
        shared,
        item,
        report,
        &Circumstances { sender, header: &header, trace, until: queue.gives_up_at(item) },
    );
    let mut staging = delivery.stage_letter(trace).await?;
    staging.write(&raw).await.map_err(fault)?;
    let envelope = Envelope {
        reverse_path: None,
        recipients,
        utf8: sender.needs_utf8(),
        body: if raw.is_ascii() { BodyForm::SevenBit } else { BodyForm::EightBitMime },
        envelope_id: None,
        returns: Returns::Header,
    };
    Ok(Some((envelope, staging.finish().await.map_err(fault)?)))
}

/// A letter is neither too large nor in a loop: what is refused is for want of room, or a fault.
fn fault(_: Refusal) -> QueueError {
    QueueError::Busy
}

/// Where the sender is: here or elsewhere. One who is gone meanwhile is nobody to tell.
async fn recipients(shared: &Shared, sender: &Address) -> Result<Vec<EnvelopeRecipient>, QueueError> {
    match shared.directory.resolve(sender).await {
        Ok(Resolution::Local(accounts)) => Ok(accounts.into_iter().map(Into::into).collect()),
        Ok(Resolution::NotOurs) => Ok(vec![EnvelopeRecipient::foreign(sender.clone())]),
        Ok(Resolution::NoSuchUser) => Ok(Vec::new()),
        Err(_) => Err(QueueError::Busy),
    }
}

/// What a letter is made from beside the item and the report.
struct Circumstances<'a> {
    sender: &'a Address,
    header: &'a [u8],
    trace: TraceId,
    /// Until when it is tried.
    until: Timestamp,
}

async fn header(queue: &Queue, content: &QueueContent) -> Result<Vec<u8>, QueueError> {
    let end = content.summary.header_size().0.min(content.return_path.saturating_add(HEADER_RETURNED_MAX));
    let mut header = queue.read_body(content, content.return_path..end).await?.to_vec();
    if end < content.summary.header_size().0 {
        // Cut: at a line's end.
        let whole = header.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place.saturating_add(1));
        header.truncate(whole);
    }
    Ok(header)
}

fn compose(shared: &Shared, item: &QueueItem, report: &Report, circumstances: &Circumstances<'_>) -> Vec<u8> {
    let Circumstances { sender, header, trace, until } = *circumstances;
    let hostname = shared.hostname.as_str();
    let action = if report.kind == ReportKind::Failed { Action::Failed } else { Action::Delayed };
    let concerned = report.recipients.iter().filter_map(|place| item.recipients.get(*place));
    let recipients: Vec<RecipientReport> = concerned
        .map(|recipient| {
            let last = recipient.last.as_ref();
            RecipientReport {
                recipient: recipient.envelope.address.clone(),
                original_recipient: recipient.envelope.original.as_deref().map(ToOwned::to_owned),
                action,
                status: last.map_or_else(|| "5.0.0".into(), |a| a.status.to_string()),
                remote_mta: last.and_then(|a| a.host.as_deref()).map(ToOwned::to_owned),
                diagnostic: last.filter(|a| a.host.is_some()).map(|a| a.text.to_string()),
                last_attempt: last.map(|a| a.at),
                will_retry_until: (action == Action::Delayed).then_some(until),
            }
        })
        .collect();
    let text = text(item, report);
    let content = StatusReport {
        reporting_mta: hostname,
        envelope_id: item.envelope_id.as_deref(),
        arrival: Some(item.created),
        recipients: &recipients,
        text: &text,
        returned: Returned::Header(header),
    }
    .content();
    let subject = match report.kind {
        ReportKind::Failed => "Nicht zugestellt / Not delivered",
        ReportKind::Delayed => "Verspätet / Delayed",
    };
    let letter = Builder::new()
        .field("From", &format!("Postamt <postmaster@{hostname}>"))
        .address("To", None, sender)
        .subject(subject)
        .date(shared.clock.now(), 0)
        .message_id(&format!("{trace}@{hostname}"))
        // RFC 3834 §2: so that nobody's absence note answers.
        .field("Auto-Submitted", "auto-replied")
        .content(content);
    letter.build()
}

fn text(item: &QueueItem, report: &Report) -> String {
    let (de, en) = match report.kind {
        ReportKind::Failed => {
            ("Ihre Nachricht konnte nicht zugestellt werden an:", "Your message could not be delivered to:")
        }
        ReportKind::Delayed => (
            "Ihre Nachricht ist noch nicht zugestellt; wir versuchen es weiter. Sie müssen nichts tun. Es geht um:",
            "Your message has not been delivered yet; we keep trying. You need not do anything. It is about:",
        ),
    };
    let mut list = String::new();
    for recipient in report.recipients.iter().filter_map(|place| item.recipients.get(*place)) {
        let _ = write!(list, "\n  {}\n", recipient.envelope.address);
        if let Some(last) = &recipient.last {
            let host = last.host.as_deref().map(|h| format!("{h}: ")).unwrap_or_default();
            // Replies were escaped when they became outcomes.
            let _ = writeln!(list, "    {host}{}", last.text);
        }
    }
    format!("{de}\n{list}\n{en}\n{list}\nTrace {}\n", item.trace)
}
