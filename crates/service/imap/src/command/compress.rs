//! COMPRESS=DEFLATE (RFC 4978)
//!
//! It is given after the sign-in only, so no password is ever compressed together with what somebody else chose.

use crate::session::Session;
use proto_imap::connection::Tag;
use proto_imap::view::{Expunges, UpdateForm};
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, tag: &Tag) -> io::Result<()> {
    session.tell(Expunges::Told, UpdateForm::Plain).await?;
    if session.machine.is_closed() {
        return Ok(());
    }
    if session.wire.as_ref().is_some_and(service_session::Wire::is_deflated) {
        // RFC 4978 §3: given twice it is BAD; the code says why.
        let status = Status::bad("DEFLATE is active already").with_code(Code::CompressionActive);
        session.machine.finish(tag, &status);
        return Ok(());
    }
    session.start_compression(tag).await
}
