//! GETQUOTA, GETQUOTAROOT and SETQUOTA (RFC 9208): one quota root per account, named by its main address.

use crate::place::{Owner, of_directory};
use crate::rights::{Action, allow};
use crate::session::Session;
use crate::status;
use domain::{Account, MailError, QuotaLimits};
use proto_imap::command::{GetQuota, GetQuotaRoot, SetQuota};
use proto_imap::response::{QuotaResource, QuotaUsage};
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::io;
use types::{Address, Octets};

/// GETQUOTA
pub(crate) async fn get<S: Transport>(session: &mut Session<S>, command: GetQuota) -> io::Result<Status> {
    let told = async {
        let Some(account) = account_of_root(session, &command.root).await? else { return Ok(None) };
        let reader = session.reader()?;
        let is_admin = session.service.shared.directory.is_admin(reader).await.map_err(of_directory)?;
        if account.id() != reader && !is_admin {
            return Ok(None);
        }
        usage(&account).await.map(Some)
    };
    Ok(match told.await {
        Ok(Some(usages)) => {
            session.machine.send(&Response::Quota { root: &command.root, usages: &usages });
            Status::ok("GETQUOTA completed")
        }
        // The same answer as for one that is not there: nobody learns which addresses there are.
        Ok(None) => no_such_root(),
        Err(failure) => status::of_mail(&failure),
    })
}

/// GETQUOTAROOT: of a mailbox that need not exist (RFC 9208 §4.1.2); of another's that does one must have the right.
pub(crate) async fn root<S: Transport>(session: &mut Session<S>, command: GetQuotaRoot) -> io::Result<Status> {
    let told = async {
        let Owner { account, name } = session.owner(&command.mailbox).await?;
        let reader = session.reader()?;
        if account.id() != reader {
            let mailboxes = account.mailboxes().await?;
            let rights = mailboxes.get(&name).map(|mailbox| mailbox.acl.rights(account.id(), reader));
            let rights = rights.filter(|rights| rights.contains(types::Rights::LOOKUP));
            if !allow(rights.ok_or(MailError::NoSuchMailbox)?, Action::Status) {
                return Err(MailError::NotPermitted);
            }
        }
        let named = session.service.shared.directory.account_named(account.id()).await.map_err(of_directory)?;
        let (address, _) = named.ok_or(MailError::NoSuchMailbox)?;
        Ok((address.to_string(), usage(&account).await?))
    };
    Ok(match told.await {
        Ok((root, usages)) => {
            session.machine.send(&Response::QuotaRoot { mailbox: command.mailbox.as_str(), root: &root });
            session.machine.send(&Response::Quota { root: &root, usages: &usages });
            Status::ok("GETQUOTAROOT completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}

/// SETQUOTA: for operators.
pub(crate) async fn set<S: Transport>(session: &mut Session<S>, command: SetQuota) -> io::Result<Status> {
    let limit = |wanted| command.limits.iter().find(|(resource, _)| *resource == wanted).map(|(_, limit)| *limit);
    let octets = limit(QuotaResource::Storage).map(|units| Octets(units.saturating_mul(UNIT)));
    let (messages, mailboxes) = (limit(QuotaResource::Message), limit(QuotaResource::Mailbox));
    let set = async {
        if !session.service.shared.directory.is_admin(session.reader()?).await.map_err(of_directory)? {
            return Err(MailError::NotPermitted);
        }
        let Some(account) = account_of_root(session, &command.root).await? else { return Ok(None) };
        account.set_limits(QuotaLimits { octets, messages, mailboxes }).await?;
        usage(&account).await.map(Some)
    };
    Ok(match set.await {
        Ok(Some(usages)) => {
            session.machine.send(&Response::Quota { root: &command.root, usages: &usages });
            Status::ok("SETQUOTA completed")
        }
        Ok(None) => no_such_root(),
        Err(failure) => status::of_mail(&failure),
    })
}

/// Octets of a unit of STORAGE (RFC 9208 §5.1).
const UNIT: u64 = 1024;

async fn account_of_root<S: Transport>(session: &Session<S>, root: &str) -> Result<Option<Account>, MailError> {
    let Ok(address) = Address::parse(root) else { return Ok(None) };
    let shared = &session.service.shared;
    let account = match shared.directory.account_find(&address).await {
        Ok(account) => account,
        Err(domain::DirectoryError::NoSuchAccount) => return Ok(None),
        Err(failure) => return Err(of_directory(failure)),
    };
    shared.mail.account(account).await.map(Some)
}

/// What is limited (RFC 9208 §4.2.1: what is not named is not).
async fn usage(account: &Account) -> Result<Vec<QuotaUsage>, MailError> {
    let usage = account.usage().await?;
    let storage = usage.quota.map(|quota| (usage.octets.0.div_ceil(UNIT), quota.0 / UNIT));
    let all = [
        (QuotaResource::Storage, storage),
        (QuotaResource::Message, usage.messages_max.map(|max| (usage.messages, max))),
        (QuotaResource::Mailbox, usage.mailboxes_max.map(|max| (usage.mailboxes, max))),
    ];
    let limited = all.into_iter().filter_map(|(resource, numbers)| Some((resource, numbers?)));
    Ok(limited.map(|(resource, (used, limit))| QuotaUsage { resource, used, limit }).collect())
}

fn no_such_root() -> Status {
    Status::no(Code::NonExistent, "There is no such quota root")
}
