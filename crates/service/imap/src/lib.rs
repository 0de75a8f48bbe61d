//! IMAP sessions: the machine of `proto-imap` on one side, the mail of `domain` on the other (RFC 3501).
//!
//! [`run`] serves one connection. `session.rs` is its loop, `dispatch.rs` leads from a command to its room in
//! `command/`, `selected.rs` is the open mailbox, `status.rs` says what a client hears of a failure.

mod accounts;
mod annotation_news;
mod command;
mod contexts;
mod dispatch;
mod finish;
mod login;
mod notify;
mod place;
mod progress;
mod rights;
mod selected;
mod session;
mod status;

pub use progress::PROGRESS_EVERY;
pub use proto_imap::{Limits, MessageLimit};
pub use session::{Options, Service, Unauthenticate, run};
