//! GETMETADATA (RFC 5464 §4.2), also for LIST RETURN (METADATA) (RFC 9590)

use crate::rights::Action;
use crate::session::Session;
use crate::status;
use bytes::Bytes;
use domain::{Account, MailError};
use proto_imap::command::{Entries, GetMetadata};
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::io;
use types::{AccountId, EntryName, MailboxId};

/// What was found.
#[derive(Debug)]
pub(crate) struct Found {
    /// Entries that are told, with where their values are.
    names: Vec<(EntryName, Account)>,
    mailbox: Option<MailboxId>,
    reader: AccountId,
    /// The largest value that MAXSIZE keeps back.
    longest: Option<u64>,
}

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, command: GetMetadata) -> io::Result<Status> {
    let entries = &command.entries;
    let found = async {
        let reader = session.reader()?;
        let Some(name) = &command.mailbox else {
            // RFC 5464 §3.3: everybody may read the server's. The private ones lie in each reader's own account.
            let own = session.account().map_err(|_| MailError::NoSuchMailbox)?.clone();
            let server = session.service.shared.mail.server().await?;
            let mut found = look(&server, None, reader, entries).await?;
            let private = look(&own, None, reader, entries).await?;
            found.names.retain(|(name, _)| !name.is_private());
            found.names.extend(private.names.into_iter().filter(|(name, _)| name.is_private()));
            found.longest = found.longest.max(private.longest);
            return Ok(found);
        };
        let place = session.find_any(name).await?.allowing(Action::Annotate)?;
        look(&place.account, Some(place.mailbox.id), reader, entries).await
    };
    let found = match found.await {
        Ok(found) => found,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let longest = found.longest;
    let name = command.mailbox.as_ref().map(types::MailboxName::as_str);
    send(session, name, entries, found).await?;
    let status = Status::ok("GETMETADATA completed");
    Ok(longest.map_or(status.clone(), |size| status.with_code(Code::MetadataLongEntries(size))))
}

/// Which annotations are to be told; their values are not read yet.
pub(crate) async fn look(
    account: &Account,
    mailbox: Option<MailboxId>,
    reader: AccountId,
    entries: &Entries,
) -> Result<Found, MailError> {
    let mut found = Found { names: Vec::new(), mailbox, reader, longest: None };
    for info in account.annotations(mailbox, reader).await? {
        let is_meant =
            |name: &EntryName| info.name.depth_below(name).is_some_and(|levels| entries.depth.reaches(levels));
        if !entries.names.iter().any(is_meant) {
            continue;
        }
        if entries.max_size.is_some_and(|max| info.size.0 > u64::from(max)) {
            found.longest = found.longest.max(Some(info.size.0));
        } else {
            found.names.push((info.name, account.clone()));
        }
    }
    Ok(found)
}

/// Tells them, one answer for each, so that no more than one value is held. An entry that was named and has no value is
/// told as NIL.
pub(crate) async fn send<S: Transport>(
    session: &mut Session<S>,
    mailbox: Option<&str>,
    entries: &Entries,
    found: Found,
) -> io::Result<()> {
    let kept_back = found.longest.is_some();
    for (name, account) in &found.names {
        let values = account.annotation_values(found.mailbox, found.reader, std::slice::from_ref(name)).await;
        let value = match values {
            Ok(values) => values.into_iter().next().flatten(),
            Err(failure) => {
                session.machine.send(&Response::Status(&status::of_mail(&failure)));
                return Ok(());
            }
        };
        tell(session, mailbox, name, value);
        session.send_when_high().await?;
    }
    for name in entries.names.iter().filter(|name| name.can_hold_value() && !kept_back) {
        if found.names.iter().all(|(told, _)| told.depth_below(name).is_none()) {
            tell(session, mailbox, name, None);
        }
    }
    session.send_when_high().await
}

fn tell<S: Transport>(session: &mut Session<S>, mailbox: Option<&str>, name: &EntryName, value: Option<Bytes>) {
    session.machine.send(&Response::Metadata { mailbox, values: &[(name.clone(), value)] });
}
