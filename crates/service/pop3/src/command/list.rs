//! LIST (RFC 1939 §5).

use super::{LINES_AT_ONCE, NO_SUCH_MESSAGE};
use crate::session::Session;
use proto_pop3::MessageNumber;
use service_session::Transport;
use std::io;
use types::Octets;

/// LIST, of one message or of all.
pub(crate) async fn run<S: Transport>(session: &mut Session<S>, number: Option<MessageNumber>) -> io::Result<()> {
    if let Some(number) = number {
        match session.signed_in()?.maildrop.get(number) {
            Some(entry) => session.machine.list_one(number, Octets(u64::from(entry.size))),
            None => session.machine.err(None, NO_SUCH_MESSAGE),
        }
        return Ok(());
    }
    session.machine.begin_list("Sizes follow");
    let mut next = 1;
    loop {
        let Session { machine, signed_in: Some(signed_in), .. } = session else { return Ok(()) };
        let mut last = None;
        for (number, entry) in signed_in.maildrop.iter_from(next).take(LINES_AT_ONCE) {
            machine.list_line(number, Octets(u64::from(entry.size)));
            last = Some(number.0.get());
        }
        let Some(last) = last else { break };
        next = last.saturating_add(1);
        session.send_when_high().await?;
    }
    session.machine.end_list();
    Ok(())
}
