//! DELETE (RFC 3501 §6.3.4)

use crate::command::list;
use crate::place::Place;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use proto_imap::Status;
use proto_imap::command::Delete;
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, delete: Delete) -> io::Result<Status> {
    session.did_name(&delete.mailbox);
    let deleted = async {
        let Place { account, mailbox, .. } = session.find_any(&delete.mailbox).await?.allowing(Action::Delete)?;
        account.delete(&mailbox.name).await
    };
    Ok(match deleted.await {
        Ok(()) => {
            // Whose own mailbox this was knows it: his session goes on without one and hears that it is done. Others that
            // have it open are told BYE (RFC 2180 §3.3).
            if session.selected.as_ref().is_some_and(|selected| selected.view.is_deleted()) {
                session.deselect();
            }
            list::tell_spelling(session, &delete.mailbox, delete.spelled.as_deref()).await;
            Status::ok("DELETE completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}
