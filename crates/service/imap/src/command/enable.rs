//! ENABLE (RFC 5161)

use crate::session::Session;
use crate::status;
use proto_imap::command::Enable;
use proto_imap::command::enable::Extension;
use proto_imap::{Response, Status};
use service_session::Transport;
use std::sync::Arc;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, enable: &Enable) -> Status {
    let of_mailboxes = enable.extensions.contains(&Extension::Metadata);
    if (of_mailboxes || enable.extensions.contains(&Extension::MetadataServer))
        && let Err(failure) = session.follow_annotations(Arc::default(), of_mailboxes).await
    {
        return status::of_mail(&failure);
    }
    let mut enabled = Vec::new();
    for extension in &enable.extensions {
        if session.enable(*extension) {
            enabled.push(*extension);
        }
    }
    session.machine.send(&Response::Enabled(&enabled));
    Status::ok("ENABLE completed")
}
