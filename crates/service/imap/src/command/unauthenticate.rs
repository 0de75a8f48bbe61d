//! UNAUTHENTICATE (RFC 8437)

use crate::session::Session;
use proto_imap::Status;
use proto_imap::connection::Tag;
use service_session::Transport;
use std::io;

/// Forgets who is signed in and all that hangs on it ([`Session::forget_account`]).
/// TLS stays, and so does what the program said of itself with ID, which has nothing to do with the account (RFC 8437 §3).
/// The connection counts under the account until the next sign-in: its address has no place kept for it.
///
/// Nothing is told of what happened in the mailbox, and there is no NO (RFC 8437 §3). The OK is the last compressed answer
/// (RFC 8437 §4.1).
pub(crate) async fn run<S: Transport>(session: &mut Session<S>, tag: &Tag) -> io::Result<()> {
    session.forget_account();
    session.machine.finish(tag, &Status::ok("Signed out"));
    session.stop_compression().await
}
