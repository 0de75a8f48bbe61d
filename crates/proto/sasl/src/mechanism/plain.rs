//! PLAIN (RFC 4616).

use super::{Failure, Server, Step, may_act_as, parse_name};
use types::prepare_password;

struct Plain;

pub(crate) fn server() -> Box<dyn Server> {
    Box::new(Plain)
}

/// ```text
/// message   = [authzid] UTF8NUL authcid UTF8NUL passwd
/// ```
fn split(message: &[u8]) -> Option<[&[u8]; 3]> {
    let mut parts = message.split(|byte| *byte == 0);
    let all = [parts.next()?, parts.next()?, parts.next()?];
    parts.next().is_none().then_some(all)
}

impl Server for Plain {
    fn receive(&mut self, message: &[u8]) -> Step {
        let Some([authorization, name, password]) = split(message) else { return Step::Failed(Failure::Syntax) };
        let authorization = if authorization.is_empty() { Some(String::new()) } else { parse_name(authorization) };
        let (Some(authorization), Some(name), Ok(password)) =
            (authorization, parse_name(name), prepare_password(password))
        else {
            return Step::Failed(Failure::Syntax);
        };
        if !may_act_as(&authorization, &name) {
            return Step::Failed(Failure::Denied);
        }
        Step::NeedPassword { name, password }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Exchange;
    use super::super::testing::unbound;
    use super::*;
    use crate::limits::{MESSAGE_MAX, NAME_MAX};
    use types::{PASSWORD_MAX, Secret};

    fn exchange() -> Exchange {
        unbound("plain")
    }

    fn ask(name: &str, password: &str) -> Step {
        Step::NeedPassword { name: name.into(), password: Secret::new(password.into()) }
    }

    #[test]
    fn the_example_of_the_rfc_signs_in() {
        // RFC 4616 §4
        let mut plain = exchange();
        assert_eq!(plain.start(None), Step::Challenge(vec![]));
        assert_eq!(plain.step(b"\0tim\0tanstaaftanstaaf"), ask("tim", "tanstaaftanstaaf"));
        assert_eq!(plain.step(b"\0tim\0tanstaaftanstaaf"), Step::Failed(Failure::Syntax), "an exchange ends once");
    }

    #[test]
    fn nobody_acts_for_somebody_else() {
        assert_eq!(exchange().start(Some(b"Ursel\0Kurt\0xipj3plmq")), Step::Failed(Failure::Denied));
        assert_eq!(exchange().start(Some(b"Kurt\0kurt\0xipj3plmq")), ask("kurt", "xipj3plmq"));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bad in
            [&b""[..], b"\0", b"ann", b"\0ann", b"\0ann\0", b"\0\0pw", b"\0ann\0pw\0", b"\0a\xff\0pw", b"\0ann\0\xff"]
        {
            assert_eq!(exchange().start(Some(bad)), Step::Failed(Failure::Syntax), "{bad:?}");
        }
    }

    #[test]
    fn lengths_hold_at_the_limit_and_not_past_it() {
        let message =
            |name: usize, password: usize| [&b"\0"[..], &vec![b'n'; name], b"\0", &vec![b'p'; password]].concat();
        assert!(matches!(exchange().start(Some(&message(NAME_MAX, PASSWORD_MAX))), Step::NeedPassword { .. }));
        for bad in [message(NAME_MAX + 1, 1), message(1, PASSWORD_MAX + 1), vec![0; MESSAGE_MAX + 1]] {
            assert_eq!(exchange().start(Some(&bad)), Step::Failed(Failure::Syntax));
        }
    }
}
