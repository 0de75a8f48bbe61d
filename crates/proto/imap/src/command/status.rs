//! STATUS (RFC 3501 §6.3.10) with HIGHESTMODSEQ (RFC 7162 §3.1.7).

use super::Command;
use crate::codec::{Cursor, ParseError};
use types::MailboxName;

/// One value to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusItem {
    /// MESSAGES
    Messages,
    /// RECENT
    Recent,
    /// UIDNEXT
    UidNext,
    /// UIDVALIDITY
    UidValidity,
    /// UNSEEN
    Unseen,
    /// HIGHESTMODSEQ; enables CONDSTORE (RFC 7162 §3.1)
    HighestModSeq,
    /// MAILBOXID (RFC 8474 §4.3)
    MailboxId,
}

impl StatusItem {
    const ALL: [(Self, &'static str); 7] = [
        (Self::Messages, "MESSAGES"),
        (Self::Recent, "RECENT"),
        (Self::UidNext, "UIDNEXT"),
        (Self::UidValidity, "UIDVALIDITY"),
        (Self::Unseen, "UNSEEN"),
        (Self::HighestModSeq, "HIGHESTMODSEQ"),
        (Self::MailboxId, "MAILBOXID"),
    ];
}

/// What to tell of which mailbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The mailbox.
    pub mailbox: MailboxName,
    /// Each value once.
    pub items: Vec<StatusItem>,
}

/// ```text
/// status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mailbox = cursor.mailbox()?;
    cursor.space()?;
    cursor.expect(b'(', "A list of values is missing")?;
    let mut items = Vec::new();
    loop {
        let name = cursor.word()?;
        let known = StatusItem::ALL.iter().find(|(_, n)| n.eq_ignore_ascii_case(name));
        let (item, _) = known.ok_or(ParseError::Syntax("There is no such value"))?;
        if !items.contains(item) {
            items.push(*item);
        }
        if cursor.take_if(b')') {
            return Ok(Command::Status(Status { mailbox, items }));
        }
        cursor.space()?;
    }
}
