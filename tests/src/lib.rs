//! Tests that look at whole servers: transcripts of what a client says and is told, over pipes in memory, on every
//! engine. How a transcript is written says `tests/transcripts/README.md`.
//!
//! A transcript is read (`transcript`), its lines are matched (`pattern`), a [`Backend`] gives it a server to talk to,
//! and `runner` plays it.

mod backend;
mod messages;
mod pattern;
mod runner;
mod transcript;

pub use backend::{ANNA, BEN, Backend, DOMAIN, MessageLimit, PASSWORD, Protocol, Stream};
pub use runner::{Failure, play};
pub use transcript::{Transcript, all_transcripts};
