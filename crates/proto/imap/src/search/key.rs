//! The keys of SEARCH (RFC 3501 §6.4.4, RFC 7162 §3.1.5).

use crate::codec::{Date, SequenceSet};
use types::{Flags, Keyword, ModSeq};

/// One key. Text is to be found as a substring without regard to case; empty text is found everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchKey {
    /// ALL
    All,
    /// ANSWERED, DELETED, DRAFT, FLAGGED, SEEN: a system flag is set.
    Flag(Flags),
    /// UNANSWERED and so on: a system flag is not set.
    NoFlag(Flags),
    /// KEYWORD
    Keyword(Keyword),
    /// UNKEYWORD
    NoKeyword(Keyword),
    /// RECENT
    Recent,
    /// NEW: RECENT and UNSEEN.
    New,
    /// OLD: not RECENT.
    Old,
    /// BCC
    Bcc(Box<str>),
    /// BODY
    Body(Box<str>),
    /// CC
    Cc(Box<str>),
    /// FROM
    From(Box<str>),
    /// SUBJECT
    Subject(Box<str>),
    /// TEXT: header or body.
    Text(Box<str>),
    /// TO
    To(Box<str>),
    /// HEADER with a field name and text; empty text asks only whether there is such a field.
    Header(Box<str>, Box<str>),
    /// BEFORE: INTERNALDATE is earlier than the day.
    Before(Date),
    /// ON: INTERNALDATE is within the day.
    On(Date),
    /// SINCE: INTERNALDATE is within the day or later.
    Since(Date),
    /// SENTBEFORE: the Date field is earlier than the day, its time and zone left aside.
    SentBefore(Date),
    /// SENTON
    SentOn(Date),
    /// SENTSINCE
    SentSince(Date),
    /// LARGER: more octets.
    Larger(u32),
    /// SMALLER: fewer octets.
    Smaller(u32),
    /// A sequence set.
    Sequence(SequenceSet),
    /// UID
    Uid(SequenceSet),
    /// MODSEQ: at least this. The name and type of a flag that may stand before it are left aside: a message has one
    /// MODSEQ for all its flags (RFC 7162 §3.1.5 allows that).
    ModSeq(ModSeq),
}
