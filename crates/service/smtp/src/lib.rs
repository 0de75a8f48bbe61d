//! SMTP and LMTP sessions on the receiving side: the machine of `proto-smtp`, the delivery of `domain` (RFC 5321).
//!
//! [`run`] serves one connection in one of three roles: mail from other servers for our people (MX), from our people
//! (submission), from another program on this machine (LMTP). Mail for elsewhere is taken from signed-in people only.

mod envelope;
mod login;
mod message;
mod session;
mod status;

pub use proto_smtp::{Options, Role};
pub use session::{Service, run};
