//! GETACL, SETACL, DELETEACL, LISTRIGHTS and MYRIGHTS (RFC 4314 §3)

use crate::place::{Place, of_directory};
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::{Acl, AclChange, AclKey, Grantee, MailError};
use proto_imap::command::{DeleteAcl, GetAcl, Identifier, ListRights, MyRights, RightsChange, SetAcl};
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::io;
use types::{MailboxName, Rights};

/// The identifier of everybody (RFC 4314 §2).
const ANYONE: &str = "anyone";

/// GETACL
pub(crate) async fn get<S: Transport>(session: &mut Session<S>, command: GetAcl) -> io::Result<Status> {
    let told = async {
        let place = session.find_any(&command.mailbox).await?.allowing(Action::Administer)?;
        entries(session, &place).await
    };
    Ok(match told.await {
        Ok(entries) => {
            session.machine.send(&Response::Acl { mailbox: command.mailbox.as_str(), entries: &entries });
            Status::ok("GETACL completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}

/// SETACL
pub(crate) async fn set<S: Transport>(session: &mut Session<S>, command: SetAcl) -> io::Result<Status> {
    let change = match command.change {
        RightsChange::Replace(rights) => AclChange::Replace(rights),
        RightsChange::Add(rights) => AclChange::Add(rights),
        RightsChange::Remove(rights) => AclChange::Remove(rights),
    };
    let changed = change_entry(session, &command.mailbox, &command.identifier, change).await;
    Ok(changed.map_or_else(|status| status, |()| Status::ok("SETACL completed")))
}

/// DELETEACL
pub(crate) async fn delete<S: Transport>(session: &mut Session<S>, command: DeleteAcl) -> io::Result<Status> {
    let changed = change_entry(session, &command.mailbox, &command.identifier, AclChange::Delete).await;
    Ok(changed.map_or_else(|status| status, |()| Status::ok("DELETEACL completed")))
}

/// LISTRIGHTS
pub(crate) async fn list<S: Transport>(session: &mut Session<S>, command: ListRights) -> io::Result<Status> {
    let asked = async {
        let place = session.find_any(&command.mailbox).await?.allowing(Action::Administer)?;
        let key = key_of(session, &command.identifier).await?;
        Ok((place, key))
    };
    let (place, key) = match asked.await {
        Ok((place, Some(key))) => (place, key),
        Ok((_, None)) => return Ok(unknown_identifier()),
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let is_owner = key == AclKey::grant(Grantee::Account(place.account.id()));
    let always = if is_owner { Acl::owners() } else { Rights::NONE };
    let dash = if command.identifier.is_negative { "-" } else { "" };
    let identifier = format!("{dash}{}", command.identifier.name);
    let mailbox = command.mailbox.as_str();
    session.machine.send(&Response::ListRights { mailbox, identifier: &identifier, always });
    Ok(Status::ok("LISTRIGHTS completed"))
}

/// MYRIGHTS
pub(crate) async fn mine<S: Transport>(session: &mut Session<S>, command: MyRights) -> io::Result<Status> {
    let found = session.find_any(&command.mailbox).await.and_then(|place| place.allowing(Action::MyRights));
    Ok(match found {
        Ok(place) => {
            session.machine.send(&Response::MyRights { mailbox: command.mailbox.as_str(), rights: place.rights });
            Status::ok("MYRIGHTS completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}

/// The list as it is told: the owner first, whose rights need not stand there. Whoever is no more is left out.
async fn entries<S: Transport>(session: &Session<S>, place: &Place) -> Result<Vec<(String, Rights)>, MailError> {
    let directory = &session.service.shared.directory;
    let (owner, acl) = (place.account.id(), &place.mailbox.acl);
    let mut told = Vec::with_capacity(acl.entries().len() + 1);
    let own = AclKey::grant(Grantee::Account(owner));
    if let Some((address, _)) = directory.account_named(owner).await.map_err(of_directory)? {
        let rights = acl.entries().iter().find(|(key, _)| *key == own).map_or(Rights::ALL, |(_, rights)| *rights);
        told.push((address.to_string(), rights));
    }
    for (key, rights) in acl.entries().iter().filter(|(key, _)| *key != own) {
        let name = match key.grantee {
            Grantee::Anyone => Some(ANYONE.to_owned()),
            Grantee::Account(account) => {
                directory.account_named(account).await.map_err(of_directory)?.map(|(address, _)| address.to_string())
            }
        };
        let dash = if key.is_negative { "-" } else { "" };
        told.extend(name.map(|name| (format!("{dash}{name}"), *rights)));
    }
    Ok(told)
}

async fn change_entry<S: Transport>(
    session: &Session<S>,
    mailbox: &MailboxName,
    identifier: &Identifier,
    change: AclChange,
) -> Result<(), Status> {
    let changed = async {
        let place = session.find_any(mailbox).await?.allowing(Action::Administer)?;
        let Some(key) = key_of(session, identifier).await? else { return Ok(false) };
        let directory = &session.service.shared.directory;
        directory.acl_set(&place.account, place.mailbox.id, key, change).await.map_err(of_directory)?;
        Ok(true)
    };
    match changed.await {
        Ok(true) => Ok(()),
        Ok(false) => Err(unknown_identifier()),
        Err(failure) => Err(status::of_mail(&failure)),
    }
}

/// Whom an identifier means: everybody, or the account that it would sign in to.
async fn key_of<S: Transport>(session: &Session<S>, identifier: &Identifier) -> Result<Option<AclKey>, MailError> {
    let grantee = if &*identifier.name == ANYONE {
        Some(Grantee::Anyone)
    } else {
        let account = session.service.shared.directory.account_of_name(&identifier.name).await.map_err(of_directory)?;
        account.map(Grantee::Account)
    };
    Ok(grantee.map(|grantee| AclKey { grantee, is_negative: identifier.is_negative }))
}

fn unknown_identifier() -> Status {
    Status::no(Code::Cannot, "There is nobody of that name")
}
