//! Dialogues with the machine.

use super::*;
use crate::{ForwardPath, MailNeeds, Mechanism, ReversePath, Rule, Tls};
use std::time::Duration;

mod commands;
mod fuzz;
mod limits;
mod messages;

fn policy(tls: Tls, rule: Rule, mail_needs: MailNeeds) -> Policy {
    let mechanisms = ["SCRAM-SHA-256", "PLAIN"].map(|name| Mechanism { name: name.into(), rule });
    Policy { tls, mechanisms: mechanisms.into(), mail_needs }
}

struct Dialogue {
    server: Server,
    now: Instant,
}

impl Dialogue {
    fn with(options: Options, policy: Policy) -> Self {
        let now = Instant::now();
        let mut dialogue = Self { server: Server::new(options, policy, now), now };
        dialogue.server.greet("ready", now);
        dialogue.output();
        dialogue
    }

    /// MX: mail for our people, STARTTLS offered, no AUTH.
    fn mx() -> Self {
        Self::mx_with(Limits::default())
    }

    fn mx_with(limits: Limits) -> Self {
        let options = Options { limits, ..Options::new(Role::Mx, "mx.example") };
        Self::with(options, policy(Tls::Offered, Rule::Off, MailNeeds::Nothing))
    }

    /// Submission before TLS.
    fn submission_in_clear() -> Self {
        let policy = policy(Tls::Offered, Rule::RefusedInClear, MailNeeds::SignIn);
        Self::with(Options::new(Role::Submission, "mx.example"), policy)
    }

    /// Submission inside TLS.
    fn submission() -> Self {
        let policy = policy(Tls::Active, Rule::Offered, MailNeeds::SignIn);
        Self::with(Options::new(Role::Submission, "mx.example"), policy)
    }

    fn lmtp() -> Self {
        let policy = policy(Tls::Unavailable, Rule::Off, MailNeeds::Nothing);
        Self::with(Options::new(Role::Lmtp, "mx.example"), policy)
    }

    /// EHLO or LHLO is said.
    fn hello(mut self) -> Self {
        let verb = if self.server.options.role == Role::Lmtp { "LHLO" } else { "EHLO" };
        self.accept(&format!("{verb} client.example\r\n"));
        self
    }

    /// MAIL and so many RCPT are accepted.
    fn transaction(mut self, recipients: usize) -> Self {
        self.accept("MAIL FROM:<anna@example.org>\r\n");
        for _ in 0..recipients {
            self.accept("RCPT TO:<ben@example.test>\r\n");
        }
        self
    }

    fn output(&mut self) -> String {
        String::from_utf8(self.server.take_output().to_vec()).unwrap()
    }

    fn feed(&mut self, bytes: &[u8]) {
        assert_eq!(self.server.receive(self.now, bytes), bytes.len());
    }

    /// Says this; gives the next event.
    fn event(&mut self, text: impl AsRef<[u8]>) -> Option<Event> {
        self.feed(text.as_ref());
        self.server.poll_event()
    }

    /// Says this, which leads to an event; accepts it and gives the reply.
    fn accept(&mut self, text: &str) -> String {
        assert!(self.event(text).is_some(), "{text}");
        self.server.accept();
        self.output()
    }

    /// Says this, which the machine answers alone.
    fn answer(&mut self, text: &str) -> String {
        assert_eq!(self.event(text), None, "{text}");
        self.output()
    }

    /// Collects the content until another event comes.
    fn content(&mut self) -> (Vec<u8>, Option<Event>) {
        let mut content = Vec::new();
        loop {
            match self.server.poll_event() {
                Some(Event::DataChunk(chunk)) => content.extend_from_slice(&chunk),
                other => return (content, other),
            }
        }
    }
}
