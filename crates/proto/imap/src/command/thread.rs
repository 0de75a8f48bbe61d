//! THREAD and UID THREAD (RFC 5256 §3).

use super::Command;
use crate::codec::{Cursor, ParseError};
use crate::search::SearchProgram;

/// How messages are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ThreadAlgorithm {
    /// ORDEREDSUBJECT
    OrderedSubject,
    /// REFERENCES
    References,
    /// REFS
    Refs,
}

/// What to put together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Whether UIDs are asked for.
    pub uid: bool,
    /// How.
    pub algorithm: ThreadAlgorithm,
    /// The keys.
    pub program: SearchProgram,
}

/// ```text
/// thread     = "THREAD" SP thread-alg SP search-criteria
/// thread-alg = "ORDEREDSUBJECT" / "REFERENCES" / thread-alg-ext
/// ```
pub(crate) fn parse(cursor: &mut Cursor<'_>, uid: bool) -> Result<Command, ParseError> {
    cursor.space()?;
    let name = cursor.atom()?;
    let algorithm = match name {
        name if name.eq_ignore_ascii_case("ORDEREDSUBJECT") => ThreadAlgorithm::OrderedSubject,
        name if name.eq_ignore_ascii_case("REFERENCES") => ThreadAlgorithm::References,
        name if name.eq_ignore_ascii_case("REFS") => ThreadAlgorithm::Refs,
        _ => return Err(ParseError::Syntax("There is no such way to thread")),
    };
    cursor.space()?;
    let program = SearchProgram::parse_criteria(cursor)?;
    Ok(Command::Thread(Thread { uid, algorithm, program }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_algorithm_and_the_charset_must_be_named() {
        let thread = |text: &str| parse(&mut Cursor::new(text.as_bytes()), false);
        for (name, algorithm) in [
            ("orderedsubject", ThreadAlgorithm::OrderedSubject),
            ("REFERENCES", ThreadAlgorithm::References),
            ("REFS", ThreadAlgorithm::Refs),
        ] {
            let Ok(Command::Thread(thread)) = thread(&format!(" {name} UTF-8 SINCE 5-MAR-2000")) else {
                panic!("{name}")
            };
            assert_eq!(thread.algorithm, algorithm);
        }
        for bad in ["", " ", " WEATHER UTF-8 ALL", " REFS", " REFS UTF-8", " REFS ALL", " REFSUTF-8 ALL"] {
            assert!(matches!(thread(bad), Err(ParseError::Syntax(_))), "{bad}");
        }
    }
}
