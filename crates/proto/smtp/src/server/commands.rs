//! What each command leads to: an answer of the machine's own, or an event.

use super::{Chunks, CloseReason, Event, Pending, Role, Server, State, Step, Transaction, Turn};
use crate::command::{Request, auth, bdat};
use crate::registry::{self, After};
use crate::{Exposure, Mail, MailNeeds, Recipient, Reply, Rule, Tls};

impl Server {
    pub(super) fn command_line(&mut self, line: &[u8]) -> Step {
        if registry::looks_like_http(line) {
            self.end(&Reply::new(421, 7, 0, "This is a mail server"), CloseReason::NotSmtp);
            return Step::Again;
        }
        if line.iter().any(u8::is_ascii_control) {
            return self.fault(&Reply::new(500, 5, 2, "There is a control character in the line"));
        }
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (verb, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
        let uninvited = std::mem::take(&mut self.uninvited);
        let Some(spec) = registry::find(verb, self.options.role) else {
            let step = self.fault(&Reply::new(500, 5, 1, "Unknown command"));
            let Some(response) = auth::parse_response(line).ok().filter(|_| uninvited > 0) else { return step };
            self.uninvited = uninvited - 1;
            return Step::Event(Event::Uninvited(response));
        };
        match spec.after {
            After::Hello | After::Mail if self.hello.is_none() => return self.miss_hello(),
            After::Mail if self.transaction.is_none() => {
                return self.fault(&Reply::new(503, 5, 1, "MAIL comes first"));
            }
            After::Nothing | After::Hello | After::Mail => {}
        }
        match (spec.parse)(rest.strip_prefix(b" ").unwrap_or(rest)) {
            Ok(request) => self.request(request),
            Err(reply) => self.fault(&reply),
        }
    }

    fn miss_hello(&mut self) -> Step {
        let hello = if self.options.role == Role::Lmtp { "LHLO" } else { "EHLO" };
        self.fault(&Reply::new(503, 5, 1, format!("{hello} comes first")))
    }

    fn request(&mut self, request: Request) -> Step {
        match request {
            Request::Hello(hello) => {
                self.transaction = None;
                self.idle_command();
                self.ask(Pending::Hello(hello.verb), Event::Hello(hello))
            }
            Request::Auth(arguments) => self.auth(arguments),
            Request::Mail(mail) => self.mail(mail),
            Request::Rcpt(recipient) => self.rcpt(recipient),
            Request::Data => self.data(),
            Request::Bdat(chunk) => self.bdat(chunk),
            Request::Starttls => self.starttls(),
            Request::Rset => {
                self.say(&Reply::new(250, 0, 0, "Forgotten"));
                self.idle_command();
                if self.transaction.take().is_some() { Step::Event(Event::Reset) } else { Step::Again }
            }
            Request::Noop => self.idle_answer(&Reply::new(250, 0, 0, "Fine")),
            // RFC 5321 §3.5.3 and §7.3: neither yes nor no.
            Request::Vrfy => self.idle_answer(&Reply::new(252, 5, 0, "Send a message and see")),
            Request::Expn => self.fault(&Reply::new(502, 5, 1, "EXPN is not offered")),
            Request::Help => {
                let reply = Reply::new(214, 0, 0, self.options.help.as_str());
                self.idle_answer(&reply)
            }
            Request::Quit => {
                self.end(&Reply::new(221, 0, 0, "Bye"), CloseReason::Quit);
                Step::Again
            }
        }
    }

    fn mail(&mut self, mail: Mail) -> Step {
        if self.transaction.is_some() {
            return self.fault(&Reply::new(503, 5, 1, "There is a MAIL already"));
        }
        if let Some(reply) = self.missing_for_mail() {
            return self.fault(&reply);
        }
        if mail.size.is_some_and(|size| size > self.options.limits.message_max) {
            // RFC 1870 §6.1.
            self.say(&Reply::new(552, 3, 4, "The message is too large"));
            return Step::Again;
        }
        let transaction = Transaction {
            utf8: mail.utf8,
            size: mail.size,
            recipients: 0,
            recipients_tried: false,
            chunks: Chunks::None,
        };
        self.ask(Pending::Mail(transaction), Event::Mail(mail))
    }

    /// RFC 4954 §6 and RFC 3207 §4: 530.
    fn missing_for_mail(&self) -> Option<Reply> {
        let needs = self.policy.mail_needs;
        if needs != MailNeeds::Nothing && self.policy.tls == Tls::Offered {
            return Some(Reply::new(530, 7, 0, "STARTTLS comes first"));
        }
        if needs == MailNeeds::SignIn && !self.signed_in {
            return Some(Reply::new(530, 7, 0, "Sign in first"));
        }
        None
    }

    fn rcpt(&mut self, recipient: Recipient) -> Step {
        let Some(transaction) = &mut self.transaction else { return Step::Again };
        transaction.recipients_tried = true;
        if recipient.utf8 && !transaction.utf8 {
            return self.fault(&Reply::new(553, 6, 7, "Such an address needs SMTPUTF8"));
        }
        if !matches!(transaction.chunks, Chunks::None) {
            return self.fault(&Reply::new(503, 5, 1, "The message has begun"));
        }
        if transaction.recipients >= self.options.limits.recipients_max {
            // RFC 5321 §4.5.3.1.10: the client sends again to those who are left.
            self.say(&Reply::new(452, 5, 3, "Too many recipients at once"));
            return Step::Again;
        }
        self.ask(Pending::Recipient, Event::Recipient(recipient))
    }

    /// Why no message may come now.
    fn data_refusal(&self, chunked: bool) -> Option<Reply> {
        let Some(transaction) = &self.transaction else {
            return Some(Reply::new(503, 5, 1, "MAIL comes first"));
        };
        if transaction.recipients == 0 {
            // RFC 2033 §4.2 wants 503 where no recipient was accepted; RFC 2920 §3.1 wants 554.
            let code = if transaction.recipients_tried && self.options.role != Role::Lmtp { 554 } else { 503 };
            return Some(Reply::new(code, 5, 1, "There is no recipient"));
        }
        // RFC 3030 §2: not both in one transaction, and nothing after a failed BDAT but RSET. Chunks that were on their way
        // when one failed hear its reply again: a trouble that will pass must not end in a permanent code.
        match &transaction.chunks {
            Chunks::None => None,
            Chunks::Between(_) if chunked => None,
            Chunks::Between(_) => Some(Reply::new(503, 5, 1, "The message has begun with BDAT")),
            Chunks::Failed(reply) if chunked => Some(reply.clone()),
            Chunks::Failed(_) => Some(Reply::new(503, 5, 1, "RSET comes first")),
        }
    }

    fn data(&mut self) -> Step {
        match self.data_refusal(false) {
            Some(reply) => self.fault(&reply),
            None => self.ask_for_data(Pending::Data),
        }
    }

    fn bdat(&mut self, chunk: bdat::Chunk) -> Step {
        if let Some(reply) = self.data_refusal(true) {
            // RFC 3030 §2: the octets come whatever we say, and are thrown away.
            return self.discard(chunk, reply);
        }
        if chunk.size == 0 && !chunk.last {
            self.idle_command();
        }
        let Some(transaction) = &mut self.transaction else { return Step::Again };
        match std::mem::replace(&mut transaction.chunks, Chunks::None) {
            Chunks::Between(decoder) => self.start_chunk(*decoder, chunk),
            Chunks::None | Chunks::Failed(_) => self.ask_for_data(Pending::Chunk(chunk)),
        }
    }

    fn starttls(&mut self) -> Step {
        match self.policy.tls {
            Tls::Active => self.fault(&Reply::new(503, 5, 1, "TLS runs already")),
            Tls::Unavailable => self.fault(&Reply::new(502, 5, 1, "STARTTLS is not offered")),
            Tls::Offered => {
                self.say(&Reply::new(220, 0, 0, "Begin TLS"));
                // What came in the clear behind the command must not survive into TLS.
                self.forget();
                self.state = State::StartingTls;
                Step::Event(Event::StartTls)
            }
        }
    }

    /// In the clear what came along is handed out even where AUTH has no place, so that a secret in it can be burnt: also
    /// on port 25, and for a mechanism that we do not have.
    fn auth(&mut self, arguments: auth::Arguments) -> Step {
        let auth::Arguments { mechanism, initial_response } = arguments;
        let rule = self.rule_of(&mechanism);
        if self.policy.tls != Tls::Active && rule != Rule::Offered {
            self.uninvited = auth::RESPONSES_MAX;
            if initial_response.is_some() {
                let start = auth::AuthStart { mechanism, initial_response, exposure: Exposure::InClear };
                return self.ask(Pending::Login(Exposure::InClear), Event::Auth(start));
            }
            let _ = self.refuse_auth(rule);
            return Step::Event(Event::AuthRefused(mechanism));
        }
        if self.hello.is_none() {
            return self.miss_hello();
        }
        if self.signed_in || self.transaction.is_some() {
            return self.fault(&Reply::new(503, 5, 1, "It is too late for AUTH"));
        }
        if rule != Rule::Offered {
            return self.refuse_auth(rule);
        }
        let exposure = Exposure::Permitted;
        let start = auth::AuthStart { mechanism, initial_response, exposure };
        self.ask(Pending::Login(exposure), Event::Auth(start))
    }

    fn rule_of(&self, mechanism: &str) -> Rule {
        let known = self.policy.mechanisms.iter().find(|known| known.name == mechanism);
        known.map_or(Rule::Off, |known| known.rule)
    }

    fn refuse_auth(&mut self, rule: Rule) -> Step {
        let reply = if rule == Rule::RefusedInClear {
            Reply::new(538, 7, 11, self.options.clear_text_refusal.as_str())
        } else if self.policy.mechanisms.iter().all(|mechanism| mechanism.rule == Rule::Off) {
            Reply::new(502, 5, 1, "AUTH is not offered")
        } else {
            Reply::new(504, 5, 4, "This mechanism is not offered")
        };
        self.fault(&reply)
    }

    pub(super) fn exchange_line(&mut self, line: &[u8]) -> Step {
        if line == b"*" {
            // RFC 4954 §4: the client cancels with a single asterisk.
            return self.abort_exchange(&Reply::new(501, 7, 0, "Cancelled"));
        }
        match auth::parse_response(line) {
            Ok(response) => self.ask(Pending::Login(Exposure::Permitted), Event::AuthResponse(response)),
            Err(reply) => self.abort_exchange(&reply),
        }
    }

    pub(super) fn abort_exchange(&mut self, reply: &Reply) -> Step {
        self.turn = Turn::Command;
        self.fault(reply);
        Step::Event(Event::AuthAborted)
    }

    pub(super) fn ask(&mut self, pending: Pending, event: Event) -> Step {
        self.turn = Turn::Session(pending);
        Step::Event(event)
    }

    pub(super) fn say(&mut self, reply: &Reply) {
        reply.encode(&mut self.output);
    }

    fn idle_answer(&mut self, reply: &Reply) -> Step {
        self.say(reply);
        self.idle_command();
        Step::Again
    }

    /// Counts a command that brings no message nearer.
    fn idle_command(&mut self) {
        self.idle_commands = self.idle_commands.saturating_add(1);
        if self.idle_commands > self.options.limits.idle_commands_max {
            self.end(&Reply::new(421, 7, 0, "Too many commands without a message"), CloseReason::TooManyIdleCommands);
        }
    }
}
