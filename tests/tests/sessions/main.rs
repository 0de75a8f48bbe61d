//! Whole sessions of every protocol over pipes in memory: what may carry a password where, what hostile bytes do to
//! them, and what they owe their client.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "all of it is a test: a panic is its verdict"
)]

mod client;
mod fetch;
mod fuzz;
mod model;
mod owed;
mod password;
mod pop3;
mod rights;
mod server;
