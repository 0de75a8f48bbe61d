//! RETR and TOP (RFC 1939 §5, §7): the message, streamed.

use super::NO_SUCH_MESSAGE;
use crate::session::Session;
use crate::status;
use crate::surrogate::{NotSent, Outgoing};
use bytes::Bytes;
use domain::{Account, MailError};
use proto_pop3::{MessageNumber, Progress, ResponseCode};
use service_session::Transport;
use std::io;
use types::EmailId;

/// RETR, and TOP: the machine knows how many lines that one wants.
pub(crate) async fn run<S: Transport>(session: &mut Session<S>, number: MessageNumber) -> io::Result<()> {
    let is_utf8 = session.machine.is_utf8();
    let signed_in = session.signed_in()?;
    let Some(entry) = signed_in.maildrop.get(number) else {
        session.machine.err(None, NO_SUCH_MESSAGE);
        return Ok(());
    };
    let account = signed_in.account.clone();
    match begin(account, entry.email, is_utf8).await {
        Ok((outgoing, piece)) => send(session, outgoing, piece).await,
        Err(NotSent::NeedsUtf8) => {
            session.machine.err(Some(ResponseCode::Utf8), "This message can be had in UTF-8 only");
            Ok(())
        }
        Err(NotSent::Mail(failure)) => {
            let (code, text) = status::of_mail(&failure);
            session.machine.err(code, text);
            Ok(())
        }
    }
}

/// Reads before anything is promised, so that a body that cannot be had is refused in good form. What others expunged
/// meanwhile is still in the retention space.
async fn begin(account: Account, email: EmailId, is_utf8: bool) -> Result<(Outgoing, Option<Bytes>), NotSent> {
    let content = account.contents(&[email]).await?.pop().flatten().ok_or(MailError::Gone)?;
    let mut outgoing = Outgoing::new(account, content, is_utf8).await?;
    let piece = outgoing.next().await?;
    Ok((outgoing, piece))
}

async fn send<S: Transport>(session: &mut Session<S>, mut outgoing: Outgoing, first: Option<Bytes>) -> io::Result<()> {
    session.machine.begin_message("The message follows");
    let mut next = first;
    while let Some(piece) = next {
        if session.machine.message_chunk(&piece) == Progress::Enough {
            break;
        }
        session.send_when_high().await?;
        // Half a message must not look like a whole one: a failure from here on ends the connection.
        next = outgoing.next().await.map_err(|failure| {
            status::of_mail(&failure);
            io::Error::other("the message cannot be read to its end")
        })?;
    }
    session.machine.end_message();
    Ok(())
}
