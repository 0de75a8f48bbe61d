//! Flags as STORE and APPEND name them.

use crate::codec::{Cursor, ParseError};
use crate::response::Code;
use types::{Flags, KEYWORDS_MAX, Keyword, KeywordError};

/// Flags as a client named them: keywords are still names, since the mailbox's table knows their bits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagList {
    /// The system flags.
    pub system: Flags,
    /// The keywords, each once; at most [`KEYWORDS_MAX`].
    pub keywords: Vec<Keyword>,
}

impl FlagList {
    /// ```text
    /// flag-list = "(" [flag *(SP flag)] ")"
    /// ```
    pub(crate) fn parse_parenthesised(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let mut list = Self::default();
        cursor.expect(b'(', "A flag list is missing")?;
        if cursor.take_if(b')') {
            return Ok(list);
        }
        loop {
            list.parse_flag(cursor)?;
            if cursor.take_if(b')') {
                return Ok(list);
            }
            cursor.space()?;
        }
    }

    /// `flag-list / (flag *(SP flag))`, as STORE takes it.
    pub(crate) fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        if cursor.peek() == Some(b'(') {
            return Self::parse_parenthesised(cursor);
        }
        let mut list = Self::default();
        loop {
            list.parse_flag(cursor)?;
            // A space at the end of the line is forgiven.
            if !cursor.take_if(b' ') || cursor.rest().is_empty() {
                return Ok(list);
            }
        }
    }

    /// ```text
    /// flag         = "\Answered" / "\Flagged" / "\Deleted" / "\Seen" / "\Draft" / flag-keyword / flag-extension
    /// flag-keyword = atom
    /// ```
    /// `\Recent` and extensions can not be set by a client (RFC 3501 §2.3.2).
    fn parse_flag(&mut self, cursor: &mut Cursor<'_>) -> Result<(), ParseError> {
        if cursor.take_if(b'\\') {
            let name = cursor.atom()?;
            let known =
                Flags::SYSTEM_NAMES.iter().find(|(_, n)| n.get(1..).is_some_and(|n| n.eq_ignore_ascii_case(name)));
            let (flag, _) = known.ok_or(ParseError::Syntax("There is no such system flag, or it can not be set"))?;
            self.system = self.system.union(*flag);
            return Ok(());
        }
        let keyword = parse_keyword(cursor)?;
        if self.keywords.iter().any(|k| k.matches(keyword.as_str())) {
            return Ok(());
        }
        if self.keywords.len() >= KEYWORDS_MAX {
            return Err(ParseError::Refusal(Code::Limit, "Too many keywords"));
        }
        self.keywords.push(keyword);
        Ok(())
    }
}

/// `flag-keyword = atom`
pub(crate) fn parse_keyword(cursor: &mut Cursor<'_>) -> Result<Keyword, ParseError> {
    Keyword::parse(cursor.atom()?).map_err(|error| match error {
        KeywordError::NotAnAtom => ParseError::Syntax("A keyword is an atom"),
        KeywordError::TooLong => ParseError::Refusal(Code::Limit, "The keyword is too long"),
    })
}
