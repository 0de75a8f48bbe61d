//! CLOSE (RFC 3501 §6.4.2) and UNSELECT (RFC 3691)

use crate::session::Session;
use crate::status;
use domain::{Cause, Expunge};
use proto_imap::Status;
use service_session::Transport;
use std::io;
use types::Rights;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>) -> io::Result<Status> {
    if let Some(selected) = &session.selected
        // RFC 4314 §4: without the right nothing is expunged, and the answer is OK all the same.
        && selected.may(Rights::EXPUNGE)
        && let Err(failure) = selected.account.expunge(selected.id, Expunge::AllDeleted, Cause::Imap).await
    {
        return Ok(status::of_mail(&failure));
    }
    session.deselect();
    Ok(Status::ok("CLOSE completed"))
}

pub(crate) fn unselect<S: Transport>(session: &mut Session<S>) -> Status {
    session.deselect();
    Status::ok("UNSELECT completed")
}
