//! SEARCH: what is looked for, and how it is found exactly, without an index.
//!
//! A [`Query`] is a flat list, so that neither building nor evaluating it recurses. Keys that the columns of a snapshot
//! answer are tested first; only messages that those leave open have their summaries read, only those still open their
//! header, and only the rest their text, streamed with bounded memory (`search/plan.rs`, `search/texts.rs`). A
//! [`Search`] goes in steps of bounded work (`search/run.rs`). A full-text index can stand behind [`TextIndex`].

mod day;
mod index;
mod plan;
mod run;
mod texts;

pub use day::Day;
pub use index::{Candidates, TextIndex, TextQuestion};
pub use run::{Progress, STEP_BYTES_MAX, STEP_CONTENTS_MAX, STEP_MESSAGES_MAX, Search};

use types::{EmailId, Flags, Keyword, ModSeq, ThreadId, Timestamp, Uid, UidSet};

/// Most nodes of a query.
pub const QUERY_NODES_MAX: usize = 2048;
/// Deepest nesting of a query's operators.
pub const QUERY_DEPTH_MAX: usize = 128;
/// Most bytes of text that a query may look for, all keys together.
pub const QUERY_TEXT_MAX: usize = 256 << 10;

/// One place of a query. Operators stand before their operands; `end` is the place behind the last of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryNode {
    /// All of one or more operands hold.
    And {
        /// Behind the last operand.
        end: usize,
    },
    /// One of one or more operands holds.
    Or {
        /// Behind the last operand.
        end: usize,
    },
    /// The one operand does not hold.
    Not {
        /// Behind the operand.
        end: usize,
    },
    /// A key.
    Key(QueryKey),
}

/// A field of the header that the summary knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressField {
    /// From
    From,
    /// To
    To,
    /// Cc
    Cc,
    /// Bcc
    Bcc,
}

/// What a message must fit (RFC 9051 §6.4.4, RFC 3501 §6.4.4). Sequence numbers are the session's: it hands UIDs in.
/// Texts are compared as substrings, after decoding, by i;unicode-casemap (RFC 5255 §4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum QueryKey {
    /// Every message.
    All,
    /// A UID in the set.
    Uids(UidSet),
    /// All of these system flags are set.
    Flag(Flags),
    /// None of these system flags is set.
    NoFlag(Flags),
    /// The keyword is set.
    Keyword(Keyword),
    /// The keyword is not set.
    NoKeyword(Keyword),
    /// RECENT: from the session's first recent UID on; `None` if it has no recent messages.
    Recent(Option<Uid>),
    /// NEW: recent and not seen.
    New(Option<Uid>),
    /// OLD: not recent.
    Old(Option<Uid>),
    /// INTERNALDATE is before the day.
    Before(Day),
    /// INTERNALDATE is within the day.
    On(Day),
    /// INTERNALDATE is within the day or later.
    Since(Day),
    /// INTERNALDATE is at least so many seconds before the moment of the search (RFC 5032 §2).
    Older(u32),
    /// INTERNALDATE is at most so many seconds before the moment of the search (RFC 5032 §2).
    Younger(u32),
    /// The message came into the mailbox before the day (RFC 8514 §4.3).
    SavedBefore(Day),
    /// The message came into the mailbox within the day.
    SavedOn(Day),
    /// The message came into the mailbox within the day or later.
    SavedSince(Day),
    /// SAVEDATESUPPORTED: every message, for every mailbox knows when its messages came (RFC 8514 §4.3).
    SaveDateSupported,
    /// The content has this id (RFC 8474 §6).
    EmailId(EmailId),
    /// The message is of this thread (RFC 8474 §6).
    ThreadId(ThreadId),
    /// The Date field, time and zone left aside, is before the day. Messages without a readable one fit no SENT key.
    SentBefore(Day),
    /// The Date field is within the day.
    SentOn(Day),
    /// The Date field is within the day or later.
    SentSince(Day),
    /// More octets than this.
    Larger(u64),
    /// Fewer octets than this.
    Smaller(u64),
    /// Changed at or after this (RFC 7162 §3.1.5).
    ModSeq(ModSeq),
    /// The text in an address field as ENVELOPE shows it, names and addresses decoded: `name <mailbox@host>`. An empty
    /// one asks whether there is such a field.
    Address(AddressField, Box<str>),
    /// The text in the subject, of several the last, as in ENVELOPE; an empty one asks whether there is one.
    Subject(Box<str>),
    /// The text in one of the header fields of this name, in what comes after the colon, white space around it left
    /// aside; an empty one asks whether there is such a field.
    Header(Box<str>, Box<str>),
    /// The text in the body: in a text part, decoded, or in the header of a message within. Not in other fields of
    /// headers, those of MIME parts included (RFC 9051 §6.4.4).
    Body(Box<str>),
    /// The text in the header, those of MIME parts included, or in the body.
    Text(Box<str>),
}

/// Why a list of nodes is no query.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// An operator's `end` does not fit its operands, or there is nothing.
    #[error("the operators and operands of the query do not fit together")]
    Shape,
    /// More than [`QUERY_NODES_MAX`], [`QUERY_DEPTH_MAX`] or [`QUERY_TEXT_MAX`].
    #[error("the query is too large")]
    TooLarge,
}

/// What a search looks for. Several expressions side by side must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    steps: Vec<Step>,
    zone_minutes: i16,
    moment: Option<Timestamp>,
}

/// One step of a query, operands before their operators.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(QueryKey),
    And(usize),
    Or(usize),
    Not,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    And,
    Or,
    Not,
}

/// An operator whose operands are not all there yet.
struct Open {
    operator: Operator,
    end: usize,
    operands: usize,
}

impl Query {
    /// Checks a list of nodes and takes it in.
    pub fn new(nodes: Vec<QueryNode>) -> Result<Self, QueryError> {
        if nodes.len() > QUERY_NODES_MAX || nodes.iter().map(text_length).sum::<usize>() > QUERY_TEXT_MAX {
            return Err(QueryError::TooLarge);
        }
        let total = nodes.len();
        let mut steps = Vec::with_capacity(total + 1);
        let mut open = vec![Open { operator: Operator::And, end: total, operands: 0 }];
        for (place, node) in nodes.into_iter().enumerate() {
            let (operator, end) = match node {
                QueryNode::Key(key) => {
                    steps.push(Step::Key(key));
                    close(&mut open, &mut steps, place + 1)?;
                    continue;
                }
                QueryNode::And { end } => (Operator::And, end),
                QueryNode::Or { end } => (Operator::Or, end),
                QueryNode::Not { end } => (Operator::Not, end),
            };
            if end <= place + 1 || open.last().is_none_or(|above| end > above.end) {
                return Err(QueryError::Shape);
            }
            if open.len() > QUERY_DEPTH_MAX {
                return Err(QueryError::TooLarge);
            }
            open.push(Open { operator, end, operands: 0 });
        }
        if open.is_empty() { Ok(Self { steps, zone_minutes: 0, moment: None }) } else { Err(QueryError::Shape) }
    }

    /// Evaluates OLDER and YOUNGER at this moment. If this is not called, at that at which the search begins, by the
    /// clock of the account.
    #[must_use]
    pub fn at(mut self, moment: Timestamp) -> Self {
        self.moment = Some(moment);
        self
    }

    /// Looks at INTERNALDATE and the save date in this zone, minutes east of Greenwich: the one in which the client is shown it. UTC if
    /// this is not called.
    #[must_use]
    pub fn in_zone(mut self, minutes: i16) -> Self {
        self.zone_minutes = minutes;
        self
    }
}

/// An operand ends at `place`, and with it perhaps operators above.
fn close(open: &mut Vec<Open>, steps: &mut Vec<Step>, place: usize) -> Result<(), QueryError> {
    loop {
        let Some(above) = open.last_mut() else { return Err(QueryError::Shape) };
        above.operands += 1;
        if above.end != place {
            return Ok(());
        }
        let operands = above.operands;
        match above.operator {
            Operator::And => steps.push(Step::And(operands)),
            Operator::Or => steps.push(Step::Or(operands)),
            Operator::Not if operands == 1 => steps.push(Step::Not),
            Operator::Not => return Err(QueryError::Shape),
        }
        open.pop();
        if open.is_empty() {
            return Ok(());
        }
    }
}

fn text_length(node: &QueryNode) -> usize {
    match node {
        QueryNode::Key(QueryKey::Header(name, text)) => name.len() + text.len(),
        QueryNode::Key(
            QueryKey::Address(_, text) | QueryKey::Subject(text) | QueryKey::Body(text) | QueryKey::Text(text),
        ) => text.len(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(flag: Flags) -> QueryNode {
        QueryNode::Key(QueryKey::Flag(flag))
    }

    #[test]
    fn nodes_that_fit_together_are_a_query() {
        use QueryNode::{And, Not, Or};
        let (a, b, c) = (key(Flags::SEEN), key(Flags::DRAFT), key(Flags::DELETED));
        // AND(OR(a, NOT(b)), c)
        let nodes = vec![And { end: 6 }, Or { end: 5 }, a.clone(), Not { end: 5 }, b.clone(), c.clone()];
        let steps = |flag| Step::Key(QueryKey::Flag(flag));
        let query = Query::new(nodes).unwrap();
        let expected = [
            steps(Flags::SEEN),
            steps(Flags::DRAFT),
            Step::Not,
            Step::Or(2),
            steps(Flags::DELETED),
            Step::And(2),
            Step::And(1),
        ];
        assert_eq!(query.steps, expected);
        assert_eq!(Query::new(vec![a.clone(), b.clone()]).unwrap().steps.last(), Some(&Step::And(2)));
        for bad in [
            vec![],
            vec![Not { end: 3 }, a.clone(), b.clone()],
            vec![Or { end: 1 }],
            vec![Or { end: 9 }, a.clone()],
            vec![And { end: 3 }, Or { end: 4 }, a.clone(), b.clone()],
            vec![a.clone(), And { end: 2 }],
        ] {
            assert_eq!(Query::new(bad), Err(QueryError::Shape));
        }
    }

    #[test]
    fn a_query_has_limits() {
        assert!(Query::new(vec![key(Flags::SEEN); QUERY_NODES_MAX]).is_ok());
        assert_eq!(Query::new(vec![key(Flags::SEEN); QUERY_NODES_MAX + 1]), Err(QueryError::TooLarge));
        let nested = |depth: usize| {
            let mut nodes = vec![QueryNode::Not { end: depth + 1 }; depth];
            nodes.push(key(Flags::SEEN));
            Query::new(nodes)
        };
        assert!(nested(QUERY_DEPTH_MAX).is_ok());
        assert_eq!(nested(QUERY_DEPTH_MAX + 1), Err(QueryError::TooLarge));
        let text = |length: usize| Query::new(vec![QueryNode::Key(QueryKey::Body("t".repeat(length).into()))]);
        assert!(text(QUERY_TEXT_MAX).is_ok());
        assert_eq!(text(QUERY_TEXT_MAX + 1), Err(QueryError::TooLarge));
    }
}
