//! APPEND (RFC 3501 §6.3.11) and what REPLACE shares with it: the arguments around the messages. The machine streams the
//! messages themselves, so a command is read in fragments: each ends where a message's bytes begin, or with the command.
//!
//! More than one message comes with RFC 3502, `~{n}` with RFC 3516 §4.4, `UTF8 (~{n})` with RFC 6855 §4, `CATENATE` with
//! RFC 4469. The common grammar is that of RFC 4466 §2.7.

use super::Command;
use super::flag_list::FlagList;
use crate::codec::{Cursor, LiteralAnnouncement, MessageSet, ParseError, date};
use crate::limits::CATENATE_PARTS_MAX;
use crate::response::Code;
use types::{MailboxName, Octets, Timestamp};

/// Where messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The target.
    pub mailbox: MailboxName,
    /// The message of the open mailbox that goes when this one comes: REPLACE (RFC 8508). There is one then.
    pub replaces: Option<MessageSet>,
}

/// What is said of a message before its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendMessage {
    /// The flags; empty if none were given.
    pub flags: FlagList,
    /// INTERNALDATE, if one was given.
    pub date: Option<Timestamp>,
    /// Whether its parts follow, each on its own (RFC 4469); else it is one literal.
    pub is_catenated: bool,
}

/// Bytes that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppendLiteral {
    /// How many. It may be zero.
    pub size: Octets,
    /// In which kind of literal.
    pub kind: LiteralKind,
}

/// What a literal says of the bytes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LiteralKind {
    /// `{n}`
    Plain,
    /// `~{n}`: any bytes, NUL too (RFC 3516 §4.4).
    Binary,
    /// `UTF8 (~{n})`: the header may be in UTF-8. RFC 9755 appendix B.1 has it no more; who learned it from RFC 6855 §4
    /// still says it.
    Utf8,
}

/// One thing that a fragment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Where the messages go.
    Start(Append),
    /// A message begins.
    Message(AppendMessage),
    /// Its bytes, or some of them, follow. Always the last of a fragment.
    Literal(AppendLiteral),
    /// A part of it is to be copied from where this URL leads.
    Url(Box<[u8]>),
    /// The command is whole.
    End,
}

/// Where in the grammar a fragment begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Position {
    /// Behind the mailbox: a message must follow.
    First,
    /// Behind a message: another may follow.
    Between,
    /// Behind the bytes of `UTF8 (~{n}`.
    InUtf8,
    /// Behind a part of CATENATE.
    InCatenate,
    /// Behind the bytes of `UTF8 (~{n}` in CATENATE.
    InCatenateUtf8,
}

/// What a fragment came to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fragment {
    /// The announced literal is a string like any other: read on, and begin anew.
    Argument,
    /// This is said.
    Said(Said),
}

/// What a fragment says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    /// Its pieces in order.
    pub(crate) pieces: Vec<Piece>,
    /// Where the next fragment begins: behind the literal that was announced, if one was.
    pub(crate) position: Position,
    /// How much more there may be.
    pub(crate) room: Room,
}

/// How much more an APPEND may bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    /// Messages.
    pub(crate) messages: usize,
    /// Parts of the message that is being put together; see [`CATENATE_PARTS_MAX`].
    pub(crate) parts: usize,
}

impl Room {
    /// Before the first message.
    pub(crate) fn new(messages: usize) -> Self {
        Self { messages, parts: 0 }
    }
}

/// Reads what stands between the name of a command and its messages; `None` if the literal that is announced belongs to
/// it. `true` if the command had the `UID` prefix.
pub type Opening = fn(&mut Cursor<'_>, bool) -> Result<Option<Append>, ParseError>;

/// ```text
/// append = "APPEND" SP mailbox 1*append-message
/// ```
pub(crate) fn open(cursor: &mut Cursor<'_>, _: bool) -> Result<Option<Append>, ParseError> {
    Ok(open_mailbox(cursor)?.map(|mailbox| Append { mailbox, replaces: None }))
}

pub(super) fn open_mailbox(cursor: &mut Cursor<'_>) -> Result<Option<MailboxName>, ParseError> {
    cursor.space()?;
    if is_announcement(cursor) {
        return Ok(None);
    }
    cursor.mailbox().map(Some)
}

/// The row's parser. Never asked: the machine reads what streams by its opening.
pub(crate) fn parse(_: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    Err(ParseError::Syntax("A message is missing"))
}

/// Reads one fragment. Its text ends with the announcement of a literal if there is one, else with the command, line
/// ends taken off.
#[derive(Debug)]
pub(crate) struct Reader<'a, 'b> {
    cursor: &'b mut Cursor<'a>,
    announced: Option<LiteralAnnouncement>,
    pieces: Vec<Piece>,
    /// How much more there may be.
    room: Room,
}

/// Where reading goes on.
enum Next {
    At(Position),
    Stop(Fragment),
}

impl<'a, 'b> Reader<'a, 'b> {
    /// A reader of a fragment with no more than `room` for what it brings.
    pub(crate) fn new(cursor: &'b mut Cursor<'a>, announced: Option<LiteralAnnouncement>, room: Room) -> Self {
        Self { cursor, announced, pieces: Vec::new(), room }
    }

    /// Reads the command's first fragment, behind its name.
    pub(crate) fn first(mut self, open: Opening, uid: bool) -> Result<Fragment, ParseError> {
        let Some(append) = open(self.cursor, uid)? else { return Ok(Fragment::Argument) };
        if append.replaces.is_some() {
            // RFC 8508 §4.7: there is no REPLACE with more than one message.
            self.room.messages = 1;
        }
        self.pieces.push(Piece::Start(append));
        self.read(Position::First)
    }

    /// Reads from a position on.
    ///
    /// ```text
    /// append-message = append-opts SP append-data
    /// append-opts    = [SP flag-list] [SP date-time]
    /// append-data    = literal / literal8 / "UTF8" SP "(" literal8 ")" / "CATENATE" SP "(" cat-part *(SP cat-part) ")"
    /// cat-part       = "TEXT" SP literal / "URL" SP astring / "UTF8" SP "(" literal8 ")"
    /// ```
    pub(crate) fn read(mut self, from: Position) -> Result<Fragment, ParseError> {
        let mut position = from;
        loop {
            let next = match position {
                Position::First => {
                    self.cursor.space()?;
                    self.message()?
                }
                Position::Between => self.end_or_message()?,
                Position::InUtf8 => self.close(Position::Between)?,
                Position::InCatenate if self.cursor.take_if(b')') => Next::At(Position::Between),
                Position::InCatenate => {
                    self.cursor.space()?;
                    self.part()?
                }
                Position::InCatenateUtf8 => self.close(Position::InCatenate)?,
            };
            match next {
                Next::At(next) => position = next,
                Next::Stop(fragment) => return Ok(fragment),
            }
        }
    }

    fn close(&mut self, next: Position) -> Result<Next, ParseError> {
        self.cursor.expect(b')', "UTF8 is not closed")?;
        Ok(Next::At(next))
    }

    fn end_or_message(&mut self) -> Result<Next, ParseError> {
        // Spaces at the end of the line are forgiven.
        if self.announced.is_none() && self.cursor.clone().end().is_ok() {
            self.pieces.push(Piece::End);
            return Ok(self.stop(Position::Between));
        }
        self.cursor.expect(b' ', "Unexpected text after the message")?;
        self.message()
    }

    fn stop(&mut self, then: Position) -> Next {
        let pieces = std::mem::take(&mut self.pieces);
        Next::Stop(Fragment::Said(Said { pieces, position: then, room: self.room }))
    }

    fn message(&mut self) -> Result<Next, ParseError> {
        let mut flags = FlagList::default();
        if self.cursor.peek() == Some(b'(') {
            flags = FlagList::parse_parenthesised(self.cursor)?;
            self.cursor.space()?;
        }
        let mut date = None;
        if self.cursor.peek() == Some(b'"') {
            date = Some(date::parse_date_time(self.cursor)?);
            self.cursor.space()?;
        }
        let messages = self.room.messages.checked_sub(1);
        let messages = messages.ok_or(ParseError::Refusal(Code::Limit, "More messages than one command may bring"))?;
        self.room = Room { messages, parts: CATENATE_PARTS_MAX };
        let is_catenated = self.cursor.take_word("CATENATE ");
        self.pieces.push(Piece::Message(AppendMessage { flags, date, is_catenated }));
        if is_catenated {
            self.cursor.expect(b'(', "CATENATE takes a list of parts")?;
            return self.part();
        }
        if self.cursor.take_word("UTF8 (") {
            return self.literal(LiteralKind::Utf8, Position::InUtf8);
        }
        let kind = if self.cursor.peek() == Some(b'~') { LiteralKind::Binary } else { LiteralKind::Plain };
        self.literal(kind, Position::Between)
    }

    fn part(&mut self) -> Result<Next, ParseError> {
        let parts = self.room.parts.checked_sub(1);
        self.room.parts = parts.ok_or(ParseError::Refusal(Code::Limit, "More parts than one message may have"))?;
        if self.cursor.take_word("TEXT ") {
            let kind = if self.cursor.peek() == Some(b'~') { LiteralKind::Binary } else { LiteralKind::Plain };
            return self.literal(kind, Position::InCatenate);
        }
        if self.cursor.take_word("UTF8 (") {
            return self.literal(LiteralKind::Utf8, Position::InCatenateUtf8);
        }
        if !self.cursor.take_word("URL ") {
            return Err(ParseError::Syntax("A part of CATENATE is TEXT or URL"));
        }
        if self.announced.is_some() && is_announcement(self.cursor) {
            return Ok(Next::Stop(Fragment::Argument));
        }
        let url = self.cursor.astring()?;
        self.pieces.push(Piece::Url(url.into()));
        Ok(Next::At(Position::InCatenate))
    }

    /// The literal that was announced, which must be all that is left.
    fn literal(&mut self, kind: LiteralKind, then: Position) -> Result<Next, ParseError> {
        let Some(announced) = self.announced else { return Err(ParseError::Syntax("A message is a literal")) };
        if kind != LiteralKind::Plain {
            self.cursor.expect(b'~', "A literal with a tilde is missing")?;
        }
        if !is_announcement(self.cursor) {
            return Err(ParseError::Syntax("APPEND takes a mailbox, flags, a date and a literal"));
        }
        self.pieces.push(Piece::Literal(AppendLiteral { size: Octets(announced.size), kind }));
        Ok(self.stop(then))
    }
}

/// Whether nothing is left but a literal announcement.
fn is_announcement(cursor: &Cursor<'_>) -> bool {
    let mut ahead = cursor.clone();
    let opened = ahead.take_if(b'{');
    ahead.take_while(|b| b.is_ascii_digit());
    ahead.take_if(b'+');
    let closed = ahead.take_if(b'}');
    ahead.take_if(b'\r');
    opened && closed && ahead.rest() == b"\n"
}
