//! What is worth telling the operator, in one form for the log and for the trial's live lines.

use std::fmt;

/// The `tracing` target of these events.
pub const TARGET: &str = "postamt::happening";

/// A line such as `anna  IMAP  signed in  TLS 1.3, PLAIN`.
#[derive(Clone, Copy)]
pub struct Happening<'a> {
    /// Whose mailbox; `None` before anybody signed in.
    pub who: Option<&'a str>,
    /// The protocol in capitals.
    pub service: &'static str,
    /// A few words.
    pub what: &'a str,
    /// The circumstances.
    pub detail: &'a dyn fmt::Display,
}

/// Tells it.
pub fn happened(happening: Happening<'_>) {
    let Happening { who, service, what, detail } = happening;
    tracing::info!(target: TARGET, who = who.unwrap_or("–"), service, what, detail = %detail);
}
