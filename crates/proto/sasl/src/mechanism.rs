//! The server's side of an exchange: what every mechanism has in common.
//!
//! The session's loop: [`Exchange::start`], then do what the [`Step`] says and go on, until `Done`, `Failed`, or one of
//! the steps that the directory's answer ends.

pub(crate) mod cram_md5;
pub(crate) mod external;
pub(crate) mod login;
pub(crate) mod oauth;
pub(crate) mod plain;
pub(crate) mod scram;

use crate::binding::ChannelBindings;
use crate::limits::{MESSAGE_MAX, NAME_MAX};
use crate::registry::Mechanism;
use std::fmt;
use types::{CredentialRef, ScramHash, ScramKeys, Secret};

/// Mechanisms that are whole here and wait for the directory: their needs (`policy.rs`) hold nowhere yet. One whose
/// directory side stands moves into the registry.
pub(crate) static PREPARED: [Mechanism; 3] = [
    Mechanism { name: "OAUTHBEARER", server: |_| oauth::bearer() },
    Mechanism { name: "XOAUTH2", server: |_| oauth::xoauth2() },
    Mechanism { name: "CRAM-MD5", server: cram_md5::server },
];

/// How many random bytes an exchange needs.
pub const NONCE_OCTETS: usize = 18;

/// Fresh random bytes for one exchange, from the caller.
pub type Nonce = [u8; NONCE_OCTETS];

/// What an exchange begins with.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'a> {
    /// Fresh chance.
    pub nonce: Nonce,
    /// The name that we greet with.
    pub hostname: &'a str,
    /// What the connection can be bound to.
    pub bindings: &'a ChannelBindings,
    /// Whether mechanisms ending in `-PLUS` were offered on this connection: then a client that says it saw none was lied
    /// to (RFC 5802 §6).
    pub plus_offered: bool,
}

/// What the session does next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Send this challenge (it may be empty) and hand the answer to [`Exchange::step`].
    Challenge(Vec<u8>),
    /// Have the directory check this; what it says ends the exchange.
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
        /// For which hash.
        hash: ScramHash,
    },
    /// Have the directory check this token. Taken: that ends the exchange. Refused: tell [`Exchange::token_refused`].
    NeedToken {
        /// Who the client says it is; `None` if that is left to the token.
        name: Option<String>,
        /// The token; empty from a client that wants to hear which one it should get (RFC 7628 §4.3).
        token: Secret<String>,
    },
    /// Have the directory say who the client's certificate is of; what it says ends the exchange.
    NeedCertificate {
        /// Who the client wants to be; `None` if that is left to the certificate.
        name: Option<String>,
    },
    /// Have the directory check this digest; what it says ends the exchange.
    NeedDigest {
        /// Who says so, as written.
        name: String,
        /// What the client was given.
        challenge: Vec<u8>,
        /// What it made of it and the password: HMAC-MD5.
        response: Vec<u8>,
    },
    /// It was proved that the client is this one.
    Done {
        /// Who, as written.
        name: String,
        /// With which of the passwords.
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
    /// The exchange is not bound to this connection as it should be: the client was told that we cannot, or binds to
    /// another connection, so somebody may be in between; or it knows no kind of binding that we have. Like
    /// [`Failure::Denied`], with words that say so.
    Binding,
}

/// What a client is told of a token that was refused (RFC 7628 §3.2.2).
#[derive(Clone, Copy, Debug)]
pub struct TokenRefusal<'a> {
    /// Which scope to ask the issuer for.
    pub scope: Option<&'a str>,
    /// Where the issuer describes itself.
    pub openid_configuration: Option<&'a str>,
}

/// The server's side of one mechanism. Calls that do not fit the last [`Step`] end the exchange.
pub(crate) trait Server: Send + Sync {
    /// The longest message of a client in bytes.
    fn message_max(&self) -> usize {
        MESSAGE_MAX
    }
    /// The client's next message; the first may be its initial response.
    fn receive(&mut self, message: &[u8]) -> Step;
    /// What to send a client that gave no initial response; `None` where an empty challenge asks for it.
    fn first_challenge(&mut self) -> Option<Vec<u8>> {
        None
    }
    /// Whether the mechanism begins with the server, so that an initial response is out of place.
    fn begins(&self) -> bool {
        false
    }
    /// The keys that were asked for.
    fn keys(&mut self, _keys: &ScramKeys) -> Step {
        Step::Failed(Failure::Denied)
    }
    /// The token that was shown is refused.
    fn token_refused(&mut self, _why: TokenRefusal<'_>) -> Step {
        Step::Failed(Failure::Denied)
    }
}

/// An exchange with one client.
pub struct Exchange {
    server: Box<dyn Server>,
    over: bool,
}

impl Exchange {
    /// Begins one with a mechanism that the [`Policy`](crate::Policy) accepts.
    pub fn new(mechanism: &Mechanism, begin: Begin<'_>) -> Self {
        Self { server: (mechanism.server)(begin), over: false }
    }

    /// The first step, with the initial response if the client sent one (RFC 4422 §4.3 item 2a; an empty one is not none).
    /// A mechanism that begins with the server takes none (RFC 4422 §5 item 2b).
    pub fn start(&mut self, initial: Option<&[u8]>) -> Step {
        match initial {
            Some(_) if self.server.begins() => self.advance(Failure::Syntax, |_| Step::Failed(Failure::Syntax)),
            Some(message) => self.step(message),
            None => Step::Challenge(self.server.first_challenge().unwrap_or_default()),
        }
    }

    /// The client's answer to a challenge; one that is too long ends the exchange.
    pub fn step(&mut self, message: &[u8]) -> Step {
        if message.len() > self.server.message_max() {
            self.over = true;
        }
        self.advance(Failure::Syntax, |server| server.receive(message))
    }

    /// The keys that were asked for.
    pub fn keys(&mut self, keys: &ScramKeys) -> Step {
        self.advance(Failure::Denied, |server| server.keys(keys))
    }

    /// The token was refused: what the client is to be told comes as a challenge, and its answer, whatever it is, as
    /// `Failed`.
    pub fn token_refused(&mut self, why: TokenRefusal<'_>) -> Step {
        self.advance(Failure::Denied, |server| server.token_refused(why))
    }

    fn advance(&mut self, late: Failure, step: impl FnOnce(&mut dyn Server) -> Step) -> Step {
        if self.over {
            return Step::Failed(late);
        }
        let step = step(&mut *self.server);
        self.over = !matches!(step, Step::Challenge(_) | Step::NeedScramKeys { .. } | Step::NeedToken { .. });
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

/// Undoes the escapes of a name (RFC 5801 §4, RFC 5802 §5.1):
/// ```text
/// saslname   = 1*(value-safe-char / "=2C" / "=3D")
/// ```
pub(crate) fn decode_saslname(raw: &str) -> Option<String> {
    let mut name = String::with_capacity(raw.len());
    let mut pieces = raw.split('=');
    name.push_str(pieces.next()?);
    for piece in pieces {
        let (code, rest) = piece.split_at_checked(2)?;
        name.push(match code {
            "2C" => ',',
            "3D" => '=',
            _ => return None,
        });
        name.push_str(rest);
    }
    parse_name(name.as_bytes())
}

#[cfg(test)]
pub(crate) mod testing {
    //! What the tests of the mechanisms begin with.

    use super::{Begin, Exchange, NONCE_OCTETS};
    use crate::{ChannelBindings, registry};

    pub(crate) fn exchange(mechanism: &str, bindings: &ChannelBindings) -> Exchange {
        let begin = Begin {
            nonce: [7; NONCE_OCTETS],
            hostname: "mail.example.test",
            bindings,
            plus_offered: !bindings.is_empty(),
        };
        Exchange::new(registry::find(mechanism).unwrap(), begin)
    }

    /// Without channel binding.
    pub(crate) fn unbound(mechanism: &str) -> Exchange {
        exchange(mechanism, &ChannelBindings::default())
    }
}
