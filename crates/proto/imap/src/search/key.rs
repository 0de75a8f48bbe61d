//! The keys of SEARCH (RFC 3501 §6.4.4; RFC 5032, 5182, 7162, 8474, 8514, 9738).

use crate::codec::{Date, SequenceSet};
use std::num::NonZeroU32;
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
    /// OLDER: INTERNALDATE is at least so many seconds ago (RFC 5032 §2).
    Older(NonZeroU32),
    /// YOUNGER: INTERNALDATE is at most so many seconds ago (RFC 5032 §2).
    Younger(NonZeroU32),
    /// SAVEDBEFORE: the day of the save date is earlier (RFC 8514 §4.3).
    SavedBefore(Date),
    /// SAVEDON
    SavedOn(Date),
    /// SAVEDSINCE
    SavedSince(Date),
    /// SAVEDATESUPPORTED: all messages of a mailbox that keeps save dates.
    SaveDateSupported,
    /// EMAILID (RFC 8474 §6)
    EmailId(Box<str>),
    /// THREADID (RFC 8474 §6)
    ThreadId(Box<str>),
    /// LARGER: more octets.
    Larger(u32),
    /// SMALLER: fewer octets.
    Smaller(u32),
    /// A sequence set.
    Sequence(SequenceSet),
    /// `$` or UID `$`: what the last SEARCH saved (RFC 5182 §2.1).
    Saved,
    /// UIDAFTER: a higher UID (RFC 9738 §3.2).
    UidAfter(NonZeroU32),
    /// UIDBEFORE: a lower UID (RFC 9738 §3.2).
    UidBefore(NonZeroU32),
    /// UID
    Uid(SequenceSet),
    /// MODSEQ: at least this. The name and type of a flag that may stand before it are left aside: a message has one
    /// MODSEQ for all its flags (RFC 7162 §3.1.5 allows that).
    ModSeq(ModSeq),
}
