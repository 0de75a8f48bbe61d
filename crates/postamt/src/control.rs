//! The control socket: how the commands reach the running server. [`protocol`] is what is said, `client` asks,
//! `server` answers, `handle` carries out, `render` shows.

mod client;
mod handle;
mod protocol;
mod render;
mod server;

pub(crate) use client::ask;
pub(crate) use handle::Handler;
pub(crate) use protocol::{Deleted, Request};
pub(crate) use render::{escaped, render, shown_time};
pub(crate) use server::serve;
