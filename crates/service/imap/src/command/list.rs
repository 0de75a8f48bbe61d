//! LIST (RFC 3501 §6.3.8, RFC 3348, RFC 5258, RFC 5819, RFC 6154 §2)

mod choose;

use crate::command::{getmetadata, mailbox_status};
use crate::rights::{Action, allow};
use crate::session::Session;
use crate::status;
use choose::{Listed, choose};
use domain::MailboxInfo;
use proto_imap::command::{List, StatusItem};
use proto_imap::response::{Child, Existence, ListEntry};
use proto_imap::{Response, Status};
use service_session::Transport;
use std::io;
use types::MailboxName;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, list: List) -> io::Result<Status> {
    let Some(patterns) = &list.patterns else {
        session.machine.send(&Response::ListDelimiter);
        return Ok(Status::ok("LIST completed"));
    };
    let items = list.status_items().unwrap_or_default();
    if items.contains(&StatusItem::HighestModSeq) {
        session.enable_condstore();
    }
    let mailboxes = match session.all_mailboxes().await {
        Ok(mailboxes) => mailboxes,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    for listed in choose(&mailboxes, patterns, &list.select) {
        send_entry(session, &list, &listed);
        // Of a name that is no mailbox, or that is told only for those below it, nothing more is said (RFC 5819 §3,
        // RFC 8440 §4, RFC 9590 §4).
        if let Some(mailbox) = listed.mailbox.filter(|m| m.selectable && listed.is_meant) {
            if !items.is_empty() {
                send_status(session, &listed.name, mailbox, items).await?;
            }
            send_shared(session, &list, &listed.name, mailbox).await?;
        }
        session.send_when_high().await?;
    }
    Ok(Status::ok("LIST completed"))
}

fn send_entry<S: Transport>(session: &mut Session<S>, list: &List, listed: &Listed<'_>) {
    let knows_non_existent = list.extended || session.machine.enabled().rev2();
    let existence = match listed.mailbox {
        Some(mailbox) if mailbox.selectable => Existence::Mailbox,
        // RFC 5258 §3.5: a name above others that is no mailbox itself.
        Some(_) | None if knows_non_existent => Existence::None,
        Some(_) | None => Existence::Level,
    };
    let entry = ListEntry {
        existence,
        subscribed: list.tells_subscriptions() && listed.subscribed,
        child_info: listed.child_info,
        ..describe(&listed.name, listed.mailbox)
    };
    session.machine.send(&if list.xlist { Response::Xlist(&entry) } else { Response::List(&entry) });
}

/// Tells a client that speaks `IMAP4rev2` how a name that it spelled otherwise is kept, or that it is no more
/// (RFC 9051 §6.3.9.7).
pub(crate) async fn tell_spelling<S: Transport>(session: &mut Session<S>, name: &MailboxName, spelled: Option<&str>) {
    if spelled.is_none() || !session.machine.enabled().rev2() {
        return;
    }
    let found = session.find(name).await;
    let mailbox = found.as_ref().ok().map(|place| &place.mailbox);
    let entry = ListEntry {
        existence: if mailbox.is_some() { Existence::Mailbox } else { Existence::None },
        old_name: spelled,
        ..describe(name, mailbox)
    };
    session.machine.send(&Response::List(&entry));
}

/// The attributes of a mailbox that hang on nothing that was asked.
pub(crate) fn describe<'a>(name: &'a MailboxName, mailbox: Option<&'a MailboxInfo>) -> ListEntry<'a> {
    ListEntry {
        children: if mailbox.is_some_and(|m| m.has_children) { Child::Has } else { Child::HasNone },
        special_uses: mailbox.map_or(&[], |m| m.special_use.as_slice()),
        ..ListEntry::new(name.as_str())
    }
}

/// Rights (RFC 8440 §3) and annotations (RFC 9590 §3), where they are asked for and can be told.
async fn send_shared<S: Transport>(
    session: &mut Session<S>,
    list: &List,
    name: &MailboxName,
    mailbox: &MailboxInfo,
) -> io::Result<()> {
    let rights = mailbox.acl.rights(mailbox.owner, session.account()?.id());
    if list.tells_rights() {
        session.machine.send(&Response::MyRights { mailbox: name.as_str(), rights });
    }
    if let Some(entries) = list.entries().filter(|_| allow(rights, Action::Annotate)) {
        let told = async {
            let account = session.account_of(mailbox).await?;
            getmetadata::look(&account, Some(mailbox.id), session.reader()?, entries).await
        };
        match told.await {
            Ok(found) => getmetadata::send(session, Some(name.as_str()), entries, found).await?,
            Err(failure) => drop(status::of_mail(&failure)),
        }
    }
    Ok(())
}

/// The STATUS line of a listed mailbox. One that cannot be told is left out, and the LIST goes on (RFC 5819 §2).
async fn send_status<S: Transport>(
    session: &mut Session<S>,
    name: &MailboxName,
    mailbox: &MailboxInfo,
    items: &[StatusItem],
) -> io::Result<()> {
    let reader = session.account()?.id();
    if !allow(mailbox.acl.rights(mailbox.owner, reader), Action::Status) {
        return Ok(());
    }
    let answer = async { mailbox_status::look(&session.account_of(mailbox).await?, mailbox, items).await };
    match answer.await {
        Ok(answer) => session.machine.send(&Response::MailboxStatus(name, &answer)),
        // The log is told; a mailbox that was deleted meanwhile is nothing to tell.
        Err(failure) => drop(status::of_mail(&failure)),
    }
    Ok(())
}
