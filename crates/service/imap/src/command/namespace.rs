//! NAMESPACE (RFC 2342)

use crate::session::Session;
use proto_imap::response::Namespaces;
use proto_imap::{Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>) -> Status {
    let namespaces = Namespaces { personal: &[""], other_users: &["Other Users/"], shared: &["Shared/"] };
    session.machine.send(&Response::Namespace(&namespaces));
    Status::ok("NAMESPACE completed")
}
