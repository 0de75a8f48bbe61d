//! SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7), also of names that no mailbox has.

use crate::session::Session;
use crate::status;
use proto_imap::Status;
use service_session::Transport;
use std::io;
use types::MailboxName;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, name: &MailboxName, on: bool) -> io::Result<Status> {
    session.did_name(name);
    Ok(match session.account()?.subscribe(name, on).await {
        Ok(()) if on => Status::ok("SUBSCRIBE completed"),
        Ok(()) => Status::ok("UNSUBSCRIBE completed"),
        Err(failure) => status::of_mail(&failure),
    })
}
