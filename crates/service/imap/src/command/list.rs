//! LIST (RFC 3501 §6.3.8, RFC 3348, RFC 6154 §2)

use crate::session::Session;
use crate::status;
use proto_imap::command::List;
use proto_imap::response::{Child, ListEntry};
use proto_imap::{Response, Status};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, list: List) -> io::Result<Status> {
    let Some(pattern) = &list.pattern else {
        session.machine.send(&Response::ListDelimiter);
        return Ok(Status::ok("LIST completed"));
    };
    let mailboxes = match session.account()?.mailboxes().await {
        Ok(mailboxes) => mailboxes,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    for mailbox in mailboxes.iter() {
        let wanted = !list.select_special_use || mailbox.special_use.is_some();
        if !wanted || !pattern.matches(&mailbox.name) {
            continue;
        }
        session.machine.send(&Response::List(&ListEntry {
            name: mailbox.name.as_str(),
            no_select: !mailbox.selectable,
            children: if mailbox.has_children { Child::Has } else { Child::HasNone },
            special_uses: mailbox.special_use.as_slice(),
        }));
        session.send_when_high().await?;
    }
    Ok(Status::ok("LIST completed"))
}
