//! What a sender is told about mail that did not arrive or is late (RFC 3464), in German and English.

use domain::{
    BodyForm, Envelope, EnvelopeRecipient, Queue, QueueContent, QueueError, QueueItem, Report, ReportKind, Resolution,
    Returns, Staged,
};
use message::build::Builder;
use message::report::{Action, RecipientReport, Report as StatusReport, Returned};
use service_session::Shared;
use std::fmt::Write as _;
use types::{Address, TraceId};

/// Most bytes of the header that come back.
const HEADER_RETURNED_MAX: u64 = 64 << 10;

/// Writes the letter about some recipients; `None` if nobody is to be told (RFC 5321 §6.1: no report on a report).
pub(crate) async fn write(
    shared: &Shared,
    queue: &Queue,
    item: &QueueItem,
    report: &Report,
) -> Result<Option<(TraceId, Envelope, Staged)>, QueueError> {
    let Some(sender) = &item.reverse_path else { return Ok(None) };
    let content = queue.content(item.trace).await?;
    let header = header(queue, &content).await?;
    let trace = shared.mail.new_trace();
    let raw = compose(shared, item, report, sender, &header, trace);
    let mut staging = shared.mail.stage(None).await?;
    staging.write(&raw).await?;
    let envelope = Envelope {
        reverse_path: None,
        recipients: recipients(shared, sender).await?,
        utf8: sender.needs_utf8(),
        body: BodyForm::SevenBit,
        envelope_id: None,
        returns: Returns::Header,
    };
    Ok(Some((trace, envelope, staging.finish().await?)))
}

/// Where the sender is: here or elsewhere. One who is gone meanwhile gets nothing, so the letter goes to the address and
/// fails there, without a report on it.
async fn recipients(shared: &Shared, sender: &Address) -> Result<Vec<EnvelopeRecipient>, QueueError> {
    match shared.directory.resolve(sender).await {
        Ok(Resolution::Local(accounts)) => Ok(accounts.into_iter().map(Into::into).collect()),
        Ok(Resolution::NotOurs | Resolution::NoSuchUser) => Ok(vec![EnvelopeRecipient::foreign(sender.clone())]),
        Err(_) => Err(QueueError::Busy),
    }
}

async fn header(queue: &Queue, content: &QueueContent) -> Result<Vec<u8>, QueueError> {
    let end = content.summary.header_size().0.min(content.return_path.saturating_add(HEADER_RETURNED_MAX));
    let piece = queue.read_body(content, content.return_path..end).await?;
    Ok(piece.to_vec())
}

fn compose(
    shared: &Shared,
    item: &QueueItem,
    report: &Report,
    sender: &Address,
    header: &[u8],
    trace: TraceId,
) -> Vec<u8> {
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
                will_retry_until: None,
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
            let _ = writeln!(list, "    {host}{}", last.text.escape_default());
        }
    }
    format!("{de}\n{list}\n{en}\n{list}\nTrace {}\n", item.trace)
}
