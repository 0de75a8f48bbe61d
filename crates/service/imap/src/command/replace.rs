//! REPLACE and UID REPLACE (RFC 8508): an APPEND with which a message of the open mailbox goes. What comes is taken in as
//! by APPEND; here is what becomes of the message that goes.

use crate::place::Place;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::{Account, Appended, Cause, Expunge, MailError, NewMessage};
use proto_imap::connection::Tag;
use proto_imap::view::{Expunges, UpdateForm};
use proto_imap::{Code, MessageSet, Response, Status};
use service_session::Transport;
use std::io;
use types::{MailboxId, Octets, Uid, UidSet};

/// The message that goes.
pub(crate) struct Replaced {
    pub(crate) account: Account,
    mailbox: MailboxId,
    uid: Uid,
    pub(crate) size: Octets,
    form: UpdateForm,
}

/// The one message that a REPLACE names, if it can go.
pub(crate) fn named<S: Transport>(session: &Session<S>, message: &MessageSet) -> io::Result<Result<Replaced, Status>> {
    let selected = session.selected()?;
    let Ok(selection) = selected.told.resolve(message) else { return Ok(Err(status::no_such_message())) };
    let Some(message_view) = selected.told.messages(&selection).next() else {
        return Ok(Err(Status::no(Code::NonExistent, "There is no such message")));
    };
    if message_view.expunged {
        return Ok(Err(status::expunge_issued()));
    }
    // RFC 8508 §4.1: it goes as by STORE and EXPUNGE.
    if let Err(refusal) = selected.require(Action::Remove) {
        return Ok(Err(refusal));
    }
    let entry = message_view.entry;
    Ok(Ok(Replaced {
        account: selected.account.clone(),
        mailbox: selected.id,
        uid: entry.uid,
        size: Octets(entry.size.into()),
        form: if message.is_uid() { UpdateForm::WithUid } else { UpdateForm::Plain },
    }))
}

/// The new message is whole. APPENDUID and EXISTS are told before the EXPUNGE (RFC 8508 §4.3).
pub(super) async fn end<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    place: Place,
    messages: Vec<NewMessage>,
    replaced: Replaced,
) -> io::Result<()> {
    let form = replaced.form;
    let status = match session.await_verb(exchange(&place, messages, &replaced)).await? {
        Ok(appended) => {
            session.did_add(&place.account, place.mailbox.id, appended.uids.iter().copied());
            let code = Code::AppendUid(appended.uid_validity, UidSet::from_uids(appended.uids));
            session.machine.send(&Response::Status(&Status::ok("The new message is there").with_code(code)));
            Status::ok("REPLACE completed")
        }
        Err(MailError::Gone) => status::expunge_issued(),
        Err(failure) => status::of_target(&failure),
    };
    session.tell(Expunges::Held, form).await?;
    session.tell(Expunges::Told, form).await?;
    session.tell_others_now().await?;
    session.machine.finish(tag, &status);
    Ok(())
}

/// In one account one change does both. Between two the new message comes first: there may be both for a moment, never
/// neither (RFC 8508 §3.4 names the same order).
async fn exchange(place: &Place, messages: Vec<NewMessage>, old: &Replaced) -> Result<Appended, MailError> {
    let Some(message) = messages.into_iter().next() else { return Err(MailError::Gone) };
    if place.account.id() == old.account.id() {
        return old.account.replace(old.mailbox, old.uid, place.mailbox.id, message).await;
    }
    let appended = place.account.append(place.mailbox.id, vec![message]).await?;
    old.account.expunge(old.mailbox, Expunge::These(UidSet::from_uids([old.uid])), Cause::Imap).await?;
    Ok(appended)
}
