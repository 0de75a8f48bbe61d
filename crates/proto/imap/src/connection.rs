//! The server side of one IMAP connection, without its socket.
//!
//! The session puts bytes in with [`Connection::receive`], takes one [`Event`] at a time with
//! [`Connection::poll_event`], writes answers, and sends what [`Connection::take_output`] holds, at the latest when
//! `poll_event` has nothing more. After a command was handed out, nothing else comes until
//! [`Connection::finish`] has answered it, but for what belongs to it:
//!
//! | Command | The session calls | and then gets |
//! |---|---|---|
//! | AUTHENTICATE | [`Connection::challenge`] | `SaslResponse` or `Aborted` |
//! | IDLE | [`Connection::idle`] | `IdleDone` or `Aborted` |
//! | APPEND | [`Connection::accept_append`] after each piece of it, or `finish` to refuse | `AppendMessage`, `AppendLiteral`, `AppendChunk`, `AppendUrl`…, then `AppendEnd` or `Aborted` |
//! | COMPRESS | [`Connection::begin_compression`], or `finish` to refuse | the next command |
//! | STARTTLS | [`Connection::begin_tls`], [`Connection::tls_established`] | the next command |
//!
//! Broken commands, and those not legal in the state, are answered here and never reach the session.

mod event;
mod frame;
mod phase;
mod stream;
mod unasked;

pub use event::{Event, LoginPolicy, Policy, Tag};

use crate::codec::LiteralAnnouncement;
use crate::command::enable::Extension;
use crate::enabled::Enabled;
use crate::language::Language;
use crate::limits::{Limits, MessageLimit};
use crate::registry::{CAPABILITIES, COMMANDS};
use crate::response::{Capabilities, Code, Response, Status, StatusKind, StatusPlace};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use phase::Phase;
use std::fmt::Write as _;
use std::time::Duration;

/// The states of RFC 3501 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody is logged in.
    NotAuthenticated,
    /// Somebody is logged in, no mailbox is open.
    Authenticated,
    /// A mailbox is open.
    Selected,
    /// BYE was said; nothing more is read.
    Logout,
}

/// Why STARTTLS went wrong: something came in clear after the command (RFC 3501 §6.2.1). BYE was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InjectedBeforeTls;

/// One connection. All times are monotonic, counted from any fixed moment.
#[derive(Debug)]
pub struct Connection {
    limits: Limits,
    policy: Policy,
    enabled: Enabled,
    state: State,
    phase: Phase,
    input: BytesMut,
    /// Where the line that is read now begins in `input`: behind the last literal of the command.
    line_start: usize,
    /// Up to where `input` was searched for the end of the line.
    searched: usize,
    output: BytesMut,
    bad_commands: u32,
    /// Commands since the connection or the last UNAUTHENTICATE began, as long as nobody is logged in.
    commands_before_login: u32,
    /// How many lines from here on may be responses to an AUTHENTICATE that was refused.
    uninvited: u8,
    /// A sign-in in clear that was refused for its literal, as far as it came: the rest may come unasked.
    unasked: BytesMut,
    /// Capabilities that are switched off, with the commands they announce.
    withheld: Vec<&'static str>,
    /// The time of the last poll.
    now: Duration,
    /// When the time-out that holds began to run.
    active_at: Duration,
    /// How much of `input` there was at the last poll.
    polled: usize,
    /// A command was answered since the last poll.
    resumed: bool,
    /// Something came between STARTTLS and TLS.
    injected: bool,
}

impl Connection {
    /// A connection that was just accepted, before its greeting.
    pub fn new(limits: Limits, policy: Policy, now: Duration) -> Self {
        Self {
            limits,
            policy,
            enabled: Enabled::default(),
            state: State::NotAuthenticated,
            phase: Phase::Command,
            input: BytesMut::new(),
            line_start: 0,
            searched: 0,
            output: BytesMut::new(),
            bad_commands: 0,
            commands_before_login: 0,
            uninvited: 0,
            unasked: BytesMut::new(),
            withheld: Vec::new(),
            now,
            active_at: now,
            polled: 0,
            resumed: false,
            injected: false,
        }
    }

    /// Switches a capability off: it is not announced, and what it announces is unknown. To be called before the greeting.
    pub fn withhold(&mut self, capability: &'static str) {
        self.withheld.push(capability);
    }

    /// Writes the greeting, capabilities included.
    pub fn greet(&mut self, text: &'static str) {
        let status = Status::ok(text).with_code(Code::Capability(self.capabilities()));
        status.encode_untagged(&mut self.output, self.enabled);
    }

    /// Takes bytes from the peer. Between STARTTLS and TLS they are dropped and held against it.
    pub fn receive(&mut self, bytes: &[u8]) {
        match self.phase {
            Phase::Closed => {}
            Phase::AwaitTls => self.injected |= !bytes.is_empty(),
            _ => self.input.extend_from_slice(bytes),
        }
    }

    /// Whether the session should read from the socket now. False while a command runs and much is waiting already.
    pub fn wants_input(&self) -> bool {
        let waiting = u64::try_from(self.input.len()).unwrap_or(u64::MAX);
        match self.phase {
            Phase::Closed | Phase::AwaitTls => false,
            Phase::Running | Phase::AppendOffered(_) => waiting < self.limits.pipeline_max.0,
            _ => true,
        }
    }

    /// The next event; `None` when input is needed or a command is still to be answered.
    pub fn poll_event(&mut self, now: Duration) -> Option<Event> {
        self.now = now;
        // Before login only whole commands count as activity, so that a slow drip of bytes does not hold the place.
        let progress = self.input.len() > self.polled && self.state != State::NotAuthenticated;
        if progress || std::mem::take(&mut self.resumed) {
            self.active_at = now;
        }
        let event = self.step_until_event();
        self.polled = self.input.len();
        event
    }

    /// When [`Self::handle_timeout`] is to be called; `None` while a command runs.
    pub fn next_deadline(&self) -> Option<Duration> {
        let timeout = match self.phase {
            Phase::Closed | Phase::Running | Phase::AppendOffered(_) => return None,
            _ if self.resumed => return None,
            Phase::Append(_) | Phase::AppendBody { .. } | Phase::AppendTail(_) => self.limits.literal_timeout,
            _ if self.state == State::NotAuthenticated => self.limits.login_timeout,
            _ => self.limits.idle_timeout,
        };
        Some(self.active_at.saturating_add(timeout))
    }

    /// Says BYE if the deadline has passed (RFC 3501 §5.4). An APPEND or IDLE that was under way is over.
    pub fn handle_timeout(&mut self, now: Duration) {
        if self.next_deadline().is_some_and(|deadline| deadline <= now) {
            self.bye(None, "Nothing was heard for too long");
        }
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Whether BYE was said: send the output and close.
    pub fn is_closed(&self) -> bool {
        self.phase == Phase::Closed
    }

    /// Whether a command was handed out that is not answered yet.
    pub fn is_answer_due(&self) -> bool {
        self.phase == Phase::Running
    }

    /// What the client has enabled.
    pub fn enabled(&self) -> Enabled {
        self.enabled
    }

    /// Enables an extension from the next command on; yields whether it was not yet.
    pub fn enable(&mut self, extension: Extension) -> bool {
        self.enabled.enable(extension)
    }

    /// Speaks another language from now on (RFC 5255 §3.2).
    pub fn speak(&mut self, language: Language) {
        self.enabled.speak(language);
    }

    /// What the peer is offered now.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The output, to write into; FETCH does.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Takes what is to be sent.
    pub fn take_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    /// Gives unused buffers back, for a connection that goes to sleep.
    pub fn release_buffers(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
        if self.output.is_empty() {
            self.output = BytesMut::new();
        }
    }

    /// Writes an untagged answer.
    pub fn send(&mut self, response: &Response<'_>) {
        response.encode(&mut self.output, self.enabled);
    }

    /// Writes an untagged status until the output holds `high` bytes; yields where to go
    /// on.
    pub fn send_some(&mut self, status: &Status, from: StatusPlace, high: usize) -> Option<StatusPlace> {
        status.encode_some(from, high, &mut self.output, ("*", self.enabled))
    }

    /// Answers the command that runs; the next one may come. An APPEND that is not whole yet ends here: what is left
    /// of its message is read and thrown away.
    pub fn finish(&mut self, tag: &Tag, status: &Status) {
        self.finish_some(tag, status, StatusPlace::default(), usize::MAX);
    }

    /// The same until the output holds `high` bytes; yields where to go on. The command has ended when there is nothing
    /// to go on with; until then nothing else may be written.
    pub fn finish_some(&mut self, tag: &Tag, status: &Status, from: StatusPlace, high: usize) -> Option<StatusPlace> {
        if self.phase == Phase::Closed {
            return None;
        }
        let rest = status.encode_some(from, high, &mut self.output, (tag.as_str(), self.enabled));
        if rest.is_some() {
            return rest;
        }
        self.resumed = true;
        match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::AppendOffered(append) | Phase::Append(append) => {
                if let Some(LiteralAnnouncement { size, synchronising: false }) = append.announced {
                    self.discard(size);
                }
            }
            Phase::AppendBody { left, .. } => self.discard(left),
            Phase::AppendTail(_) => self.discard(0),
            _ => {}
        }
        // A sign-in that failed: who guesses passwords may not do so for ever on one connection.
        if self.state == State::NotAuthenticated && status.kind != StatusKind::Ok {
            self.count_bad_command();
        }
        None
    }

    /// Lets the next command come though the one that runs is not answered yet. The session keeps the answers in
    /// order. Nothing happens unless a plain command runs.
    pub fn proceed(&mut self) {
        if self.phase == Phase::Running {
            self.phase = Phase::Command;
            self.resumed = true;
        }
    }

    /// What the CAPABILITY command and the `CAPABILITY` code say now (RFC 3501 §7.2.1).
    pub fn capabilities(&self) -> Capabilities {
        let mut names = vec!["IMAP4rev1", "IMAP4rev2"];
        names.extend(CAPABILITIES);
        names.extend(COMMANDS.iter().filter_map(|row| row.capability));
        names.retain(|name| !self.withheld.contains(name));
        let mut line = names.join(" ");
        line.push_str(" APPENDLIMIT=");
        line.push_str(&self.limits.message_max.0.to_string());
        match self.limits.message_limit {
            MessageLimit::None => {}
            MessageLimit::Every(limit) => drop(write!(line, " MESSAGELIMIT={limit}")),
            MessageLimit::Saving(limit) => drop(write!(line, " SAVELIMIT={limit}")),
        }
        if self.state == State::NotAuthenticated {
            if self.policy.starttls {
                line.push_str(" STARTTLS");
            }
            if self.policy.login == LoginPolicy::Disabled {
                line.push_str(" LOGINDISABLED");
            }
            for mechanism in &self.policy.mechanisms {
                line.push_str(" AUTH=");
                line.push_str(mechanism);
            }
        }
        Capabilities(line.into())
    }

    /// Says that login succeeded; call it before the OK, so that its code tells the new capabilities.
    pub fn authenticated(&mut self) {
        self.state = State::Authenticated;
        self.bad_commands = 0;
    }

    /// Says that nobody is logged in any more: all that the client enabled or opened is forgotten (RFC 8437 §3). TLS and
    /// what is offered inside it stay.
    pub fn unauthenticated(&mut self) {
        // Without `..`: who adds a field decides here whether it is the account's or the connection's.
        let Self {
            enabled,
            state,
            bad_commands,
            commands_before_login,
            uninvited,
            unasked: _, // Empty since somebody signed in.
            limits: _,
            policy: _,
            withheld: _,
            phase: _,
            input: _,
            line_start: _,
            searched: _,
            output: _,
            now: _,
            active_at: _,
            polled: _,
            resumed: _,
            injected: _,
        } = self;
        (*enabled, *state) = (Enabled::default(), State::NotAuthenticated);
        (*bad_commands, *commands_before_login, *uninvited) = (0, 0, 0);
    }

    /// Says that a mailbox is open.
    pub fn selected(&mut self) {
        self.state = State::Selected;
    }

    /// Says that no mailbox is open: after CLOSE, UNSELECT, or a SELECT that failed (RFC 3501 §6.3.1).
    pub fn deselected(&mut self) {
        self.state = State::Authenticated;
    }

    /// Sends a SASL challenge and waits for the response.
    pub fn challenge(&mut self, tag: &Tag, challenge: &[u8]) {
        if self.phase == Phase::Running {
            self.output.extend_from_slice(b"+ ");
            self.output.extend_from_slice(STANDARD.encode(challenge).as_bytes());
            self.output.extend_from_slice(b"\r\n");
            self.phase = Phase::SaslLine(tag.clone());
        }
    }

    /// Begins IDLE (RFC 2177): untagged answers may be sent at any time until `IdleDone`.
    pub fn idle(&mut self, tag: &Tag) {
        if self.phase == Phase::Running {
            self.output.extend_from_slice(b"+ idling\r\n");
            self.phase = Phase::Idle(tag.clone());
            self.resumed = true;
        }
    }

    /// Takes the piece of an APPEND that was told last; if it announced bytes, the client may send them.
    pub fn accept_append(&mut self) {
        match std::mem::replace(&mut self.phase, Phase::Running) {
            Phase::AppendOffered(mut append) => {
                self.resumed = true;
                self.phase = match append.announced.take_if(|_| append.pieces.is_empty()) {
                    Some(LiteralAnnouncement { size, synchronising }) => {
                        if synchronising {
                            self.output.extend_from_slice(b"+ OK\r\n");
                        }
                        Phase::AppendBody { append, left: size }
                    }
                    None => Phase::Append(append),
                };
            }
            other => self.phase = other,
        }
    }

    /// Answers STARTTLS with OK. The session sends the output, hands the stream to TLS and calls
    /// [`Self::tls_established`] when it stands.
    ///
    /// # Errors
    /// When the peer sent more behind the command: it is thrown away, BYE is said, TLS must not begin.
    pub fn begin_tls(&mut self, tag: &Tag) -> Result<(), InjectedBeforeTls> {
        if !self.input.is_empty() {
            return Err(self.refuse_injected(tag));
        }
        Status::ok("Begin TLS now").encode(&mut self.output, tag.as_str(), self.enabled);
        self.phase = Phase::AwaitTls;
        self.resumed = true;
        Ok(())
    }

    /// TLS stands: everything known before is forgotten (RFC 3501 §6.2.1), `policy` holds from here on.
    ///
    /// # Errors
    /// When bytes came in clear after STARTTLS: BYE is said inside TLS.
    pub fn tls_established(&mut self, policy: Policy, now: Duration) -> Result<(), InjectedBeforeTls> {
        self.input = BytesMut::new();
        (self.line_start, self.searched, self.polled) = (0, 0, 0);
        self.uninvited = 0;
        self.forget_unasked();
        self.state = State::NotAuthenticated;
        self.enabled = Enabled::default();
        self.policy = policy;
        self.active_at = now;
        if self.injected {
            self.bye(Some(Code::ClientBug), "Something was sent between STARTTLS and TLS");
            return Err(InjectedBeforeTls);
        }
        self.phase = Phase::Command;
        Ok(())
    }

    fn refuse_injected(&mut self, tag: &Tag) -> InjectedBeforeTls {
        let status = Status::bad("Nothing may follow STARTTLS before TLS stands").with_code(Code::ClientBug);
        status.encode(&mut self.output, tag.as_str(), self.enabled);
        self.bye(None, "Closing");
        InjectedBeforeTls
    }

    /// Answers COMPRESS with OK, the last that goes out as it is, and yields what came behind the command: the
    /// compressed stream begins with it (RFC 4978 §3). The session sends the output, and from then on gives
    /// [`Self::receive`] what it has decoded.
    pub fn begin_compression(&mut self, tag: &Tag) -> BytesMut {
        self.finish(tag, &Status::ok("Compressed from here on"));
        let compressed = std::mem::take(&mut self.input);
        (self.line_start, self.searched, self.polled) = (0, 0, 0);
        compressed
    }

    /// Answers LOGOUT and closes.
    pub fn logout(&mut self, tag: &Tag) {
        self.bye(None, "Logging out");
        Status::ok("LOGOUT completed").encode(&mut self.output, tag.as_str(), self.enabled);
    }

    /// Says BYE and closes: shutdown, a fault, too much of something.
    pub fn bye(&mut self, code: Option<Code>, text: &'static str) {
        if self.phase == Phase::Closed {
            return;
        }
        let mut status = Status::ok(text);
        status.code = code;
        status.encode_bye(&mut self.output, self.enabled);
        self.phase = Phase::Closed;
        self.state = State::Logout;
        self.input = BytesMut::new();
    }
}

#[cfg(test)]
mod tests;
