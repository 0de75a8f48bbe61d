//! POP3 sessions: the machine of `proto-pop3` on one side, the mail of `domain` on the other (RFC 1939).
//!
//! [`run`] serves one connection. A session's maildrop is INBOX as it stood at the sign-in; what others do to it
//! meanwhile changes neither its numbers nor what can be fetched. DELE only marks; QUIT does with it what the account's
//! policy says, and removes it for every protocol by default.

mod command;
mod dispatch;
mod login;
mod maildrop;
mod numbers;
mod session;
mod status;
mod surrogate;

pub use proto_pop3::Options;
pub use session::{Service, run};
