//! What messages can be sorted by: a client names it, and the mail is sorted by it.

/// A key (RFC 5256 §3, RFC 5957 §3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SortKey {
    /// ARRIVAL: INTERNALDATE, with its time.
    Arrival,
    /// CC: the mailbox of the first address in Cc.
    Cc,
    /// DATE: the Date field, its zone reckoned in; INTERNALDATE where there is none (RFC 5256 §2.2).
    Date,
    /// DISPLAYFROM: the first name in From, or its address.
    DisplayFrom,
    /// DISPLAYTO: the first name in To, or its address.
    DisplayTo,
    /// FROM: the mailbox of the first address in From.
    From,
    /// SIZE: octets.
    Size,
    /// SUBJECT: the base subject (RFC 5256 §2.1).
    Subject,
    /// TO: the mailbox of the first address in To.
    To,
}

/// A key and its direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SortCriterion {
    /// The key.
    pub key: SortKey,
    /// REVERSE: descending. Messages that are the same stay in the order of the mailbox.
    pub is_reverse: bool,
}
