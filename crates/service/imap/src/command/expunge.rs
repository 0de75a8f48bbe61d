//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)

use crate::session::Session;
use crate::status;
use domain::Cause;
use proto_imap::Status;
use proto_imap::command::Expunge;
use proto_imap::view::{Expunges, UpdateForm};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, expunge: Expunge) -> io::Result<Status> {
    let selected = session.selected()?;
    if selected.read_only {
        return Ok(status::read_only());
    }
    let form = if expunge.uids.is_some() { UpdateForm::WithUid } else { UpdateForm::Plain };
    let which = match &expunge.uids {
        None => domain::Expunge::AllDeleted,
        Some(set) => {
            let Ok(selection) = selected.told.resolve(set) else { return Ok(status::no_such_message()) };
            domain::Expunge::DeletedIn(selected.told.uids(&selection))
        }
    };
    match selected.account.expunge(selected.id, which, Cause::Imap).await {
        Ok(gone) => {
            session.tell(Expunges::Told, form).await?;
            session.with_highest(Status::ok("EXPUNGE completed"), !gone.is_empty())
        }
        Err(failure) => Ok(status::of_mail(&failure)),
    }
}
