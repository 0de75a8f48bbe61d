//! CREATE (RFC 3501 §6.3.3, special uses: RFC 6154 §3)

use crate::command::list;
use crate::place::Owner;
use crate::session::Session;
use crate::status;
use proto_imap::codec::ObjectId;
use proto_imap::command::Create;
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use types::SpecialUse;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, create: Create) -> io::Result<Status> {
    // One use for one mailbox. Those that show what lies elsewhere are not made: what would be in them is not all mail,
    // and not all that is flagged (RFC 6154 §2).
    let special_use = match create.special_uses.as_slice() {
        [] => None,
        [only] if !matches!(only, SpecialUse::All | SpecialUse::Flagged) => Some(*only),
        [_] => return Ok(Status::no(Code::UseAttr, "No mailbox can be made for that")),
        _ => return Ok(Status::no(Code::UseAttr, "A mailbox is for one use")),
    };
    session.did_name(&create.mailbox);
    let created = async {
        let owner = session.owner(&create.mailbox).await?;
        session.may_create(&owner).await?;
        let Owner { account, name } = owner;
        let id = account.create(&name, special_use).await?;
        Ok(ObjectId::mailbox(account.id(), id))
    };
    let created = created.await;
    if created.is_ok() {
        list::tell_spelling(session, &create.mailbox, create.spelled.as_deref()).await;
    }
    Ok(match created {
        // RFC 8474 §4.1
        Ok(id) => Status::ok("CREATE completed").with_code(Code::MailboxId(id)),
        Err(failure) => status::of_mail(&failure),
    })
}
