//! What is no command: SASL lines, DONE, messages, and what is thrown away.

use super::frame::Step;
use super::phase::Phase;
use super::{Connection, Event, State};
use crate::codec::{ANNOUNCEMENT_MAX, Cursor, LiteralAnnouncement, ParseError, literal_announced};
use crate::command::append::{Fragment, Piece, Reader};
use crate::command::authenticate;
use crate::response::Code;
use zeroize::Zeroize;

/// Longest line where only DONE or nothing may stand.
const SHORT_LINE_MAX: usize = 64;

impl Connection {
    /// ```text
    /// base64 = *(4base64-char) [base64-terminal]      ; or "*" to cancel (RFC 3501 §6.2.2)
    /// ```
    pub(super) fn read_sasl_line(&mut self) -> Step {
        let max = usize::try_from(self.limits.sasl_line_max.0).unwrap_or(usize::MAX);
        let Some(mut line) = (match self.take_line(max) {
            Ok(line) => line,
            Err(TooLong) => return self.abort(&ParseError::Syntax("The response is too long"), Some(0)),
        }) else {
            return Step::Wait;
        };
        let text = strip_line_end(&line);
        let decoded = if text == b"*" { None } else { Some(authenticate::decode(text)) };
        line.zeroize();
        match decoded {
            None => self.abort(&ParseError::Syntax("AUTHENTICATE was cancelled"), None),
            Some(Err(_)) => self.abort(&ParseError::Syntax("The response is not base64"), None),
            Some(Ok(response)) => {
                self.phase = Phase::Running;
                Step::Event(Event::SaslResponse(response))
            }
        }
    }

    pub(super) fn read_done(&mut self) -> Step {
        match self.take_line(SHORT_LINE_MAX) {
            Ok(None) => Step::Wait,
            Ok(Some(line)) if strip_line_end(&line).trim_ascii_end().eq_ignore_ascii_case(b"DONE") => {
                self.phase = Phase::Running;
                Step::Event(Event::IdleDone)
            }
            Ok(Some(_)) => self.abort(&ParseError::Syntax("IDLE ends with DONE"), None),
            Err(TooLong) => self.abort(&ParseError::Syntax("IDLE ends with DONE"), Some(0)),
        }
    }

    pub(super) fn read_message(&mut self) -> Step {
        let Phase::AppendBody { left, .. } = &mut self.phase else { return Step::Wait };
        if *left == 0 {
            if let Phase::AppendBody { append, .. } = std::mem::replace(&mut self.phase, Phase::Running) {
                self.phase = Phase::AppendTail(append);
            }
            return Step::Again;
        }
        let here = u64::try_from(self.input.len()).unwrap_or(u64::MAX).min(*left).min(self.limits.append_chunk_max.0);
        if here == 0 {
            return Step::Wait;
        }
        *left -= here;
        let chunk = self.take_input(usize::try_from(here).unwrap_or(usize::MAX));
        Step::Event(Event::AppendChunk(chunk.freeze()))
    }

    /// Hands out the next thing that an APPEND has said.
    pub(super) fn tell_append(&mut self) -> Step {
        let mut append = match std::mem::replace(&mut self.phase, Phase::Running) {
            Phase::Append(append) => append,
            other => {
                self.phase = other;
                return Step::Wait;
            }
        };
        let event = match append.pieces.pop_front() {
            None | Some(Piece::End) => return Step::Event(Event::AppendEnd),
            Some(Piece::Start(start)) => Event::AppendStart { tag: append.tag.clone(), append: start },
            Some(Piece::Message(message)) => Event::AppendMessage(message),
            Some(Piece::Literal(literal)) => Event::AppendLiteral(literal),
            Some(Piece::Url(url)) => Event::AppendUrl(url),
        };
        self.phase = Phase::AppendOffered(append);
        Step::Event(event)
    }

    /// Reads what stands between the bytes of a message and the next ones, or the end of the command.
    pub(super) fn read_message_tail(&mut self) -> Step {
        let end = self.find_line_end();
        if end.unwrap_or(self.input.len()) > self.command_max() {
            let line_start = self.line_start;
            self.take_input(line_start);
            return self.abort(&ParseError::Syntax("The command is too long"), Some(0));
        }
        let Some(end) = end else { return Step::Wait };
        let announced = self.input.get(self.line_start..end).and_then(literal_announced);
        match self.read_fragment(end, announced) {
            Ok(Fragment::Argument) => {
                if let Some(announced) = announced {
                    return self.read_argument(end, announced);
                }
                // Only an announced literal can be an argument that is still to come.
                Step::Wait
            }
            Ok(Fragment::Said(said)) => {
                self.take_input(end);
                if let Phase::AppendTail(mut append) = std::mem::replace(&mut self.phase, Phase::Running) {
                    append.go_on(said, announced);
                    self.phase = Phase::Append(append);
                }
                Step::Again
            }
            Err(error) => {
                self.take_input(end);
                let discard = announced.filter(|announced| !announced.synchronising);
                self.abort(&error, discard.map(|announced| announced.size))
            }
        }
    }

    fn read_fragment(&self, end: usize, announced: Option<LiteralAnnouncement>) -> Result<Fragment, ParseError> {
        let Phase::AppendTail(append) = &self.phase else { return Ok(Fragment::Argument) };
        let text = self.input.get(..end).unwrap_or_default();
        // With an announcement the line end belongs to it.
        let text = if announced.is_some() { text } else { strip_line_end(text) };
        let mut cursor = Cursor::new(text).with(self.enabled);
        let fragment = Reader::new(&mut cursor, announced, append.room).read(append.position)?;
        if let (Fragment::Argument, Some(announced)) = (&fragment, announced) {
            self.admit_argument(end, announced)?;
        }
        Ok(fragment)
    }

    /// Refuses what ran; `discard` if the rest of it is still to come, beginning with so many bytes of a literal.
    fn abort(&mut self, why: &ParseError, discard: Option<u64>) -> Step {
        let tag = match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::SaslLine(tag) | Phase::Idle(tag) => Some(tag),
            Phase::AppendTail(append) => Some(append.tag),
            _ => None,
        };
        self.refuse(tag.as_ref(), why);
        if let Some(size) = discard {
            self.discard(size);
        }
        Step::Event(Event::Aborted)
    }

    /// Takes a line, its end included; `None` if it is not whole yet.
    fn take_line(&mut self, max: usize) -> Result<Option<bytes::BytesMut>, TooLong> {
        match self.find_line_end() {
            Some(end) if end > max => Err(TooLong),
            Some(end) => Ok(Some(self.take_input(end))),
            None if self.input.len() > max => Err(TooLong),
            None => Ok(None),
        }
    }

    /// Throws the rest of a command away, beginning with `size` bytes of a literal.
    pub(super) fn discard(&mut self, size: u64) {
        if self.phase == Phase::Closed {
            return;
        }
        let budget = match self.state {
            State::NotAuthenticated => self.limits.discard_before_login_max,
            _ => self.limits.discard_max,
        };
        (self.line_start, self.searched) = (0, 0);
        if size > budget.0 {
            // RFC 7888 §4, §5: what was announced is not even read to be thrown away.
            return self.bye(Some(Code::TooBig), "The literal is too large");
        }
        self.phase = Phase::Discard { left: size, budget: budget.0 };
    }

    pub(super) fn read_discarded(&mut self) -> Step {
        let Phase::Discard { left, budget } = self.phase else { return Step::Wait };
        if left > budget {
            self.bye(None, "Too much was sent for a command that was refused");
            return Step::Wait;
        }
        if left > 0 {
            let here = u64::try_from(self.input.len()).unwrap_or(u64::MAX).min(left);
            self.take_input(usize::try_from(here).unwrap_or(usize::MAX));
            self.phase = Phase::Discard { left: left - here, budget: budget - here };
            return if here < left { Step::Wait } else { Step::Again };
        }
        let Some(end) = self.find_line_end() else {
            // Enough is kept to see a literal announced.
            let drop = self.input.len().saturating_sub(ANNOUNCEMENT_MAX);
            self.take_input(drop);
            self.searched = self.input.len();
            match budget.checked_sub(u64::try_from(drop).unwrap_or(u64::MAX)) {
                Some(budget) => self.phase = Phase::Discard { left, budget },
                None => self.bye(None, "Too much was sent for a command that was refused"),
            }
            return Step::Wait;
        };
        let line = self.take_input(end);
        let taken = u64::try_from(end).unwrap_or(u64::MAX);
        self.phase = match literal_announced(&line) {
            // The client waits for a continuation it will not get: its command ends here.
            None | Some(LiteralAnnouncement { synchronising: true, .. }) => Phase::Command,
            Some(LiteralAnnouncement { size, .. }) => {
                Phase::Discard { left: size, budget: budget.saturating_sub(taken) }
            }
        };
        Step::Again
    }
}

/// A line is over its limit.
struct TooLong;

fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
