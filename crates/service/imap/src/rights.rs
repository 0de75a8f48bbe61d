//! Which rights a command needs in a mailbox (RFC 4314 §4, RFC 5464 §3.3, RFC 9208 §6): one table, and nobody else
//! decides. Without `l` a mailbox does not exist for whoever asks: `place.rs` sees to that before this is asked.
//!
//! Flags have rights of their own, and no command fails for them alone: `types::Rights::flags`.

use domain::{FlagNames, MailError};
use types::Rights;

/// What is done with a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// SELECT, EXAMINE, and with them all that reads messages.
    Select,
    /// STATUS, and GETQUOTAROOT, which tells as much.
    Status,
    /// APPEND, and COPY or MOVE into it.
    Insert,
    /// MOVE out of it.
    Remove,
    /// EXPUNGE; CLOSE leaves it out without the right.
    Expunge,
    /// CREATE below it, RENAME to below it.
    Create,
    /// DELETE.
    Delete,
    /// RENAME.
    Rename,
    /// GETACL, SETACL, DELETEACL, LISTRIGHTS.
    Administer,
    /// MYRIGHTS.
    MyRights,
    /// GETMETADATA, SETMETADATA.
    Annotate,
}

/// The rights that an action needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// All of these.
    All(Rights),
    /// One of these.
    Any(Rights),
}

/// The table.
const TABLE: [(Action, Needs); 11] = [
    (Action::Select, Needs::All(Rights::READ)),
    (Action::Status, Needs::All(Rights::READ)),
    (Action::Insert, Needs::All(Rights::INSERT)),
    (Action::Remove, Needs::All(Rights::DELETE_MESSAGES.union(Rights::EXPUNGE))),
    (Action::Expunge, Needs::All(Rights::EXPUNGE)),
    (Action::Create, Needs::All(Rights::CREATE)),
    (Action::Delete, Needs::All(Rights::DELETE_MAILBOX)),
    (Action::Rename, Needs::All(Rights::DELETE_MAILBOX)),
    (Action::Administer, Needs::All(Rights::ADMINISTER)),
    (
        Action::MyRights,
        Needs::Any(
            Rights::LOOKUP
                .union(Rights::READ)
                .union(Rights::INSERT)
                .union(Rights::CREATE)
                .union(Rights::DELETE_MAILBOX)
                .union(Rights::ADMINISTER),
        ),
    ),
    (Action::Annotate, Needs::Any(Rights::READ.union(FLAGS).union(Rights::INSERT).union(Rights::POST))),
];

/// Rights to change flags, short of deleting.
const FLAGS: Rights = Rights::SEEN.union(Rights::WRITE);

/// With one of these a mailbox is opened READ-WRITE (RFC 4314 §5.2): all flags are shared here.
pub(crate) const WRITING: Rights = FLAGS.union(Rights::DELETE_MESSAGES).union(Rights::INSERT).union(Rights::EXPUNGE);

/// Whether these rights are enough.
pub(crate) fn allow(rights: Rights, action: Action) -> bool {
    let needs = TABLE.iter().find(|(row, _)| *row == action).map(|(_, needs)| *needs);
    match needs {
        Some(Needs::All(needed)) => rights.contains(needed),
        Some(Needs::Any(one)) => rights.has_any(one),
        None => false,
    }
}

/// [`MailError::NotPermitted`] unless these rights are enough.
pub(crate) fn require(rights: Rights, action: Action) -> Result<(), MailError> {
    if allow(rights, action) { Ok(()) } else { Err(MailError::NotPermitted) }
}

/// Those of these flags that these rights allow to change (RFC 4314 §4).
pub(crate) fn allowed(rights: Rights, flags: FlagNames) -> FlagNames {
    let keywords = if rights.contains(Rights::WRITE) { flags.keywords } else { Vec::new() };
    FlagNames { system: rights.flags(flags.system), keywords }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table of RFC 4314 §4 once more, in letters: needed together, or one of them.
    const LETTERS: [(Action, &str, &str); 11] = [
        (Action::Select, "r", ""),
        (Action::Status, "r", ""),
        (Action::Insert, "i", ""),
        (Action::Remove, "te", ""),
        (Action::Expunge, "e", ""),
        (Action::Create, "k", ""),
        (Action::Delete, "x", ""),
        (Action::Rename, "x", ""),
        (Action::Administer, "a", ""),
        (Action::MyRights, "", "lrikxa"),
        (Action::Annotate, "", "rswip"),
    ];

    #[test]
    fn every_action_is_allowed_by_its_rights_and_by_no_others() {
        for bits in 0..=Rights::ALL.bits() {
            let rights = Rights::from_bits(bits).unwrap();
            let has = |letter: char| rights.contains(Rights::parse(&letter.to_string()).unwrap());
            for (action, all, any) in LETTERS {
                let expected = all.chars().all(has) && (any.is_empty() || any.chars().any(has));
                assert_eq!(allow(rights, action), expected, "{action:?} with {rights}");
                assert_eq!(require(rights, action).is_ok(), expected);
            }
        }
    }

    #[test]
    fn nothing_is_allowed_without_rights_and_everything_with_all() {
        assert!(TABLE.iter().all(|(action, _)| !allow(Rights::NONE, *action) && allow(Rights::ALL, *action)));
        assert_eq!(WRITING, Rights::parse("swite").unwrap());
    }
}
