//! ID (RFC 2971)

use crate::session::Session;
use proto_imap::command::Id;
use proto_imap::{Response, Status};
use service_session::Transport;

/// How much of a program's name and version is kept for the log.
const PROGRAM_MAX: usize = 80;

pub(crate) fn run<S: Transport>(session: &mut Session<S>, id: &Id) -> Status {
    let field = |wanted: &str| {
        let mut fields = id.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        fields.next().and_then(|(_, value)| value.as_deref())
    };
    if let Some(name) = field("name") {
        let program = format!("{name} {}", field("version").unwrap_or_default());
        let program: Box<str> = program.trim_end().chars().take(PROGRAM_MAX).collect();
        // Many say it only after the sign-in.
        if let Some(signed_in) = &mut session.account {
            signed_in.in_use.set_program(&program);
        }
        session.program = Some(program);
    }
    session.machine.send(&Response::Id(&[("name", Some("Postamt")), ("version", Some(env!("CARGO_PKG_VERSION")))]));
    Status::ok("ID completed")
}
