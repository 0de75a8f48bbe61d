//! LOGIN: two prompts, for programs that know nothing better. Never a standard (draft-murchison-sasl-login-00).

use super::{Failure, Server, Step, parse_name};
use types::prepare_password;

/// Where the exchange stands.
enum Login {
    Name,
    Password(String),
    Over,
}

pub(crate) fn server() -> Box<dyn Server> {
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
                Ok(password) => Step::NeedPassword { name, password },
                Err(_) => Step::Failed(Failure::Syntax),
            },
            Self::Over => Step::Failed(Failure::Syntax),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Exchange;
    use super::super::testing::unbound;
    use super::*;
    use types::Secret;

    fn exchange() -> Exchange {
        unbound("LOGIN")
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
            assert_eq!(login.step(b"tinte"), Step::Failed(Failure::Syntax), "an exchange ends once");
        }
    }

    #[test]
    fn empty_and_broken_answers_end_it() {
        assert_eq!(exchange().start(Some(b"")), Step::Failed(Failure::Syntax));
        let mut login = exchange();
        login.start(Some(b"ann"));
        assert_eq!(login.step(b""), Step::Failed(Failure::Syntax));
        assert_eq!(login.step(b"tinte"), Step::Failed(Failure::Syntax));
    }
}
