//! The bytes of a message: DATA, BDAT, and what is thrown away.

use super::{Chunks, CloseReason, DataStart, Event, Pending, Role, Server, Step, Turn};
use crate::Reply;
use crate::command::bdat::Chunk;
use crate::data::{self, DataFailure, Decoder, Rules};
use bytes::Buf;

/// A message that is streaming in.
pub(super) struct Input {
    decoder: Decoder,
    framing: Framing,
    /// The session knows that the message is refused.
    told: bool,
}

#[derive(Clone, Copy)]
enum Framing {
    Data,
    Chunk { remaining: u64, chunk: Chunk },
}

impl Server {
    pub(super) fn ask_for_data(&mut self, pending: Pending) -> Step {
        let size = self.transaction.as_ref().and_then(|transaction| transaction.size);
        self.transfer_started = Some(self.last_received);
        self.ask(pending, Event::Data(DataStart { size }))
    }

    pub(super) fn new_decoder(&self) -> Decoder {
        Decoder::new(Rules {
            bare_newline: self.options.bare_newline,
            message_max: self.options.limits.message_max,
            line_max: self.options.limits.text_line_max,
        })
    }

    /// 354 has been said.
    pub(super) fn start_data(&mut self) {
        let decoder = self.new_decoder();
        self.turn = Turn::Body(Input { decoder, framing: Framing::Data, told: false });
    }

    pub(super) fn start_chunk(&mut self, mut decoder: Decoder, chunk: Chunk) -> Step {
        let limits = &self.options.limits;
        if decoder.size().0.saturating_add(chunk.size) > limits.message_max.0 {
            decoder.fail(DataFailure::TooLarge);
            if chunk.size > limits.discard_max.0 {
                self.end(&refusal(DataFailure::TooLarge), CloseReason::TooMuchData);
                return Step::Event(Event::DataAborted(DataFailure::TooLarge));
            }
        }
        let framing = Framing::Chunk { remaining: chunk.size, chunk };
        self.turn = Turn::Body(Input { decoder, framing, told: false });
        Step::Again
    }

    /// Throws a chunk away, then says why: after the last one as often as its message would have been answered.
    pub(super) fn discard(&mut self, chunk: Chunk, reply: Reply) -> Step {
        if chunk.size > self.options.limits.discard_max.0 {
            self.end(&reply, CloseReason::TooMuchData);
        } else {
            let answers = self.answers(chunk.last);
            self.transfer_started = Some(self.last_received);
            self.turn = Turn::Discard { remaining: chunk.size, reply, answers };
        }
        Step::Again
    }

    pub(super) fn poll_discard(&mut self) -> Step {
        let Turn::Discard { remaining, reply, answers } = &mut self.turn else { return Step::Again };
        let input = self.input.bytes();
        let length = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
        input.advance(length);
        *remaining = remaining.saturating_sub(length as u64);
        if length > 0 {
            self.last_activity = self.last_received;
        }
        if *remaining > 0 {
            return Step::Wait;
        }
        let (reply, answers) = (reply.clone(), *answers);
        self.turn = Turn::Command;
        for _ in 1..answers {
            self.say(&reply);
        }
        self.fault(&reply)
    }

    pub(super) fn poll_body(&mut self) -> Step {
        let Turn::Body(body) = &mut self.turn else { return Step::Again };
        let input = self.input.bytes();
        let waiting = input.len();
        let step = match &mut body.framing {
            Framing::Data => body.decoder.next_of_data(input),
            Framing::Chunk { remaining, .. } => body.decoder.next_of_chunk(input, remaining),
        };
        if input.len() < waiting {
            self.last_activity = self.last_received;
        }
        if body.decoder.discarded() > self.options.limits.discard_max.0 {
            let failure = body.decoder.failure().unwrap_or(DataFailure::TooLarge);
            self.end(&refusal(failure), CloseReason::TooMuchData);
            return Step::Again;
        }
        let failure =
            body.decoder.failure().filter(|_| !std::mem::replace(&mut body.told, body.decoder.failure().is_some()));
        match (step, failure) {
            (data::Step::End, failure) => self.end_body(failure),
            (_, Some(failure)) => Step::Event(Event::DataAborted(failure)),
            (data::Step::Chunk(chunk), None) => Step::Event(Event::DataChunk(chunk)),
            (data::Step::More, None) => Step::Wait,
        }
    }

    /// DATA, or a chunk, is read. `failure`: the session has not been told yet.
    fn end_body(&mut self, failure: Option<DataFailure>) -> Step {
        let Turn::Body(Input { mut decoder, framing, told }) = std::mem::replace(&mut self.turn, Turn::Command) else {
            return Step::Again;
        };
        let last = match framing {
            Framing::Data => true,
            Framing::Chunk { chunk, .. } => chunk.last,
        };
        if last && let Some(rest) = decoder.finish_chunks() {
            // What a bare CR at the very end became; the end is looked at once more.
            self.turn = Turn::Body(Input { decoder, framing, told });
            return Step::Event(Event::DataChunk(rest));
        }
        match (decoder.failure(), framing) {
            (Some(cause), _) => {
                self.refuse_body(cause, last);
                let untold = failure.or(if told { None } else { Some(cause) });
                untold.map_or(Step::Again, |failure| Step::Event(Event::DataAborted(failure)))
            }
            (None, Framing::Chunk { chunk, .. }) if !last => {
                self.say(&Reply::new(250, 0, 0, format!("{} octets received", chunk.size)));
                if let Some(transaction) = &mut self.transaction {
                    transaction.chunks = Chunks::Between(Box::new(decoder));
                }
                Step::Again
            }
            (None, _) => {
                let answers = self.answers(true);
                let size = decoder.size();
                self.ask(Pending::DataEnd { answers }, Event::DataEnd { size })
            }
        }
    }

    fn refuse_body(&mut self, failure: DataFailure, last: bool) {
        let reply = refusal(failure);
        for _ in 0..self.answers(last) {
            self.say(&reply);
        }
        if last {
            self.transaction = None;
            self.transfer_started = None;
        } else if let Some(transaction) = &mut self.transaction {
            transaction.chunks = Chunks::Failed(reply);
        }
    }

    /// How many answers the end of a message, or of a chunk that is not the last, has. RFC 2033 §4.2: in LMTP one for
    /// each accepted recipient, whatever it is; where there is none, the one that says so.
    fn answers(&self, last: bool) -> usize {
        let recipients = self.transaction.as_ref().map_or(0, |transaction| transaction.recipients);
        if last && self.options.role == Role::Lmtp { recipients.max(1) } else { 1 }
    }
}

fn refusal(failure: DataFailure) -> Reply {
    match failure {
        DataFailure::BareNewline => Reply::new(550, 6, 11, "Lines of a message end in CR LF, nothing else (RFC 5321)"),
        DataFailure::TooLarge => Reply::new(552, 3, 4, "The message is too large"),
        DataFailure::LineTooLong => Reply::new(554, 6, 0, "A line of the message is too long"),
    }
}
