//! QUIT (RFC 1939 §6): what is marked leaves the maildrop, as the account's policy says. By default it is removed for every
//! protocol and device, into the retention space.

use super::messages;
use crate::session::{Session, SignedIn};
use crate::status;
use domain::{Account, Cause, Expunge, MailError, OnDelete};
use proto_pop3::ResponseCode;
use service_session::{Happening, Transport, happened};
use std::io;
use types::{MailboxId, MailboxName, SpecialUse, UidSet};

/// The mailbox that is made for what is deleted, where there is none for that.
const TRASH: &str = "Trash";

/// What was done.
struct Done {
    /// For the client.
    text: &'static str,
    /// For the log.
    what: &'static str,
    detail: String,
}

/// QUIT after the sign-in. `+OK` is said when it is durable. What others removed meanwhile is gone as it should be.
pub(crate) async fn run<S: Transport>(session: &mut Session<S>) -> io::Result<()> {
    let signed_in = session.signed_in()?;
    let marked = signed_in.maildrop.marked();
    if marked.is_empty() {
        session.machine.ok("Bye");
        return Ok(());
    }
    match update(signed_in, marked).await {
        Ok(Done { text, what, detail }) => {
            happened(Happening { who: Some(&signed_in.name), service: "POP3", what, detail: &detail });
            session.machine.ok(text);
        }
        Err(failure) => {
            // Many are done in steps, so that some may be gone: RFC 1939 §6 has a server say that not all are.
            let (code, _) = status::of_mail(&failure);
            let text = "Not all that was marked could be deleted, try again later";
            session.machine.err(code.or(Some(ResponseCode::SysTemp)), text);
        }
    }
    Ok(())
}

async fn update(signed_in: &SignedIn, marked: UidSet) -> Result<Done, MailError> {
    let (account, inbox) = (&signed_in.account, signed_in.maildrop.mailbox());
    match signed_in.on_delete {
        OnDelete::Keep => {
            account.hide_from_pop3(inbox, &marked).await?;
            let detail =
                format!("{} from POP3; IMAP still shows them", messages(signed_in.maildrop.marked_count().into()));
            Ok(Done { text: "Hidden from POP3, bye", what: "hid", detail })
        }
        OnDelete::Trash => {
            let moved = account.r#move(inbox, &marked, trash(account).await?).await?;
            let detail = format!("{} to the trash", messages(u64::try_from(moved.pairs.len()).unwrap_or(u64::MAX)));
            Ok(Done { text: "Moved to the trash, bye", what: "moved", detail })
        }
        // Who was let in before POP3 was switched off ends as he began.
        OnDelete::Delete | OnDelete::Off => {
            let removed = account.expunge(inbox, Expunge::These(marked), Cause::Pop3).await?;
            let detail = format!("{} (can be had back for the retention time)", messages(removed.len()));
            Ok(Done { text: "Deleted, bye", what: "deleted", detail })
        }
    }
}

/// The mailbox for deleted mail, made if there is none.
async fn trash(account: &Account) -> Result<MailboxId, MailError> {
    if let Some(id) = find_trash(account).await? {
        return Ok(id);
    }
    let name = MailboxName::parse(TRASH).map_err(MailError::NameInvalid)?;
    match account.create(&name, Some(SpecialUse::Trash)).await {
        // Somebody else made one just now, or there is one of that name that is for nothing special.
        Err(failure @ (MailError::AlreadyExists | MailError::UseTaken)) => {
            let named = account.mailboxes().await?.get(&name).filter(|info| info.selectable).map(|info| info.id);
            find_trash(account).await?.or(named).ok_or(failure)
        }
        made => made,
    }
}

async fn find_trash(account: &Account) -> Result<Option<MailboxId>, MailError> {
    let mailboxes = account.mailboxes().await?;
    let trash = mailboxes.iter().find(|info| info.special_use == Some(SpecialUse::Trash) && info.selectable);
    Ok(trash.map(|info| info.id))
}
