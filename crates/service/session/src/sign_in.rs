//! The sign-in: a SASL exchange (or a protocol's own password command) on one side, the directory on the other.

use crate::Shared;
use crate::failure::auth_failure;
use domain::{Fingerprint, InUse, Origin, Proof, SignIn, SignInError};
use net::TlsInfo;
use proto_sasl::{
    Begin, ChannelBindings, Circumstances, Exchange, Failure, Mechanism, NONCE_OCTETS, Need, Policy, Protocol, Step,
    TlsState, TokenRefusal,
};
use std::net::IpAddr;
use types::{MailProtocol, Secret};

/// What holds for sign-ins on a connection, from the one table (`proto_sasl::Policy`).
pub fn policy(_shared: &Shared, protocol: Protocol, tls: Option<&TlsInfo>) -> Policy {
    let Some(tls) = tls else { return Policy::of(protocol, TlsState::Clear, Circumstances::default()) };
    let can_bind = tls.exporter.is_some() || tls.server_end_point.is_some();
    let circumstances = Circumstances::default()
        .with(Need::ChannelBinding, can_bind)
        .with(Need::Certificate, tls.client_certificate.is_some());
    Policy::of(protocol, TlsState::Active, circumstances)
}

/// Who knocks.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The other end; `None` for a program on this machine.
    pub peer: Option<IpAddr>,
    /// The protocol that is signed in to.
    pub protocol: MailProtocol,
    /// The program, as it says itself.
    pub program: Option<Box<str>>,
    /// The connection's number, for the log.
    pub connection: u64,
}

impl Caller {
    /// The same for the directory, with the mechanism or the protocol's own command.
    pub fn origin<'a>(&'a self, mechanism: &'a str) -> Origin<'a> {
        let program = self.program.as_deref();
        Origin { peer: self.peer, protocol: self.protocol, program, mechanism, connection: self.connection }
    }
}

/// What the session answers.
#[derive(Debug)]
pub enum Outcome {
    /// Send this, and hand the answer to [`Attempt::respond`].
    Challenge(Vec<u8>),
    /// This is who it is.
    SignedIn(SignIn),
    /// It failed.
    Refused(Refused),
}

/// Why nobody was signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The client does not speak the mechanism.
    Syntax,
    /// Wrong name or password.
    Denied,
    /// The exchange is bound to another connection than this one, or the client was told that we cannot bind.
    Binding,
    /// The password is locked; its owner has to ask the operator.
    Locked,
    /// The password is right, and not valid any more: it was sent in clear, or its time is over.
    Expired,
    /// The password is right, and not for this protocol.
    NotPermitted,
    /// Too many failures lately: temporary.
    Throttled,
    /// A trouble of ours: temporary.
    Fault,
}

impl From<SignInError> for Refused {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Denied => Self::Denied,
            SignInError::Locked => Self::Locked,
            SignInError::Expired => Self::Expired,
            SignInError::NotPermitted => Self::NotPermitted,
            SignInError::Throttled { .. } => Self::Throttled,
            SignInError::Busy => Self::Fault,
            SignInError::Fault(cause) => {
                tracing::error!(error = &cause as &dyn std::error::Error, "cannot check a sign-in");
                Self::Fault
            }
        }
    }
}

/// A SASL exchange with one client.
#[derive(Debug)]
pub struct Attempt {
    exchange: Exchange,
    caller: Caller,
    mechanism: &'static str,
    /// Whose keys a SCRAM exchange was given.
    name: Option<String>,
    /// The certificate that the client has proved to have the key of.
    certificate: Option<Fingerprint>,
    /// Why the token was refused, which the client hears once it has answered what it was told of it.
    refused: Option<Refused>,
}

impl Attempt {
    /// Begins with a mechanism that the policy accepts.
    pub async fn begin(
        shared: &Shared,
        caller: Caller,
        tls: Option<&TlsInfo>,
        mechanism: &'static Mechanism,
        initial: Option<&[u8]>,
    ) -> (Self, Outcome) {
        let mut nonce = [0; NONCE_OCTETS];
        let random = getrandom::fill(&mut nonce);
        let bindings = tls.map_or_else(ChannelBindings::default, |tls| ChannelBindings {
            exporter: tls.exporter,
            server_end_point: tls.server_end_point.clone(),
        });
        let begin = Begin {
            nonce,
            hostname: shared.hostname.as_str(),
            bindings: &bindings,
            plus_offered: !bindings.is_empty(),
        };
        let exchange = Exchange::new(mechanism, begin);
        let certificate = tls.and_then(TlsInfo::client_fingerprint).map(Fingerprint);
        let mut attempt = Self { exchange, caller, mechanism: mechanism.name, name: None, certificate, refused: None };
        if let Err(cause) = random {
            tracing::error!(error = &cause as &dyn std::error::Error, "the system gives no random bytes");
            return (attempt, Outcome::Refused(Refused::Fault));
        }
        let step = attempt.exchange.start(initial);
        let outcome = attempt.settle(shared, step).await;
        (attempt, outcome)
    }

    /// The mechanism's name.
    pub fn mechanism(&self) -> &'static str {
        self.mechanism
    }

    /// Goes on with the client's answer to a challenge.
    pub async fn respond(&mut self, shared: &Shared, message: &[u8]) -> Outcome {
        let step = self.exchange.step(message);
        self.settle(shared, step).await
    }

    /// Does what the steps ask of the directory until one concerns the client.
    async fn settle(&mut self, shared: &Shared, mut step: Step) -> Outcome {
        loop {
            let origin = self.caller.origin(self.mechanism);
            step = match step {
                Step::Challenge(challenge) => return Outcome::Challenge(challenge),
                Step::NeedPassword { name, password } => {
                    return sign_in(shared, &origin, &name, Proof::Password(&password)).await;
                }
                Step::NeedScramKeys { name, hash } => match shared.directory.scram_keys(&name, hash, &origin).await {
                    Ok(keys) => {
                        self.name = Some(name);
                        self.exchange.keys(&keys)
                    }
                    Err(error) => {
                        auth_failure(&origin, &name, &error);
                        return Outcome::Refused(error.into());
                    }
                },
                // The table offers nothing that comes to this as long as the directory has no answer to it.
                Step::NeedToken { .. } => {
                    self.refused = Some(Refused::Denied);
                    self.exchange.token_refused(TokenRefusal { scope: None, openid_configuration: None })
                }
                Step::NeedCertificate { name } => {
                    let Some(certificate) = self.certificate else { return Outcome::Refused(Refused::Denied) };
                    let signed_in =
                        shared.directory.sign_in_by_certificate(certificate, name.as_deref(), &origin).await;
                    return signed_in.map_or_else(|error| Outcome::Refused(error.into()), Outcome::SignedIn);
                }
                Step::NeedDigest { .. } => return Outcome::Refused(Refused::Denied),
                Step::Done { name, credential } => {
                    return sign_in(shared, &origin, &name, Proof::Scram(Some(credential))).await;
                }
                Step::Failed(failure) => return Outcome::Refused(self.fail(shared, failure).await),
            };
        }
    }

    /// A proof that was wrong counts as a wrong password does.
    async fn fail(&mut self, shared: &Shared, failure: Failure) -> Refused {
        if let Some(refused) = self.refused.take() {
            return refused;
        }
        let refused = match failure {
            Failure::Syntax => return Refused::Syntax,
            Failure::Denied => Refused::Denied,
            Failure::Binding => Refused::Binding,
        };
        let Some(name) = self.name.take() else { return refused };
        let origin = self.caller.origin(self.mechanism);
        match sign_in(shared, &origin, &name, Proof::Scram(None)).await {
            Outcome::Refused(Refused::Denied) => refused,
            Outcome::Refused(other) => other,
            Outcome::SignedIn(_) | Outcome::Challenge(_) => Refused::Fault,
        }
    }
}

async fn sign_in(shared: &Shared, origin: &Origin<'_>, name: &str, proof: Proof<'_>) -> Outcome {
    match shared.directory.sign_in(name, proof, origin).await {
        Ok(signed_in) => Outcome::SignedIn(signed_in),
        Err(error) => {
            auth_failure(origin, name, &error);
            Outcome::Refused(error.into())
        }
    }
}

/// From now on somebody's session is open: their password is in use.
pub fn begin_use(
    shared: &Shared,
    caller: &Caller,
    mechanism: &str,
    tls: Option<&TlsInfo>,
    signed_in: &SignIn,
) -> InUse {
    shared.directory.begin_use(signed_in, &caller.origin(mechanism), tls.map(|tls| tls.version))
}

/// A sign-in by a protocol's own password command.
pub async fn sign_in_with_password(
    shared: &Shared,
    origin: &Origin<'_>,
    name: &str,
    password: &Secret<Vec<u8>>,
) -> Result<SignIn, Refused> {
    let password = types::prepare_password(password.expose()).map_err(|_| Refused::Denied)?;
    match sign_in(shared, origin, name, Proof::Password(&password)).await {
        Outcome::SignedIn(signed_in) => Ok(signed_in),
        Outcome::Refused(refused) => Err(refused),
        Outcome::Challenge(_) => Err(Refused::Syntax),
    }
}
