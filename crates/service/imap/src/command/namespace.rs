//! NAMESPACE (RFC 2342)

use crate::session::Session;
use proto_imap::{Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>) -> Status {
    session.machine.send(&Response::Namespace);
    Status::ok("NAMESPACE completed")
}
