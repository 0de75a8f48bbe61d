//! SETMETADATA (RFC 5464 §4.3)

use crate::place::of_directory;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::{Account, MailError};
use proto_imap::command::SetMetadata;
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use types::{AccountId, MailboxId, ModSeq};

/// The server's own contact, which the operator alone says (RFC 5464 §6.2.2).
const ADMIN: &str = "/shared/admin";

/// Whose annotations are set.
struct Target {
    account: Account,
    mailbox: Option<MailboxId>,
}

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, command: SetMetadata) -> io::Result<Status> {
    let target = match target(session, &command).await {
        Ok(Ok(target)) => target,
        Ok(Err(refusal)) => return Ok(refusal),
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let Target { account, mailbox } = target;
    let set = async { account.annotate(mailbox, session.reader()?, command.values).await };
    Ok(match set.await {
        Ok(change) => {
            if let Some(change) = change {
                remember(session, account.id(), change);
            }
            Status::ok("SETMETADATA completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}

/// What one did oneself is not told as news.
fn remember<S: Transport>(session: &mut Session<S>, account: AccountId, change: ModSeq) {
    if let Some(news) = &mut session.annotation_news {
        news.own(account, change);
    }
}

async fn target<S: Transport>(
    session: &Session<S>,
    command: &SetMetadata,
) -> Result<Result<Target, Status>, MailError> {
    let reader = session.reader()?;
    if let Some(name) = &command.mailbox {
        let place = session.find_any(name).await?.allowing(Action::Annotate)?;
        return Ok(Ok(Target { account: place.account, mailbox: Some(place.mailbox.id) }));
    }
    let private = command.values.iter().filter(|(name, _)| name.is_private()).count();
    if private == command.values.len() {
        let account = session.service.shared.mail.account(reader).await?;
        return Ok(Ok(Target { account, mailbox: None }));
    }
    if private > 0 {
        // They lie in two accounts, which no batch spans, and all of one command are set or none.
        let why = "Private and shared entries of the server are set one kind at a time";
        return Ok(Err(Status::no(Code::Cannot, why)));
    }
    let is_admin = session.service.shared.directory.is_admin(reader).await.map_err(of_directory)?;
    let is_read_only = command.values.iter().any(|(name, _)| name.as_str() == ADMIN);
    if !is_admin || is_read_only {
        return Err(MailError::NotPermitted);
    }
    Ok(Ok(Target { account: session.service.shared.mail.server().await?, mailbox: None }))
}
