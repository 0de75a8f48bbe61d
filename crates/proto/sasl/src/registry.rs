//! One row per mechanism. The order is that in which they are announced: the strongest first.

use crate::mechanism::{self, Begin, Server, external, login, plain, scram};
use types::ScramHash::{Sha1, Sha256, Sha512};

/// A mechanism.
pub struct Mechanism {
    /// The registered name in capitals (IANA "SASL Mechanisms").
    pub name: &'static str,
    /// Makes the server's side of an exchange.
    pub(crate) server: fn(Begin<'_>) -> Box<dyn Server>,
}

impl Mechanism {
    /// The mechanism with this name, in any case, if it sends the password itself.
    pub fn with_password(name: &str) -> Option<&'static Self> {
        find(name).filter(|mechanism| matches!(mechanism.name, "PLAIN" | "LOGIN"))
    }
}

/// Every mechanism that the directory can answer. Where each may be used says `policy.rs`.
pub(crate) static MECHANISMS: [Mechanism; 9] = [
    Mechanism { name: "SCRAM-SHA-512-PLUS", server: |begin| scram::bound(Sha512, begin) },
    Mechanism { name: "SCRAM-SHA-256-PLUS", server: |begin| scram::bound(Sha256, begin) },
    Mechanism { name: "SCRAM-SHA-1-PLUS", server: |begin| scram::bound(Sha1, begin) },
    Mechanism { name: "EXTERNAL", server: |_| external::server() },
    Mechanism { name: "SCRAM-SHA-512", server: |begin| scram::unbound(Sha512, begin) },
    Mechanism { name: "SCRAM-SHA-256", server: |begin| scram::unbound(Sha256, begin) },
    Mechanism { name: "SCRAM-SHA-1", server: |begin| scram::unbound(Sha1, begin) },
    Mechanism { name: "PLAIN", server: |_| plain::server() },
    Mechanism { name: "LOGIN", server: |_| login::server() },
];

/// The mechanism with this name, in any case (RFC 4422 §3.1 has capitals only; some programs do not).
pub(crate) fn find(name: &str) -> Option<&'static Mechanism> {
    MECHANISMS.iter().chain(&mechanism::PREPARED).find(|mechanism| mechanism.name.eq_ignore_ascii_case(name))
}

impl std::fmt::Debug for Mechanism {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
