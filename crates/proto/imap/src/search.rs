//! A SEARCH as a flat program: keys and the operators over them in one list, so that neither reading nor evaluating
//! it recurses.

mod key;
mod parse;
mod returns;

pub use key::SearchKey;
pub use returns::{PartialRange, ReturnOption, ReturnOptions};

use crate::codec::{Cursor, ParseError};
use crate::command::Extension;
use message::charset::Charset;

/// Deepest nesting of parentheses, OR and NOT.
pub const SEARCH_DEPTH_MAX: usize = 64;
/// Most keys and operators.
pub const SEARCH_NODES_MAX: usize = 1024;

/// One place of a program. Operators stand before their operands; `end` is the place behind the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchNode {
    /// All of one or more operands hold.
    And {
        /// Behind the last operand.
        end: usize,
    },
    /// One of two operands holds.
    Or {
        /// Behind the last operand.
        end: usize,
    },
    /// The operand does not hold.
    Not {
        /// Behind the operand.
        end: usize,
    },
    /// A key.
    Key(SearchKey),
}

/// What a SEARCH looks for: at most [`SEARCH_NODES_MAX`] nodes, at most [`SEARCH_DEPTH_MAX`] deep. The first node is
/// an `And` over the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchProgram {
    nodes: Vec<SearchNode>,
    charset_known: bool,
}

#[derive(Clone, Copy, Default)]
enum Operator {
    #[default]
    And,
    Or,
    Not,
}

impl SearchProgram {
    /// Reads one or more keys up to the end of the command, text as UTF-8.
    pub fn parse(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        Self::parse_in(cursor, Some(Charset::UTF_8))
    }

    /// The same with text in a charset; `None` if nobody knows it.
    pub(crate) fn parse_in(cursor: &mut Cursor<'_>, charset: Option<Charset>) -> Result<Self, ParseError> {
        parse::parse(cursor, charset).map(|nodes| Self { nodes, charset_known: charset.is_some() })
    }

    /// Reads keys behind an optional charset.
    ///
    /// ```text
    /// search-program = ["CHARSET" SP charset SP] search-key *(SP search-key)
    /// ```
    pub(crate) fn parse_with_charset(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let mut charset = Some(Charset::UTF_8);
        if cursor.take_word("CHARSET ") {
            if cursor.enabled().has(Extension::Utf8Accept) {
                // RFC 9755 §3: all text is UTF-8, and a label would contradict it.
                return Err(ParseError::Syntax("SEARCH takes no charset after ENABLE UTF8=ACCEPT"));
            }
            charset = Charset::find(&cursor.astring()?);
            cursor.space()?;
        }
        Self::parse_in(cursor, charset)
    }

    /// Reads keys behind a charset that must be there.
    ///
    /// ```text
    /// search-criteria = charset 1*(SP search-key)
    /// charset         = atom / quoted
    /// ```
    pub(crate) fn parse_criteria(cursor: &mut Cursor<'_>) -> Result<Self, ParseError> {
        let name = cursor.astring()?;
        let charset = Charset::find(&name);
        if cursor.enabled().has(Extension::Utf8Accept) && !name.eq_ignore_ascii_case(b"UTF-8") {
            // RFC 9755 §3, the same where it must be said.
            return Err(ParseError::Syntax("SORT and THREAD take UTF-8 alone after ENABLE UTF8=ACCEPT"));
        }
        cursor.space()?;
        Self::parse_in(cursor, charset)
    }

    /// Whether the texts could be read. If not, the command is answered `NO [BADCHARSET]` by who knows what else a
    /// refused search does (RFC 5182 §2.1).
    pub fn charset_known(&self) -> bool {
        self.charset_known
    }

    /// The nodes.
    pub fn nodes(&self) -> &[SearchNode] {
        &self.nodes
    }

    /// The keys without the operators.
    pub fn keys(&self) -> impl Iterator<Item = &SearchKey> {
        self.nodes.iter().filter_map(|node| if let SearchNode::Key(key) = node { Some(key) } else { None })
    }

    /// Whether MODSEQ is searched for, so that the answer carries one and CONDSTORE is enabled (RFC 7162 §3.1.5).
    pub fn uses_modseq(&self) -> bool {
        self.keys().any(|key| matches!(key, SearchKey::ModSeq(_)))
    }

    /// Whether sequence numbers are searched for, so that none may shift meanwhile (RFC 7162 §3.2.10.2).
    pub fn uses_sequence_numbers(&self) -> bool {
        self.keys().any(|key| matches!(key, SearchKey::Sequence(_)))
    }

    /// Whether a message fits, given which keys it fits. `test` is asked from left to right and only what matters.
    pub fn evaluate(&self, mut test: impl FnMut(&SearchKey) -> bool) -> bool {
        // One place per level, one for the first node and one for NOT above a key at the deepest level.
        let mut stack = [(Operator::And, 0usize); SEARCH_DEPTH_MAX + 2];
        let mut depth: usize = 0;
        let mut at = 0;
        loop {
            let Some(node) = self.nodes.get(at) else { return true };
            at += 1;
            let (operator, end) = match node {
                SearchNode::And { end } => (Operator::And, *end),
                SearchNode::Or { end } => (Operator::Or, *end),
                SearchNode::Not { end } => (Operator::Not, *end),
                SearchNode::Key(key) => {
                    let mut value = test(key);
                    // The value is an operand; each operator it decides becomes an operand in turn.
                    loop {
                        let Some((operator, end)) = depth.checked_sub(1).and_then(|d| stack.get(d)).copied() else {
                            return value;
                        };
                        let decided = match operator {
                            Operator::And => !value,
                            Operator::Or => value,
                            Operator::Not => true,
                        };
                        if !decided && at < end {
                            break;
                        }
                        value ^= matches!(operator, Operator::Not);
                        at = end;
                        depth -= 1;
                    }
                    continue;
                }
            };
            if let Some(place) = stack.get_mut(depth) {
                *place = (operator, end);
            }
            depth += 1;
        }
    }
}

#[cfg(test)]
mod tests;
