//! Passwords that come in clear (design.md, security rule 2). Whoever could listen knows them now: the directory checks
//! them and burns the right ones. Nothing of it is told to the session, so that no answer can depend on it, and nothing
//! here ever asks for one.

use crate::{Caller, Shared};
use domain::Origin;
use proto_sasl::{Begin, ChannelBindings, Exchange, Mechanism, NONCE_OCTETS, Step};
use types::Secret;

/// A SASL exchange that was refused because it came in clear, and of which more may come unasked.
#[derive(Debug)]
pub struct Overheard {
    exchange: Exchange,
    mechanism: &'static str,
}

impl Overheard {
    /// Looks whether a password came with this mechanism; `None` if nothing can follow.
    pub async fn begin(shared: &Shared, caller: &Caller, mechanism: &str, initial: Option<&[u8]>) -> Option<Self> {
        let mechanism = Mechanism::with_password(mechanism)?;
        let begin = Begin {
            nonce: [0; NONCE_OCTETS],
            hostname: "",
            bindings: &ChannelBindings::default(),
            plus_offered: false,
        };
        let mut overheard = Self { exchange: Exchange::new(mechanism, begin), mechanism: mechanism.name };
        let step = overheard.exchange.start(initial);
        overheard.settle(shared, caller, step).await
    }

    /// A response that came although nothing asked for it.
    pub async fn respond(mut self, shared: &Shared, caller: &Caller, message: &[u8]) -> Option<Self> {
        let step = self.exchange.step(message);
        self.settle(shared, caller, step).await
    }

    async fn settle(self, shared: &Shared, caller: &Caller, step: Step) -> Option<Self> {
        match step {
            Step::Challenge(_) => Some(self),
            Step::NeedPassword { name, password } => {
                shared.directory.exposed(&name, &password, &caller.origin(self.mechanism)).await;
                None
            }
            _ => None,
        }
    }
}

/// A password in a protocol's own command.
pub async fn overhear_password(shared: &Shared, origin: &Origin<'_>, name: &str, password: &Secret<Vec<u8>>) {
    // What can be no password is none that could be burnt.
    if let Ok(password) = types::prepare_password(password.expose()) {
        shared.directory.exposed(name, &password, origin).await;
    }
}
