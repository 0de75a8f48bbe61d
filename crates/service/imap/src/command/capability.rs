//! CAPABILITY (RFC 3501 §6.1.1)

use crate::session::Session;
use proto_imap::{Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>) -> Status {
    let capabilities = session.machine.capabilities();
    session.machine.send(&Response::Capability(&capabilities));
    Status::ok("CAPABILITY completed")
}
