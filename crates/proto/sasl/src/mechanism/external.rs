//! EXTERNAL (RFC 4422 appendix A): the client has shown a certificate in TLS, and says at most who it wants to be.

use super::{Failure, Server, Step, parse_name};

pub(crate) fn server() -> Box<dyn Server> {
    Box::new(External)
}

struct External;

impl Server for External {
    /// ```text
    /// external-initial-client-response = *( UTF8-char-no-nul )
    /// ```
    fn receive(&mut self, message: &[u8]) -> Step {
        if message.is_empty() {
            return Step::NeedCertificate { name: None };
        }
        match parse_name(message) {
            Some(name) => Step::NeedCertificate { name: Some(name) },
            None => Step::Failed(Failure::Syntax),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::unbound;
    use super::*;
    use crate::limits::NAME_MAX;

    #[test]
    fn the_certificate_or_the_client_says_who_it_is() {
        // RFC 4422 appendix A.2: the client waits to be asked, or does not.
        for said in ["", "fred@example.com"] {
            let name = Some(said.to_owned()).filter(|name| !name.is_empty());
            let mut external = unbound("EXTERNAL");
            assert_eq!(external.start(None), Step::Challenge(vec![]));
            assert_eq!(external.step(said.as_bytes()), Step::NeedCertificate { name: name.clone() });
            assert_eq!(external.step(b""), Step::Failed(Failure::Syntax), "an exchange ends once");
            assert_eq!(unbound("external").start(Some(said.as_bytes())), Step::NeedCertificate { name });
        }
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for bad in [&b"a\0b"[..], b"\xff", b"a\r\n", &[b'n'; NAME_MAX + 1]] {
            assert_eq!(unbound("EXTERNAL").start(Some(bad)), Step::Failed(Failure::Syntax), "{bad:?}");
        }
        let name = "n".repeat(NAME_MAX);
        assert_eq!(unbound("EXTERNAL").start(Some(name.as_bytes())), Step::NeedCertificate { name: Some(name) });
    }
}
