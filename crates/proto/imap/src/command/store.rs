//! STORE and UID STORE (RFC 3501 §6.4.6), conditional (RFC 7162 §3.1.3).

use super::Command;
use super::flag_list::FlagList;
use crate::codec::{Cursor, MessageSet, ParseError};
use types::{FlagChange, ModSeq};

/// How to change the flags of which messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The messages.
    pub messages: MessageSet,
    /// Leave messages alone that changed after this; enables CONDSTORE.
    pub unchanged_since: Option<ModSeq>,
    /// Set, add or take away.
    pub change: FlagChange,
    /// `.SILENT`: the client reckons the outcome itself.
    pub silent: bool,
    /// The flags named.
    pub flags: FlagList,
}

/// ```text
/// store           = "STORE" SP sequence-set [store-modifiers] SP store-att-flags
/// store-modifiers = SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"
/// store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let messages = MessageSet::parse(cursor, uid)?;
    cursor.space()?;
    let mut unchanged_since = None;
    if cursor.take_if(b'(') {
        if !cursor.take_word("UNCHANGEDSINCE ") {
            return Err(ParseError::Syntax("There is no such modifier"));
        }
        unchanged_since = Some(cursor.modseq()?);
        cursor.expect(b')', "The modifiers are not closed")?;
        cursor.space()?;
    }
    let change = if cursor.take_if(b'+') {
        FlagChange::Add
    } else if cursor.take_if(b'-') {
        FlagChange::Remove
    } else {
        FlagChange::Replace
    };
    let item = cursor.word()?;
    let silent = item.eq_ignore_ascii_case("FLAGS.SILENT");
    if !silent && !item.eq_ignore_ascii_case("FLAGS") {
        return Err(ParseError::Syntax("STORE changes FLAGS only"));
    }
    cursor.space()?;
    let flags = FlagList::parse(cursor)?;
    Ok(Command::Store(Store { messages, unchanged_since, change, silent, flags }))
}
