//! Framing: from bytes to whole commands, literals included.

use super::phase::{Appending, Phase};
use super::{Connection, Event, LoginPolicy, State, Tag};
use crate::codec::{Cursor, LiteralAnnouncement, ParseError, literal_announced};
use crate::command::append::{Fragment, Reader, Room};
use crate::command::{Authenticate, Betrayed, Command, authenticate, betrayed};
use crate::registry::{self, Literals};
use crate::response::{Code, Status};
use zeroize::Zeroize;

/// What one step came to.
pub(super) enum Step {
    /// There is an event.
    Event(Event),
    /// Something was done; look again.
    Again,
    /// More input, or the session's answer, is needed.
    Wait,
}

/// A command that is whole.
enum Parsed {
    Command(Command),
    /// An APPEND that needs no literal: all that it brings is here already.
    Append(Box<Appending>),
}

/// What to do with a literal that a line announces.
enum Announced {
    /// Read it as a part of the command.
    Argument,
    /// Tell the session what comes before the bytes of the message.
    Message(Box<Appending>),
    /// Refuse the command.
    Refuse(Option<Tag>, ParseError),
}

impl Connection {
    pub(super) fn step_until_event(&mut self) -> Option<Event> {
        loop {
            let step = match self.phase {
                Phase::Command => self.read_command(),
                Phase::SaslLine(_) => self.read_sasl_line(),
                Phase::Idle(_) => self.read_done(),
                Phase::Append(_) => self.tell_append(),
                Phase::AppendBody { .. } => self.read_message(),
                Phase::AppendTail(_) => self.read_message_tail(),
                Phase::Discard { .. } => self.read_discarded(),
                Phase::Running | Phase::AppendOffered(_) | Phase::AwaitTls | Phase::Closed => Step::Wait,
            };
            match step {
                Step::Event(event) => return Some(event),
                Step::Again => {}
                Step::Wait => return None,
            }
        }
    }

    pub(super) fn command_max(&self) -> usize {
        let max = match self.state {
            State::NotAuthenticated => self.limits.command_before_login_max,
            _ => self.limits.command_max,
        };
        usize::try_from(max.0).unwrap_or(usize::MAX)
    }

    /// Looks for the end of the line that is read now; the place behind it.
    pub(super) fn find_line_end(&mut self) -> Option<usize> {
        let from = self.searched.max(self.line_start);
        let found = memchr::memchr(b'\n', self.input.get(from..)?).map(|at| from + at + 1);
        self.searched = found.unwrap_or(self.input.len());
        found
    }

    /// Takes the first `end` bytes of the input and begins anew behind them.
    pub(super) fn take_input(&mut self, end: usize) -> bytes::BytesMut {
        (self.line_start, self.searched) = (0, 0);
        let taken = self.input.split_to(end.min(self.input.len()));
        self.polled = self.polled.min(self.input.len());
        taken
    }

    fn read_command(&mut self) -> Step {
        let end = self.find_line_end();
        if end.unwrap_or(self.input.len()) > self.command_max() {
            return self.refuse_too_long();
        }
        let Some(end) = end else { return Step::Wait };
        match self.input.get(self.line_start..end).and_then(literal_announced) {
            None => self.complete_command(end),
            Some(announced) => self.handle_announcement(end, announced),
        }
    }

    /// A command, or the line of it that is read now, is over the limit.
    fn refuse_too_long(&mut self) -> Step {
        let tag = self.input.get(..).and_then(read_tag);
        let line_start = self.line_start;
        self.take_input(line_start);
        self.refuse(tag.as_ref(), &ParseError::Syntax("The command is too long"));
        self.discard(0);
        Step::Again
    }

    /// A whole command stands at the front of the input.
    fn complete_command(&mut self, end: usize) -> Step {
        let mut frame = self.take_input(end);
        let text = frame.strip_suffix(b"\n").unwrap_or(&frame);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let parsed = self.parse_command(text);
        let uninvited = std::mem::take(&mut self.uninvited);
        let response = if uninvited > 0 && parsed.is_err() { authenticate::decode(text).ok() } else { None };
        let unasked = self.take_unasked(text).filter(|_| parsed.is_err());
        if self.state == State::NotAuthenticated {
            // It may have held a password.
            frame.zeroize();
            self.active_at = self.now;
        }
        match parsed {
            Ok((tag, Parsed::Command(command))) => self.hand_out(tag, command),
            Ok((_, Parsed::Append(append))) => self.begin_append(append),
            Err((tag, error)) => {
                self.refuse(tag.as_ref(), &error);
                if let Some(betrayed) = unasked {
                    if matches!(betrayed, Betrayed::Authenticate(_)) {
                        self.uninvited = authenticate::RESPONSES_MAX;
                    }
                    return Step::Event(Event::Betrayed(betrayed));
                }
                let Some(response) = response else { return Step::Again };
                self.uninvited = uninvited - 1;
                Step::Event(Event::Uninvited(response))
            }
        }
    }

    /// From here on the session is told what an APPEND says.
    fn begin_append(&mut self, append: Box<Appending>) -> Step {
        self.bad_commands = 0;
        self.phase = Phase::Append(append);
        Step::Again
    }

    fn hand_out(&mut self, tag: Tag, command: Command) -> Step {
        if self.state != State::NotAuthenticated {
            self.bad_commands = 0;
        } else if self.is_one_too_many() {
            return Step::Wait;
        }
        self.phase = Phase::Running;
        Step::Event(match command {
            Command::Login(login) if self.policy.login == LoginPolicy::Disabled => Event::RefusedLogin { tag, login },
            Command::Authenticate(authenticate) if !self.offers(&authenticate) => {
                self.uninvited = authenticate::RESPONSES_MAX;
                Event::RefusedAuthenticate { tag, authenticate }
            }
            Command::StartTls if !self.policy.starttls => {
                self.phase = Phase::Command;
                self.refuse(Some(&tag), &ParseError::Syntax("STARTTLS is not offered here"));
                return Step::Again;
            }
            Command::Unauthenticate if self.withheld.contains(&"UNAUTHENTICATE") => {
                self.phase = Phase::Command;
                self.refuse(Some(&tag), &ParseError::Syntax("UNAUTHENTICATE is not offered here"));
                return Step::Again;
            }
            Command::StartTls if !self.input.is_empty() => {
                self.refuse_injected(&tag);
                return Step::Wait;
            }
            command => Event::Command { tag, command },
        })
    }

    /// Counts a command of somebody who has not signed in; says BYE if there were enough.
    fn is_one_too_many(&mut self) -> bool {
        self.commands_before_login = self.commands_before_login.saturating_add(1);
        let is_over = self.commands_before_login > self.limits.commands_before_login_max;
        if is_over {
            self.bye(Some(Code::ClientBug), "Too many commands without a sign-in");
        }
        is_over
    }

    fn offers(&self, authenticate: &Authenticate) -> bool {
        self.policy.mechanisms.contains(&authenticate.mechanism)
    }

    /// The line up to `end` announces a literal.
    fn handle_announcement(&mut self, end: usize, announced: LiteralAnnouncement) -> Step {
        match self.judge_announcement(end, announced) {
            Announced::Argument => self.read_argument(end, announced),
            Announced::Message(append) => {
                self.take_input(end);
                self.begin_append(append)
            }
            // It may be the rest of what is kept: whoever did not wait to be asked goes on without waiting.
            Announced::Refuse(..) if self.takes_unasked(end, announced) => self.read_argument(end, announced),
            Announced::Refuse(tag, error) => {
                let in_clear = matches!(error, ParseError::Refusal(Code::PrivacyRequired, _));
                let mut line = self.take_input(end);
                self.keep_unasked(&line, in_clear, announced);
                line.zeroize();
                self.refuse(tag.as_ref(), &error);
                if !announced.synchronising {
                    self.discard(announced.size);
                }
                Step::Again
            }
        }
    }

    /// Decides about a literal before anything of it is read or asked for.
    fn judge_announcement(&self, end: usize, announced: LiteralAnnouncement) -> Announced {
        let text = self.input.get(..end).unwrap_or_default();
        let mut cursor = Cursor::new(text).with(self.enabled);
        let tag = match cursor.tag() {
            Ok(tag) => Tag::new(tag),
            Err(error) => return Announced::Refuse(None, error),
        };
        let mut head = match registry::parse_head(&cursor, self.state) {
            Ok(head) => head,
            Err(error) => return Announced::Refuse(Some(tag), error),
        };
        if let Literals::Messages(open) = head.spec.literals {
            let room = Room::new(self.limits.append_room());
            let reader = Reader::new(&mut head.arguments, Some(announced), room);
            match reader.first(open, head.uid) {
                Ok(Fragment::Argument) => {}
                Ok(Fragment::Said(said)) => {
                    return Announced::Message(Box::new(Appending::new(tag, said, Some(announced))));
                }
                Err(error) => return Announced::Refuse(Some(tag), error),
            }
        }
        let admitted = self.admit_sign_in(head.spec.name, announced).and_then(|()| self.admit_argument(end, announced));
        match admitted {
            Ok(()) => Announced::Argument,
            Err(error) => Announced::Refuse(Some(tag), error),
        }
    }

    /// Whether a literal may come for a command that signs in. In clear none is asked for, as it would be to ask for a
    /// name, and then for a password; what is on its way is read, to be burnt.
    fn admit_sign_in(&self, name: &str, announced: LiteralAnnouncement) -> Result<(), ParseError> {
        match (name, &self.policy.login) {
            ("LOGIN" | "AUTHENTICATE", LoginPolicy::Disabled) if announced.synchronising => {
                Err(ParseError::Refusal(Code::PrivacyRequired, "Passwords are taken inside TLS only"))
            }
            // RFC 3501 §9: a mechanism is an atom, a response is base64.
            ("AUTHENTICATE", LoginPolicy::Allowed) => Err(ParseError::Syntax("AUTHENTICATE takes no literal")),
            _ => Ok(()),
        }
    }

    /// Whether a literal that is a string like any other may come; the line up to `end` announces it.
    pub(super) fn admit_argument(&self, end: usize, announced: LiteralAnnouncement) -> Result<(), ParseError> {
        let whole = u64::try_from(end).unwrap_or(u64::MAX).saturating_add(announced.size);
        let command_max = u64::try_from(self.command_max()).unwrap_or(u64::MAX);
        let before_login = self.state == State::NotAuthenticated;
        if whole > command_max || before_login && announced.size > self.limits.literal_before_login_max.0 {
            return Err(ParseError::Refusal(Code::Limit, "The literal is too large"));
        }
        Ok(())
    }

    /// Lets such a literal come.
    pub(super) fn read_argument(&mut self, end: usize, announced: LiteralAnnouncement) -> Step {
        // The limits have been asked, so the size is a small number.
        self.line_start = end.saturating_add(usize::try_from(announced.size).unwrap_or(usize::MAX));
        self.searched = self.line_start;
        if announced.synchronising {
            self.output.extend_from_slice(b"+ OK\r\n");
        }
        Step::Again
    }

    /// Reads a framed command without its line end.
    fn parse_command(&self, text: &[u8]) -> Result<(Tag, Parsed), (Option<Tag>, ParseError)> {
        let mut cursor = Cursor::new(text).with(self.enabled);
        let tag = cursor.tag().map(Tag::new).map_err(|error| (None, error))?;
        let parse = || {
            let mut head = registry::parse_head(&cursor, self.state)?;
            if let Literals::Messages(open) = head.spec.literals {
                let reader = Reader::new(&mut head.arguments, None, Room::new(self.limits.append_room()));
                return match reader.first(open, head.uid)? {
                    Fragment::Said(said) => Ok(Parsed::Append(Box::new(Appending::new(tag.clone(), said, None)))),
                    Fragment::Argument => Err(ParseError::Syntax("A message is missing")),
                };
            }
            let arguments = head.arguments.rest();
            let parsed = (head.spec.parse)(&mut head.arguments, head.uid)
                .and_then(|command| head.arguments.end().map(|()| command));
            let command = parsed.or_else(|error| self.misspelt(head.spec.name, arguments).ok_or(error))?;
            Ok(Parsed::Command(command))
        };
        match parse() {
            Ok(parsed) => Ok((tag, parsed)),
            Err(error) => Err((Some(tag), error)),
        }
    }

    /// A sign-in in clear that the grammar does not have: refused like one that it has, and burnt like it.
    fn misspelt(&self, name: &str, arguments: &[u8]) -> Option<Command> {
        let read = if self.policy.login == LoginPolicy::Disabled { betrayed::read(name, arguments) } else { None };
        read.filter(|read| !matches!(read, Betrayed::Authenticate(read) if self.offers(read))).map(Into::into)
    }

    /// Answers a command that does not reach the session, and counts it.
    pub(super) fn refuse(&mut self, tag: Option<&Tag>, error: &ParseError) {
        let status = match error {
            ParseError::Syntax(text) => Status::bad(*text),
            ParseError::Misuse(code, text) => Status::bad(*text).with_code(code.clone()),
            ParseError::Refusal(code, text) => Status::no(code.clone(), *text),
        };
        status.encode(&mut self.output, tag.map_or("*", Tag::as_str), self.enabled);
        // A NO after login is about one mailbox or one limit; only who has no account yet is counted for it.
        if !matches!(error, ParseError::Refusal(..)) || self.state == State::NotAuthenticated {
            self.count_bad_command();
        }
    }

    pub(super) fn count_bad_command(&mut self) {
        self.bad_commands = self.bad_commands.saturating_add(1);
        if self.bad_commands >= self.limits.bad_commands_max {
            self.bye(Some(Code::ClientBug), "Too many bad commands");
        }
    }
}

/// The tag at the front of a command, if it can be read.
fn read_tag(text: &[u8]) -> Option<Tag> {
    let mut cursor = Cursor::new(text);
    let tag = cursor.tag().ok().map(Tag::new);
    // A line without a space may be one long word, and no tag at all.
    tag.filter(|_| cursor.peek() == Some(b' '))
}
