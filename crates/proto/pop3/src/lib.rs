//! POP3 as a machine without I/O: bytes in, events out; answers in, bytes out (RFC 1939, 2449, 2595, 5034, 3206, 6856).
//!
//! [`Connection`] owns framing, states, capabilities and what STLS throws away. It knows nothing of maildrops: the
//! session numbers the messages, remembers what DELE marked and answers every [`Command`]. A command has a row in
//! `registry.rs` and a file of its name in `command/`. [`MessageEncoder`] is the fast way of a message onto the wire.

pub mod command;
mod connection;
mod language;
pub mod limits;
mod line;
mod message_encoder;
mod policy;
mod registry;
mod reply;

pub use command::{AuthStart, Command, MessageNumber, PasswordAttempt, Top};
pub use connection::{CloseReason, Connection, Event, Expire, LoginDelay, Options};
pub use language::Language;
pub use limits::Limits;
pub use message_encoder::{MessageEncoder, Progress};
pub use policy::{Exposure, Mechanism, Policy, Rule, Tls};
pub use reply::ResponseCode;
