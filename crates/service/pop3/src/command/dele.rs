//! DELE and RSET (RFC 1939 §5): marks, which mean nothing until QUIT.

use super::NO_SUCH_MESSAGE;
use crate::session::Session;
use proto_pop3::MessageNumber;
use service_session::Transport;
use std::io;

/// DELE.
pub(crate) fn run<S: Transport>(session: &mut Session<S>, number: MessageNumber) -> io::Result<()> {
    if session.signed_in_mut()?.maildrop.mark(number) {
        session.machine.ok("Marked; QUIT deletes it");
    } else {
        session.machine.err(None, NO_SUCH_MESSAGE);
    }
    Ok(())
}

/// RSET.
pub(crate) fn reset<S: Transport>(session: &mut Session<S>) -> io::Result<()> {
    session.signed_in_mut()?.maildrop.unmark();
    session.machine.ok("Nothing is marked");
    Ok(())
}
