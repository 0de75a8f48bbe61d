//! EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1)

use super::message_limit;
use crate::rights::Action;
use crate::selected::Selected;
use crate::session::Session;
use crate::status;
use domain::Cause;
use proto_imap::command::Expunge;
use proto_imap::view::{Expunges, Selection, UpdateForm};
use proto_imap::{MessageLimit, Status};
use service_session::Transport;
use std::io;
use types::Flags;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, expunge: Expunge) -> io::Result<Status> {
    let selected = session.selected()?;
    if let Err(refusal) = selected.require(Action::Expunge) {
        return Ok(refusal);
    }
    let form = if expunge.uids.is_some() { UpdateForm::WithUid } else { UpdateForm::Plain };
    let mut exceeded = None;
    let which = match &expunge.uids {
        // RFC 9738 §3.1: this one knows no message limit.
        None => domain::Expunge::AllDeleted,
        Some(set) => {
            let Ok(selection) = selected.told.resolve(set) else { return Ok(status::no_such_message()) };
            let selection = match session.message_limit() {
                MessageLimit::Every(_) => deleted(selected, &selection),
                MessageLimit::None | MessageLimit::Saving(_) => selection,
            };
            let (selection, left) = message_limit::cut(session, selection, None)?;
            exceeded = left;
            domain::Expunge::DeletedIn(session.selected()?.told.uids(&selection))
        }
    };
    let selected = session.selected()?;
    let (account, id) = (selected.account.clone(), selected.id);
    match session.await_verb(account.expunge(id, which, Cause::Imap)).await? {
        Ok(gone) => {
            session.tell(Expunges::Told, form).await?;
            let status = session.with_highest(Status::ok("EXPUNGE completed"), !gone.is_empty())?;
            Ok(message_limit::answer(session, status, exceeded))
        }
        Err(failure) => Ok(status::of_mail(&failure)),
    }
}

/// Those of a selection that have `\Deleted` now: only they count against the limit (RFC 9738 §3.1).
fn deleted(selected: &Selected, among: &Selection) -> Selection {
    let current = selected.view.current();
    let is_deleted = |uid| current.get(uid).is_some_and(|entry| entry.flags.contains(Flags::DELETED));
    let mut deleted = Selection::default();
    let messages = selected.told.messages(among).filter(|message| is_deleted(message.entry.uid));
    messages.for_each(|message| deleted.push(message.seq));
    deleted
}
