//! SASL for every protocol at once (RFC 4422): which mechanisms there are (`registry`), where each may be used
//! ([`Policy`], the one table), and the server's side of each exchange ([`Exchange`]).
//!
//! Machines only: no I/O, no clock, no randomness of its own (a nonce is handed in), no idea of accounts. Messages are
//! bytes; base64, line ends and `*` belong to the protocol that carries them.

mod binding;
mod limits;
mod mechanism;
mod policy;
mod registry;

pub use binding::ChannelBindings;
pub use limits::{MESSAGE_MAX, NAME_MAX, TOKEN_MESSAGE_MAX};
pub use mechanism::{Begin, Exchange, Failure, NONCE_OCTETS, Nonce, Step, TokenRefusal};
pub use policy::{Circumstances, Lookup, Need, Policy, Protocol, TlsState, Verdict};
pub use registry::Mechanism;
