//! STATUS (RFC 3501 §6.3.10) with HIGHESTMODSEQ (RFC 7162 §3.1.7), SIZE (RFC 8438) and DELETED (RFC 9051 §6.3.11).

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
    /// SIZE: octets of all messages (RFC 8438 §2)
    Size,
    /// APPENDLIMIT (RFC 7889 §3.1)
    AppendLimit,
    /// DELETED: how many have `\Deleted` (RFC 9051 §6.3.11)
    Deleted,
    /// DELETED-STORAGE: octets of those messages (RFC 9208 §4.1.4)
    DeletedStorage,
}

impl StatusItem {
    const ALL: &[(Self, &'static str)] = &[
        (Self::Messages, "MESSAGES"),
        (Self::Recent, "RECENT"),
        (Self::UidNext, "UIDNEXT"),
        (Self::UidValidity, "UIDVALIDITY"),
        (Self::Unseen, "UNSEEN"),
        (Self::HighestModSeq, "HIGHESTMODSEQ"),
        (Self::MailboxId, "MAILBOXID"),
        (Self::Size, "SIZE"),
        (Self::AppendLimit, "APPENDLIMIT"),
        (Self::Deleted, "DELETED"),
        (Self::DeletedStorage, "DELETED-STORAGE"),
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
    let items = parse_items(cursor)?;
    Ok(Command::Status(Status { mailbox, items }))
}

/// `"(" status-att *(SP status-att) ")"`, each value once; LIST takes the same (RFC 5819 §4).
pub(super) fn parse_items(cursor: &mut Cursor<'_>) -> Result<Vec<StatusItem>, ParseError> {
    cursor.expect(b'(', "A list of values is missing")?;
    let mut items = Vec::new();
    loop {
        let name = cursor.word()?;
        let known = StatusItem::ALL.iter().find(|(_, n)| n.eq_ignore_ascii_case(name));
        let (item, _) = known.ok_or(ParseError::Syntax("There is no such value"))?;
        if *item == StatusItem::Recent && cursor.enabled().rev2() {
            // RFC 9051 appendix E: the value is no more.
            return Err(ParseError::Syntax("IMAP4rev2 has no RECENT"));
        }
        if !items.contains(item) {
            items.push(*item);
        }
        if cursor.take_if(b')') {
            return Ok(items);
        }
        cursor.space()?;
    }
}
