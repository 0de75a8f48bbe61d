//! LANGUAGE (RFC 5255 §3.2).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::response::Code;

/// Most language ranges of one command.
pub const LANGUAGE_RANGES_MAX: usize = 32;

/// Which language to speak; without ranges those that are spoken are asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChooseLanguage {
    /// Ranges in the order of preference; what is no UTF-8 matches nothing and is replaced.
    pub ranges: Vec<Box<str>>,
}

/// ```text
/// language-cmd = "LANGUAGE" *(SP lang-range-quoted)
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    let ranges = parse_words(cursor, LANGUAGE_RANGES_MAX, "There are too many languages")?;
    Ok(Command::Language(ChooseLanguage { ranges }))
}

/// `*(SP astring)`, at most `max` of them.
pub(super) fn parse_words(
    cursor: &mut Cursor<'_>,
    max: usize,
    too_many: &'static str,
) -> Result<Vec<Box<str>>, ParseError> {
    let mut words = Vec::new();
    while cursor.take_if(b' ') {
        if cursor.rest().is_empty() {
            break;
        }
        if words.len() >= max {
            return Err(ParseError::Refusal(Code::Limit, too_many));
        }
        words.push(String::from_utf8_lossy(&cursor.astring()?).into());
    }
    Ok(words)
}
