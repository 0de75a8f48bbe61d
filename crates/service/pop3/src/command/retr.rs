//! RETR and TOP (RFC 1939 §5, §7): the message, streamed.

use super::NO_SUCH_MESSAGE;
use crate::session::Session;
use crate::status;
use domain::{Account, Content, MailError};
use proto_pop3::{MessageNumber, Progress};
use service_session::Transport;
use std::io;
use std::sync::Arc;
use types::EmailId;

/// RETR, and TOP: the machine knows how many lines that one wants.
pub(crate) async fn run<S: Transport>(session: &mut Session<S>, number: MessageNumber) -> io::Result<()> {
    let signed_in = session.signed_in()?;
    let Some(entry) = signed_in.maildrop.get(number) else {
        session.machine.err(None, NO_SUCH_MESSAGE);
        return Ok(());
    };
    let account = signed_in.account.clone();
    match first_piece(&account, entry.email).await {
        Ok((content, piece)) => send(session, &account, &content, piece).await,
        Err(failure) => {
            let (code, text) = status::of_mail(&failure);
            session.machine.err(code, text);
            Ok(())
        }
    }
}

/// Reads before anything is promised, so that a body that cannot be had is refused in good form.
async fn first_piece(account: &Account, email: EmailId) -> Result<(Arc<Content>, bytes::Bytes), MailError> {
    let content = account.contents(&[email]).await?.pop().flatten().ok_or(MailError::Gone)?;
    let piece = account.read_body(&content, 0..content.size().0).await?;
    Ok((content, piece))
}

async fn send<S: Transport>(
    session: &mut Session<S>,
    account: &Account,
    content: &Content,
    first: bytes::Bytes,
) -> io::Result<()> {
    session.machine.begin_message("The message follows");
    let (mut piece, mut offset, size) = (first, 0, content.size().0);
    // Half a message must not look like a whole one: a failure from here on ends the connection.
    let broken_off = || io::Error::other("the message cannot be read to its end");
    loop {
        offset += u64::try_from(piece.len()).unwrap_or(0);
        if session.machine.message_chunk(&piece) == Progress::Enough || offset >= size {
            break;
        }
        session.send_when_high().await?;
        piece = account.read_body(content, offset..size).await.map_err(|failure| {
            status::of_mail(&failure);
            broken_off()
        })?;
        if piece.is_empty() {
            return Err(broken_off());
        }
    }
    session.machine.end_message();
    Ok(())
}
