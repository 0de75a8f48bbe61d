//! The trial's way out: nothing leaves the machine. What was for elsewhere lands in the sender's mailbox `Outbox`.

use domain::{
    FlagNames, MailError, NewMessage, Outcome, Queue, QueueContent, QueueError, QueueItem, Resolution, Trouble,
};
use service_session::{Happening, Shared, happened};
use types::{Address, Flags, MailboxName};

/// Puts the message into the sender's `Outbox` and counts all recipients elsewhere as reached.
pub(crate) async fn deliver(
    shared: &Shared,
    queue: &Queue,
    item: &QueueItem,
    content: &QueueContent,
) -> Vec<(usize, Outcome)> {
    let waiting: Vec<(usize, Address)> =
        item.waiting().filter(|(_, r)| r.account.is_none()).map(|(place, r)| (place, r.address.clone())).collect();
    let Some((_, first)) = waiting.first() else { return Vec::new() };
    let outcome = match keep(shared, queue, item, content, first).await {
        Ok(()) => {
            let to: Vec<String> = waiting.iter().map(|(_, to)| to.to_string()).collect();
            let detail = format!("to {}: kept in the mailbox Outbox, nothing leaves this machine", to.join(", "));
            let who = item.reverse_path.as_ref().map(ToString::to_string);
            happened(Happening { who: who.as_deref(), service: "SMTP", what: "not sent", detail: &detail });
            Outcome::Delivered { host: None, text: "kept in Outbox: this is a trial".into() }
        }
        Err(error) => Outcome::Fault(Trouble { status: "4.3.0".into(), text: error.to_string().into(), host: None }),
    };
    waiting.into_iter().map(|(place, _)| (place, outcome.clone())).collect()
}

/// `to` is one of those it is for: the account remembers it with the trace id, so that a crash does not keep it twice.
/// The sender's own address would not do: what he sends himself beside it has that.
async fn keep(
    shared: &Shared,
    queue: &Queue,
    item: &QueueItem,
    content: &QueueContent,
    to: &Address,
) -> Result<(), QueueError> {
    let Some(sender) = &item.reverse_path else { return Ok(()) };
    let resolution = shared.directory.resolve(sender).await.map_err(|_| QueueError::Busy)?;
    let Resolution::Local(accounts) = resolution else { return Ok(()) };
    let Some(owner) = accounts.first() else { return Ok(()) };
    let account = shared.mail.account(owner.account).await?;
    let Ok(name) = MailboxName::parse("Outbox") else { return Ok(()) };
    let mailbox = match account.create(&name, None).await {
        Ok(id) => id,
        Err(MailError::AlreadyExists) => account.mailboxes().await?.get(&name).ok_or(MailError::NoSuchMailbox)?.id,
        Err(error) => return Err(error.into()),
    };
    let mut staging = account.stage(Some(content.size)).await?;
    let mut offset = 0;
    loop {
        let piece = queue.read_body(content, offset..content.size.0).await?;
        if piece.is_empty() {
            break;
        }
        staging.write(&piece).await?;
        offset += u64::try_from(piece.len()).unwrap_or(0);
    }
    let message = NewMessage {
        flags: FlagNames::system(Flags::SEEN),
        trace: Some(item.trace),
        recipient: Some(to.clone()),
        ..NewMessage::new(staging.finish().await?)
    };
    account.append(mailbox, vec![message]).await?;
    Ok(())
}
