//! COPY and UID COPY (RFC 3501 §6.4.7, COPYUID: RFC 4315 §3)

use super::message_limit;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::{Copied, Meter};
use proto_imap::command::Copy;
use proto_imap::view::Selection;
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use types::UidSet;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, copy: Copy) -> io::Result<Status> {
    let Ok(selection) = session.selected()?.told.resolve(&copy.messages) else { return Ok(status::no_such_message()) };
    if let Some(code) = message_limit::too_many_to_save(session, &selection)? {
        return Ok(message_limit::refused(code));
    }
    let uids = match uids_of(session, &selection)? {
        Ok(uids) => uids,
        Err(status) => return Ok(status),
    };
    let to = match session.find(&copy.mailbox).await.and_then(|to| to.allowing(Action::Insert)) {
        Ok(to) => to,
        Err(failure) => return Ok(status::of_target(&failure)),
    };
    let selected = session.selected()?;
    let (account, from) = (selected.account.clone(), selected.id);
    let (meter, steps) = Meter::with_reader();
    let copied = account.copy_to(from, &uids, &to.account, (to.mailbox.id, to.rights), &meter);
    Ok(match session.accompany(steps, copied).await? {
        Ok(copied) => {
            session.did_add(&to.account, to.mailbox.id, copied.pairs.iter().map(|(_, uid)| *uid));
            let status = Status::ok("COPY completed");
            copy_uid(&copied).map_or(status.clone(), |code| status.with_code(code))
        }
        Err(failure) => status::of_target(&failure),
    })
}

/// The UIDs of the messages of a COPY or MOVE, all of which must still be there: these commands do all or nothing.
pub(super) fn uids_of<S: Transport>(session: &Session<S>, selection: &Selection) -> io::Result<Result<UidSet, Status>> {
    let told = &session.selected()?.told;
    if told.messages(selection).any(|message| message.expunged) {
        return Ok(Err(status::expunge_issued()));
    }
    Ok(Ok(told.uids(selection)))
}

/// COPYUID; none if nothing was copied. Pairs ascend on both sides, so two sets tell them.
pub(super) fn copy_uid(copied: &Copied) -> Option<Code> {
    if copied.pairs.is_empty() {
        return None;
    }
    let from = UidSet::from_uids(copied.pairs.iter().map(|(from, _)| *from));
    let to = UidSet::from_uids(copied.pairs.iter().map(|(_, to)| *to));
    Some(Code::CopyUid(copied.uid_validity, from, to))
}
