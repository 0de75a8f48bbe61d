//! One message to its recipients: MAIL, RCPT, DATA, in groups where PIPELINING is offered (RFC 2920).

use super::{Client, ClientEvent, ClientFailure, EightBitFallback, Expected, PIPELINE_MAX, Protocol, Stage};
use crate::{Body, DataEncoder, EnhancedCode, ForwardPath, Reply, ReversePath};
use bytes::BufMut;
use std::time::Instant;
use types::Octets;

/// What goes into MAIL and RCPT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Where a bounce would go.
    pub reverse_path: ReversePath,
    /// Whom it is for: at least one.
    pub recipients: Vec<ForwardPath>,
    /// How large the message is, for SIZE.
    pub size: Option<Octets>,
    /// How the body is coded.
    pub body: Body,
    /// Whether the header holds UTF-8. An address that needs SMTPUTF8 is seen without it.
    pub utf8: bool,
}

/// What became of a recipient.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The peer has taken the responsibility.
    Accepted,
    /// Not now: try again.
    Temporary,
    /// Never: report it to the sender.
    Permanent,
}

/// Who says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The peer, in its reply.
    Peer,
    /// We: it was not worth asking, or the connection broke.
    Ours,
}

/// The answer for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What became of it.
    pub verdict: Verdict,
    /// In which words.
    pub reply: Reply,
    /// Whose words these are.
    pub origin: Origin,
}

/// How far a recipient got.
enum Slot {
    /// No answer yet.
    Open,
    /// RCPT was accepted.
    Accepted,
    /// Decided.
    Decided(Answer),
}

/// A transaction under way.
pub(super) struct Transaction {
    envelope: Envelope,
    slots: Vec<Slot>,
    /// How many RCPT went out.
    sent: usize,
    data_sent: bool,
    /// MAIL was refused: nothing more goes out.
    refused: bool,
    encoder: Option<DataEncoder>,
}

impl Answer {
    fn peer(reply: &Reply) -> Self {
        let verdict = match reply.code() {
            200..300 => Verdict::Accepted,
            500..600 => Verdict::Permanent,
            _ => Verdict::Temporary,
        };
        Self { verdict, reply: reply.clone(), origin: Origin::Peer }
    }

    fn ours(reply: Reply) -> Self {
        let verdict = if reply.is_permanent() { Verdict::Permanent } else { Verdict::Temporary };
        Self { verdict, reply, origin: Origin::Ours }
    }
}

impl Transaction {
    fn new(envelope: Envelope) -> Self {
        let slots = envelope.recipients.iter().map(|_| Slot::Open).collect();
        Self { envelope, slots, sent: 0, data_sent: false, refused: false, encoder: None }
    }

    fn is_answered(&self) -> bool {
        self.sent == self.slots.len() && !self.slots.iter().any(|slot| matches!(slot, Slot::Open))
    }

    fn accepted(&self) -> impl Iterator<Item = usize> {
        self.slots.iter().enumerate().filter(|(_, slot)| matches!(slot, Slot::Accepted)).map(|(number, _)| number)
    }

    fn decide(&mut self, number: usize, answer: Answer) {
        if let Some(slot) = self.slots.get_mut(number) {
            *slot = Slot::Decided(answer);
        }
    }

    /// Gives the same answer to all who have none yet.
    fn decide_rest(&mut self, answer: &Answer) {
        for slot in &mut self.slots {
            if !matches!(slot, Slot::Decided(_)) {
                *slot = Slot::Decided(answer.clone());
            }
        }
    }

    fn into_answers(self) -> Vec<Answer> {
        let lost = || Answer::ours(Reply::new(451, 4, 2, "The server gave no answer"));
        let answer = |slot| if let Slot::Decided(answer) = slot { answer } else { lost() };
        self.slots.into_iter().map(answer).collect()
    }

    /// The connection is of no more use. What was decided stays; the others may be tried again.
    pub(super) fn broken_off(mut self, failure: &ClientFailure) -> Vec<Answer> {
        let answer = match failure {
            ClientFailure::Refused { reply, .. } => Answer::peer(reply),
            other => Answer::ours(Reply::new(451, 4, 2, other.to_string())),
        };
        self.decide_rest(&answer);
        self.into_answers()
    }
}

impl Client {
    /// Begins a transaction. What the peer cannot take by what it offers is refused at once.
    ///
    /// # Panics
    /// If the connection is not ready, or nobody is to receive the message.
    pub fn send(&mut self, envelope: Envelope, now: Instant) {
        assert!(self.ready && !envelope.recipients.is_empty(), "a message has recipients, one transaction at a time");
        self.ready = false;
        self.waiting_since = now;
        let utf8 = envelope.utf8
            || envelope.reverse_path.needs_utf8()
            || envelope.recipients.iter().any(ForwardPath::needs_utf8);
        let mut transaction = Transaction::new(envelope);
        if let Some(reply) = self.cannot_take(&transaction.envelope, utf8) {
            transaction.decide_rest(&Answer::ours(reply));
            self.transaction = Some(transaction);
            return self.finish();
        }
        let line = self.mail_line(&transaction.envelope, utf8);
        self.transaction = Some(transaction);
        self.command(&line, Expected::Mail);
        if self.capabilities.pipelining {
            self.send_more();
        }
    }

    /// RFC 1870 §6, RFC 6531 §3.2, RFC 6152 §3.
    fn cannot_take(&self, envelope: &Envelope, utf8: bool) -> Option<Reply> {
        let offered = &self.capabilities;
        if envelope.size.zip(offered.size_max).is_some_and(|(size, max)| size > max) {
            return Some(Reply::new(552, 3, 4, "The message is larger than the server takes"));
        }
        if utf8 && !offered.smtputf8 {
            return Some(Reply::new(550, 6, 7, "The server does not take addresses beyond ASCII"));
        }
        let eight_bit = envelope.body == Body::EightBitMime && !offered.eight_bit_mime;
        if eight_bit && self.options.eight_bit == EightBitFallback::Refuse {
            return Some(Reply::new(554, 6, 3, "The server does not take 8-bit messages"));
        }
        None
    }

    fn mail_line(&self, envelope: &Envelope, utf8: bool) -> String {
        let mut line = format!("MAIL FROM:{}", envelope.reverse_path);
        if let Some(size) = envelope.size.filter(|_| self.capabilities.size) {
            line.push_str(" SIZE=");
            line.push_str(&size.to_string());
        }
        // RFC 6531 §3.4: with SMTPUTF8 goes BODY=8BITMIME.
        if self.capabilities.eight_bit_mime && (utf8 || envelope.body == Body::EightBitMime) {
            line.push_str(" BODY=8BITMIME");
        }
        if utf8 {
            line.push_str(" SMTPUTF8");
        }
        line
    }

    /// Sends the RCPTs that may go out now, then DATA.
    fn send_more(&mut self) {
        let window = if self.capabilities.pipelining { PIPELINE_MAX } else { 1 };
        let lmtp = self.options.protocol == Protocol::Lmtp;
        while self.expected.len() < window {
            let Some(transaction) = &mut self.transaction else { return };
            if transaction.refused || transaction.data_sent {
                return;
            }
            if let Some(recipient) = transaction.envelope.recipients.get(transaction.sent) {
                let line = format!("RCPT TO:{recipient}");
                let number = transaction.sent;
                transaction.sent = number.saturating_add(1);
                self.command(&line, Expected::Recipient(number));
                continue;
            }
            let answered = transaction.is_answered();
            if answered && transaction.accepted().next().is_none() {
                return;
            }
            // In LMTP the number of answers to DATA depends on those to RCPT: it is not sent ahead.
            if answered || (self.capabilities.pipelining && !lmtp) {
                transaction.data_sent = true;
                self.command("DATA", Expected::Data);
            }
            return;
        }
    }

    /// After an answer within the transaction: goes on, or ends it when nothing is outstanding.
    fn go_on(&mut self) {
        self.send_more();
        if self.expected.is_empty() {
            self.finish();
        }
    }

    pub(super) fn mail_answer(&mut self, reply: &Reply) {
        if reply.is_intermediate() {
            return self.fail(ClientFailure::Protocol { stage: Stage::Transaction });
        }
        if let Some(transaction) = self.transaction.as_mut().filter(|_| !reply.is_positive()) {
            transaction.refused = true;
            transaction.decide_rest(&Answer::peer(reply));
        }
        self.go_on();
    }

    pub(super) fn recipient_answer(&mut self, number: usize, reply: &Reply) {
        if reply.is_intermediate() {
            return self.fail(ClientFailure::Protocol { stage: Stage::Transaction });
        }
        if let Some(transaction) = &mut self.transaction
            && let Some(slot @ Slot::Open) = transaction.slots.get_mut(number)
        {
            if reply.is_positive() {
                *slot = Slot::Accepted;
            } else {
                let mut answer = Answer::peer(reply);
                // RFC 5321 §4.5.3.1.10: 552 for too many recipients is an old word for 452.
                let detail = reply.enhanced().is_none_or(|enhanced| enhanced == EnhancedCode::new(5, 5, 3));
                if reply.code() == 552 && detail {
                    answer.verdict = Verdict::Temporary;
                }
                *slot = Slot::Decided(answer);
            }
        }
        self.go_on();
    }

    pub(super) fn data_answer(&mut self, reply: &Reply) {
        let Some(transaction) = &mut self.transaction else { return };
        let nobody = transaction.accepted().next().is_none();
        match reply.code() {
            354 if nobody && self.options.protocol == Protocol::Smtp => {
                // RFC 2920 §3.1: the message that nobody gets is sent empty.
                self.command(".", Expected::EndOfNothing);
            }
            354 if !nobody => {
                transaction.encoder = Some(DataEncoder::new());
                self.events.push_back(ClientEvent::SendBody);
            }
            400..600 => {
                transaction.decide_rest(&Answer::peer(reply));
                self.go_on();
            }
            _ => self.fail(ClientFailure::Protocol { stage: Stage::Transaction }),
        }
    }

    /// The next chunk of the message; lines that end in a bare LF or CR get CR LF. The session writes the output in
    /// between. After a [`ClientEvent::Failed`] it is ignored.
    pub fn body_chunk(&mut self, chunk: &[u8]) {
        if let Some(encoder) = self.transaction.as_mut().and_then(|transaction| transaction.encoder.as_mut()) {
            encoder.push(chunk, &mut self.output);
        }
    }

    /// The message is whole. If it broke off through a fault of ours, close the connection instead.
    pub fn body_end(&mut self, now: Instant) {
        let Some(transaction) = &mut self.transaction else { return };
        let Some(encoder) = transaction.encoder.take() else { return };
        encoder.finish(&mut self.output);
        match self.options.protocol {
            Protocol::Smtp => self.expected.push_back(Expected::End),
            Protocol::Lmtp => self.expected.extend(transaction.accepted().map(Expected::EndFor)),
        }
        self.waiting_since = now;
    }

    pub(super) fn end_answer(&mut self, reply: &Reply) {
        if reply.is_intermediate() {
            return self.fail(ClientFailure::Protocol { stage: Stage::Transaction });
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.decide_rest(&Answer::peer(reply));
        }
        self.finish();
    }

    pub(super) fn end_answer_for(&mut self, number: usize, reply: &Reply) {
        if reply.is_intermediate() {
            return self.fail(ClientFailure::Protocol { stage: Stage::Transaction });
        }
        if let Some(transaction) = &mut self.transaction {
            transaction.decide(number, Answer::peer(reply));
        }
        if self.expected.is_empty() {
            self.finish();
        }
    }

    /// Nothing is outstanding: tells the answers; a transaction that did not reach its end is reset.
    pub(super) fn finish(&mut self) {
        let Some(transaction) = self.transaction.take() else { return };
        let answers = transaction.into_answers();
        let accepted = answers.iter().any(|answer| answer.verdict == Verdict::Accepted);
        self.events.push_back(ClientEvent::Finished(answers));
        if accepted {
            self.become_ready();
        } else {
            self.output.put_slice(b"RSET\r\n");
            self.expected.push_back(Expected::Reset);
        }
    }
}
