//! LIST (RFC 3501 §6.3.8) with the options of SPECIAL-USE (RFC 6154 §5.2).

use super::Command;
use crate::codec::{Cursor, ListPattern, ParseError};

/// Which mailboxes to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// What the names must fit; `None` asks for the hierarchy separator only.
    pub pattern: Option<ListPattern>,
    /// Only mailboxes with a special use: `LIST (SPECIAL-USE)`.
    pub select_special_use: bool,
    /// Special uses must be shown: `RETURN (SPECIAL-USE)`. Without it they may be.
    pub return_special_use: bool,
}

/// ```text
/// list             = "LIST" [SP list-select-opts] SP mailbox SP list-mailbox [SP "RETURN" SP list-return-opts]
/// list-select-opts = "(" ["SPECIAL-USE" *(SP "SPECIAL-USE")] ")"
/// list-return-opts = "(" [list-return-opt *(SP list-return-opt)] ")"
/// list-return-opt  = "SPECIAL-USE" / "CHILDREN"
/// ```
/// `CHILDREN` changes nothing: they are always shown.
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut select_special_use = false;
    if cursor.peek() == Some(b'(') {
        parse_options(cursor, |option| {
            let known = option.eq_ignore_ascii_case("SPECIAL-USE");
            select_special_use |= known;
            known
        })?;
        cursor.space()?;
    }
    let reference = cursor.astring()?;
    cursor.space()?;
    let pattern = cursor.list_mailbox()?;
    let mut return_special_use = false;
    if cursor.take_word(" RETURN") {
        cursor.space()?;
        parse_options(cursor, |option| {
            return_special_use |= option.eq_ignore_ascii_case("SPECIAL-USE");
            option.eq_ignore_ascii_case("SPECIAL-USE") || option.eq_ignore_ascii_case("CHILDREN")
        })?;
    }
    let pattern = if pattern.is_empty() { None } else { Some(ListPattern::parse(&reference, &pattern)?) };
    Ok(Command::List(List { pattern, select_special_use, return_special_use }))
}

/// Reads options in parentheses; `take` says whether it knows one.
fn parse_options(cursor: &mut Cursor<'_>, mut take: impl FnMut(&str) -> bool) -> Result<(), ParseError> {
    cursor.expect(b'(', "A list of options is missing")?;
    if cursor.take_if(b')') {
        return Ok(());
    }
    loop {
        if !take(cursor.word()?) {
            return Err(ParseError::Syntax("There is no such option"));
        }
        if cursor.take_if(b')') {
            return Ok(());
        }
        cursor.space()?;
    }
}
