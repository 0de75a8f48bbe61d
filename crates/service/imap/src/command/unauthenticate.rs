//! UNAUTHENTICATE (RFC 8437)

use crate::session::Session;
use proto_imap::Status;
use service_session::Transport;

/// Forgets who is signed in and all that hangs on it. TLS stays, and so does what the program said of itself with ID, which
/// has nothing to do with the account (RFC 8437 §3). The connection counts under the account until the next sign-in: its
/// address has no place kept for it.
pub(crate) fn run<S: Transport>(session: &mut Session<S>) -> Status {
    session.deselect();
    (session.account, session.attempt, session.appending) = (None, None, None);
    session.machine.unauthenticated();
    Status::ok("Signed out")
}
