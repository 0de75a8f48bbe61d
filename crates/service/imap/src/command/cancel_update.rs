//! CANCELUPDATE (RFC 5267 §4.3.5)

use crate::session::Session;
use proto_imap::Status;
use proto_imap::command::CancelUpdate;
use service_session::Transport;
use std::io;

pub(crate) fn run<S: Transport>(session: &mut Session<S>, cancel: &CancelUpdate) -> io::Result<Status> {
    // A context that is not there is as good as cancelled: it may have ended by itself (RFC 5267 §4.3.1).
    session.selected_mut()?.contexts.retain(|context| !cancel.tags.contains(&context.tag));
    Ok(Status::ok("CANCELUPDATE completed"))
}
