//! APPEND (RFC 3501 §6.3.11, APPENDUID: RFC 4315 §3): the message streams into the store while it arrives.

use crate::place::Place;
use crate::session::{Appending, Session};
use crate::status;
use bytes::Bytes;
use domain::{FlagNames, MailError, NewMessage, Staging};
use proto_imap::command::Append;
use proto_imap::connection::Tag;
use proto_imap::view::{Expunges, UpdateForm};
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use types::UidSet;

/// The announcement: refused before a byte of the message is taken, if it has to be.
pub(crate) async fn start<S: Transport>(session: &mut Session<S>, tag: Tag, append: Append) -> io::Result<()> {
    match admit(session, &append).await {
        Ok((place, staging)) => {
            session.machine.accept_append();
            session.appending = Some(Box::new(Appending { tag, append, place, staging }));
        }
        Err(failure) => session.machine.finish(&tag, &status::of_target(&failure)),
    }
    Ok(())
}

async fn admit<S: Transport>(session: &Session<S>, append: &Append) -> Result<(Place, Staging), MailError> {
    let place = session.find(&append.mailbox).await?;
    let max = session.service.shared.mail.message_max();
    if append.size > max {
        return Err(MailError::TooLarge { max });
    }
    if place.account.usage().await?.refuses(append.size) {
        return Err(MailError::OverQuota);
    }
    let staging = place.account.stage(Some(append.size)).await?;
    Ok((place, staging))
}

/// A piece of the message.
pub(crate) async fn chunk<S: Transport>(session: &mut Session<S>, piece: Bytes) -> io::Result<()> {
    let Some(appending) = &mut session.appending else { return Ok(()) };
    if let Err(failure) = appending.staging.write(&piece).await
        && let Some(appending) = session.appending.take()
    {
        session.machine.finish(&appending.tag, &status::of_mail(&failure));
    }
    Ok(())
}

/// The message is whole.
pub(crate) async fn end<S: Transport>(session: &mut Session<S>) -> io::Result<()> {
    let Some(appending) = session.appending.take() else { return Ok(()) };
    let Appending { tag, append, place, staging } = *appending;
    let appended = async {
        let mut message = NewMessage::new(staging.finish().await?);
        message.flags = FlagNames { system: append.flags.system, keywords: append.flags.keywords };
        message.internal_date = append.date;
        place.account.append(place.mailbox.id, vec![message]).await
    };
    let status = match appended.await {
        Ok(appended) => {
            let code = Code::AppendUid(appended.uid_validity, UidSet::from_uids(appended.uids));
            Status::ok("APPEND completed").with_code(code)
        }
        Err(failure) => status::of_target(&failure),
    };
    session.tell(Expunges::Told, UpdateForm::Plain).await?;
    session.machine.finish(&tag, &status);
    Ok(())
}
