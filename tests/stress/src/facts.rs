//! What is the same for every client: what a message is, which never changes, and where its mailbox keeps it.

use crate::messages::{message, number_in};
use crate::response::{Node, shown};
use anyhow::{Context as _, ensure};
use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A message's place: mailbox, UIDVALIDITY, UID.
pub(crate) type Place = (String, u32, u32);

/// Items whose value never changes while a message has its UID (RFC 9051 §2.3.1.1).
const CONSTANT: [&str; 8] =
    ["ENVELOPE", "BODYSTRUCTURE", "BODY", "INTERNALDATE", "RFC822.SIZE", "EMAILID", "THREADID", "SAVEDATE"];

#[derive(Debug, Default)]
struct Table {
    /// Which message lies where.
    numbers: HashMap<Place, u64>,
    constants: HashMap<Place, BTreeMap<String, Node>>,
    /// UIDVALIDITY and the highest UIDNEXT heard of each mailbox.
    mailboxes: HashMap<String, (u32, u32)>,
    /// Messages that the server took and that nobody may ever mark `\Deleted`.
    kept: Vec<u64>,
    next: u64,
}

/// What all clients know together.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    table: Mutex<Table>,
}

/// Whether nobody may mark a message `\Deleted`: in the end it must still be somewhere.
pub(crate) fn is_kept(number: u64) -> bool {
    number % 4 == 1
}

impl Facts {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number that no message has yet; a kept one only while there are not too many.
    pub(crate) fn new_number(&self) -> u64 {
        const KEPT_MAX: usize = 150;
        let mut table = self.table();
        table.next += 1;
        if is_kept(table.next) && table.kept.len() >= KEPT_MAX {
            table.next += 1;
        }
        table.next
    }

    /// The server took a message.
    pub(crate) fn took(&self, number: u64) {
        if is_kept(number) {
            self.table().kept.push(number);
        }
    }

    /// All messages that must still be somewhere.
    pub(crate) fn kept(&self) -> Vec<u64> {
        self.table().kept.clone()
    }

    /// Which message lies there, if that is known.
    pub(crate) fn number(&self, place: &Place) -> Option<u64> {
        self.table().numbers.get(place).copied()
    }

    /// A message lies at a place: always the same one.
    pub(crate) fn lies(&self, place: &Place, number: u64) -> anyhow::Result<()> {
        let mut table = self.table();
        let known = *table.numbers.entry(place.clone()).or_insert(number);
        ensure!(known == number, "{place:?} held message {known} and now {number}");
        Ok(())
    }

    /// UIDVALIDITY and UIDNEXT were told: the one stays, the other does not go back.
    pub(crate) fn mailbox(&self, name: &str, validity: u32, uid_next: Option<u32>) -> anyhow::Result<()> {
        let mut table = self.table();
        let entry = table.mailboxes.entry(name.to_owned()).or_insert((validity, 0));
        ensure!(entry.0 == validity, "UIDVALIDITY of {name} was {} and is {validity}", entry.0);
        entry.1 = entry.1.max(uid_next.unwrap_or(0));
        Ok(())
    }

    /// The highest UIDNEXT that anybody has heard of a mailbox.
    pub(crate) fn uid_next(&self, name: &str) -> u32 {
        self.table().mailboxes.get(name).map_or(0, |entry| entry.1)
    }

    /// The server gave a UID to a new message: at least the UIDNEXT that was told before the command was given.
    pub(crate) fn assigned(&self, name: &str, validity: u32, uid: u32, told_before: u32) -> anyhow::Result<()> {
        ensure!(uid >= told_before, "{name} gave UID {uid} after it had told UIDNEXT {told_before}");
        self.mailbox(name, validity, uid.checked_add(1))
    }

    /// Items of FETCH: the constant ones are compared with what anybody was told before, the content with the message.
    pub(crate) fn fetched(&self, place: &Place, items: &[(String, Node)]) -> anyhow::Result<()> {
        for (name, value) in items {
            if name.starts_with("BODY[HEADER.FIELDS") && name.contains(FIELD_IN_CAPITALS) {
                let header = value.text().context("a header that is no string")?;
                self.lies(place, number_in(header).with_context(|| format!("{place:?} has no number"))?)?;
            }
        }
        let number = self.number(place);
        for (name, value) in items {
            if CONSTANT.contains(&name.as_str()) {
                let mut table = self.table();
                let known = table.constants.entry(place.clone()).or_default();
                let known = known.entry(name.clone()).or_insert_with(|| value.clone());
                ensure!(known == value, "{name} of {place:?} was {known:?} and is {value:?}");
            }
            if let (Some(number), "BODY[]") = (number, name.as_str()) {
                let text = value.text().context("a body that is no string")?;
                ensure!(text == message(number), "{place:?} is not message {number}: {}", shown(text));
            }
        }
        Ok(())
    }
}

/// The field as it stands in the answer's item, which is compared in capitals.
const FIELD_IN_CAPITALS: &str = "X-STRESS-ID";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_holds_one_message_and_its_constants() {
        let facts = Facts::default();
        let place = ("INBOX".to_owned(), 1, 2);
        facts.lies(&place, 5).unwrap();
        assert!(facts.lies(&place, 6).is_err());
        let size = |n: &str| [("RFC822.SIZE".to_owned(), Node::Atom(n.to_owned()))];
        facts.fetched(&place, &size("10")).unwrap();
        assert!(facts.fetched(&place, &size("11")).is_err());
        assert!(facts.fetched(&place, &[("BODY[]".to_owned(), Node::Text(message(6)))]).is_err());
        facts.fetched(&place, &[("BODY[]".to_owned(), Node::Text(message(5)))]).unwrap();
        facts.mailbox("INBOX", 1, Some(9)).unwrap();
        assert!(facts.mailbox("INBOX", 2, None).is_err());
        assert!(facts.assigned("INBOX", 1, 8, 9).is_err());
        assert_eq!(crate::messages::FIELD.to_uppercase(), FIELD_IN_CAPITALS);
    }
}
