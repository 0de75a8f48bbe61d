//! The commands after the sign-in, one room each.

pub(crate) mod dele;
pub(crate) mod list;
pub(crate) mod quit;
pub(crate) mod retr;
pub(crate) mod uidl;

/// How many lines of a list are written before the output is sent on.
const LINES_AT_ONCE: usize = 1024;
/// What a number is answered with that names nothing.
const NO_SUCH_MESSAGE: &str = "There is no such message";

/// How many messages, in words for the log of the trial.
pub(crate) fn messages(count: u64) -> String {
    format!("{count} message{}", if count == 1 { "" } else { "s" })
}
