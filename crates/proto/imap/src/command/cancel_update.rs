//! CANCELUPDATE (RFC 5267 §4.3.5).

use super::Command;
use crate::codec::{Cursor, ParseError};

/// Searches of which no changes are to be told any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelUpdate {
    /// The tags of their commands.
    pub tags: Vec<Box<str>>,
}

/// ```text
/// cancelupdate = "CANCELUPDATE" 1*(SP quoted)
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, _: bool) -> Result<Command, ParseError> {
    let mut tags = Vec::new();
    loop {
        cursor.space()?;
        tags.push(String::from_utf8_lossy(&cursor.string()?).into());
        if cursor.rest().iter().all(|b| *b == b' ') {
            return Ok(Command::CancelUpdate(CancelUpdate { tags }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_quoted() {
        let parse = |text: &str| parse(&mut Cursor::new(text.as_bytes()), false);
        let Ok(Command::CancelUpdate(cancel)) = parse(" \"B01\" \"a\\\\b\"") else { panic!() };
        assert_eq!(cancel.tags, ["B01".into(), "a\\b".into()]);
        for bad in ["", " ", " B01", " \"B01\"x", " \"B01"] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
