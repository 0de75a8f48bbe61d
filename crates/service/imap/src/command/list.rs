//! LIST (RFC 3501 §6.3.8, RFC 3348, RFC 5258, RFC 5819, RFC 6154 §2)

mod choose;

use crate::command::mailbox_status;
use crate::session::Session;
use crate::status;
use choose::{Listed, choose};
use proto_imap::command::{List, StatusItem};
use proto_imap::response::{Child, Existence, ListEntry};
use proto_imap::{Response, Status};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, list: List) -> io::Result<Status> {
    let Some(patterns) = &list.patterns else {
        session.machine.send(&Response::ListDelimiter);
        return Ok(Status::ok("LIST completed"));
    };
    let items = list.status_items().unwrap_or_default();
    if items.contains(&StatusItem::HighestModSeq) {
        session.enable_condstore();
    }
    let mailboxes = match session.account()?.mailboxes().await {
        Ok(mailboxes) => mailboxes,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    for listed in choose(&mailboxes, patterns, &list.select) {
        send_entry(session, &list, &listed);
        if !items.is_empty() && listed.mailbox.is_some_and(|m| m.selectable) {
            send_status(session, &listed, items).await?;
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
    session.machine.send(&Response::List(&ListEntry {
        existence,
        children: if listed.mailbox.is_some_and(|m| m.has_children) { Child::Has } else { Child::HasNone },
        subscribed: list.tells_subscriptions() && listed.subscribed,
        special_uses: listed.mailbox.map_or(&[], |m| m.special_use.as_slice()),
        child_info: listed.child_info,
        ..ListEntry::new(listed.name.as_str())
    }));
}

/// The STATUS line of a listed mailbox. One that cannot be told is left out, and the LIST goes on (RFC 5819 §2).
async fn send_status<S: Transport>(
    session: &mut Session<S>,
    listed: &Listed<'_>,
    items: &[StatusItem],
) -> io::Result<()> {
    let Some(mailbox) = listed.mailbox else { return Ok(()) };
    let account = session.account()?.clone();
    match mailbox_status::look(&account, mailbox, items).await {
        Ok(answer) => session.machine.send(&Response::MailboxStatus(&listed.name, &answer)),
        // The log is told; a mailbox that was deleted meanwhile is nothing to tell.
        Err(failure) => drop(status::of_mail(&failure)),
    }
    Ok(())
}
