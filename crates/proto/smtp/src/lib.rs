//! SMTP and LMTP as machines without I/O: bytes in, events out; answers in, bytes out.
//!
//! [`Server`] is the receiving side in three roles (MX, submission, LMTP); [`Client`] the sending one. They own framing,
//! sequence, limits, the extensions' syntax, the end of DATA and what STARTTLS throws away; who may send what to whom
//! is the session's business. A command has a row in `registry.rs` and a file in `command/`, an extension the same in
//! `extension.rs` and `extension/`.
//!
//! RFC 5321, 1870 (SIZE), 2033 (LMTP), 2034 and 3463 (status codes), 2920 (PIPELINING), 3030 (CHUNKING), 3207
//! (STARTTLS), 4954 (AUTH), 6152 (8BITMIME), 6531 (SMTPUTF8).

pub mod client;
pub mod command;
pub mod data;
mod extension;
pub mod limits;
mod line;
mod path;
mod policy;
mod registry;
mod reply;
mod server;

pub use client::{Client, ClientEvent, ClientOptions};
pub use command::{AuthStart, Body, Hello, HelloVerb, Mail, Recipient};
pub use data::{BareNewline, DataEncoder, DataFailure};
pub use limits::Limits;
pub use path::{ForwardPath, PathError, ReversePath};
pub use policy::{Exposure, MailNeeds, Mechanism, Policy, Rule, Tls};
pub use reply::{EnhancedCode, Reply};
pub use server::{CloseReason, DataStart, Event, Options, Role, Server};
