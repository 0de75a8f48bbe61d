//! Random commands.

use crate::client::{Answer, Client};
use crate::facts::is_kept;
use crate::messages::{FIELD, message};
use crate::response::{Node, Status};
use crate::view::{Expunges, FlagSet};
use anyhow::{Context as _, ensure};
use std::time::Duration;

/// The mailboxes that all share.
pub(crate) const MAILBOXES: [&str; 3] = ["INBOX", "stress/eins", "stress/zwei"];

/// Above this many messages in the open mailbox nothing is added to it.
const MESSAGES_MAX: usize = 150;
/// How many messages a command names at most.
const NAMED_MAX: usize = 12;

/// Flags that are set and cleared at random; `\Deleted` has its own rule.
const FLAGS: [&str; 6] = ["\\Seen", "\\Answered", "\\Flagged", "\\Draft", "$Eins", "zwei"];

/// What FETCH is asked for.
const ITEMS: [&str; 8] = [
    "FLAGS",
    "(UID FLAGS)",
    "(UID ENVELOPE RFC822.SIZE)",
    "(UID BODYSTRUCTURE INTERNALDATE)",
    "(UID BODY.PEEK[])",
    "(UID BODY[])",
    "(BODY.PEEK[TEXT]<0.20> UID)",
    "(UID FLAGS BODY.PEEK[HEADER.FIELDS (Subject)])",
];

/// Gives one command.
pub(crate) fn act(client: &mut Client) -> anyhow::Result<()> {
    if client.view.is_none() || client.random.once_in(25) {
        return select(client);
    }
    catch_up(client)?;
    let exists = client.open()?.exists();
    match client.random.below(20) {
        0 | 1 => append(client),
        2..5 => fetch(client),
        5 => uid_fetch(client),
        6..9 => store(client),
        9 | 10 => uid_store(client),
        11 | 12 => mark_deleted(client),
        13 if exists > 20 => expunge(client),
        14 => copy_or_move(client),
        15 => search(client),
        16 => client.idle(Duration::from_millis(20)),
        17 => look_elsewhere(client),
        18 if client.random.once_in(8) => leave(client),
        _ => {
            let command = if client.random.once_in(3) { "CHECK" } else { "NOOP" };
            client.expect(command, Expunges::Allowed).map(drop)
        }
    }
}

fn select(client: &mut Client) -> anyhow::Result<()> {
    let mailbox = *client.random.pick(&MAILBOXES);
    let read_only = client.random.once_in(6);
    client.select(mailbox, read_only)?;
    catch_up(client)
}

/// Asks for what a client needs to know of each message; new ones only, if it knows the others.
pub(crate) fn catch_up(client: &mut Client) -> anyhow::Result<()> {
    let Some(first) = client.open()?.first_unknown() else { return Ok(()) };
    let last = client.open()?.exists();
    let command = format!("FETCH {first}:{last} (UID FLAGS BODY.PEEK[HEADER.FIELDS ({FIELD})])");
    let answer = client.command(&command, Expunges::Forbidden)?;
    if answer.is_ok() {
        all_fetched(&answer, &(first..=last).collect::<Vec<_>>())?;
    }
    fetched_or_gone(&answer)
}

/// FETCH and STORE may fail only because messages are gone.
fn fetched_or_gone(answer: &Answer) -> anyhow::Result<()> {
    let gone = |status: &Status| ["EXPUNGEISSUED", "NONEXISTENT"].iter().any(|code| status.has_code(code));
    ensure!(answer.is_ok() || answer.status.as_ref().is_some_and(gone), "not done: {:?}", answer.status);
    Ok(())
}

fn all_fetched(answer: &Answer, seqs: &[usize]) -> anyhow::Result<()> {
    let told: Vec<usize> = answer.fetched.iter().filter_map(|(seq, _)| usize::try_from(*seq).ok()).collect();
    let missing: Vec<_> = seqs.iter().filter(|seq| !told.contains(seq)).collect();
    ensure!(missing.is_empty(), "no FETCH answer for {missing:?}");
    Ok(())
}

/// A few sequence numbers and how they are written.
fn some_seqs(client: &mut Client) -> Option<(String, Vec<usize>)> {
    let exists = client.view.as_ref()?.exists();
    if exists == 0 {
        return None;
    }
    let first = 1 + client.random.below(exists);
    let last = (first + client.random.below(NAMED_MAX)).min(exists);
    Some(match client.random.below(4) {
        0 => (first.to_string(), vec![first]),
        1 => ("*".to_owned(), vec![exists]),
        2 if last > first => (format!("{last},{first}"), vec![first, last]),
        _ => (format!("{first}:{last}"), (first..=last).collect()),
    })
}

/// A few UIDs that the client knows.
fn some_uids(client: &mut Client, fits: impl Fn(&Client, u32) -> bool) -> Option<Vec<u32>> {
    let uids: Vec<u32> = client.view.as_ref()?.uids().filter(|uid| fits(client, *uid)).collect();
    if uids.is_empty() {
        return None;
    }
    let from = client.random.below(uids.len());
    let count = 1 + client.random.below(NAMED_MAX);
    Some(uids.into_iter().skip(from).take(count).collect())
}

fn written(uids: &[u32]) -> String {
    uids.iter().map(u32::to_string).collect::<Vec<_>>().join(",")
}

fn fetch(client: &mut Client) -> anyhow::Result<()> {
    let Some((text, seqs)) = some_seqs(client) else { return Ok(()) };
    let items = *client.random.pick(&ITEMS);
    let answer = client.command(&format!("FETCH {text} {items}"), Expunges::Forbidden)?;
    if answer.is_ok() {
        all_fetched(&answer, &seqs)?;
    }
    fetched_or_gone(&answer)
}

fn uid_fetch(client: &mut Client) -> anyhow::Result<()> {
    let Some(uids) = some_uids(client, |_, _| true) else { return Ok(()) };
    let items = *client.random.pick(&ITEMS);
    let answer = client.command(&format!("UID FETCH {} {items}", written(&uids)), Expunges::Allowed)?;
    let view = client.open()?;
    for uid in uids.iter().filter(|uid| view.seq_of(**uid).is_some()) {
        ensure!(answer.fetched.iter().any(|(_, told)| *told == Some(*uid)), "no FETCH answer for UID {uid}");
    }
    fetched_or_gone(&answer)
}

/// A change of flags: how it is written, and what it makes of those that were there.
struct Change {
    sign: &'static str,
    flags: FlagSet,
    is_silent: bool,
}

impl Change {
    fn random(client: &mut Client) -> Self {
        let count = 1 + client.random.below(2);
        let flags = (0..count).map(|_| (*client.random.pick(&FLAGS)).to_owned()).collect();
        let sign = *client.random.pick(&["+", "+", "-", ""]);
        Self { sign, flags, is_silent: client.random.once_in(2) }
    }

    fn written(&self) -> String {
        let silent = if self.is_silent { ".SILENT" } else { "" };
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        format!("{}FLAGS{silent} ({})", self.sign, flags.join(" "))
    }

    fn apply(&self, flags: &FlagSet) -> FlagSet {
        match self.sign {
            "+" => flags.union(&self.flags).cloned().collect(),
            "-" => flags.difference(&self.flags).cloned().collect(),
            _ => self.flags.clone(),
        }
    }
}

/// Gives a STORE and takes in what a client reckons by itself.
fn give_store(client: &mut Client, command: &str, change: &Change, seqs: &[usize], uids: bool) -> anyhow::Result<()> {
    if client.read_only {
        return Ok(());
    }
    let named: Vec<Option<u32>> = seqs.iter().map(|seq| client.open().ok()?.by_seq(*seq)?.uid).collect();
    if change.is_silent {
        let view = client.open_mut()?;
        for seq in seqs {
            let message = view.messages.get_mut(seq - 1).context("no such message")?;
            message.flags = message.flags.as_ref().map(|flags| change.apply(flags));
        }
    }
    let expunges = if uids { Expunges::Allowed } else { Expunges::Forbidden };
    let answer = client.command(&format!("{command} {}", change.written()), expunges)?;
    if !answer.is_ok() {
        // Some were changed, others were not.
        let view = client.open_mut()?;
        for uid in named.iter().flatten() {
            if let Some(message) = view.seq_of(*uid).and_then(|seq| view.messages.get_mut(seq - 1)) {
                message.flags = None;
            }
        }
    } else if !change.is_silent && client.stores_tell_all {
        let told = |uid: &u32| answer.fetched.iter().any(|(_, told)| told == &Some(*uid));
        let untold: Vec<u32> = named.iter().flatten().copied().filter(|uid| !told(uid)).collect();
        if !untold.is_empty() {
            // They may be gone, which could not be told before (RFC 2180 §4.2).
            client.expect("NOOP", Expunges::Allowed)?;
        }
        let view = client.open()?;
        let still: Vec<_> = untold.iter().filter(|uid| view.seq_of(**uid).is_some()).collect();
        ensure!(still.is_empty(), "STORE did not tell of UIDs {still:?}, which are still there");
    }
    fetched_or_gone(&answer)
}

fn store(client: &mut Client) -> anyhow::Result<()> {
    let Some((text, seqs)) = some_seqs(client) else { return Ok(()) };
    let change = Change::random(client);
    give_store(client, &format!("STORE {text}"), &change, &seqs, false)
}

fn uid_store(client: &mut Client) -> anyhow::Result<()> {
    let Some(uids) = some_uids(client, |_, _| true) else { return Ok(()) };
    let change = Change::random(client);
    store_uids(client, &uids, &change)
}

fn store_uids(client: &mut Client, uids: &[u32], change: &Change) -> anyhow::Result<()> {
    let view = client.open()?;
    let seqs: Vec<usize> = uids.iter().filter_map(|uid| view.seq_of(*uid)).collect();
    give_store(client, &format!("UID STORE {}", written(uids)), change, &seqs, true)
}

/// Whether a message may be marked `\Deleted` or be copied: it is known, and need not still be there in the end.
fn is_free(client: &Client, uid: u32) -> bool {
    let place = client.view.as_ref().map(|view| (view.mailbox.clone(), view.validity, uid));
    place.and_then(|place| client.facts.number(&place)).is_some_and(|number| !is_kept(number))
}

fn mark_deleted(client: &mut Client) -> anyhow::Result<()> {
    let Some(uids) = some_uids(client, is_free) else { return Ok(()) };
    let flags = [String::from("\\Deleted")].into();
    let sign = if client.random.once_in(5) { "-" } else { "+" };
    let change = Change { sign, flags, is_silent: client.random.once_in(2) };
    store_uids(client, &uids, &change)
}

fn expunge(client: &mut Client) -> anyhow::Result<()> {
    if client.read_only {
        return Ok(());
    }
    if client.random.once_in(3)
        && let Some(uids) = some_uids(client, |_, _| true)
    {
        return client.expect(&format!("UID EXPUNGE {}", written(&uids)), Expunges::Allowed).map(drop);
    }
    client.expect("EXPUNGE", Expunges::Allowed).map(drop)
}

fn append(client: &mut Client) -> anyhow::Result<()> {
    let mailbox = *client.random.pick(&MAILBOXES);
    let view = client.open()?;
    if view.exists() > MESSAGES_MAX || (view.mailbox != mailbox && client.random.once_in(2)) {
        return Ok(());
    }
    let number = client.facts.new_number();
    let flag = *client.random.pick(&FLAGS);
    let told_before = client.facts.uid_next(mailbox);
    let answer = client.append(&format!("{mailbox} ({flag})"), &message(number))?;
    ensure!(answer.is_ok(), "APPEND was answered {:?}", answer.status);
    client.facts.took(number);
    if let [name, validity, uid] = answer.code()
        && name.atom() == Some("APPENDUID")
    {
        let validity = validity.number().context("APPENDUID without UIDVALIDITY")?;
        let uid = uid.number().context("APPENDUID without a UID")?;
        client.facts.assigned(mailbox, validity, uid, told_before)?;
        client.facts.lies(&(mailbox.to_owned(), validity, uid), number)?;
    }
    Ok(())
}

fn copy_or_move(client: &mut Client) -> anyhow::Result<()> {
    let target = *client.random.pick(&MAILBOXES);
    let is_move = client.random.once_in(2) && client.has("MOVE");
    let (mailbox, exists) = client.open().map(|view| (view.mailbox.clone(), view.exists()))?;
    if (is_move && (client.read_only || target == mailbox)) || (!is_move && exists > MESSAGES_MAX / 2) {
        return Ok(());
    }
    let uids = if is_move { some_uids(client, |_, _| true) } else { some_uids(client, is_free) };
    let Some(uids) = uids else { return Ok(()) };
    let verb = if is_move { "MOVE" } else { "COPY" };
    client.moving_to = is_move.then(|| target.to_owned());
    let by_seq = client.random.once_in(2);
    let named: Vec<u32> = if by_seq {
        let view = client.open()?;
        uids.iter().filter_map(|uid| u32::try_from(view.seq_of(*uid)?).ok()).collect()
    } else {
        uids
    };
    let prefix = if by_seq { "" } else { "UID " };
    let answer = client.command(&format!("{prefix}{verb} {} {target}", written(&named)), Expunges::Allowed)?;
    client.moving_to = None;
    if answer.is_ok() && answer.code().first().and_then(Node::atom) == Some("COPYUID") {
        client.learn_copies(target, answer.code())?;
    }
    fetched_or_gone(&answer)
}

fn search(client: &mut Client) -> anyhow::Result<()> {
    const KEYS: [&str; 7] = ["ALL", "SEEN", "UNFLAGGED", "NOT DELETED", "KEYWORD zwei", "LARGER 400", "SUBJECT Brief"];
    let key = *client.random.pick(&KEYS);
    if client.random.once_in(2) {
        let answer = client.expect(&format!("UID SEARCH {key}"), Expunges::Allowed)?;
        ensure!(answer.found.iter().all(|uid| *uid > 0), "UID 0 was found");
        return Ok(());
    }
    let answer = client.expect(&format!("SEARCH {key}"), Expunges::Forbidden)?;
    let exists = client.open()?.exists();
    let fits = |number: &u32| usize::try_from(*number).is_ok_and(|number| (1..=exists).contains(&number));
    ensure!(answer.found.iter().all(fits), "SEARCH found {:?} of {exists}", answer.found);
    Ok(())
}

fn look_elsewhere(client: &mut Client) -> anyhow::Result<()> {
    let mailbox = *client.random.pick(&MAILBOXES);
    let command = match client.random.below(3) {
        0 => "LIST \"\" *".to_owned(),
        _ => format!("STATUS {mailbox} (MESSAGES UIDNEXT UIDVALIDITY UNSEEN)"),
    };
    client.expect(&command, Expunges::Allowed).map(drop)
}

fn leave(client: &mut Client) -> anyhow::Result<()> {
    let command = if client.has("UNSELECT") && client.random.once_in(2) { "UNSELECT" } else { "CLOSE" };
    client.expect(command, Expunges::Forbidden)?;
    client.unselected();
    Ok(())
}
