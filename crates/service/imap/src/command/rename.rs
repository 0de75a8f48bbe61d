//! RENAME (RFC 3501 §6.3.5)

use crate::command::list;
use crate::session::Session;
use crate::status;
use proto_imap::Status;
use proto_imap::command::Rename;
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, rename: Rename) -> io::Result<Status> {
    session.did_name(&rename.from);
    session.did_name(&rename.to);
    Ok(match session.account()?.rename(&rename.from, &rename.to).await {
        Ok(()) => {
            list::tell_spelling(session, &rename.to, rename.spelled.as_deref()).await;
            Status::ok("RENAME completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}
