//! What a session was told of a mailbox, and how what stands now differs from it.

use crate::accounts::MailboxKey;
use proto_imap::command::Events;
use proto_imap::response::MailboxStatus;
use types::{MailboxName, ModSeq, Uid, UidValidity};

/// What was last told of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) messages: u32,
    pub(super) unseen: u32,
    pub(super) uid_next: Option<Uid>,
    /// `None`: nothing was told yet.
    pub(super) uid_validity: Option<UidValidity>,
    pub(super) highest_modseq: ModSeq,
}

impl Told {
    /// A mailbox that nothing was told of: there is nothing to tell while it is as new.
    pub(super) const NOTHING: Self =
        Self { messages: 0, unseen: 0, uid_next: Some(Uid::MIN), uid_validity: None, highest_modseq: ModSeq::ZERO };

    pub(super) fn of(status: &domain::MailboxStatus) -> Self {
        Self {
            messages: status.messages,
            unseen: status.unseen,
            uid_next: status.uid_next,
            uid_validity: Some(status.uid_validity),
            highest_modseq: status.highest_modseq,
        }
    }

    /// STATUS at the beginning of the watch (RFC 5465 §3.1).
    pub(super) fn first(self, events: Events, condstore: bool) -> MailboxStatus {
        let flags = events.has(Events::FLAG_CHANGE);
        MailboxStatus {
            messages: Some(self.messages),
            uid_next: self.uid_next,
            uid_validity: self.uid_validity,
            unseen: flags.then_some(self.unseen),
            highest_modseq: (flags || condstore).then_some(self.highest_modseq),
            ..MailboxStatus::default()
        }
    }

    /// The STATUS that tells what differs `now`, if the events ask for it (RFC 5465 §5.1, §5.2, §5.3). It has UIDVALIDITY
    /// in any case, and HIGHESTMODSEQ for who enabled CONDSTORE or QRESYNC.
    pub(super) fn difference(self, now: Self, events: Events, condstore: bool) -> Option<MailboxStatus> {
        let counts = (self.messages, self.uid_next) != (now.messages, now.uid_next);
        let wants_flags = events.has(Events::FLAG_CHANGE);
        let flags = self.unseen != now.unseen || condstore && self.highest_modseq != now.highest_modseq;
        // Nothing is told of a mailbox that is as new as nothing.
        let flags = flags && wants_flags && self.uid_validity.is_some();
        let replaced = self.uid_validity.is_some_and(|old| Some(old) != now.uid_validity);
        (counts || flags || replaced).then(|| MailboxStatus {
            messages: Some(now.messages),
            uid_next: now.uid_next,
            uid_validity: now.uid_validity,
            unseen: wants_flags.then_some(now.unseen),
            highest_modseq: condstore.then_some(now.highest_modseq),
            ..MailboxStatus::default()
        })
    }
}

/// What this session did itself and is not told of (RFC 5465 §5).
#[derive(Debug, Default)]
pub(super) struct Own {
    pub(super) names: Vec<MailboxName>,
    /// How many messages it put where.
    pub(super) messages: Vec<(MailboxKey, u32)>,
}

impl Own {
    /// Whether a mailbox differs only by what the session itself put there.
    pub(super) fn explains(&self, mailbox: MailboxKey, before: Told, now: Told) -> bool {
        let own = self.messages.iter().filter(|(own, _)| *own == mailbox);
        let added = own.fold(0u32, |sum, (_, n)| sum.saturating_add(*n));
        let next = |told: Told| told.uid_next.map_or(u64::from(u32::MAX) + 1, |uid| u64::from(uid.get()));
        added > 0
            && before.messages.checked_add(added) == Some(now.messages)
            && next(before) + u64::from(added) == next(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{AccountId, MailboxId};

    fn told(messages: u32, next: u32) -> Told {
        Told { messages, uid_next: Uid::new(next), uid_validity: UidValidity::new(7), ..Told::NOTHING }
    }

    #[test]
    fn a_difference_is_told_if_an_event_asks_for_it() {
        let counts = Events::MESSAGE_NEW.union(Events::MESSAGE_EXPUNGE);
        let flags = counts.union(Events::FLAG_CHANGE);
        let (before, more) = (told(3, 5), told(4, 6));
        let seen = Told { unseen: 1, highest_modseq: ModSeq(9), ..before };
        let moved = Told { highest_modseq: ModSeq(9), ..before };
        assert_eq!(before.difference(before, counts, true), None);
        let answer = before.difference(more, counts, false).unwrap();
        assert_eq!((answer.messages, answer.uid_next, answer.highest_modseq), (Some(4), Uid::new(6), None));
        assert_eq!(before.difference(seen, counts, true), None, "no flags were asked for");
        assert_eq!(before.difference(seen, flags, false).unwrap().unseen, Some(1));
        assert_eq!(before.difference(moved, flags, false), None, "without CONDSTORE there is nothing to see");
        assert_eq!(before.difference(moved, flags, true).unwrap().highest_modseq, Some(ModSeq(9)));
        let other = Told { uid_validity: UidValidity::new(8), ..before };
        assert_eq!(before.difference(other, counts, false).unwrap().uid_validity, UidValidity::new(8));
        let new = Told { highest_modseq: ModSeq(9), ..told(0, 1) };
        assert_eq!(Told::NOTHING.difference(new, flags, true), None, "a new mailbox is empty, as its name told");
        assert!(Told::NOTHING.difference(told(0, 2), counts, false).is_some());
    }

    #[test]
    fn the_first_status_has_what_the_events_and_the_client_need() {
        let counts = Events::MESSAGE_NEW.union(Events::MESSAGE_EXPUNGE);
        let first = told(3, 5).first(counts, false);
        assert_eq!((first.messages, first.uid_next, first.uid_validity), (Some(3), Uid::new(5), UidValidity::new(7)));
        assert_eq!((first.unseen, first.highest_modseq), (None, None));
        assert_eq!(told(3, 5).first(counts, true).highest_modseq, Some(ModSeq::ZERO));
        let with_flags = told(3, 5).first(counts.union(Events::FLAG_CHANGE), false);
        assert_eq!((with_flags.unseen, with_flags.highest_modseq), (Some(0), Some(ModSeq::ZERO)));
    }

    #[test]
    fn what_the_session_added_explains_exactly_that() {
        let key = |id| (AccountId(16), MailboxId(id));
        let messages = vec![(key(1), 1), (key(1), 2), (key(2), 9)];
        let own = Own { names: Vec::new(), messages };
        assert!(own.explains(key(1), told(3, 5), told(6, 8)));
        assert!(!own.explains((AccountId(17), MailboxId(1)), told(3, 5), told(6, 8)), "another's mailbox of that id");
        assert!(!own.explains(key(1), told(3, 5), told(7, 9)), "somebody else added one too");
        assert!(!own.explains(key(1), told(3, 5), told(5, 8)), "one left too");
        assert!(!own.explains(key(3), told(3, 5), told(3, 5)));
    }
}
