//! The server's side of an exchange: what every mechanism has in common.
//!
//! The session's loop: [`Exchange::start`], then do what the [`Step`] says and go on, until `Done` or `Failed`.

pub(crate) mod login;
pub(crate) mod plain;
pub(crate) mod scram;

use crate::limits::{MESSAGE_MAX, NAME_MAX};
use crate::registry::Mechanism;
use std::fmt;
use types::{CredentialRef, ScramHash, ScramKeys, Secret};

/// How many random bytes an exchange needs.
pub const NONCE_OCTETS: usize = 18;

/// Fresh random bytes for one exchange, from the caller.
pub type Nonce = [u8; NONCE_OCTETS];

/// What the session does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this challenge (it may be empty) and hand the answer to [`Exchange::step`].
    Challenge(Vec<u8>),
    /// Have the directory check this and tell [`Exchange::outcome`].
    NeedPassword {
        /// Who says so, as written.
        name: String,
        /// The password, prepared ([`types::prepare_password`]).
        password: Secret<String>,
    },
    /// Fetch these keys (made-up ones for a name that does not exist) and hand them to [`Exchange::keys`].
    NeedScramKeys {
        /// Whose.
        name: String,
        /// For which mechanism.
        hash: ScramHash,
    },
    /// It was proved that the client is this one.
    Done {
        /// Who, as written.
        name: String,
        /// By which of the passwords whose keys were handed in.
        credential: CredentialRef,
    },
    /// It is over.
    Failed(Failure),
}

/// Why an exchange ended without a sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The message is not what the mechanism wants: `BAD`, 501.
    Syntax,
    /// Wrong, unknown, or not permitted to act for somebody else: `NO [AUTHENTICATIONFAILED]`, 535.
    Denied,
}

/// The server's side of one mechanism. Calls that do not fit the last [`Step`] end the exchange.
pub(crate) trait Server: Send + Sync {
    /// The client's next message; the first may be its initial response.
    fn receive(&mut self, message: &[u8]) -> Step;
    /// What to send a client that gave no initial response; `None` where an empty challenge asks for it.
    fn first_challenge(&mut self) -> Option<Vec<u8>> {
        None
    }
    /// Which password it was, if it was right.
    fn outcome(&mut self, _right: Option<CredentialRef>) -> Step {
        Step::Failed(Failure::Denied)
    }
    /// The keys that were asked for.
    fn keys(&mut self, _keys: &ScramKeys) -> Step {
        Step::Failed(Failure::Denied)
    }
}

/// An exchange with one client.
pub struct Exchange {
    server: Box<dyn Server>,
    over: bool,
}

impl Exchange {
    /// Begins one with a mechanism that the [`Policy`](crate::Policy) accepts. `nonce` is fresh chance.
    pub fn new(mechanism: &Mechanism, nonce: Nonce) -> Self {
        Self { server: (mechanism.server)(nonce), over: false }
    }

    /// The first step, with the initial response if the client sent one (RFC 4422 §4.3 item 2a; an empty one is not none).
    pub fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(message) => self.step(message),
            None => Step::Challenge(self.server.first_challenge().unwrap_or_default()),
        }
    }

    /// The client's answer to a challenge; one longer than [`MESSAGE_MAX`] ends the exchange.
    pub fn step(&mut self, message: &[u8]) -> Step {
        if message.len() > MESSAGE_MAX {
            self.over = true;
        }
        self.advance(Failure::Syntax, |server| server.receive(message))
    }

    /// What the directory said of the password.
    pub fn outcome(&mut self, right: Option<CredentialRef>) -> Step {
        self.advance(Failure::Denied, |server| server.outcome(right))
    }

    /// The keys that were asked for.
    pub fn keys(&mut self, keys: &ScramKeys) -> Step {
        self.advance(Failure::Denied, |server| server.keys(keys))
    }

    fn advance(&mut self, late: Failure, step: impl FnOnce(&mut dyn Server) -> Step) -> Step {
        if self.over {
            return Step::Failed(late);
        }
        let step = step(&mut *self.server);
        self.over = matches!(step, Step::Done { .. } | Step::Failed(_));
        step
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange").field("over", &self.over).finish_non_exhaustive()
    }
}

/// A name as a client wrote it: text without control characters, not empty, not too long. What it means is the
/// directory's business.
pub(crate) fn parse_name(raw: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(raw).ok()?;
    let fits = !text.is_empty() && text.len() <= NAME_MAX && !text.chars().any(char::is_control);
    fits.then(|| text.to_owned())
}

/// Whether somebody may act under this authorization identity: only as himself. (Spelt as the name he signs in with,
/// but for ASCII case; there is no acting for others.)
pub(crate) fn may_act_as(authorization: &str, name: &str) -> bool {
    authorization.is_empty() || authorization.eq_ignore_ascii_case(name)
}
