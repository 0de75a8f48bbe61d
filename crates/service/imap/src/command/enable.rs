//! ENABLE (RFC 5161)

use crate::session::Session;
use proto_imap::command::{Enable, Extension};
use proto_imap::{Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>, enable: &Enable) -> Status {
    let mut enabled = Vec::new();
    for extension in &enable.extensions {
        match extension {
            Extension::CondStore => {
                if !session.condstore {
                    enabled.push(*extension);
                }
                session.enable_condstore();
            }
        }
    }
    session.machine.send(&Response::Enabled(&enabled));
    Status::ok("ENABLE completed")
}
