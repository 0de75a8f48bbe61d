//! What the machine is in the middle of.

use super::Tag;
use crate::codec::LiteralAnnouncement;

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
    /// The session was asked whether it takes a message.
    AppendOffered { tag: Tag, announced: LiteralAnnouncement },
    /// Handing out a message.
    AppendBody { tag: Tag, left: u64 },
    /// Reading the end of the line behind a message.
    AppendTail(Tag),
    /// Throwing the rest of a refused command away: so many bytes of a literal, then lines until one announces no
    /// literal that is on its way. `budget` bytes more, then it costs the connection.
    Discard { left: u64, budget: u64 },
    /// STARTTLS was answered.
    AwaitTls,
    /// BYE was said.
    Closed,
}
