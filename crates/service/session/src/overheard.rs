//! Passwords that come in clear (design.md, security rule 2). Whoever could listen knows them now: the directory checks
//! them and burns the right ones. Nothing of it is told to the session, so that no answer can depend on it, and nothing
//! here ever asks for one.

use crate::{Caller, Shared};
use domain::Origin;
use proto_sasl::{Begin, ChannelBindings, Exchange, Mechanism, NAME_MAX, NONCE_OCTETS, Step};
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
        let heard = initial.and_then(|message| overheard.hear_plain(message));
        let step = heard.unwrap_or_else(|| overheard.exchange.start(initial));
        overheard.settle(shared, caller, step).await
    }

    /// A response that came although nothing asked for it.
    pub async fn respond(mut self, shared: &Shared, caller: &Caller, message: &[u8]) -> Option<Self> {
        let step = self.hear_plain(message).unwrap_or_else(|| self.exchange.step(message));
        self.settle(shared, caller, step).await
    }

    /// Of PLAIN name and password are taken whoever the client wants to act for: that it may not decides whether it signs
    /// in, and not what was heard.
    fn hear_plain(&self, message: &[u8]) -> Option<Step> {
        let (name, password) = split_plain(message).filter(|_| self.mechanism == "PLAIN")?;
        Some(Step::NeedPassword { name, password })
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

/// Name and password in a message of PLAIN (RFC 4616 §2), whatever stands before and behind them.
fn split_plain(message: &[u8]) -> Option<(String, Secret<String>)> {
    let mut parts = message.split(|byte| *byte == 0).skip(1);
    let name = std::str::from_utf8(parts.next()?).ok().filter(|name| name.len() <= NAME_MAX)?;
    let password = types::prepare_password(parts.next()?).ok()?;
    Some((name.to_owned(), password))
}

/// A password in a protocol's own command.
pub async fn overhear_password(shared: &Shared, origin: &Origin<'_>, name: &str, password: &Secret<Vec<u8>>) {
    // What can be no password is none that could be burnt.
    if let Ok(password) = types::prepare_password(password.expose()) {
        shared.directory.exposed(name, &password, origin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_password_in_plain_is_heard_whoever_it_is_to_act_for() {
        for message in
            ["\0anna\0tinte", "anna\0anna\0tinte", "bob\0anna\0tinte", "\u{1}\0anna\0tinte", "\0anna\0tinte\0"]
        {
            let (name, password) = split_plain(message.as_bytes()).unwrap();
            assert_eq!((name.as_str(), password.expose().as_str()), ("anna", "tinte"), "{message:?}");
        }
        let long = |length: usize| split_plain(format!("\0{}\0tinte", "n".repeat(length)).as_bytes()).is_some();
        assert!(long(NAME_MAX) && !long(NAME_MAX + 1));
        for none in [&b""[..], b"\0anna", b"\0anna\0", b"\0\xff\0tinte"] {
            assert!(split_plain(none).is_none(), "{none:?}");
        }
    }
}
