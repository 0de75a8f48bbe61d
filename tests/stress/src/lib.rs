//! Many IMAP connections that give random commands to shared mailboxes at once, each checking every untagged answer
//! against what it was told before, and all of them, whenever they stand still, against each other.
//!
//! [`run()`] works against any IMAP server on this machine, so that what it complains of can be held against a second
//! opinion; `cargo xtask stress` starts Postamt for it. Begin reading at `view.rs`, which knows what a client may
//! believe, and `facts.rs`, which knows what must be the same for all.

mod act;
mod client;
mod facts;
mod messages;
mod random;
mod response;
mod run;
mod standstill;
mod view;

pub use run::{Options, Outcome, Target, run};
