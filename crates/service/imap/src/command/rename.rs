//! RENAME (RFC 3501 §6.3.5)

use crate::command::list;
use crate::rights::{Action, require};
use crate::session::Session;
use crate::status;
use domain::MailError;
use proto_imap::Status;
use proto_imap::command::Rename;
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, rename: Rename) -> io::Result<Status> {
    session.did_name(&rename.from);
    session.did_name(&rename.to);
    let renamed = async {
        let from = session.find_any(&rename.from).await?;
        let to = session.owner(&rename.to).await?;
        require(from.rights, Action::Rename)?;
        session.may_create(&to).await?;
        if to.account.id() != from.account.id() {
            // Its messages would have to be copied, and it would be another mailbox.
            return Err(MailError::CannotBeChanged);
        }
        from.account.rename(&from.mailbox.name, &to.name).await
    };
    Ok(match renamed.await {
        Ok(()) => {
            list::tell_spelling(session, &rename.to, rename.spelled.as_deref()).await;
            Status::ok("RENAME completed")
        }
        Err(failure) => status::of_mail(&failure),
    })
}
