//! ENABLE (RFC 5161)

use crate::session::Session;
use proto_imap::command::Enable;
use proto_imap::{Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>, enable: &Enable) -> Status {
    let mut enabled = Vec::new();
    for extension in &enable.extensions {
        if session.enable(*extension) {
            enabled.push(*extension);
        }
    }
    session.machine.send(&Response::Enabled(&enabled));
    Status::ok("ENABLE completed")
}
