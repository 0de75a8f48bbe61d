//! What is no command: SASL lines, DONE, messages, and what is thrown away.

use super::frame::Step;
use super::phase::Phase;
use super::{Connection, Event, State};
use crate::codec::{ANNOUNCEMENT_MAX, LiteralAnnouncement, ParseError, literal_announced};
use crate::command::authenticate;
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
            Err(TooLong) => return self.abort("The response is too long", true),
        }) else {
            return Step::Wait;
        };
        let text = strip_line_end(&line);
        let decoded = if text == b"*" { None } else { Some(authenticate::decode(text)) };
        line.zeroize();
        match decoded {
            None => self.abort("AUTHENTICATE was cancelled", false),
            Some(Err(_)) => self.abort("The response is not base64", false),
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
            Ok(Some(_)) => self.abort("IDLE ends with DONE", false),
            Err(TooLong) => self.abort("IDLE ends with DONE", true),
        }
    }

    pub(super) fn read_message(&mut self) -> Step {
        let Phase::AppendBody { left, .. } = &mut self.phase else { return Step::Wait };
        if *left == 0 {
            if let Phase::AppendBody { tag, .. } = std::mem::replace(&mut self.phase, Phase::Running) {
                self.phase = Phase::AppendTail(tag);
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

    /// Nothing may stand between a message and the end of its command.
    pub(super) fn read_message_tail(&mut self) -> Step {
        let end = self.find_line_end();
        let text = self.input.get(..end.unwrap_or(self.input.len())).unwrap_or_default();
        if !strip_line_end(text).iter().all(|b| matches!(b, b' ' | b'\r')) || text.len() > SHORT_LINE_MAX {
            return self.abort("Unexpected text after the message", true);
        }
        let Some(end) = end else { return Step::Wait };
        self.take_input(end);
        self.phase = Phase::Running;
        Step::Event(Event::AppendEnd)
    }

    /// Answers what ran with BAD; `discard` if the rest of its line is still to come.
    fn abort(&mut self, why: &'static str, discard: bool) -> Step {
        let tag = match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::SaslLine(tag) | Phase::Idle(tag) | Phase::AppendTail(tag) => Some(tag),
            _ => None,
        };
        self.refuse(tag.as_ref(), &ParseError::Syntax(why));
        if discard {
            self.discard(0);
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
