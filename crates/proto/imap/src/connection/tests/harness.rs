//! A session of few words around a connection.

use crate::command::Command;
use crate::connection::{Connection, Event, LoginPolicy, Policy, Tag};
use crate::limits::Limits;
use crate::response::Status;
use std::time::Duration;

/// What holds inside TLS.
pub(in super::super) fn inside_tls() -> Policy {
    Policy { login: LoginPolicy::Allowed, mechanisms: vec!["PLAIN".into(), "SCRAM-SHA-256".into()], starttls: false }
}

/// What holds before it.
pub(in super::super) fn in_clear() -> Policy {
    Policy { login: LoginPolicy::Disabled, mechanisms: vec![], starttls: true }
}

pub(in super::super) struct Driver {
    pub(in super::super) connection: Connection,
    pub(in super::super) now: Duration,
}

impl Driver {
    pub(in super::super) fn new(policy: Policy) -> Self {
        Self::with_limits(Limits::default(), policy)
    }

    pub(in super::super) fn with_limits(limits: Limits, policy: Policy) -> Self {
        Self { connection: Connection::new(limits, policy, Duration::ZERO), now: Duration::ZERO }
    }

    /// Logged in and, if asked for, with a mailbox.
    pub(in super::super) fn logged_in(limits: Limits) -> Self {
        let mut driver = Self::with_limits(limits, inside_tls());
        driver.login();
        driver
    }

    pub(in super::super) fn login(&mut self) {
        self.connection.authenticated();
    }

    pub(in super::super) fn receive(&mut self, text: &str) {
        self.connection.receive(text.as_bytes());
    }

    pub(in super::super) fn poll(&mut self) -> Option<Event> {
        self.connection.poll_event(self.now)
    }

    /// The next event, which is a command.
    pub(in super::super) fn command(&mut self) -> (String, Command) {
        match self.poll() {
            Some(Event::Command { tag, command }) => (tag.as_str().to_owned(), command),
            other => panic!("a command was expected: {other:?}, {}", self.output()),
        }
    }

    pub(in super::super) fn ok(&mut self, tag: &str) {
        self.connection.finish(&Tag::new(tag), &Status::ok("done"));
    }

    pub(in super::super) fn output(&mut self) -> String {
        String::from_utf8(self.connection.take_output().to_vec()).unwrap()
    }
}
