//! FETCH and UID FETCH (RFC 3501 §6.4.5, RFC 7162 §3.1.4, §3.2.6); [`crate::fetch`] has the items.

use super::Command;
use crate::codec::{Cursor, MessageSet, ParseError};
use crate::fetch::{FetchItem, parse_items};
use crate::search::PartialRange;
use types::ModSeq;

/// What to tell of which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// The messages.
    pub messages: MessageSet,
    /// The items in the order they were named, each once. UID FETCH has `Uid` in it (RFC 3501 §6.4.8), but not with
    /// UIDONLY, where its answers begin with the UID (RFC 9586 §3.3); CHANGEDSINCE has `ModSeq` (RFC 7162 §3.1.4.1).
    pub items: Vec<FetchItem>,
    /// Only messages that changed after this; enables CONDSTORE.
    pub changed_since: Option<ModSeq>,
    /// Tell also which of the UIDs are gone since then. Never without `changed_since`, nor with sequence numbers.
    pub vanished: bool,
    /// Only a part of the messages, by their place among them, before `changed_since` is looked at (RFC 9394 §3.3).
    pub partial: Option<PartialRange>,
}

/// ```text
/// fetch           = "FETCH" SP sequence-set SP fetch-items [SP "(" fetch-modifier *(SP fetch-modifier) ")"]
/// fetch-modifier  = "CHANGEDSINCE" SP mod-sequence-value / "VANISHED" / "PARTIAL" SP partial-range
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let messages = MessageSet::parse(cursor, uid)?;
    cursor.space()?;
    let mut items = parse_items(cursor)?;
    let (mut changed_since, mut vanished, mut partial) = (None, false, None);
    if cursor.take_word(" (") {
        loop {
            if changed_since.is_none() && cursor.take_word("CHANGEDSINCE ") {
                changed_since = Some(cursor.modseq()?);
            } else if !vanished && cursor.take_word("VANISHED") {
                vanished = true;
            } else if partial.is_none() && uid && cursor.take_word("PARTIAL ") {
                partial = Some(PartialRange::parse(cursor)?);
            } else {
                return Err(ParseError::Syntax("There is no such modifier"));
            }
            if !cursor.take_if(b' ') {
                break;
            }
        }
        cursor.expect(b')', "The modifiers are not closed")?;
    }
    if vanished {
        // RFC 7162 §3.2.6: each of these is BAD.
        if !cursor.enabled().qresync() {
            return Err(ParseError::Syntax("QRESYNC must be enabled first"));
        }
        if !uid || changed_since.is_none() {
            return Err(ParseError::Syntax("VANISHED goes with UID FETCH and CHANGEDSINCE"));
        }
    }
    let names_uid = uid && !cursor.enabled().uid_only();
    let implied = names_uid.then_some(FetchItem::Uid).into_iter().chain(changed_since.map(|_| FetchItem::ModSeq));
    for item in implied {
        if !items.contains(&item) {
            // In front, so that a reader knows whom the rest is about.
            items.insert(0, item);
        }
    }
    Ok(Command::Fetch(Fetch { messages, items, changed_since, vanished, partial }))
}
