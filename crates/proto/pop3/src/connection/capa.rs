//! What CAPA answers (RFC 2449 §5 and §6): the rows of the registry, then what is no command.

use super::{Connection, Expire, LoginDelay, State};
use crate::registry::{COMMANDS, Capability};
use crate::{Rule, Tls};
use bytes::BufMut;

/// Longest capability line in bytes without its CRLF (RFC 2449 §5).
const CAPABILITY_MAX: usize = 510;

impl Connection {
    pub(super) fn write_capabilities(&mut self) {
        self.say_ok("Capabilities follow");
        for spec in &COMMANDS {
            match spec.capability {
                Capability::Always(tag) => self.capability(tag),
                Capability::User if self.policy.password == Rule::Offered => self.capability("USER"),
                Capability::Sasl => self.sasl(),
                Capability::Stls if self.policy.tls == Tls::Offered => self.capability("STLS"),
                Capability::None | Capability::User | Capability::Stls => {}
            }
        }
        for tag in ["RESP-CODES", "AUTH-RESP-CODE", "PIPELINING"] {
            self.capability(tag);
        }
        match self.expire {
            Some(Expire::Never) => self.capability("EXPIRE NEVER"),
            Some(Expire::Days(days)) => self.capability(&format!("EXPIRE {days}")),
            None => {}
        }
        match self.login_delay {
            Some(LoginDelay::AtMost(delay)) if self.state == State::Authorization => {
                self.capability(&format!("LOGIN-DELAY {} USER", delay.as_secs()));
            }
            Some(LoginDelay::AtMost(delay) | LoginDelay::Everyone(delay)) => {
                self.capability(&format!("LOGIN-DELAY {}", delay.as_secs()));
            }
            None => {}
        }
        let implementation = format!("IMPLEMENTATION {}", self.options.implementation);
        self.capability(&implementation);
        self.output.put_slice(b".\r\n");
    }

    fn sasl(&mut self) {
        let mut line = String::from("SASL");
        for mechanism in self.policy.mechanisms.iter().filter(|mechanism| mechanism.rule == Rule::Offered) {
            line.push(' ');
            line.push_str(&mechanism.name);
        }
        if line.len() > "SASL".len() {
            self.capability(&line);
        }
    }

    fn capability(&mut self, line: &str) {
        for byte in line.bytes().take(CAPABILITY_MAX) {
            self.output.put_u8(if matches!(byte, b' '..=b'~') { byte } else { b'?' });
        }
        self.output.put_slice(b"\r\n");
    }
}
