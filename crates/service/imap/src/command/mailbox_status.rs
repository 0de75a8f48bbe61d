//! STATUS (RFC 3501 §6.3.10, HIGHESTMODSEQ: RFC 7162 §3.1.7)

use crate::place::Place;
use crate::session::Session;
use crate::status;
use domain::{MailError, MailboxStatus};
use proto_imap::codec::ObjectId;
use proto_imap::command::Status as Arguments;
use proto_imap::command::StatusItem;
use proto_imap::{Response, Status, response};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, command: Arguments) -> io::Result<Status> {
    if command.items.contains(&StatusItem::HighestModSeq) {
        session.enable_condstore();
    }
    let (id, found, recent) = match look(session, &command).await {
        Ok(found) => found,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let mut answer = response::MailboxStatus::default();
    for item in &command.items {
        match item {
            StatusItem::Messages => answer.messages = Some(found.messages),
            StatusItem::Recent => answer.recent = recent,
            StatusItem::UidNext => answer.uid_next = found.uid_next,
            StatusItem::UidValidity => answer.uid_validity = Some(found.uid_validity),
            StatusItem::Unseen => answer.unseen = Some(found.unseen),
            StatusItem::MailboxId => answer.mailbox_id = Some(id),
            StatusItem::HighestModSeq => answer.highest_modseq = Some(found.highest_modseq),
        }
    }
    session.machine.send(&Response::MailboxStatus(&command.mailbox, &answer));
    Ok(Status::ok("STATUS completed"))
}

/// Which mailbox it is, what stands, and how many messages are recent if that was asked.
async fn look<S: Transport>(
    session: &Session<S>,
    command: &Arguments,
) -> Result<(ObjectId, MailboxStatus, Option<u32>), MailError> {
    let Place { account, mailbox } = session.find(&command.mailbox).await?;
    let id = ObjectId::mailbox(account.id(), mailbox.id);
    let found = account.status(mailbox.id).await?;
    if !command.items.contains(&StatusItem::Recent) {
        return Ok((id, found, None));
    }
    // Only a mailbox that got mail since somebody last looked has any: the others need not be opened for it.
    let recent = match found.first_recent {
        Some(first) if found.uid_next.is_none_or(|next| first < next) => {
            let snapshot = account.open(mailbox.id).await?.current();
            snapshot.len() - snapshot.count_below(first)
        }
        _ => 0,
    };
    Ok((id, found, Some(recent)))
}
