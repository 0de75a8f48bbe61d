//! MOVE and UID MOVE (RFC 6851)

use super::copy::{copy_uid, uids_of};
use super::message_limit;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::Meter;
use proto_imap::Status;
use proto_imap::command::Move;
use proto_imap::view::{Expunges, UpdateForm};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, r#move: Move) -> io::Result<Status> {
    let Ok(named) = session.selected()?.told.resolve(&r#move.messages) else { return Ok(status::no_such_message()) };
    let (selection, exceeded) = message_limit::cut(session, named, None)?;
    let uids = match uids_of(session, &selection)? {
        Ok(uids) => uids,
        Err(status) => return Ok(status),
    };
    let selected = session.selected()?;
    if let Err(refusal) = selected.require(Action::Remove) {
        return Ok(refusal);
    }
    let to = match session.find(&r#move.mailbox).await.and_then(|to| to.allowing(Action::Insert)) {
        Ok(to) => to,
        Err(failure) => return Ok(status::of_target(&failure)),
    };
    let selected = session.selected()?;
    let (account, from) = (selected.account.clone(), selected.id);
    let (meter, steps) = Meter::with_reader();
    let moved = account.move_to(from, &uids, &to.account, (to.mailbox.id, to.rights), &meter);
    let form = if r#move.messages.is_uid() { UpdateForm::WithUid } else { UpdateForm::Plain };
    Ok(match session.accompany(steps, moved).await? {
        Ok(moved) => {
            session.did_add(&to.account, to.mailbox.id, moved.pairs.iter().map(|(_, uid)| *uid));
            // RFC 6851 §4.3: COPYUID stands in an untagged OK, before the EXPUNGEs.
            if let Some(code) = copy_uid(&moved) {
                session.say(&Status::ok("Moved").with_code(code)).await?;
            }
            session.tell(Expunges::Told, form).await?;
            let status = session.with_highest(Status::ok("MOVE completed"), !moved.pairs.is_empty())?;
            message_limit::answer(session, status, exceeded)
        }
        Err(failure) => status::of_target(&failure),
    })
}
