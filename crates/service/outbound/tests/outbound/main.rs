//! The way out against servers in this process: what arrives where, what is tried again, what comes back.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests: a panic is their verdict")]

mod crash;
mod delivery;
mod failures;
mod running;
mod sink;
mod tls;
mod world;
