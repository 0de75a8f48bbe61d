//! What one client may believe of the mailbox it has open, from nothing but what it was told.

use crate::response::{Node, set};
use anyhow::{Context as _, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};

/// Flags as told, `\Recent` left out: it is each session's own.
pub(crate) type FlagSet = BTreeSet<String>;

/// One message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Known {
    /// Its UID, once told.
    pub(crate) uid: Option<u32>,
    /// Its flags, if they are known for sure.
    pub(crate) flags: Option<FlagSet>,
    /// The highest MODSEQ told.
    pub(crate) modseq: u64,
}

/// Whether a command is running during which no EXPUNGE may be told (RFC 9051 §7.5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expunges {
    Allowed,
    /// During FETCH, STORE and SEARCH with sequence numbers, and when no command runs.
    Forbidden,
}

/// An open mailbox.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    pub(crate) mailbox: String,
    pub(crate) validity: u32,
    pub(crate) uid_next: u32,
    /// The HIGHESTMODSEQ told when it was opened.
    pub(crate) opened_at: u64,
    /// By sequence number.
    pub(crate) messages: Vec<Known>,
    /// The flags that the mailbox knows.
    pub(crate) flags: FlagSet,
}

/// What a client remembers of a mailbox to ask for the difference later (RFC 7162 §3.2.5).
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    pub(crate) validity: u32,
    pub(crate) modseq: u64,
    pub(crate) messages: BTreeMap<u32, Option<FlagSet>>,
}

impl View {
    pub(crate) fn exists(&self) -> usize {
        self.messages.len()
    }

    pub(crate) fn uids(&self) -> impl Iterator<Item = u32> {
        self.messages.iter().filter_map(|message| message.uid)
    }

    /// The sequence number of a UID.
    pub(crate) fn seq_of(&self, uid: u32) -> Option<usize> {
        self.messages.iter().position(|message| message.uid == Some(uid)).map(|place| place + 1)
    }

    pub(crate) fn by_seq(&self, seq: usize) -> Option<&Known> {
        self.messages.get(seq.checked_sub(1)?)
    }

    /// The first message whose UID was not told yet.
    pub(crate) fn first_unknown(&self) -> Option<usize> {
        self.messages.iter().position(|message| message.uid.is_none()).map(|place| place + 1)
    }

    /// A message of unknown UID where this one would stand.
    fn unknown_between(&self, uid: u32) -> Option<usize> {
        let from =
            self.messages.iter().rposition(|m| m.uid.is_some_and(|known| known < uid)).map_or(0, |place| place + 1);
        let next = self.messages.get(from)?;
        next.uid.is_none().then_some(from + 1)
    }

    /// What to remember of it.
    pub(crate) fn remember(&self) -> Memory {
        let known = self.messages.iter().filter_map(|m| Some((m.uid?, m.flags.clone())));
        Memory { validity: self.validity, modseq: self.opened_at, messages: known.collect() }
    }

    /// EXISTS: never fewer, but by EXPUNGE and VANISHED.
    pub(crate) fn told_exists(&mut self, count: u32) -> anyhow::Result<()> {
        let count = usize::try_from(count)?;
        ensure!(count >= self.exists(), "EXISTS {count}, but {} messages are known", self.exists());
        self.messages.resize(count, Known::default());
        Ok(())
    }

    /// EXPUNGE
    pub(crate) fn told_expunge(&mut self, seq: u32, expunges: Expunges) -> anyhow::Result<()> {
        ensure!(expunges == Expunges::Allowed, "EXPUNGE while it must not be told");
        let seq = usize::try_from(seq)?;
        ensure!((1..=self.exists()).contains(&seq), "EXPUNGE {seq} of {}", self.exists());
        self.messages.remove(seq - 1);
        Ok(())
    }

    /// VANISHED (RFC 7162 §3.2.10). Names may be in it that the client has never heard of; those are passed over, unless
    /// it was told of messages whose UID it does not know.
    pub(crate) fn told_vanished(&mut self, uids: &str, expunges: Expunges) -> anyhow::Result<()> {
        ensure!(expunges == Expunges::Allowed, "VANISHED while it must not be told");
        for uid in set(uids).context("VANISHED without UIDs")? {
            let known = self.seq_of(uid).or_else(|| self.unknown_between(uid));
            if let Some(seq) = known {
                self.messages.remove(seq - 1);
            }
        }
        Ok(())
    }

    /// FLAGS of the mailbox
    pub(crate) fn told_flags(&mut self, nodes: &[Node]) -> anyhow::Result<()> {
        self.flags = flag_set(nodes.first().context("FLAGS without a list")?)?;
        Ok(())
    }

    /// FETCH: what it tells must fit what was told before. Yields the UID, if it is known now.
    pub(crate) fn told_fetch(&mut self, seq: u32, items: &[(String, Node)]) -> anyhow::Result<Option<u32>> {
        let seq = usize::try_from(seq)?;
        ensure!((1..=self.exists()).contains(&seq), "FETCH of {seq} where there are {}", self.exists());
        for (name, value) in items {
            match name.as_str() {
                "UID" => self.told_uid(seq, value.number().context("UID without a number")?)?,
                "FLAGS" => self.told_flags_of(seq, value)?,
                "MODSEQ" => {
                    let modseq = value.list().and_then(|list| list.first()?.number()).context("MODSEQ")?;
                    let message = self.messages.get_mut(seq - 1).context("no such message")?;
                    ensure!(modseq >= message.modseq, "MODSEQ went from {} back to {modseq}", message.modseq);
                    message.modseq = modseq;
                }
                _ => {}
            }
        }
        Ok(self.by_seq(seq).and_then(|message| message.uid))
    }

    fn told_uid(&mut self, seq: usize, uid: u32) -> anyhow::Result<()> {
        let before = self.messages.iter().take(seq - 1).rev().find_map(|m| m.uid).unwrap_or(0);
        let after = self.messages.iter().skip(seq).find_map(|m| m.uid).unwrap_or(u32::MAX);
        ensure!(before < uid && uid < after, "UID {uid} at {seq} does not lie between {before} and {after}");
        let message = self.messages.get_mut(seq - 1).context("no such message")?;
        match message.uid {
            Some(known) => ensure!(known == uid, "message {seq} had UID {known} and now has {uid}"),
            None => message.uid = Some(uid),
        }
        Ok(())
    }

    fn told_flags_of(&mut self, seq: usize, value: &Node) -> anyhow::Result<()> {
        let mut flags = flag_set(value)?;
        flags.remove("\\Recent");
        if let Some(new) = flags.iter().find(|flag| !self.flags.contains(*flag)) {
            bail!("message {seq} has the flag {new}, which the mailbox was not told to have");
        }
        self.messages.get_mut(seq - 1).context("no such message")?.flags = Some(flags);
        Ok(())
    }
}

/// Flags in parentheses.
pub(crate) fn flag_set(node: &Node) -> anyhow::Result<FlagSet> {
    let list = node.list().context("flags are not a list")?;
    list.iter().map(|flag| Ok(flag.atom().context("a flag that is no word")?.to_owned())).collect()
}

/// The items of a FETCH answer by name.
pub(crate) fn fetch_items(nodes: &[Node]) -> anyhow::Result<Vec<(String, Node)>> {
    let list = nodes.first().and_then(Node::list).context("FETCH without items")?;
    ensure!(list.len() % 2 == 0, "FETCH with an item that has no value");
    let pairs = list.chunks(2).map(|pair| match pair {
        [Node::Atom(name), value] => Ok((name.to_ascii_uppercase(), value.clone())),
        _ => bail!("an item of FETCH has no name"),
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(name: &str, value: &str) -> (String, Node) {
        (name.to_owned(), Node::Atom(value.to_owned()))
    }

    fn view(uids: &[u32]) -> View {
        let messages = uids.iter().map(|uid| Known { uid: Some(*uid), ..Known::default() }).collect();
        View { messages, ..View::default() }
    }

    #[test]
    fn what_does_not_fit_is_complained_of() {
        let mut view = view(&[3, 7]);
        assert!(view.told_exists(1).is_err());
        assert!(view.told_expunge(3, Expunges::Allowed).is_err());
        assert!(view.told_expunge(1, Expunges::Forbidden).is_err());
        assert!(view.told_fetch(2, &[item("UID", "8")]).is_err());
        assert!(view.told_fetch(3, &[item("UID", "8")]).is_err());
        view.told_exists(3).unwrap();
        assert!(view.told_fetch(3, &[item("UID", "7")]).is_err());
        assert_eq!(view.told_fetch(3, &[item("UID", "8")]).unwrap(), Some(8));
        let flags = Node::List(vec![Node::Atom("\\Seen".to_owned())]);
        assert!(view.told_fetch(1, &[("FLAGS".to_owned(), flags.clone())]).is_err());
        view.told_flags(std::slice::from_ref(&flags)).unwrap();
        view.told_fetch(1, &[("FLAGS".to_owned(), flags)]).unwrap();
        view.told_expunge(1, Expunges::Allowed).unwrap();
        assert_eq!(view.uids().collect::<Vec<_>>(), [7, 8]);
    }

    #[test]
    fn what_vanished_is_gone_once_even_if_its_uid_was_not_told() {
        let mut view = view(&[3, 7]);
        view.told_exists(4).unwrap();
        view.told_vanished("1:3,9", Expunges::Allowed).unwrap();
        assert_eq!(view.uids().collect::<Vec<_>>(), [7]);
        assert_eq!(view.exists(), 2);
    }
}
