//! Where all connections stand still and are compared: nobody changes anything until everybody has been looked at.

use crate::act::{MAILBOXES, catch_up};
use crate::client::Client;
use crate::facts::Facts;
use crate::messages::FIELD;
use crate::view::{Expunges, FlagSet};
use anyhow::{Context as _, bail, ensure};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Condvar, Mutex, PoisonError};

/// Messages by UID with their flags.
type Messages = BTreeMap<u32, FlagSet>;

#[derive(Debug, Default)]
struct State {
    arrived: usize,
    passed: u64,
    /// Somebody complained: nobody waits any more.
    is_over: bool,
    /// What the first client that looked saw in each mailbox.
    seen: HashMap<String, Messages>,
}

/// The place where all meet.
#[derive(Debug)]
pub(crate) struct Meeting {
    clients: usize,
    state: Mutex<State>,
    changed: Condvar,
}

impl Meeting {
    pub(crate) fn new(clients: usize) -> Self {
        Self { clients, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Waits for all the others.
    pub(crate) fn wait(&self) -> anyhow::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.arrived += 1;
        if state.arrived == self.clients {
            state.arrived = 0;
            state.passed += 1;
            self.changed.notify_all();
        } else {
            let passed = state.passed;
            while state.passed == passed && !state.is_over {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        if state.is_over {
            bail!(Elsewhere);
        }
        Ok(())
    }

    /// Ends it for all.
    pub(crate) fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.changed.notify_all();
    }

    /// What stands in a mailbox must be what the others see; the first one decides.
    fn compare(&self, mailbox: &str, messages: &Messages) -> anyhow::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let first = state.seen.entry(mailbox.to_owned()).or_insert_with(|| messages.clone());
        ensure!(first == messages, "{mailbox} is not the same for all: {}", difference(first, messages));
        Ok(())
    }

    fn forget(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).seen.clear();
    }
}

/// Somebody else complained.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Elsewhere;

impl std::fmt::Display for Elsewhere {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("another connection complained")
    }
}

impl std::error::Error for Elsewhere {}

fn difference(one: &Messages, other: &Messages) -> String {
    let uids: std::collections::BTreeSet<&u32> = one.keys().chain(other.keys()).collect();
    let differ = uids.into_iter().filter(|uid| one.get(uid) != other.get(uid));
    let told = differ.take(10).map(|uid| format!("UID {uid}: {:?} or {:?}", one.get(uid), other.get(uid)));
    told.collect::<Vec<_>>().join("; ")
}

/// One client's part of it.
pub(crate) fn stand_still(client: &mut Client, meeting: &Meeting) -> anyhow::Result<()> {
    meeting.wait()?;
    if client.view.is_some() {
        client.expect("NOOP", Expunges::Allowed)?;
        catch_up(client)?;
        let believed = client.open()?.clone();
        let exists = believed.exists();
        let mut truth = Messages::new();
        if exists > 0 {
            let answer = client.expect("FETCH 1:* (UID FLAGS)", Expunges::Forbidden)?;
            ensure!(answer.fetched.len() == exists, "{} of {exists} messages were fetched", answer.fetched.len());
            for ((seq, uid), (_, flags)) in answer.fetched.iter().zip(&answer.flags) {
                let mut flags = flags.clone();
                flags.remove("\\Recent");
                let uid = uid.context("a message without a UID")?;
                let known = believed.by_seq(usize::try_from(*seq)?).context("a message that nobody knows")?;
                ensure!(known.uid == Some(uid), "message {seq} was believed to be {:?} and is {uid}", known.uid);
                if let Some(known) = &known.flags {
                    ensure!(*known == flags, "UID {uid} was believed to have {known:?} and has {flags:?}");
                }
                truth.insert(uid, flags);
            }
        }
        ensure!(client.open()?.exists() == exists, "something moved while all stood still");
        meeting.compare(&believed.mailbox, &truth)?;
    }
    meeting.wait()?;
    meeting.forget();
    meeting.wait()
}

/// Nothing that had to stay has left.
pub(crate) fn nothing_is_lost(client: &mut Client, facts: &Facts) -> anyhow::Result<usize> {
    let mut there = HashSet::new();
    let mut count = 0;
    for mailbox in MAILBOXES {
        client.select(mailbox, true)?;
        catch_up(client)?;
        if client.open()?.exists() > 0 {
            client.expect(&format!("UID FETCH 1:* (UID BODY.PEEK[HEADER.FIELDS ({FIELD})])"), Expunges::Allowed)?;
            client.expect("UID FETCH 1:* (UID BODY.PEEK[])", Expunges::Allowed)?;
        }
        let view = client.open()?;
        count += view.exists();
        let numbers = view.uids().filter_map(|uid| facts.number(&(mailbox.to_owned(), view.validity, uid)));
        there.extend(numbers);
    }
    let lost: Vec<u64> = facts.kept().into_iter().filter(|number| !there.contains(number)).collect();
    ensure!(lost.is_empty(), "messages are lost: {lost:?}");
    Ok(count)
}
