//! The sending side of one connection: to another server's MX, to a relay, or to an LMTP server.
//!
//! The session connects, then loops: poll events until there is none, doing what each asks; write what
//! [`Client::output`] holds and call [`Client::flushed`]; read, and give [`Client::receive`] what came. After
//! [`ClientEvent::Ready`] it calls [`Client::send`] or [`Client::quit`]. Every transaction ends with exactly one
//! [`ClientEvent::Finished`], also when the connection breaks: each recipient gets an answer, of the peer or of ours.

mod capabilities;
mod handshake;
mod reply_reader;
mod transaction;

pub use capabilities::Capabilities;
pub use transaction::{Answer, Envelope, Origin, Verdict};

use crate::{Reply, ReversePath};
use bytes::{BufMut, Bytes, BytesMut};
use reply_reader::{Reading, ReplyReader};
use std::collections::VecDeque;
use std::time::{Duration, Instant};
use transaction::Transaction;
use types::Secret;

/// Most replies that may be outstanding when commands are pipelined, so that neither side's buffers fill up
/// (RFC 2920 §3.1).
pub const PIPELINE_MAX: usize = 50;
/// Most bytes received and not yet understood that are held.
pub const CLIENT_INPUT_MAX: usize = 16 * 1024;

/// What is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// SMTP.
    Smtp,
    /// LMTP (RFC 2033).
    Lmtp,
}

/// What is asked of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientTls {
    /// The connection is inside TLS from the start.
    Active,
    /// STARTTLS, or nothing is sent.
    Required,
    /// STARTTLS where it is offered.
    IfOffered,
    /// No TLS: loopback.
    Never,
}

/// What becomes of an 8-bit message where 8BITMIME is not offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EightBitFallback {
    /// It is sent as it is, without BODY.
    ///
    /// Deviation: RFC 6152 §3 wants it converted or bounced. Servers that do not take eight bits are gone; those that
    /// do and do not say so are not.
    Send,
    /// It is refused: 554 5.6.3.
    Refuse,
}

/// Name and password for AUTH PLAIN (RFC 4616). They are sent inside TLS only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub user: String,
    /// The password.
    pub password: Secret<String>,
}

/// How long each answer may take (RFC 5321 §4.5.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The greeting: 5 minutes.
    pub greeting: Duration,
    /// EHLO, STARTTLS, AUTH, MAIL, RSET: 5 minutes.
    pub command: Duration,
    /// RCPT: 5 minutes.
    pub recipient: Duration,
    /// 354 after DATA: 2 minutes.
    pub data_start: Duration,
    /// A block of the message into the network: 3 minutes.
    pub data_block: Duration,
    /// The answer to the message's end: 10 minutes.
    pub data_end: Duration,
    /// The answer to QUIT: half a minute, nothing depends on it.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            greeting: Duration::from_mins(5),
            command: Duration::from_mins(5),
            recipient: Duration::from_mins(5),
            data_start: Duration::from_mins(2),
            data_block: Duration::from_mins(3),
            data_end: Duration::from_mins(10),
            quit: Duration::from_secs(30),
        }
    }
}

/// How this connection behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// What is spoken.
    pub protocol: Protocol,
    /// Our name in EHLO: a domain or an address literal.
    pub hello_name: String,
    /// What is asked of TLS.
    pub tls: ClientTls,
    /// For a relay that wants a sign-in.
    pub credentials: Option<Credentials>,
    /// What becomes of an 8-bit message where 8BITMIME is not offered.
    pub eight_bit: EightBitFallback,
    /// How long each answer may take.
    pub timeouts: Timeouts,
}

impl ClientOptions {
    /// SMTP to an MX: STARTTLS where it is offered, no sign-in.
    pub fn new(hello_name: impl Into<String>) -> Self {
        Self {
            protocol: Protocol::Smtp,
            hello_name: hello_name.into(),
            tls: ClientTls::IfOffered,
            credentials: None,
            eight_bit: EightBitFallback::Send,
            timeouts: Timeouts::default(),
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientEvent {
    /// Write the output, shake hands on the bare connection, then call [`Client::tls_started`].
    StartTls,
    /// [`Client::send`] or [`Client::quit`] may be called.
    Ready,
    /// Give the message: [`Client::body_chunk`] …, [`Client::body_end`].
    SendBody,
    /// The transaction is over: an answer for each recipient, in their order.
    Finished(Vec<Answer>),
    /// The connection is of no more use: write the output and close it. If a transaction was open, [`ClientEvent::Finished`] came before.
    Failed(ClientFailure),
    /// QUIT is answered, or nobody answers it: close the connection.
    Closed,
}

/// At which point something went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for 220.
    Greeting,
    /// EHLO, HELO or LHLO.
    Hello,
    /// STARTTLS, before the handshake.
    StartTls,
    /// AUTH.
    Auth,
    /// Between transactions.
    Idle,
    /// MAIL to the end of the message.
    Transaction,
}

/// Why a connection is of no more use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientFailure {
    /// The peer said no.
    #[error("the server refused at {stage:?}: {reply}")]
    Refused {
        /// Where.
        stage: Stage,
        /// With which words.
        reply: Reply,
    },
    /// The peer said nothing.
    #[error("the server did not answer in time at {stage:?}")]
    Timeout {
        /// Where.
        stage: Stage,
    },
    /// The peer closed the connection.
    #[error("the server closed the connection at {stage:?}")]
    ClosedByPeer {
        /// Where.
        stage: Stage,
    },
    /// What the peer sent is no reply, or none to what was asked.
    #[error("the server did not answer in SMTP at {stage:?}")]
    Protocol {
        /// Where.
        stage: Stage,
    },
    /// TLS is required (for a password it always is) and not offered.
    #[error("the server does not offer STARTTLS")]
    NoTls,
    /// A sign-in is wanted and AUTH PLAIN not offered.
    #[error("the server does not offer AUTH PLAIN")]
    NoAuth,
}

/// What a reply will be the answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Greeting,
    Ehlo,
    Helo,
    StartTls,
    Auth,
    Mail,
    Recipient(usize),
    Data,
    /// The end of the message, for all recipients.
    End,
    /// The end of the message, for one recipient (LMTP).
    EndFor(usize),
    /// The end of an empty message that went out because DATA was pipelined and nobody was accepted.
    EndOfNothing,
    Reset,
    Quit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The session shakes hands.
    Handshake,
    Closed,
}

/// One connection.
pub struct Client {
    options: ClientOptions,
    state: State,
    tls_active: bool,
    input: BytesMut,
    output: BytesMut,
    reader: ReplyReader,
    capabilities: Capabilities,
    expected: VecDeque<Expected>,
    events: VecDeque<ClientEvent>,
    transaction: Option<Transaction>,
    ready: bool,
    last_received: Instant,
    waiting_since: Instant,
}

impl Client {
    /// A connection that has just been made; the peer speaks first.
    pub fn new(options: ClientOptions, now: Instant) -> Self {
        Self {
            tls_active: options.tls == ClientTls::Active,
            options,
            state: State::Open,
            input: BytesMut::new(),
            output: BytesMut::new(),
            reader: ReplyReader::default(),
            capabilities: Capabilities::default(),
            expected: VecDeque::from([Expected::Greeting]),
            events: VecDeque::new(),
            transaction: None,
            ready: false,
            last_received: now,
            waiting_since: now,
        }
    }

    /// Takes bytes from the peer and says how many; the rest has to be offered again after the next events.
    #[must_use]
    pub fn receive(&mut self, now: Instant, bytes: &[u8]) -> usize {
        if self.state != State::Open {
            return bytes.len();
        }
        self.last_received = now;
        let taken = bytes.get(..CLIENT_INPUT_MAX.saturating_sub(self.input.len())).unwrap_or(bytes);
        self.input.extend_from_slice(taken);
        taken.len()
    }

    /// The peer closed the connection, or it broke.
    pub fn connection_lost(&mut self) {
        if self.expected.front() == Some(&Expected::Quit) {
            self.close();
        } else {
            self.fail(ClientFailure::ClosedByPeer { stage: self.stage() });
        }
    }

    /// TLS runs: what the peer said before is forgotten (RFC 3207 §4.2), and EHLO comes again.
    pub fn tls_started(&mut self, now: Instant) {
        assert!(self.state == State::Handshake, "TLS starts only after the StartTls event");
        self.state = State::Open;
        self.tls_active = true;
        self.waiting_since = now;
        self.say_hello();
    }

    /// What the peer offers now.
    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// Whether the connection is inside TLS.
    pub fn is_tls_active(&self) -> bool {
        self.tls_active
    }

    /// Whether [`Client::send`] and [`Client::quit`] may be called.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// What is to be written.
    pub fn output(&mut self) -> &mut BytesMut {
        &mut self.output
    }

    /// Takes what is to be written.
    pub fn take_output(&mut self) -> Bytes {
        self.output.split().freeze()
    }

    /// The session has written all output: the time for the answer begins.
    pub fn flushed(&mut self, now: Instant) {
        self.waiting_since = now;
    }

    /// Says QUIT.
    pub fn quit(&mut self, now: Instant) {
        assert!(self.ready, "QUIT comes between transactions");
        self.ready = false;
        self.command("QUIT", Expected::Quit);
        self.waiting_since = now;
    }

    /// When [`Client::handle_timeout`] has something to do.
    pub fn next_deadline(&self) -> Option<Instant> {
        if self.state != State::Open {
            return None;
        }
        let timeouts = &self.options.timeouts;
        let wait = match self.expected.front() {
            Some(Expected::Greeting) => timeouts.greeting,
            Some(Expected::Recipient(_)) => timeouts.recipient,
            Some(Expected::Data) => timeouts.data_start,
            Some(Expected::End | Expected::EndFor(_) | Expected::EndOfNothing) => timeouts.data_end,
            Some(Expected::Quit) => timeouts.quit,
            Some(Expected::Ehlo | Expected::Helo | Expected::StartTls | Expected::Auth | Expected::Mail) => {
                timeouts.command
            }
            Some(Expected::Reset) => timeouts.command,
            None if self.transaction.is_some() => timeouts.data_block,
            None => return None,
        };
        self.waiting_since.checked_add(wait)
    }

    /// Gives up on a peer that does not answer, or does not take the message's bytes.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.next_deadline().is_none_or(|deadline| deadline > now) {
            return;
        }
        if self.expected.front() == Some(&Expected::Quit) {
            self.close();
        } else {
            self.fail(ClientFailure::Timeout { stage: self.stage() });
        }
    }

    /// The next event, if there is one.
    pub fn poll_event(&mut self) -> Option<ClientEvent> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Some(event);
            }
            if self.state != State::Open {
                return None;
            }
            match self.reader.next(&mut self.input) {
                Reading::More => return None,
                Reading::Reply(reply) => {
                    self.waiting_since = self.last_received;
                    self.reply(reply);
                }
                Reading::Malformed => self.fail(ClientFailure::Protocol { stage: self.stage() }),
            }
        }
    }

    fn reply(&mut self, reply: Reply) {
        let expected = self.expected.pop_front();
        if expected == Some(Expected::Quit) {
            return self.close();
        }
        // RFC 5321 §3.8: 421 may come at any time, and the peer closes after it. A peer that refuses a message before it
        // has all of it does the same.
        let early = expected.is_none() && self.transaction.is_some() && (reply.is_temporary() || reply.is_permanent());
        if reply.code() == 421 || early {
            if let Some(expected) = expected {
                self.expected.push_front(expected); // for the stage
            }
            return self.fail(ClientFailure::Refused { stage: self.stage(), reply });
        }
        match expected {
            None => self.fail(ClientFailure::Protocol { stage: self.stage() }),
            Some(Expected::Greeting) => self.greeting(reply),
            Some(Expected::Ehlo) => self.ehlo_answer(reply),
            Some(Expected::Helo) => self.helo_answer(reply),
            Some(Expected::StartTls) => self.starttls_answer(reply),
            Some(Expected::Auth) => self.auth_answer(reply),
            Some(Expected::Mail) => self.mail_answer(&reply),
            Some(Expected::Recipient(number)) => self.recipient_answer(number, &reply),
            Some(Expected::Data) => self.data_answer(&reply),
            Some(Expected::End) => self.end_answer(&reply),
            Some(Expected::EndFor(number)) => self.end_answer_for(number, &reply),
            Some(Expected::EndOfNothing) => self.finish(),
            Some(Expected::Reset | Expected::Quit) => self.become_ready(),
        }
    }

    fn stage(&self) -> Stage {
        match self.expected.front() {
            Some(Expected::Greeting) => Stage::Greeting,
            Some(Expected::Ehlo | Expected::Helo) => Stage::Hello,
            Some(Expected::StartTls) => Stage::StartTls,
            Some(Expected::Auth) => Stage::Auth,
            Some(Expected::Reset | Expected::Quit) => Stage::Idle,
            None if self.transaction.is_none() => Stage::Idle,
            _ => Stage::Transaction,
        }
    }

    fn command(&mut self, line: &str, expected: Expected) {
        self.output.put_slice(line.as_bytes());
        self.output.put_slice(b"\r\n");
        self.expected.push_back(expected);
    }

    fn become_ready(&mut self) {
        self.ready = true;
        self.events.push_back(ClientEvent::Ready);
    }

    fn close(&mut self) {
        self.state = State::Closed;
        self.expected.clear();
        self.input.clear();
        self.events.push_back(ClientEvent::Closed);
    }

    fn fail(&mut self, failure: ClientFailure) {
        if self.state == State::Closed {
            return;
        }
        if let Some(transaction) = self.transaction.take() {
            self.events.push_back(ClientEvent::Finished(transaction.broken_off(&failure)));
        }
        self.state = State::Closed;
        self.ready = false;
        self.expected.clear();
        self.input.clear();
        if matches!(failure, ClientFailure::NoTls | ClientFailure::NoAuth) {
            self.output.put_slice(b"QUIT\r\n");
        }
        self.events.push_back(ClientEvent::Failed(failure));
    }
}

impl Envelope {
    /// An envelope without a size and with a 7-bit body.
    pub fn new(reverse_path: ReversePath, recipients: Vec<crate::ForwardPath>) -> Self {
        Self { reverse_path, recipients, size: None, body: crate::Body::SevenBit, utf8: false }
    }
}

#[cfg(test)]
mod tests;
