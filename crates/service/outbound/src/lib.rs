//! The way out: takes due messages from the queue, delivers them here, hands them to other servers, tells the senders.
//!
//! `runner.rs` is the loop, `route.rs` finds the servers, `transmit.rs` speaks to one, `network.rs` joins the two within
//! the bounds of `destinations.rs`, `outbox.rs` is the trial's way out, which leads nowhere, `letter.rs` writes what senders are told.

mod destinations;
mod letter;
mod network;
mod outbox;
mod route;
mod runner;
mod transmit;

pub use network::{Network, Relay};
pub use route::{HostPort, Routes};
pub use runner::{Runner, STOP_PATIENCE, Way};
