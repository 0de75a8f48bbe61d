//! STATUS (RFC 3501 §6.3.10, HIGHESTMODSEQ: RFC 7162 §3.1.7, SIZE: RFC 8438, DELETED: RFC 9051 §6.3.11)

use crate::place::Place;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::{Account, MailError, MailboxInfo, MailboxStatus};
use proto_imap::codec::ObjectId;
use proto_imap::command::Status as Arguments;
use proto_imap::command::StatusItem;
use proto_imap::{Response, Status, response};
use service_session::Transport;
use std::io;
use types::{Flags, MailboxId, Octets};

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, command: Arguments) -> io::Result<Status> {
    if command.items.contains(&StatusItem::HighestModSeq) {
        session.enable_condstore();
    }
    let looked = async {
        let Place { account, mailbox, .. } = session.find(&command.mailbox).await?.allowing(Action::Status)?;
        look(&account, &mailbox, &command.items).await
    };
    let answer = match looked.await {
        Ok(answer) => answer,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    session.machine.send(&Response::MailboxStatus(&command.mailbox, &answer));
    Ok(Status::ok("STATUS completed"))
}

/// The values that were asked for.
pub(crate) async fn look(
    account: &Account,
    mailbox: &MailboxInfo,
    items: &[StatusItem],
) -> Result<response::MailboxStatus, MailError> {
    let found = account.status(mailbox.id).await?;
    let mut answer = response::MailboxStatus::default();
    for item in items {
        match item {
            StatusItem::Messages => answer.messages = Some(found.messages),
            StatusItem::Recent => answer.recent = Some(recent(account, mailbox.id, &found).await?),
            StatusItem::UidNext => answer.uid_next = found.uid_next,
            StatusItem::UidValidity => answer.uid_validity = Some(found.uid_validity),
            StatusItem::Unseen => answer.unseen = Some(found.unseen),
            StatusItem::HighestModSeq => answer.highest_modseq = Some(found.highest_modseq),
            StatusItem::MailboxId => answer.mailbox_id = Some(ObjectId::mailbox(account.id(), mailbox.id)),
            StatusItem::Size => answer.size = Some(found.size),
            StatusItem::AppendLimit => answer.append_limit = Some(account.message_max()),
            StatusItem::Deleted => answer.deleted = Some(found.deleted),
            StatusItem::DeletedStorage => {
                answer.deleted_storage = Some(deleted_storage(account, mailbox.id, &found).await?);
            }
        }
    }
    Ok(answer)
}

/// Octets of the messages that EXPUNGE would remove.
async fn deleted_storage(account: &Account, id: MailboxId, found: &MailboxStatus) -> Result<Octets, MailError> {
    if found.deleted == 0 {
        return Ok(Octets::ZERO);
    }
    let snapshot = account.open(id).await?.current();
    let deleted = snapshot.iter().filter(|entry| entry.flags.contains(Flags::DELETED));
    Ok(Octets(deleted.map(|entry| u64::from(entry.size)).sum()))
}

/// How many messages are recent.
async fn recent(account: &Account, id: MailboxId, found: &MailboxStatus) -> Result<u32, MailError> {
    // Only a mailbox that got mail since somebody last looked has any: the others need not be opened for it.
    Ok(match found.first_recent {
        Some(first) if found.uid_next.is_none_or(|next| first < next) => {
            let snapshot = account.open(id).await?.current();
            snapshot.len() - snapshot.count_below(first)
        }
        _ => 0,
    })
}
