//! The IMAP server machine, sans I/O: bytes in, events out; responses in, bytes out; time is an argument.
//!
//! - [`Connection`] frames commands, streams APPEND literals, knows which command is legal when, and what STARTTLS
//!   throws away. It hands out one [`Event`] at a time.
//! - [`command`] has one room per command: typed arguments and their parser; [`registry`] has one row per command.
//! - [`response`] has the typed answers, [`fetch`] the FETCH items and the encoder that writes straight into the output.
//! - [`search`] is a SEARCH as a flat program; [`SessionView`] maps sequence numbers to UIDs and knows when an EXPUNGE
//!   may be told.
//!
//! Nothing here reads a clock, draws randomness, opens a socket or knows what a store is.

pub mod codec;
pub mod command;
pub mod connection;
pub mod enabled;
pub mod fetch;
pub mod language;
pub mod limits;
pub mod registry;
pub mod response;
pub mod search;
pub mod view;

pub use codec::{MessageSet, SequenceSet};
pub use command::Command;
pub use connection::{Connection, Event, Policy, State, Tag};
pub use enabled::Enabled;
pub use language::Language;
pub use limits::{Limits, MessageLimit};
pub use response::{Code, Response, Status};
pub use view::SessionView;

#[cfg(test)]
mod tests;
