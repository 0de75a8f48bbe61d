//! LSUB (RFC 3501 §6.3.9)

use crate::session::Session;
use crate::status;
use proto_imap::command::Lsub;
use proto_imap::response::{Existence, ListEntry};
use proto_imap::{Response, Status};
use service_session::Transport;
use std::collections::BTreeMap;
use std::io;
use types::MailboxName;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, lsub: Lsub) -> io::Result<Status> {
    let mailboxes = match session.all_mailboxes().await {
        Ok(mailboxes) => mailboxes,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    // A name that does not match itself may lie below one that does: that one is told as \Noselect, so that a client
    // which lists level by level with % finds its way (RFC 3501 §6.3.9).
    let mut answers: BTreeMap<MailboxName, bool> = BTreeMap::new();
    for name in mailboxes.subscriptions() {
        if lsub.pattern.matches(name) {
            let selectable = mailboxes.get(name).is_none_or(|m| m.selectable);
            answers.insert(name.clone(), !selectable);
            continue;
        }
        let mut above = name.parent();
        while let Some(parent) = above {
            if lsub.pattern.matches(&parent) {
                answers.entry(parent).or_insert(true);
                break;
            }
            above = parent.parent();
        }
    }
    for (name, no_select) in &answers {
        session.machine.send(&Response::Lsub(&ListEntry {
            existence: if *no_select { Existence::Level } else { Existence::Mailbox },
            ..ListEntry::new(name.as_str())
        }));
        session.send_when_high().await?;
    }
    Ok(Status::ok("LSUB completed"))
}
