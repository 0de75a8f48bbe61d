//! UIDL (RFC 1939 §7).

use super::{LINES_AT_ONCE, NO_SUCH_MESSAGE};
use crate::session::Session;
use proto_pop3::MessageNumber;
use service_session::Transport;
use std::io;

/// UIDL, of one message or of all.
pub(crate) async fn run<S: Transport>(session: &mut Session<S>, number: Option<MessageNumber>) -> io::Result<()> {
    if let Some(number) = number {
        let maildrop = &session.signed_in()?.maildrop;
        match maildrop.get(number).map(|entry| maildrop.unique_id(&entry)) {
            Some(unique_id) => session.machine.uidl_one(number, &unique_id),
            None => session.machine.err(None, NO_SUCH_MESSAGE),
        }
        return Ok(());
    }
    session.machine.begin_list("Unique ids follow");
    let mut next = 1;
    loop {
        let Session { machine, signed_in: Some(signed_in), .. } = session else { return Ok(()) };
        let mut last = None;
        for (number, entry) in signed_in.maildrop.iter_from(next).take(LINES_AT_ONCE) {
            machine.uidl_line(number, &signed_in.maildrop.unique_id(&entry));
            last = Some(number.0.get());
        }
        let Some(last) = last else { break };
        next = last.saturating_add(1);
        session.send_when_high().await?;
    }
    session.machine.end_list();
    Ok(())
}
