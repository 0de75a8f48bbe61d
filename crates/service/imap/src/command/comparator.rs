//! COMPARATOR (RFC 5255 §4.7): there is one collation, so there is nothing to change.

use crate::session::Session;
use proto_imap::command::{COMPARATOR, Comparator};
use proto_imap::{Code, Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>, command: &Comparator) -> Status {
    if !command.order.is_empty() && !command.is_known() {
        return Status::no(Code::BadComparator, "None of these comparators is known");
    }
    session.machine.send(&Response::Comparator(COMPARATOR));
    Status::ok("COMPARATOR completed")
}
