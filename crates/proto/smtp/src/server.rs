//! The receiving side of one connection: MX, submission or LMTP.
//!
//! The session greets, then loops: poll events until there is none, answering each that wants an answer before it polls
//! again; write what [`Server::output`] holds; if that was anything, poll again; else read at most what
//! [`Server::receive`] takes. While an event waits for its answer no further one comes, so pipelined commands and the
//! bytes of a message wait in a bounded buffer.

mod answer;
mod body;
mod commands;

use crate::command::{AuthStart, Hello, HelloVerb, Mail, Recipient};
use crate::data::{BareNewline, DataFailure, Decoder};
use crate::line::{Line, LineBuffer};
use crate::{Exposure, Limits, Policy, Reply, registry};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::Instant;
use types::{Octets, Secret};

/// What a listener is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Mail from other servers for our people.
    Mx,
    /// Mail from our people (RFC 6409).
    Submission,
    /// Mail from another server of this installation, one answer per recipient (RFC 2033).
    Lmtp,
}

/// What this connection says about the server, and its rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// What the listener is for.
    pub role: Role,
    /// Our name in the greeting and in EHLO.
    pub hostname: String,
    /// What happens to a message with a bare CR or LF.
    pub bare_newline: BareNewline,
    /// What HELP says; lines are parted by `\n`. Usually the commands' names.
    pub help: String,
    /// What somebody is told who would send a password in clear.
    pub clear_text_refusal: String,
    /// The limits.
    pub limits: Limits,
}

impl Options {
    /// The usual ones for a role.
    pub fn new(role: Role, hostname: impl Into<String>) -> Self {
        Self {
            role,
            hostname: hostname.into(),
            bare_newline: BareNewline::Refuse,
            help: registry::names(role),
            clear_text_refusal: "Passwords are taken inside TLS only".into(),
            limits: Limits::default(),
        }
    }
}

/// The bytes of a message are about to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataStart {
    /// The size that MAIL announced.
    pub size: Option<Octets>,
}

/// What happened. "Answer" says whether the session owes one: by [`Server::accept`] or [`Server::refuse`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// EHLO, HELO or LHLO; a transaction that was open is over. Answer.
    Hello(Hello),
    /// AUTH. Answer, or [`Server::challenge`].
    Auth(AuthStart),
    /// The client's next word in a SASL exchange, decoded. Answer, or [`Server::challenge`].
    AuthResponse(Secret<Vec<u8>>),
    /// The client gave up its SASL exchange, or broke it: forget it.
    AuthAborted,
    /// AUTH with this mechanism, in capitals, was refused in the clear. It is answered already.
    AuthRefused(String),
    /// Behind an AUTH that was refused in the clear came what may be a response that nobody asked for: a secret in it is
    /// known to everybody. It is answered already, as the unknown command that it is.
    Uninvited(Secret<Vec<u8>>),
    /// A transaction begins. Answer.
    Mail(Mail),
    /// A recipient. Answer.
    Recipient(Recipient),
    /// DATA, or the first BDAT: make room for a message. Answer.
    Data(DataStart),
    /// The next bytes of the message: lines end in CR LF, dots are single.
    DataChunk(Bytes),
    /// The message is whole. Answer; in LMTP once for each accepted recipient, in their order.
    DataEnd {
        /// Its size.
        size: Octets,
    },
    /// The message is refused by the machine, which answers itself: drop what came of it. The transaction is over.
    DataAborted(DataFailure),
    /// RSET: a transaction that was open is over, with what came of its message.
    Reset,
    /// STARTTLS: write the output, shake hands on the bare connection, then call [`Server::tls_started`]. All that the
    /// client said before is void (RFC 3207 §4.2).
    StartTls,
    /// The end: write the output and close. Nothing comes after it.
    Closed(CloseReason),
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// QUIT, answered.
    Quit,
    /// Turned away at the greeting.
    TurnedAway,
    /// Ended by the session.
    ShutDown,
    /// Nothing came for too long, or a message took too long.
    Timeout,
    /// Too many faulty commands.
    TooManyErrors,
    /// Too many commands that bring no message nearer.
    TooManyIdleCommands,
    /// Too many commands that the session refused.
    TooManyRefusals,
    /// Too many failed sign-ins.
    TooManyLoginFailures,
    /// A refused message went on for too long.
    TooMuchData,
    /// HTTP, or TLS where none was started.
    NotSmtp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before our greeting.
    Greeting,
    Open,
    StartingTls,
    Closed,
}

/// Whose turn it is.
enum Turn {
    /// The client's: a command.
    Command,
    /// The client's: a line of a SASL exchange.
    Exchange,
    /// The client's: bytes of a message.
    Body(body::Input),
    /// The client's: a BDAT chunk that nobody wants, then this reply so many times.
    Discard { remaining: u64, reply: Reply, answers: usize },
    /// The session's.
    Session(Pending),
}

/// What the session owes an answer to.
enum Pending {
    Hello(HelloVerb),
    Login(Exposure),
    Mail(Transaction),
    Recipient,
    Data,
    Chunk(crate::command::bdat::Chunk),
    DataEnd { answers: usize },
}

/// From MAIL to the end of the message.
struct Transaction {
    utf8: bool,
    size: Option<Octets>,
    recipients: usize,
    recipients_tried: bool,
    chunks: Chunks,
}

/// How far BDAT got.
enum Chunks {
    None,
    Between(Box<Decoder>),
    /// One was refused, with this reply.
    Failed(Reply),
}

/// One connection.
pub struct Server {
    options: Arc<Options>,
    policy: Policy,
    state: State,
    turn: Turn,
    input: LineBuffer,
    output: BytesMut,
    hello: Option<HelloVerb>,
    signed_in: bool,
    /// How many lines from here on may be responses to an AUTH that was refused in the clear.
    uninvited: u8,
    transaction: Option<Transaction>,
    early_talker: bool,
    errors: u32,
    idle_commands: u32,
    refusals: u32,
    login_failures: u32,
    last_received: Instant,
    last_activity: Instant,
    transfer_started: Option<Instant>,
    closing: Option<CloseReason>,
}

impl Server {
    /// A connection that has just been accepted. It says nothing until the session greets. The options may be shared.
    pub fn new(options: impl Into<Arc<Options>>, policy: Policy, now: Instant) -> Self {
        Self {
            options: options.into(),
            policy,
            state: State::Greeting,
            turn: Turn::Command,
            input: LineBuffer::default(),
            output: BytesMut::new(),
            hello: None,
            signed_in: false,
            uninvited: 0,
            transaction: None,
            early_talker: false,
            errors: 0,
            idle_commands: 0,
            refusals: 0,
            login_failures: 0,
            last_received: now,
            last_activity: now,
            transfer_started: None,
            closing: None,
        }
    }

    /// 220: the client may speak. `text` stands behind our name and `ESMTP` or `LMTP`.
    pub fn greet(&mut self, text: &str, now: Instant) {
        assert!(self.state == State::Greeting, "a connection is greeted once");
        let protocol = if self.options.role == Role::Lmtp { "LMTP" } else { "ESMTP" };
        let greeting = format!("{} {protocol} {text}", self.options.hostname);
        Reply::plain(220, greeting.trim_end()).encode(&mut self.output);
        self.state = State::Open;
        self.last_activity = now;
    }

    /// Instead of a greeting: 554 or 421, and the end.
    pub fn turn_away(&mut self, reply: &Reply) {
        assert!(self.state == State::Greeting, "a connection is turned away before it is greeted");
        reply.encode(&mut self.output);
        self.closing.get_or_insert(CloseReason::TurnedAway);
    }

    /// Ends the connection with a reply, 421 as a rule (RFC 5321 §3.8), whatever was going on.
    pub fn shut_down(&mut self, reply: &Reply) {
        reply.encode(&mut self.output);
        self.closing.get_or_insert(CloseReason::ShutDown);
    }

    /// Whether the client spoke before it was greeted, which no proper client does (RFC 5321 §4.3.1).
    pub fn is_early_talker(&self) -> bool {
        self.early_talker
    }

    /// Whether the client has signed in.
    pub fn is_signed_in(&self) -> bool {
        self.signed_in
    }

    /// Takes bytes from the peer and says how many; the rest has to be offered again after the next events.
    /// After STARTTLS and after the end it takes all and forgets them.
    #[must_use]
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.last_received = now;
        let limits = &self.options.limits;
        let max = match (self.state, &self.turn) {
            (State::StartingTls | State::Closed, _) => return bytes.len(),
            (_, Turn::Body(_) | Turn::Discard { .. }) => limits.body_input_max.max(8),
            _ => limits.input_max.max(limits.auth_line_max).max(registry::line_max(b"MAIL ", limits)),
        };
        self.early_talker |= self.state == State::Greeting && !bytes.is_empty();
        self.input.receive(bytes, max)
    }

    /// What is to be written.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Takes what is to be written.
    pub fn take_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    /// The session has written all output: the time for the next command begins anew.
    pub fn flushed(&mut self, now: Instant) {
        self.last_activity = now;
        if self.output.is_empty() && matches!(self.turn, Turn::Command) {
            self.output = BytesMut::new(); // an idle connection holds no buffer
        }
    }

    /// When [`Server::handle_timeout`] has something to do; never while the session owes an answer.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.state != State::Open {
            return None;
        }
        let limits = &self.options.limits;
        match &self.turn {
            Turn::Session(_) => None,
            Turn::Command | Turn::Exchange => self.last_activity.checked_add(limits.command_timeout),
            Turn::Body(_) | Turn::Discard { .. } => {
                let whole = self.transfer_started.and_then(|start| start.checked_add(limits.transfer_timeout));
                let next = self.last_activity.checked_add(limits.data_timeout);
                whole.into_iter().chain(next).min()
            }
        }
    }

    /// Ends a connection whose time is up, with 421 (RFC 5321 §4.5.3.2.7).
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_deadline().is_some_and(|deadline| deadline <= now) && self.closing.is_none() {
            self.end(&Reply::new(421, 4, 2, "Nothing came for too long"), CloseReason::Timeout);
        }
    }

    /// TLS runs: what the client said before is forgotten (RFC 3207 §4.2), and from now on `policy` holds.
    pub fn tls_started(&mut self, policy: Policy, now: Instant) {
        assert!(self.state == State::StartingTls, "TLS starts only after the StartTls event");
        self.policy = policy;
        self.forget();
        self.state = State::Open;
        self.last_activity = now;
    }

    /// The next event, if there is one and no answer is owed.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(reason) = self.closing.take() {
                self.forget();
                self.state = State::Closed;
                return Some(Event::Closed(reason));
            }
            if self.state != State::Open || self.output.len() >= self.options.limits.output_max {
                return None;
            }
            let step = match self.turn {
                Turn::Session(_) => return None,
                Turn::Body(_) => self.poll_body(),
                Turn::Discard { .. } => self.poll_discard(),
                Turn::Command | Turn::Exchange => self.poll_line(),
            };
            match step {
                Step::Event(event) => return Some(event),
                Step::Again => {}
                Step::Wait => return None,
            }
        }
    }

    fn poll_line(&mut self) -> Step {
        if self.input.first() == Some(0x16) {
            // A TLS handshake record (RFC 8446 §5.1) where a command belongs; it may hold no LF for long.
            self.closing = Some(CloseReason::NotSmtp);
            return Step::Again;
        }
        let exchange = matches!(self.turn, Turn::Exchange);
        // Behind an AUTH that was refused in the clear its response may come unasked.
        let response = exchange || self.uninvited > 0;
        let limits = &self.options.limits;
        let line =
            self.input.next(|line| if response { limits.auth_line_max } else { registry::line_max(line, limits) });
        if !matches!(line, Line::Incomplete) {
            self.last_activity = self.last_received;
        }
        match line {
            Line::Incomplete => Step::Wait,
            Line::TooLong if exchange => self.abort_exchange(&Reply::new(500, 5, 6, "The line is too long")),
            Line::BareNewline if exchange => self.abort_exchange(&Reply::new(500, 5, 2, "Lines end in CR LF")),
            Line::TooLong => self.fault(&Reply::new(500, 5, 2, "The line is too long")),
            Line::BareNewline => self.fault(&Reply::new(500, 5, 2, "Lines end in CR LF")),
            Line::Complete(mut line) => {
                let step = if exchange { self.exchange_line(&line) } else { self.command_line(&line) };
                line.fill(0); // it may have held a password
                step
            }
        }
    }

    /// Forgets what the client said.
    fn forget(&mut self) {
        self.turn = Turn::Command;
        self.input.clear();
        self.hello = None;
        self.uninvited = 0;
        self.signed_in = false;
        self.transaction = None;
        self.transfer_started = None;
    }

    /// Answers a faulty line and counts it.
    fn fault(&mut self, reply: &Reply) -> Step {
        reply.encode(&mut self.output);
        self.errors = self.errors.saturating_add(1);
        if self.errors > self.options.limits.errors_max {
            self.end(&Reply::new(421, 7, 0, "Too many errors"), CloseReason::TooManyErrors);
        }
        Step::Again
    }

    fn end(&mut self, reply: &Reply, reason: CloseReason) {
        reply.encode(&mut self.output);
        self.closing = Some(reason);
    }
}

/// What came of looking at the input.
enum Step {
    Event(Event),
    Again,
    Wait,
}

#[cfg(test)]
mod tests;
