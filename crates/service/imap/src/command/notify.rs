//! NOTIFY (RFC 5465 §3.1); what it leads to is in `crate::notify`.

use crate::notify::Notify;
use crate::session::Session;
use crate::status;
use proto_imap::command::{Notify as Arguments, NotifySet};
use proto_imap::fetch::FetchItem;
use proto_imap::view::{Expunges, UpdateForm, Wanted};
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, arguments: Arguments) -> io::Result<Status> {
    let (set, is_set) = match arguments {
        Arguments::Set(set) => (set, true),
        Arguments::None => (NotifySet::default(), false),
    };
    let tells_status = set.status;
    let notify = match Notify::begin(session.account()?, set).await {
        Ok(Ok(notify)) => notify,
        Ok(Err(_)) => return Ok(Status::no(Code::NotificationOverflow, "That is too much to watch")),
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    if is_set {
        // It is a NOOP too: what has gathered is told, whatever is wanted from here on.
        session.notify = None;
        session.apply_wanted(Wanted::ALL);
        session.tell(Expunges::Told, UpdateForm::Plain).await?;
    }
    if notify.items().contains(&FetchItem::ModSeq) {
        session.enable_condstore();
    }
    if notify.wants_annotations()
        && let Err(failure) = session.follow_annotations().await
    {
        return Ok(status::of_mail(&failure));
    }
    session.apply_wanted(notify.wanted());
    session.notify = Some(Box::new(notify));
    if tells_status {
        session.send_watched().await?;
    }
    Ok(Status::ok("NOTIFY completed"))
}
