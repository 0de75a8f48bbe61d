//! What the clients know: of each letter in each account, where it may be; of each mailbox, the numbers it has shown.

use anyhow::{Context as _, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Where a letter is, as far as known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Not in the account.
    Nowhere,
    /// In a mailbox.
    In {
        mailbox: String,
        /// Unknown until somebody has seen it.
        uid: Option<u32>,
        flags: BTreeSet<String>,
        /// The highest that it was seen with.
        modseq: u64,
    },
}

impl Place {
    pub(crate) fn fresh(mailbox: &str, uid: Option<u32>) -> Self {
        Self::In { mailbox: mailbox.to_owned(), uid, flags: BTreeSet::new(), modseq: 0 }
    }
}

/// A letter that a look after a restart found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) mailbox: String,
    pub(crate) uid: u32,
    pub(crate) flags: BTreeSet<String>,
    pub(crate) modseq: u64,
}

/// One letter in one account.
#[derive(Clone, Debug)]
struct Fate {
    /// Every place where it may be; one when nothing is under way.
    places: Vec<Place>,
    /// Its delivery has no answer yet, and nobody has seen it.
    arriving: bool,
}

/// The numbers of a mailbox (RFC 9051 §2.3.1.1, RFC 7162 §3.1.2).
#[derive(Clone, Debug, Default)]
pub(crate) struct Numbers {
    validity: Option<u64>,
    next: u64,
    modseq: u64,
    /// Every UID ever seen, and whose it was.
    uids: BTreeMap<u32, String>,
}

#[derive(Debug, Default)]
struct Book {
    letters: BTreeMap<String, Fate>,
    mailboxes: BTreeMap<String, Numbers>,
}

/// All accounts' books; clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    books: BTreeMap<usize, Book>,
    acknowledged: u64,
}

impl Inner {
    fn book(&mut self, account: usize) -> &mut Book {
        self.books.entry(account).or_default()
    }
}

impl Ledger {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Before the last byte of a letter goes out: it may be nowhere or there.
    pub(crate) fn arriving(&self, account: usize, name: &str, mailbox: &str) {
        let places = vec![Place::Nowhere, Place::fresh(mailbox, None)];
        self.inner().book(account).letters.insert(name.to_owned(), Fate { places, arriving: true });
    }

    /// The answer came: it is there, with this UID if the answer said so.
    pub(crate) fn arrived(&self, account: usize, name: &str, mailbox: &str, uid: Option<u32>) -> anyhow::Result<()> {
        let mut inner = self.inner();
        inner.acknowledged += 1;
        let book = inner.book(account);
        let fate = book.letters.get_mut(name).context("an answer without a delivery")?;
        // Somebody may have seen it, and gone on with it, before the answer was read.
        if fate.arriving {
            *fate = Fate { places: vec![Place::fresh(mailbox, uid)], arriving: false };
        }
        uid.map_or(Ok(()), |uid| book.mailboxes.entry(mailbox.to_owned()).or_default().show(uid, name))
    }

    /// A client sees it: it is there for sure.
    pub(crate) fn seen(&self, account: usize, name: &str, mailbox: &str, uid: Option<u32>) -> anyhow::Result<()> {
        let mut inner = self.inner();
        let book = inner.book(account);
        let fate = book.letters.get_mut(name).with_context(|| format!("{name} was never sent"))?;
        if fate.arriving {
            *fate = Fate { places: vec![Place::fresh(mailbox, uid)], arriving: false };
        }
        if let ([Place::In { uid: known, .. }], Some(uid)) = (fate.places.as_mut_slice(), uid) {
            ensure!(known.is_none_or(|known| known == uid), "{name} had UID {known:?} and now has {uid}");
            *known = Some(uid);
        }
        uid.map_or(Ok(()), |uid| book.mailboxes.entry(mailbox.to_owned()).or_default().show(uid, name))
    }

    /// Before a command goes out that may put the letter there.
    pub(crate) fn begin(&self, account: usize, name: &str, then: impl Fn(&Place) -> Place) -> anyhow::Result<()> {
        let mut inner = self.inner();
        let fate = inner.book(account).letters.get_mut(name).context("a command on an unknown letter")?;
        let [now] = fate.places.as_slice() else { bail!("{name} has two commands under way") };
        let next = then(now);
        fate.places.push(next);
        Ok(())
    }

    /// The command's OK came: what it does is done. `more` adds what the answer told.
    pub(crate) fn done(&self, account: usize, name: &str, more: impl FnOnce(&mut Place)) -> anyhow::Result<()> {
        let mut inner = self.inner();
        inner.acknowledged += 1;
        let book = inner.book(account);
        let fate = book.letters.get_mut(name).context("an answer on an unknown letter")?;
        let mut place = fate.places.pop().context("no place")?;
        more(&mut place);
        if let Place::In { mailbox, uid: Some(uid), modseq, .. } = &place {
            let numbers = book.mailboxes.entry(mailbox.clone()).or_default();
            numbers.show(*uid, name)?;
            numbers.modseq = numbers.modseq.max(*modseq);
        }
        fate.places = vec![place];
        Ok(())
    }

    /// How many letters an account may hold.
    pub(crate) fn living(&self, account: usize) -> usize {
        let mut inner = self.inner();
        let there = |fate: &&Fate| fate.places.iter().any(|place| *place != Place::Nowhere);
        inner.book(account).letters.values().filter(there).count()
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.inner().acknowledged
    }

    /// For the test's output.
    pub(crate) fn figures(&self) -> String {
        let inner = self.inner();
        let letters: Vec<usize> = inner.books.values().map(|book| book.letters.len()).collect();
        format!("{} acknowledged, letters {letters:?}", inner.acknowledged)
    }

    /// After a restart: a mailbox's numbers must go on from what was seen.
    pub(crate) fn look_at_mailbox(
        &self,
        account: usize,
        mailbox: &str,
        [validity, next, modseq]: [u64; 3],
    ) -> anyhow::Result<()> {
        let mut inner = self.inner();
        let numbers = inner.book(account).mailboxes.entry(mailbox.to_owned()).or_default();
        let known = *numbers.validity.get_or_insert(validity);
        ensure!(known == validity, "{mailbox}: UIDVALIDITY was {known} and is {validity}");
        ensure!(next >= numbers.next, "{mailbox}: UIDNEXT was {} and is {next}", numbers.next);
        let highest = numbers.uids.keys().next_back().copied().unwrap_or(0);
        ensure!(next > u64::from(highest), "{mailbox}: UID {highest} was given, UIDNEXT is {next}");
        ensure!(modseq >= numbers.modseq, "{mailbox}: MODSEQ {} was seen, the highest is {modseq}", numbers.modseq);
        (numbers.next, numbers.modseq) = (next, modseq);
        Ok(())
    }

    /// After a restart: each letter must be in one of its possible places, and from now on is there for sure.
    pub(crate) fn settle(&self, account: usize, found: &BTreeMap<String, Found>) -> anyhow::Result<()> {
        let mut inner = self.inner();
        let book = inner.book(account);
        for (name, found) in found {
            ensure!(book.letters.contains_key(name), "{name} is there and was never sent");
            book.mailboxes.entry(found.mailbox.clone()).or_default().show(found.uid, name)?;
        }
        for (name, fate) in &mut book.letters {
            let now = found.get(name);
            let fits = fate.places.iter().any(|place| place.fits(now));
            ensure!(fits, "account {account}: {name} is {now:?}, and may be {:?}", fate.places);
            let settled = now.map_or(Place::Nowhere, |found| Place::In {
                mailbox: found.mailbox.clone(),
                uid: Some(found.uid),
                flags: found.flags.clone(),
                modseq: found.modseq,
            });
            *fate = Fate { places: vec![settled], arriving: false };
        }
        // What is gone for good need not be looked at again; its UIDs stay known.
        book.letters.retain(|_, fate| fate.places != [Place::Nowhere]);
        Ok(())
    }
}

impl Numbers {
    /// A UID belongs to one letter for ever.
    fn show(&mut self, uid: u32, name: &str) -> anyhow::Result<()> {
        let owner = self.uids.entry(uid).or_insert_with(|| name.to_owned());
        ensure!(owner == name, "UID {uid} was {owner}'s and is {name}'s");
        Ok(())
    }
}

impl Place {
    fn fits(&self, found: Option<&Found>) -> bool {
        match (self, found) {
            (Self::Nowhere, None) => true,
            (Self::In { mailbox, uid, flags, modseq }, Some(found)) => {
                *mailbox == found.mailbox
                    && uid.is_none_or(|uid| uid == found.uid)
                    && *flags == found.flags
                    && found.modseq >= *modseq
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(mailbox: &str, uid: u32) -> Found {
        Found { mailbox: mailbox.into(), uid, flags: BTreeSet::new(), modseq: 7 }
    }

    fn one(name: &str, found: Found) -> BTreeMap<String, Found> {
        [(name.to_owned(), found)].into()
    }

    /// A ledger with one letter that was acknowledged, as UID 3 of INBOX.
    fn with_letter() -> Ledger {
        let ledger = Ledger::default();
        ledger.arriving(0, "x", "INBOX");
        ledger.arrived(0, "x", "INBOX", Some(3)).unwrap();
        ledger
    }

    #[test]
    fn a_lost_letter_is_noticed_and_one_without_an_answer_may_be_lost() {
        assert!(with_letter().settle(0, &BTreeMap::new()).is_err());
        let ledger = Ledger::default();
        ledger.arriving(0, "x", "INBOX");
        ledger.settle(0, &BTreeMap::new()).unwrap();
        ledger.arriving(0, "y", "INBOX");
        ledger.settle(0, &one("y", found("INBOX", 1))).unwrap();
    }

    #[test]
    fn a_letter_elsewhere_or_under_another_uid_or_with_other_flags_or_an_older_modseq_is_noticed() {
        with_letter().settle(0, &one("x", found("INBOX", 3))).unwrap();
        assert!(with_letter().settle(0, &one("x", found("Archive", 3))).is_err());
        assert!(with_letter().settle(0, &one("x", found("INBOX", 4))).is_err());
        let flagged = Found { flags: ["\\Seen".to_owned()].into(), ..found("INBOX", 3) };
        assert!(with_letter().settle(0, &one("x", flagged)).is_err());
        let ledger = with_letter();
        ledger.settle(0, &one("x", found("INBOX", 3))).unwrap();
        assert!(ledger.settle(0, &one("x", Found { modseq: 6, ..found("INBOX", 3) })).is_err());
    }

    #[test]
    fn a_command_under_way_may_be_done_or_not_and_one_that_was_answered_is_done() {
        let moved = |_: &Place| Place::fresh("Archive", None);
        for (place, answered, fine) in [("INBOX", false, true), ("Archive", false, true), ("INBOX", true, false)] {
            let ledger = with_letter();
            ledger.begin(0, "x", moved).unwrap();
            if answered {
                ledger.done(0, "x", |_| ()).unwrap();
            }
            assert_eq!(ledger.settle(0, &one("x", found(place, 3))).is_ok(), fine, "{place} {answered}");
        }
    }

    #[test]
    fn a_uid_given_twice_and_numbers_that_go_back_are_noticed() {
        let ledger = with_letter();
        ledger.arriving(0, "y", "INBOX");
        assert!(ledger.arrived(0, "y", "INBOX", Some(3)).is_err());
        ledger.look_at_mailbox(0, "INBOX", [1, 4, 9]).unwrap();
        ledger.look_at_mailbox(0, "INBOX", [1, 5, 9]).unwrap();
        assert!(ledger.look_at_mailbox(0, "INBOX", [2, 5, 9]).is_err());
        assert!(ledger.look_at_mailbox(0, "INBOX", [1, 4, 9]).is_err());
        assert!(ledger.look_at_mailbox(0, "INBOX", [1, 5, 8]).is_err());
        assert!(with_letter().look_at_mailbox(0, "INBOX", [1, 3, 9]).is_err());
    }

    #[test]
    fn a_letter_that_nobody_sent_is_noticed() {
        assert!(Ledger::default().settle(0, &one("x", found("INBOX", 1))).is_err());
    }
}
