//! REPLACE and UID REPLACE (RFC 8508): one message instead of another. What follows the mailbox is as in APPEND.

use super::append::{Append, open_mailbox};
use crate::codec::{Cursor, MessageSet, ParseError, SequenceRange};

/// ```text
/// replace = "REPLACE" SP seq-number SP mailbox append-message
/// ```
pub(crate) fn open(cursor: &mut Cursor<'_>, uid: bool) -> Result<Option<Append>, ParseError> {
    cursor.space()?;
    let replaced = MessageSet::parse(cursor, uid)?;
    let is_one = match &replaced {
        MessageSet::Seq(set) | MessageSet::Uid(set) => {
            matches!(set.ranges(), [SequenceRange { from, to }] if from == to)
        }
        MessageSet::Saved { .. } => false,
    };
    if !is_one {
        return Err(ParseError::Syntax("REPLACE takes one message"));
    }
    Ok(open_mailbox(cursor)?.map(|mailbox| Append { mailbox, replaces: Some(replaced) }))
}
