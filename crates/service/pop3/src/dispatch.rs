//! From a command to its room.

use crate::command::{dele, list, quit, retr, uidl};
use crate::login;
use crate::session::Session;
use proto_pop3::Command;
use service_session::Transport;
use std::io;

/// Carries a command out. An error ends the connection.
pub(crate) async fn dispatch<S: Transport>(session: &mut Session<S>, command: Command) -> io::Result<()> {
    match command {
        Command::Password(attempt) => login::password(session, attempt).await,
        Command::Auth(start) => login::auth(session, start).await,
        Command::AuthResponse(message) => login::respond(session, message).await,
        Command::Stat => {
            let maildrop = &session.signed_in()?.maildrop;
            let (count, size) = (maildrop.count(), maildrop.size());
            session.machine.stat(count, size);
        }
        Command::List(number) => list::run(session, number).await?,
        Command::Uidl(number) => uidl::run(session, number).await?,
        Command::Retr(number) => retr::run(session, number).await?,
        Command::Top(top) => retr::run(session, top.message).await?,
        Command::Dele(number) => dele::run(session, number)?,
        Command::Rset => dele::reset(session)?,
        Command::Quit => quit::run(session).await?,
    }
    Ok(())
}
