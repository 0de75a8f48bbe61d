//! LOGIN: two prompts, for programs that know nothing better. Never a standard (draft-murchison-sasl-login-00).

use super::{Failure, Nonce, Server, Step, parse_name};
use types::{CredentialRef, prepare_password};

/// Where the exchange stands.
enum Login {
    Name,
    Password(String),
    /// The directory is asked about this one.
    Asked(String),
    Over,
}

pub(crate) fn server(_nonce: Nonce) -> Box<dyn Server> {
    Box::new(Login::Name)
}

impl Server for Login {
    fn first_challenge(&mut self) -> Option<Vec<u8>> {
        Some(b"Username:".to_vec())
    }

    fn receive(&mut self, message: &[u8]) -> Step {
        match std::mem::replace(self, Self::Over) {
            Self::Name => match parse_name(message) {
                Some(name) => {
                    *self = Self::Password(name);
                    Step::Challenge(b"Password:".to_vec())
                }
                None => Step::Failed(Failure::Syntax),
            },
            Self::Password(name) => match prepare_password(message) {
                Ok(password) => {
                    *self = Self::Asked(name.clone());
                    Step::NeedPassword { name, password }
                }
                Err(_) => Step::Failed(Failure::Syntax),
            },
            Self::Asked(_) | Self::Over => Step::Failed(Failure::Syntax),
        }
    }

    fn outcome(&mut self, right: Option<CredentialRef>) -> Step {
        match (std::mem::replace(self, Self::Over), right) {
            (Self::Asked(name), Some(credential)) => Step::Done { name, credential },
            _ => Step::Failed(Failure::Denied),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Exchange, NONCE_OCTETS};
    use super::*;
    use crate::registry;
    use types::{CredentialId, Secret};

    const MAIN: CredentialRef = CredentialRef { id: CredentialId::MAIN, version: 1 };

    fn exchange() -> Exchange {
        Exchange::new(registry::find("LOGIN").unwrap(), [0; NONCE_OCTETS])
    }

    #[test]
    fn two_answers_sign_in_with_or_without_an_initial_one() {
        for initial in [false, true] {
            let mut login = exchange();
            let step = if initial {
                login.start(Some(b"ann"))
            } else {
                assert_eq!(login.start(None), Step::Challenge(b"Username:".to_vec()));
                login.step(b"ann")
            };
            assert_eq!(step, Step::Challenge(b"Password:".to_vec()));
            let asked = Step::NeedPassword { name: "ann".into(), password: Secret::new("tinte".into()) };
            assert_eq!(login.step(b"tinte"), asked);
            assert_eq!(login.outcome(Some(MAIN)), Step::Done { name: "ann".into(), credential: MAIN });
        }
    }

    #[test]
    fn empty_and_broken_answers_end_it() {
        assert_eq!(exchange().start(Some(b"")), Step::Failed(Failure::Syntax));
        let mut login = exchange();
        login.start(Some(b"ann"));
        assert_eq!(login.step(b""), Step::Failed(Failure::Syntax));
        assert_eq!(login.step(b"tinte"), Step::Failed(Failure::Syntax));
        assert_eq!(login.outcome(Some(MAIN)), Step::Failed(Failure::Denied));
    }
}
