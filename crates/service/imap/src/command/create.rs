//! CREATE (RFC 3501 §6.3.3)

use crate::session::Session;
use crate::status;
use proto_imap::Status;
use proto_imap::command::Create;
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, create: Create) -> io::Result<Status> {
    Ok(match session.account()?.create(&create.mailbox, None).await {
        Ok(_) => Status::ok("CREATE completed"),
        Err(failure) => status::of_mail(&failure),
    })
}
