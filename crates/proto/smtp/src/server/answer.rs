//! What the session answers. Each function asserts that the answer fits the event that waits for it.

use super::{Chunks, CloseReason, Pending, Server, Turn};
use crate::command::HelloVerb;
use crate::extension::{Context, ehlo_lines};
use crate::{Exposure, Reply};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

impl Server {
    /// Yes, in the usual words.
    pub fn accept(&mut self) {
        self.accept_with("");
    }

    /// Yes, in these words (one line or more, parted by `\n`); EHLO's and DATA's are fixed.
    ///
    /// # Panics
    /// If nothing waits for an answer, or what waits is a secret that came in the clear: that is refused even when it
    /// is right.
    pub fn accept_with(&mut self, text: &str) {
        let or = |usual: &str| if text.is_empty() { usual.to_owned() } else { text.to_owned() };
        match self.take_pending() {
            Pending::Hello(verb) => self.accept_hello(verb),
            Pending::Login(exposure) => {
                assert!(exposure == Exposure::Permitted, "a secret sent in the clear is refused");
                self.signed_in = true;
                self.say(&Reply::new(235, 7, 0, or("Signed in")));
            }
            Pending::Mail(transaction) => {
                self.transaction = Some(transaction);
                self.say(&Reply::new(250, 1, 0, or("Sender accepted")));
            }
            Pending::Recipient => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipients = transaction.recipients.saturating_add(1);
                }
                self.say(&Reply::new(250, 1, 5, or("Recipient accepted")));
            }
            Pending::Data => {
                self.say(&Reply::plain(354, "Send the message; end with CR LF . CR LF"));
                self.start_data();
            }
            Pending::Chunk(chunk) => {
                let decoder = self.new_decoder();
                let _ = self.start_chunk(decoder, chunk);
            }
            Pending::DataEnd { answers } => self.answer_data(answers, &Reply::new(250, 0, 0, or("Message accepted"))),
        }
    }

    /// No: a reply of 4yz or 5yz. In the usual cases 535 5.7.8 (wrong credentials), 454 4.7.0 (cannot check them now),
    /// 550 5.1.1 (no such recipient), 452 4.2.2 (quota), 451 4.3.0 (a trouble of ours: never permanent).
    ///
    /// # Panics
    /// If nothing waits for an answer, or the reply is no refusal.
    pub fn refuse(&mut self, reply: &Reply) {
        assert!(reply.is_temporary() || reply.is_permanent(), "a refusal is 4yz or 5yz");
        match self.take_pending() {
            Pending::Chunk(chunk) => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.chunks = Chunks::Failed(reply.clone());
                }
                let _ = self.discard(chunk, reply.clone());
            }
            Pending::DataEnd { answers } => self.answer_data(answers, reply),
            Pending::Login(_) => {
                self.say(reply);
                if reply.is_permanent() {
                    self.count_login_failure();
                }
            }
            Pending::Data => self.say(reply),
            Pending::Hello(_) | Pending::Mail(_) | Pending::Recipient => {
                self.say(reply);
                self.count_refusal();
            }
        }
    }

    /// The next challenge of a SASL exchange, not yet encoded; empty where the mechanism starts with the client.
    ///
    /// # Panics
    /// If no SASL exchange waits.
    pub fn challenge(&mut self, challenge: &[u8]) {
        let pending = self.take_pending();
        let fits = matches!(pending, Pending::Login(Exposure::Permitted));
        assert!(fits, "no SASL exchange waits");
        self.say_challenge(challenge);
        self.turn = Turn::Exchange;
    }

    /// How many answers to [`crate::Event::DataEnd`] are still owed.
    pub fn answers_owed(&self) -> usize {
        match &self.turn {
            Turn::Session(Pending::DataEnd { answers }) => *answers,
            _ => 0,
        }
    }

    /// RFC 4954 §4: a challenge may be longer than a reply line.
    fn say_challenge(&mut self, challenge: &[u8]) {
        self.output.extend_from_slice(b"334 ");
        self.output.extend_from_slice(STANDARD.encode(challenge).as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }

    fn take_pending(&mut self) -> Pending {
        let turn = std::mem::replace(&mut self.turn, Turn::Command);
        let Turn::Session(pending) = turn else { unreachable!("no event waits for an answer") };
        pending
    }

    fn accept_hello(&mut self, verb: HelloVerb) {
        self.hello = Some(verb);
        let mut text = self.options.hostname.clone();
        if verb != HelloVerb::Helo {
            for line in ehlo_lines(&Context { policy: &self.policy, limits: &self.options.limits }) {
                text.push('\n');
                text.push_str(&line);
            }
        }
        self.say(&Reply::plain(250, text));
    }

    fn answer_data(&mut self, answers: usize, reply: &Reply) {
        self.say(reply);
        let answers = answers.saturating_sub(1);
        if answers > 0 {
            self.turn = Turn::Session(Pending::DataEnd { answers });
            return;
        }
        self.transaction = None;
        self.transfer_started = None;
        self.idle_commands = 0;
        self.refusals = 0;
    }

    fn count_refusal(&mut self) {
        self.refusals = self.refusals.saturating_add(1);
        if self.refusals > self.options.limits.refusals_max {
            self.end(&Reply::new(421, 7, 0, "Too many refused commands"), CloseReason::TooManyRefusals);
        }
    }

    fn count_login_failure(&mut self) {
        self.login_failures = self.login_failures.saturating_add(1);
        if self.login_failures >= self.options.limits.login_failures_max {
            self.end(&Reply::new(421, 7, 0, "Too many failed sign-ins"), CloseReason::TooManyLoginFailures);
        }
    }
}
