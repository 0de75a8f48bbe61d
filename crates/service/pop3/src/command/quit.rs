//! QUIT (RFC 1939 §6): what is marked is removed, for every protocol and device, into the retention space.

use crate::session::Session;
use crate::status;
use domain::{Cause, Expunge};
use service_session::{Happening, Transport, happened};
use std::io;

/// QUIT after the sign-in. `+OK` is said when the removal is durable.
pub(crate) async fn run<S: Transport>(session: &mut Session<S>) -> io::Result<()> {
    let signed_in = session.signed_in()?;
    let marked = signed_in.maildrop.marked();
    if marked.is_empty() {
        session.machine.ok("Bye");
        return Ok(());
    }
    let which = Expunge::These(marked);
    match signed_in.account.expunge(signed_in.maildrop.mailbox(), which, Cause::Pop3).await {
        Ok(removed) => {
            let detail = format!("{} messages (can be had back for the retention time)", removed.len());
            happened(Happening { who: Some(&signed_in.name), service: "POP3", what: "deleted", detail: &detail });
            session.machine.ok("Deleted, bye");
        }
        Err(failure) => {
            let (code, text) = status::of_mail(&failure);
            session.machine.err(code, text);
        }
    }
    Ok(())
}
