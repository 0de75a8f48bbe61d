//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 4731, RFC 7162 §3.1.5); [`crate::search`] has the keys.

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::fetch::FetchItem;
use crate::search::{ReturnOptions, SearchProgram};

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Whether UIDs are asked for.
    pub uid: bool,
    /// What to return in an ESEARCH response; `None` asks for the plain answer.
    pub returns: Option<ReturnOptions>,
    /// What is fetched of new messages when UPDATE tells of them (RFC 5465 §7).
    pub update_items: Vec<FetchItem>,
    /// The keys.
    pub program: SearchProgram,
}

/// ```text
/// search = "SEARCH" [SP search-return-opts] SP search-program
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let mut update_items = Vec::new();
    let returns = ReturnOptions::parse(cursor, &mut update_items)?;
    let program = SearchProgram::parse_with_charset(cursor)?;
    Ok(Command::Search(Search { uid, returns, update_items, program }))
}
