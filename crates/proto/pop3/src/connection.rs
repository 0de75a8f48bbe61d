//! The server's side of one POP3 connection.
//!
//! The session's loop: poll events until there is none, answering each before it polls again; write what
//! [`Connection::output`] holds; if that was anything, poll again; else read at most what [`Connection::receive`]
//! takes. While an event waits for its answer no further one comes, so pipelined commands wait in a bounded buffer.

mod answer;
mod capa;
mod lang;
mod sign_in;

use crate::command::{self, ArgumentError, Command, Request};
use crate::line::{Line, LineBuffer};
use crate::registry::{self, Spec, States};
use crate::{Exposure, Language, Limits, MessageEncoder, Policy, ResponseCode, Tls, reply};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;
use std::time::{Duration, Instant};
use types::Secret;

/// How long mail may stay here (RFC 2449 §6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expire {
    /// Nothing is deleted by the server.
    Never,
    /// At least so many days.
    Days(u32),
}

/// How long a program has to wait between two sign-ins (RFC 2449 §6.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginDelay {
    /// The same for everyone.
    Everyone(Duration),
    /// The largest for anyone; after the sign-in [`Connection::set_login_delay`] says the true one.
    AtMost(Duration),
}

/// What this connection says about the server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The text of the greeting, without angle brackets (they would announce APOP).
    pub greeting: String,
    /// The argument of IMPLEMENTATION.
    pub implementation: String,
    /// The argument of EXPIRE, if it is announced.
    pub expire: Option<Expire>,
    /// The argument of LOGIN-DELAY, if it is announced; the session enforces it.
    pub login_delay: Option<LoginDelay>,
    /// What somebody is told who would send a password in clear.
    pub clear_text_refusal: String,
    /// What `LANG *` chooses, until [`Connection::set_preferred_language`] says better.
    pub language: Language,
    /// The limits.
    pub limits: Limits,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            greeting: "Postamt POP3 ready".into(),
            implementation: "Postamt".into(),
            expire: Some(Expire::Never),
            login_delay: None,
            clear_text_refusal: "Passwords are taken inside TLS only".into(),
            language: Language::default(),
            limits: Limits::default(),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A command that the session has to answer; nothing else comes before it has.
    Command(Command),
    /// The client gave up its SASL exchange, or broke it: forget it. It is answered already.
    AuthAborted,
    /// AUTH with this mechanism, in capitals, was refused in the clear. It is answered already.
    AuthRefused(String),
    /// Behind an AUTH that was refused in the clear came what may be a response that nobody asked for: a secret in it is
    /// known to everybody. It is answered already, as the unknown command that it is.
    Uninvited(Secret<Vec<u8>>),
    /// STLS: write the output, then shake hands on the bare connection, then call [`Connection::tls_started`].
    StartTls,
    /// The end: write the output and close. Nothing comes after it.
    Closed(CloseReason),
}

/// Why a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// QUIT, answered.
    Quit,
    /// Nothing came for too long. Nothing is deleted (RFC 1939 §3).
    IdleTimeout,
    /// Too many faulty commands.
    TooManyErrors,
    /// Too many commands without a sign-in.
    TooManyCommands,
    /// Too many failed sign-ins.
    TooManyLoginFailures,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Authorization,
    Transaction,
    StartingTls,
    Closed,
}

/// Whose turn it is.
#[derive(Debug)]
enum Turn {
    /// The client's: a command.
    Command,
    /// The client's: a line of a SASL exchange.
    Exchange,
    /// The session's: about a sign-in.
    Login(Exposure, Sasl),
    /// The session's: about a command.
    Answer,
    /// The session's: about QUIT.
    Quit,
    /// The session's: it writes a list.
    List,
    /// The session's: it writes a message.
    Message(MessageEncoder),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sasl {
    Yes,
    No,
}

/// One connection.
pub struct Connection {
    options: Arc<Options>,
    /// From the options, until the session knows better.
    expire: Option<Expire>,
    login_delay: Option<LoginDelay>,
    policy: Policy,
    /// Of the texts for people.
    language: Language,
    /// What `LANG *` chooses.
    preferred: Language,
    /// Whether the client said UTF8.
    is_utf8: bool,
    state: State,
    turn: Turn,
    input: LineBuffer,
    output: BytesMut,
    /// The name from USER, until PASS.
    user: Option<String>,
    /// How many lines from here on may be responses to an AUTH that was refused in the clear.
    uninvited: u8,
    /// How many lines of a message the TOP that waits for its answer asked for.
    top_lines: Option<u32>,
    errors: u32,
    commands_before_login: u32,
    login_failures: u32,
    last_received: Instant,
    last_activity: Instant,
    closing: Option<CloseReason>,
}

impl Connection {
    /// A connection that has just been accepted; the greeting is in the output. The options may be shared.
    pub fn new(options: impl Into<Arc<Options>>, policy: Policy, now: Instant) -> Self {
        let options = options.into();
        let mut output = BytesMut::new();
        reply::encode_ok(Language::default(), &options.greeting.replace(['<', '>'], ""), &mut output);
        Self {
            expire: options.expire,
            login_delay: options.login_delay,
            preferred: options.language,
            options,
            policy,
            language: Language::default(),
            is_utf8: false,
            state: State::Authorization,
            turn: Turn::Command,
            input: LineBuffer::default(),
            output,
            user: None,
            uninvited: 0,
            top_lines: None,
            errors: 0,
            commands_before_login: 0,
            login_failures: 0,
            last_received: now,
            last_activity: now,
            closing: None,
        }
    }

    /// Takes bytes from the peer and says how many; the rest has to be offered again after the next events.
    /// After STLS and after the end it takes all and forgets them.
    #[must_use]
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        self.last_received = now;
        if matches!(self.state, State::StartingTls | State::Closed) {
            return bytes.len();
        }
        let limits = &self.options.limits;
        let lines = [limits.auth_line_max, limits.pass_line_max, limits.command_line_max];
        let max = lines.into_iter().fold(limits.input_max, usize::max);
        self.input.receive(bytes, max)
    }

    /// Bytes received and not yet understood.
    pub fn waiting(&self) -> usize {
        self.input.len()
    }

    /// What is to be written.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Takes what is to be written.
    pub fn take_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    /// The session has written all output: the idle time begins anew.
    pub fn flushed(&mut self, now: Instant) {
        self.last_activity = now;
        if self.output.is_empty() && matches!(self.turn, Turn::Command) {
            self.output = BytesMut::new(); // an idle connection holds no buffer
        }
    }

    /// When [`Connection::handle_timeout`] has something to do; never while the session owes an answer.
    pub fn next_deadline(&self) -> Option<Instant> {
        let limits = &self.options.limits;
        let idle = match (self.state, &self.turn) {
            (State::Authorization, Turn::Command | Turn::Exchange) => limits.idle_before_login,
            (State::Transaction, Turn::Command) => limits.idle,
            _ => return None,
        };
        self.last_activity.checked_add(idle)
    }

    /// Ends an idle connection, silently (RFC 1939 §3).
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.closing.get_or_insert(CloseReason::IdleTimeout);
        }
    }

    /// TLS runs: what the client said before is forgotten (RFC 2595 §4), and from now on `policy` holds.
    pub fn tls_started(&mut self, policy: Policy, now: Instant) {
        assert!(self.state == State::StartingTls, "the StartTls event comes before TLS");
        self.policy = policy;
        self.state = State::Authorization;
        self.turn = Turn::Command;
        self.input.clear();
        (self.user, self.uninvited) = (None, 0);
        self.language = Language::default();
        self.last_activity = now;
    }

    /// Whether the client has signed in.
    pub fn is_signed_in(&self) -> bool {
        self.state == State::Transaction
    }

    /// Whether the client wants messages and texts in UTF-8 (RFC 6856 §2.1). Else a message whose header is not ASCII must
    /// not go out as it is.
    pub fn is_utf8(&self) -> bool {
        self.is_utf8
    }

    /// The next event, if there is one and no answer is owed.
    pub fn poll_event(&mut self) -> Option<Event> {
        loop {
            if let Some(reason) = self.closing.take() {
                self.state = State::Closed;
                self.input.clear();
                return Some(Event::Closed(reason));
            }
            let client_speaks = matches!(self.turn, Turn::Command | Turn::Exchange);
            let ended = matches!(self.state, State::StartingTls | State::Closed);
            if !client_speaks || ended || self.output.len() >= self.options.limits.output_max {
                return None;
            }
            let exchange = matches!(self.turn, Turn::Exchange);
            // Behind an AUTH that was refused in the clear its response may come unasked.
            let response = exchange || self.uninvited > 0;
            let limits = &self.options.limits;
            let line = self.input.next(|line| if response { limits.auth_line_max } else { limits.line_max(line) });
            if !matches!(line, Line::Incomplete) {
                self.last_activity = self.last_received;
            }
            let event = match line {
                Line::Incomplete => return None,
                Line::TooLong => {
                    self.fault("The line is too long");
                    self.abort_exchange()
                }
                Line::Complete(mut line) => {
                    let event = if exchange { self.exchange_line(&line) } else { self.command_line(&line) };
                    line.fill(0); // it may have held a password
                    event
                }
            };
            if event.is_some() {
                return event;
            }
        }
    }

    fn command_line(&mut self, line: &[u8]) -> Option<Event> {
        if self.state == State::Authorization {
            self.commands_before_login = self.commands_before_login.saturating_add(1);
            if self.commands_before_login > self.options.limits.commands_before_login_max {
                self.say_err(None, "Too many commands without a sign-in");
                self.closing = Some(CloseReason::TooManyCommands);
                return None;
            }
        }
        let end = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
        let (keyword, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
        let uninvited = std::mem::take(&mut self.uninvited);
        let Some(spec) = registry::find(keyword) else {
            self.fault("Unknown command");
            let response = command::auth::parse_response(line).ok().filter(|_| uninvited > 0)?;
            self.uninvited = uninvited - 1;
            return Some(Event::Uninvited(response));
        };
        if let Some(text) = self.wrong_state(spec) {
            self.fault(text);
            return None;
        }
        match (spec.parse)(rest.strip_prefix(b" ").unwrap_or(rest)) {
            Ok(request) => self.request(request),
            Err(error) => {
                self.argument_fault(error);
                None
            }
        }
    }

    fn wrong_state(&self, spec: &Spec) -> Option<&'static str> {
        match (self.state, spec.states) {
            (State::Authorization, States::Transaction) => Some("Sign in first"),
            (State::Transaction, States::Authorization) => Some("You are signed in already"),
            _ => None,
        }
    }

    /// Answers what the machine can answer; hands out the rest.
    fn request(&mut self, request: Request) -> Option<Event> {
        let command = match request {
            Request::User(name) => return self.user(name),
            Request::Pass(password) => return self.pass(password),
            Request::Auth(arguments) => return self.auth(arguments),
            Request::Capa => {
                self.write_capabilities();
                return None;
            }
            Request::Lang(range) => {
                self.lang(range.as_deref());
                return None;
            }
            Request::Utf8 => {
                self.is_utf8 = true;
                self.say_ok("From now on in UTF-8");
                return None;
            }
            Request::Stls => return self.stls(),
            Request::Noop => {
                self.say_ok("");
                return None;
            }
            Request::Quit if self.state == State::Authorization => {
                self.say_ok("Bye");
                self.closing = Some(CloseReason::Quit);
                return None;
            }
            Request::Quit => {
                self.turn = Turn::Quit;
                return Some(Event::Command(Command::Quit));
            }
            Request::Stat => Command::Stat,
            Request::List(message) => Command::List(message),
            Request::Uidl(message) => Command::Uidl(message),
            Request::Retr(message) => Command::Retr(message),
            Request::Top(top) => {
                self.top_lines = Some(top.lines);
                Command::Top(top)
            }
            Request::Dele(message) => Command::Dele(message),
            Request::Rset => Command::Rset,
        };
        self.turn = Turn::Answer;
        Some(Event::Command(command))
    }

    fn stls(&mut self) -> Option<Event> {
        match self.policy.tls {
            Tls::Active => self.fault("TLS runs already"),
            Tls::Unavailable => self.fault("STLS is not offered here"),
            // RFC 6856 §2.1: no client says that, and what it wants would be forgotten.
            Tls::Offered if self.is_utf8 => self.fault("STLS comes before UTF8"),
            Tls::Offered => {
                self.say_ok("Begin TLS");
                // RFC 3207 §4.2 says it for SMTP: what came in the clear behind the command must not survive into TLS.
                self.input.clear();
                self.user = None;
                self.state = State::StartingTls;
                return Some(Event::StartTls);
            }
        }
        None
    }

    fn say_ok(&mut self, text: &str) {
        reply::encode_ok(self.language, text, &mut self.output);
    }

    fn say_err(&mut self, code: Option<ResponseCode>, text: &str) {
        reply::encode_err(self.language, code, text, &mut self.output);
    }

    fn refuse_clear_text(&mut self) {
        let (code, text) = (Some(ResponseCode::SysPerm), &self.options.clear_text_refusal);
        reply::encode_err(self.language, code, text, &mut self.output);
        self.count_error();
    }

    fn argument_fault(&mut self, error: ArgumentError) {
        self.fault(&error.to_string());
    }

    /// Answers a faulty line and counts it.
    fn fault(&mut self, text: &str) {
        self.say_err(None, text);
        self.count_error();
    }

    fn count_error(&mut self) {
        self.errors = self.errors.saturating_add(1);
        if self.errors > self.options.limits.errors_max {
            self.closing = Some(CloseReason::TooManyErrors);
        }
    }
}

#[cfg(test)]
mod tests;
