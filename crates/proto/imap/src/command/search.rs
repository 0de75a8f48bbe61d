//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 7162 §3.1.5); [`crate::search`] has the keys.

use super::{Command, Extension};
use crate::codec::{Cursor, ParseError};
use crate::response::Code;
use crate::search::SearchProgram;

/// What to look for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    /// Whether UIDs are asked for.
    pub uid: bool,
    /// The keys.
    pub program: SearchProgram,
}

/// ```text
/// search = "SEARCH" [SP "CHARSET" SP astring] 1*(SP search-key)
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    if cursor.take_word("CHARSET ") {
        if cursor.enabled().has(Extension::Utf8Accept) {
            // RFC 9755 §3: all text is UTF-8, and a label would contradict it.
            return Err(ParseError::Syntax("SEARCH takes no charset after ENABLE UTF8=ACCEPT"));
        }
        let charset = cursor.astring()?;
        // RFC 3501 §6.4.4: US-ASCII must be known. UTF-8 is its superset, so both read the same.
        let known = [&b"US-ASCII"[..], b"UTF-8"].iter().any(|name| charset.eq_ignore_ascii_case(name));
        if !known {
            return Err(ParseError::Refusal(Code::BadCharset, "SEARCH knows US-ASCII and UTF-8"));
        }
        cursor.space()?;
    }
    let program = SearchProgram::parse(cursor)?;
    Ok(Command::Search(Search { uid, program }))
}
