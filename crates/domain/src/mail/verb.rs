//! The verbs that change mail, one file per kind. Each is a plain value with an `apply` on the state and its batch.

pub(super) mod annotate;
pub(super) mod append;
pub(super) mod expunge;
pub(super) mod flags;
pub(super) mod fold;
pub(super) mod hide;
pub(super) mod inbox;
pub(super) mod mailbox;
pub(super) mod replace;
pub(super) mod restore;
pub(super) mod settings;
pub(super) mod share;
pub(super) mod sweep;
pub(super) mod transfer;
pub(super) mod unfinished;

use super::rows::MailboxRow;
use super::values::FlagNames;
use crate::MailError;
use std::collections::HashSet;
use types::snapshot::{Entry, Snapshot};
use types::{EmailId, Flags, Keywords, MailboxId, Uid, UidSet};

/// The messages of a set from a UID on, by UID.
fn select<'a>(snapshot: &'a Snapshot, uids: &'a UidSet, from: Uid) -> impl Iterator<Item = &'a Entry> {
    uids.ranges().iter().filter(move |range| *range.end() >= from.get()).flat_map(move |range| {
        let (start, end) = ((*range.start()).max(from.get()), *range.end());
        let first = Uid::new(start);
        // One UID is found faster alone: a run of messages begins by walking through its chunk.
        let single = first.filter(|_| start == end).and_then(|uid| snapshot.get(uid));
        let run = first.filter(|_| start != end).map(|uid| snapshot.iter_from(uid));
        single.into_iter().chain(run.into_iter().flatten().take_while(move |entry| entry.uid.get() <= end))
    })
}

/// The first of `entries`, at most a step of `max`, and the UID where the next step begins.
fn step<'a>(max: usize, entries: impl Iterator<Item = &'a Entry>) -> (Vec<&'a Entry>, Option<Uid>) {
    let mut entries = entries;
    let now: Vec<_> = entries.by_ref().take(max).collect();
    (now, entries.next().map(|entry| entry.uid))
}

/// The flag word of these names in a mailbox's table, and the table with those keywords that it lacked.
fn flags_of(names: &FlagNames, table: &Keywords) -> Result<(Flags, Keywords), MailError> {
    let mut flags = names.system.system();
    let mut table = table.clone();
    for keyword in &names.keywords {
        let (next, flag) = table.with(keyword).ok_or(MailError::KeywordsFull)?;
        table = next;
        flags = flags.union(flag);
    }
    Ok((flags, table))
}

/// Translates flag words of one mailbox into those of another.
struct KeywordMap<'a> {
    from: &'a Keywords,
    to: Keywords,
    known: [Option<Flags>; types::KEYWORDS_MAX],
}

impl<'a> KeywordMap<'a> {
    fn new(from: &'a Keywords, to: &Keywords) -> Self {
        Self { from, to: to.clone(), known: [None; types::KEYWORDS_MAX] }
    }

    /// The same flags in the other mailbox. A keyword that its table has no room for is left out: the flags of a copy
    /// are a SHOULD (RFC 9051 §6.4.7), the copy is not.
    fn map(&mut self, flags: Flags) -> Flags {
        let mut out = flags.system();
        for index in flags.keyword_indexes() {
            let Some(known) = self.known.get_mut(index) else { continue };
            let flag = *known.get_or_insert_with(|| {
                let added = self.from.get(index).and_then(|keyword| self.to.with(keyword));
                added.map_or(Flags::NONE, |(table, flag)| {
                    self.to = table;
                    flag
                })
            });
            out = out.union(flag);
        }
        out
    }
}

/// The next UIDs of a mailbox; fails if there are not enough.
fn next_uids(row: &MailboxRow, count: usize) -> Result<impl Iterator<Item = Uid> + use<>, MailError> {
    let end = u64::try_from(count).ok().and_then(|count| row.next_uid.checked_add(count));
    let end = end.filter(|end| *end <= super::rows::UIDS_END).ok_or(MailError::UidsExhausted)?;
    Ok((row.next_uid..end).filter_map(|uid| u32::try_from(uid).ok().and_then(Uid::new)))
}

/// Tells which messages that come into INBOX need a UIDL of their own, because one there has it already: the one that
/// follows from the same content, or the stored one.
struct Twins {
    /// Contents whose UIDL is taken.
    present: HashSet<EmailId>,
    /// Stored UIDLs that are taken.
    stored: HashSet<Box<str>>,
}

impl Twins {
    /// Compares what comes with what a mailbox has.
    fn new(inbox: &Snapshot, coming: impl Iterator<Item = EmailId>) -> Self {
        let coming: HashSet<_> = coming.collect();
        // What has a stored UIDL has not taken the one of its content.
        let derived = inbox.iter().filter(|entry| inbox.uidls.is_empty() || !inbox.uidls.contains_key(&entry.uid));
        let present = derived.map(|entry| entry.email).filter(|email| coming.contains(email)).collect();
        Self { present, stored: inbox.uidls.values().cloned().collect() }
    }

    /// The UIDL of a message that comes with this one, if it cannot be the one that follows from its content.
    fn uidl(&mut self, mailbox: MailboxId, uid: Uid, email: EmailId, own: Option<&str>) -> Option<Box<str>> {
        let is_free = match own {
            Some(own) => self.stored.insert(own.into()),
            None => self.present.insert(email),
        };
        if is_free {
            return own.map(Box::from);
        }
        Some(uidl_of_twin(email, mailbox, uid))
    }
}

/// The UIDL of a message whose content is in INBOX already: no other message ever has it.
fn uidl_of_twin(email: EmailId, mailbox: MailboxId, uid: Uid) -> Box<str> {
    format!("{:x}.{:x}.{:x}", email.0, mailbox.0, uid.get()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::{MailboxName, ModSeq, UidValidity};

    #[test]
    fn uids_are_given_out_to_the_last_one_and_no_further() {
        let mut row = MailboxRow::new(MailboxName::inbox(), UidValidity::new(1).unwrap(), ModSeq(1));
        row.next_uid = u64::from(u32::MAX);
        assert_eq!(row.uid_next(), Some(Uid::MAX));
        assert_eq!(next_uids(&row, 1).unwrap().collect::<Vec<_>>(), [Uid::MAX]);
        assert!(matches!(next_uids(&row, 2), Err(MailError::UidsExhausted)));
        row.next_uid += 1;
        assert_eq!((row.uid_next(), next_uids(&row, 0).unwrap().count()), (None, 0));
        assert!(matches!(next_uids(&row, 1), Err(MailError::UidsExhausted)));
    }
}
