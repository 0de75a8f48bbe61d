//! FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4); [`crate::fetch`] has the items.

use super::Command;
use crate::codec::{Cursor, MessageSet, ParseError};
use crate::fetch::{FetchItem, parse_items};
use types::ModSeq;

/// What to tell of which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The messages.
    pub messages: MessageSet,
    /// The items in the order they were named, each once. UID FETCH has `Uid` in it (RFC 3501 §6.4.8), CHANGEDSINCE
    /// has `ModSeq` (RFC 7162 §3.1.4.1).
    pub items: Vec<FetchItem>,
    /// Only messages that changed after this; enables CONDSTORE.
    pub changed_since: Option<ModSeq>,
}

/// ```text
/// fetch           = "FETCH" SP sequence-set SP fetch-items [fetch-modifiers]
/// fetch-modifiers = SP "(" "CHANGEDSINCE" SP mod-sequence-value ")"
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let messages = MessageSet::parse(cursor, uid)?;
    cursor.space()?;
    let mut items = parse_items(cursor)?;
    let mut changed_since = None;
    if cursor.take_word(" (") {
        if !cursor.take_word("CHANGEDSINCE ") {
            return Err(ParseError::Syntax("There is no such modifier"));
        }
        changed_since = Some(cursor.modseq()?);
        cursor.expect(b')', "The modifiers are not closed")?;
    }
    let implied = uid.then_some(FetchItem::Uid).into_iter().chain(changed_since.map(|_| FetchItem::ModSeq));
    for item in implied {
        if !items.contains(&item) {
            // In front, so that a reader knows whom the rest is about.
            items.insert(0, item);
        }
    }
    Ok(Command::Fetch(Fetch { messages, items, changed_since }))
}
