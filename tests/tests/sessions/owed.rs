//! What sessions owe their client: every answer, in order, and true, also when much is pipelined, when somebody else
//! changes things, when the client reads slowly and when the server stops.

mod ends;
pub(crate) mod imap;
mod large;
mod notify;
mod pipelines;
mod progress;
