//! USER and PASS, AUTH and the lines of its exchange: what may be handed out to be checked, and how it came.

use super::{Connection, Event, Sasl, Turn};
use crate::command::{self, AuthStart, Command, PasswordAttempt};
use crate::{Exposure, Rule};
use types::Secret;

impl Connection {
    /// In the clear USER is refused, but its name is kept: a client that sends PASS all the same has shown a password.
    pub(super) fn user(&mut self, name: String) -> Option<Event> {
        match self.policy.password {
            Rule::Offered => self.say_ok("Password, please"),
            Rule::RefusedInClear => self.refuse_clear_text(),
            Rule::Off => {
                self.fault("USER is not offered here");
                return None;
            }
        }
        self.user = Some(name);
        None
    }

    pub(super) fn pass(&mut self, password: Secret<Vec<u8>>) -> Option<Event> {
        let exposure = match self.policy.password {
            Rule::Offered => Exposure::Permitted,
            Rule::RefusedInClear => Exposure::InClear,
            Rule::Off => {
                self.fault("PASS is not offered here");
                return None;
            }
        };
        let Some(user) = self.user.take() else {
            self.fault("USER comes before PASS");
            return None;
        };
        self.turn = Turn::Login(exposure, Sasl::No);
        Some(Event::Command(Command::Password(PasswordAttempt { user, password, exposure })))
    }

    pub(super) fn auth(&mut self, arguments: command::auth::Arguments) -> Option<Event> {
        let command::auth::Arguments { mechanism, initial_response } = arguments;
        let rule = self.policy.mechanisms.iter().find(|known| known.name == mechanism).map_or(Rule::Off, |m| m.rule);
        let exposure = match (rule, &initial_response) {
            (Rule::Off, _) => {
                self.fault("This mechanism is not offered");
                return None;
            }
            (Rule::RefusedInClear, response) => {
                self.uninvited = command::auth::RESPONSES_MAX;
                if response.is_none() {
                    // The session hears of it, in case that a response comes all the same.
                    self.refuse_clear_text();
                    return Some(Event::AuthRefused(mechanism));
                }
                Exposure::InClear
            }
            (Rule::Offered, _) => Exposure::Permitted,
        };
        self.turn = Turn::Login(exposure, Sasl::Yes);
        Some(Event::Command(Command::Auth(AuthStart { mechanism, initial_response, exposure })))
    }

    pub(super) fn exchange_line(&mut self, line: &[u8]) -> Option<Event> {
        if line == b"*" {
            // RFC 5034 §4: the client cancels with a single asterisk.
            self.say_err(None, "Cancelled");
            return self.abort_exchange();
        }
        match command::auth::parse_response(line) {
            Ok(response) => {
                self.turn = Turn::Login(Exposure::Permitted, Sasl::Yes);
                Some(Event::Command(Command::AuthResponse(response)))
            }
            Err(error) => {
                self.argument_fault(error);
                self.abort_exchange()
            }
        }
    }

    pub(super) fn abort_exchange(&mut self) -> Option<Event> {
        let exchange = matches!(self.turn, Turn::Exchange);
        self.turn = Turn::Command;
        exchange.then_some(Event::AuthAborted)
    }
}
