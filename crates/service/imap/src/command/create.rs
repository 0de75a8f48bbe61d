//! CREATE (RFC 3501 §6.3.3)

use crate::place::Owner;
use crate::session::Session;
use crate::status;
use proto_imap::codec::ObjectId;
use proto_imap::command::Create;
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, create: Create) -> io::Result<Status> {
    let created = async {
        let Owner { account, name } = session.owner(&create.mailbox)?;
        let id = account.create(&name, None).await?;
        Ok(ObjectId::mailbox(account.id(), id))
    };
    Ok(match created.await {
        // RFC 8474 §4.1
        Ok(id) => Status::ok("CREATE completed").with_code(Code::MailboxId(id)),
        Err(failure) => status::of_mail(&failure),
    })
}
