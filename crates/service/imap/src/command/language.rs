//! LANGUAGE (RFC 5255 §3)

use crate::session::Session;
use proto_imap::command::ChooseLanguage;
use proto_imap::{Code, Language, Response, Status};
use service_session::Transport;

pub(crate) fn run<S: Transport>(session: &mut Session<S>, command: &ChooseLanguage) -> Status {
    if command.ranges.is_empty() {
        session.machine.send(&Response::Language(&Language::ALL));
        return Status::ok("The languages that are spoken here");
    }
    let Some(language) = Language::choose(command.ranges.iter().map(AsRef::as_ref)) else {
        return Status::no(Code::Cannot, "None of these languages is spoken here");
    };
    session.machine.send(&Response::Language(&[language]));
    session.machine.speak(language);
    Status::ok("Now in this language")
}
