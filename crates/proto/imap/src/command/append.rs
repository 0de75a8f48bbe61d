//! APPEND (RFC 3501 §6.3.11): the arguments before the message; the machine streams the message itself.

use super::Command;
use super::flag_list::FlagList;
use crate::codec::{Cursor, LiteralAnnouncement, ParseError, date};
use types::{MailboxName, Octets, Timestamp};

/// What stands before the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    /// The target.
    pub mailbox: MailboxName,
    /// The flags; empty if none were given.
    pub flags: FlagList,
    /// INTERNALDATE, if one was given.
    pub date: Option<Timestamp>,
    /// How long the message will be. It may be zero.
    pub size: Octets,
}

/// What a line of APPEND that ends in a literal announcement holds.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// The announced literal is the mailbox's name.
    Mailbox,
    /// The announced literal is the message.
    Message(Append),
}

/// Reads the arguments up to an announced literal. `cursor` stands behind the command's name; the text ends with the
/// announcement.
///
/// ```text
/// append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP literal
/// ```
pub(crate) fn parse_head(cursor: &mut Cursor<'_>, announced: LiteralAnnouncement) -> Result<Head, ParseError> {
    cursor.space()?;
    if is_announcement(cursor) {
        return Ok(Head::Mailbox);
    }
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    let mut flags = FlagList::default();
    if cursor.peek() == Some(b'(') {
        flags = FlagList::parse_parenthesised(cursor)?;
        cursor.space()?;
    }
    let mut date = None;
    if cursor.peek() == Some(b'"') {
        date = Some(date::parse_date_time(cursor)?);
        cursor.space()?;
    }
    if is_announcement(cursor) {
        return Ok(Head::Message(Append { mailbox, flags, date, size: Octets(announced.size) }));
    }
    Err(ParseError::Syntax("APPEND takes a mailbox, flags, a date and a literal"))
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

/// An APPEND that came to its end without a message literal.
pub(crate) fn parse(_: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    Err(ParseError::Syntax("APPEND needs the message as a literal"))
}
