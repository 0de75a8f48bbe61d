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
use std::sync::Arc;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, arguments: Arguments) -> io::Result<Status> {
    let (set, is_set) = match arguments {
        Arguments::Set(set) => (set, true),
        Arguments::None => (NotifySet::default(), false),
    };
    let tells_status = set.status;
    let notify = match Notify::begin(&session.service.shared, session.account()?, set).await {
        Ok(Ok(notify)) => notify,
        Ok(Err(_)) => return Ok(Status::no(Code::NotificationOverflow, "That is too much to watch")),
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    if notify.wants_annotations()
        && let Err(failure) = session.follow_annotations(Arc::clone(notify.groups()), false).await
    {
        return Ok(status::of_mail(&failure));
    }
    if is_set {
        // What was to be told until here is, whatever is wanted from here on; it is a NOOP too (RFC 5465 §3.1).
        session.tell_others_now().await?;
        session.notify = None;
        session.apply_wanted(Wanted::ALL);
        session.tell(Expunges::Told, UpdateForm::Plain).await?;
    }
    if notify.items().contains(&FetchItem::ModSeq) {
        session.enable_condstore();
    }
    session.apply_wanted(notify.wanted());
    session.notify = Some(Box::new(notify));
    session.send_denied().await?;
    if tells_status {
        session.send_watched().await?;
    }
    Ok(Status::ok("NOTIFY completed"))
}
