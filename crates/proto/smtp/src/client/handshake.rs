//! From the greeting to where mail may be sent: EHLO, STARTTLS, EHLO again, AUTH.

use super::{Capabilities, Client, ClientEvent, ClientFailure, ClientTls, Expected, Protocol, Stage, State};
use crate::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

impl Client {
    pub(super) fn greeting(&mut self, reply: Reply) {
        if reply.code() == 220 {
            self.say_hello();
        } else {
            self.refused(Stage::Greeting, reply);
        }
    }

    pub(super) fn say_hello(&mut self) {
        self.capabilities = Capabilities::default();
        let verb = if self.options.protocol == Protocol::Lmtp { "LHLO" } else { "EHLO" };
        self.hello(verb, Expected::Ehlo);
    }

    fn hello(&mut self, verb: &str, expected: Expected) {
        let name: String = self.options.hello_name.chars().filter(char::is_ascii_graphic).collect();
        self.command(&format!("{verb} {name}"), expected);
    }

    pub(super) fn ehlo_answer(&mut self, reply: Reply) {
        if reply.is_positive() {
            self.capabilities = Capabilities::parse(reply.text());
            self.after_hello();
        } else if reply.is_permanent() && self.options.protocol == Protocol::Smtp {
            // RFC 5321 §3.2: a server that does not know EHLO gets HELO.
            self.hello("HELO", Expected::Helo);
        } else {
            self.refused(Stage::Hello, reply);
        }
    }

    pub(super) fn helo_answer(&mut self, reply: Reply) {
        if reply.is_positive() {
            self.after_hello();
        } else {
            self.refused(Stage::Hello, reply);
        }
    }

    fn after_hello(&mut self) {
        let wanted = matches!(self.options.tls, ClientTls::Required | ClientTls::IfOffered) && !self.tls_active;
        if wanted && self.capabilities.starttls {
            self.command("STARTTLS", Expected::StartTls);
        } else if wanted && self.options.tls == ClientTls::Required {
            self.fail(ClientFailure::NoTls);
        } else {
            self.sign_in();
        }
    }

    pub(super) fn starttls_answer(&mut self, reply: Reply) {
        if reply.code() == 220 {
            // RFC 3207 §4.2. What came in the clear behind the reply is thrown away with the rest.
            self.capabilities = Capabilities::default();
            self.input.clear();
            self.state = State::Handshake;
            self.events.push_back(ClientEvent::StartTls);
        } else if self.options.tls == ClientTls::Required {
            self.refused(Stage::StartTls, reply);
        } else {
            self.sign_in();
        }
    }

    /// AUTH PLAIN with an initial response (RFC 4954 §4, RFC 4616 §2).
    fn sign_in(&mut self) {
        let Some(credentials) = &self.options.credentials else {
            return self.become_ready();
        };
        if !self.tls_active {
            return self.fail(ClientFailure::NoTls);
        }
        if !self.capabilities.auth.iter().any(|mechanism| mechanism == "PLAIN") {
            return self.fail(ClientFailure::NoAuth);
        }
        let message = format!("\0{}\0{}", credentials.user, credentials.password.expose());
        let line = format!("AUTH PLAIN {}", STANDARD.encode(message));
        self.command(&line, Expected::Auth);
    }

    pub(super) fn auth_answer(&mut self, reply: Reply) {
        if reply.code() == 235 {
            self.become_ready();
        } else {
            self.refused(Stage::Auth, reply);
        }
    }

    fn refused(&mut self, stage: Stage, reply: Reply) {
        let failure = if reply.is_temporary() || reply.is_permanent() {
            ClientFailure::Refused { stage, reply }
        } else {
            ClientFailure::Protocol { stage }
        };
        self.fail(failure);
    }
}
