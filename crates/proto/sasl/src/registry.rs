//! One row per mechanism. The order is that in which they are announced: the strongest first.

use crate::mechanism::{self, Nonce, Server};

/// A mechanism.
pub struct Mechanism {
    /// The registered name in capitals (IANA "SASL Mechanisms").
    pub name: &'static str,
    /// Makes the server's side of an exchange.
    pub(crate) server: fn(Nonce) -> Box<dyn Server>,
}

/// Every mechanism there is. Where each may be used says `policy.rs`.
pub(crate) static MECHANISMS: [Mechanism; 3] = [
    Mechanism { name: "SCRAM-SHA-256", server: mechanism::scram::sha_256 },
    Mechanism { name: "PLAIN", server: mechanism::plain::server },
    Mechanism { name: "LOGIN", server: mechanism::login::server },
];

/// The mechanism with this name, in any case (RFC 4422 §3.1 has capitals only; some programs do not).
pub(crate) fn find(name: &str) -> Option<&'static Mechanism> {
    MECHANISMS.iter().find(|mechanism| mechanism.name.eq_ignore_ascii_case(name))
}

impl std::fmt::Debug for Mechanism {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
