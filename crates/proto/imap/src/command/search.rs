//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 4731, RFC 7162 §3.1.5); [`crate::search`] has the keys.

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::search::{ReturnOptions, SearchProgram};

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Whether UIDs are asked for.
    pub uid: bool,
    /// What to return in an ESEARCH response; `None` asks for the plain answer.
    pub returns: Option<ReturnOptions>,
    /// The keys.
    pub program: SearchProgram,
}

/// ```text
/// search = "SEARCH" [SP search-return-opts] SP search-program
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let returns = ReturnOptions::parse(cursor)?;
    let program = SearchProgram::parse_with_charset(cursor)?;
    Ok(Command::Search(Search { uid, returns, program }))
}
