//! CREATE (RFC 3501 §6.3.3)

use crate::place::Owner;
use crate::session::Session;
use crate::status;
use proto_imap::Status;
use proto_imap::command::Create;
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, create: Create) -> io::Result<Status> {
    let created = async {
        let Owner { account, name } = session.owner(&create.mailbox)?;
        account.create(&name, None).await
    };
    Ok(match created.await {
        Ok(_) => Status::ok("CREATE completed"),
        Err(failure) => status::of_mail(&failure),
    })
}
