//! What the machine is in the middle of.

use super::Tag;
use crate::codec::LiteralAnnouncement;
use crate::command::append::{Piece, Position, Room, Said};
use std::collections::VecDeque;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Reading a command.
    Command,
    /// A command was handed out and is not answered.
    Running,
    /// Reading a SASL response.
    SaslLine(Tag),
    /// Waiting for DONE.
    Idle(Tag),
    /// Handing out what an APPEND has said so far.
    Append(Box<Appending>),
    /// The session was told a piece of an APPEND and has not said that it takes it.
    AppendOffered(Box<Appending>),
    /// Handing out the bytes of a message, so many of which are left.
    AppendBody { append: Box<Appending>, left: u64 },
    /// Reading what follows the bytes of a message.
    AppendTail(Box<Appending>),
    /// Throwing the rest of a refused command away: so many bytes of a literal, then lines until one announces no
    /// literal that is on its way. `budget` bytes more, then it costs the connection.
    Discard { left: u64, budget: u64 },
    /// STARTTLS was answered.
    AwaitTls,
    /// BYE was said.
    Closed,
}

/// An APPEND whose end has not been read, or not been handed out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Appending {
    pub(super) tag: Tag,
    /// What was read and not handed out.
    pub(super) pieces: VecDeque<Piece>,
    /// Where in the grammar the next fragment begins.
    pub(super) position: Position,
    /// The literal at the end of what was read, until the client may send it.
    pub(super) announced: Option<LiteralAnnouncement>,
    /// How much more there may be.
    pub(super) room: Room,
}

impl Appending {
    /// One whose first fragment was read.
    pub(super) fn new(tag: Tag, said: Said, announced: Option<LiteralAnnouncement>) -> Self {
        let Said { pieces, position, room } = said;
        Self { tag, pieces: pieces.into(), position, announced, room }
    }

    /// The next fragment was read.
    pub(super) fn go_on(&mut self, said: Said, announced: Option<LiteralAnnouncement>) {
        let Said { pieces, position, room } = said;
        self.pieces.extend(pieces);
        (self.position, self.announced, self.room) = (position, announced, room);
    }
}
