//! STORE and UID STORE (RFC 3501 §6.4.6, UNCHANGEDSINCE: RFC 7162 §3.1.3)

use super::message_limit;
use crate::rights::allowed;
use crate::session::Session;
use crate::status;
use domain::{FlagNames, MailError};
use proto_imap::command::Store;
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use types::{FlagChange, Flags, Keywords, Rights, Uid, UidSet};

/// With all of these every flag can be changed.
const ALL_FLAGS: Rights = Rights::SEEN.union(Rights::WRITE).union(Rights::DELETE_MESSAGES);

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, store: Store) -> io::Result<Status> {
    if store.unchanged_since.is_some() {
        session.enable_condstore();
    }
    let account = session.selected()?.account.clone();
    let selected = session.selected()?;
    if selected.read_only {
        return Ok(status::read_only());
    }
    let rights = selected.rights;
    if !may_store(rights, &store) {
        return Ok(status::of_mail(&MailError::NotPermitted));
    }
    let Ok(selection) = selected.told.resolve(&store.messages) else { return Ok(status::no_such_message()) };
    let (selection, exceeded) = message_limit::cut(session, selection, None)?;
    let selected = session.selected()?;
    let some_gone = selected.told.messages(&selection).any(|message| message.expunged);
    let uids = selected.told.uids(&selection);
    let names = allowed(rights, FlagNames { system: store.flags.system, keywords: store.flags.keywords.clone() });
    let change = (store.change, &names);
    let stored = account.store_flags_with(selected.id, &uids, change, store.unchanged_since, rights);
    let stored = match session.await_verb(stored).await? {
        Ok(stored) => stored,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let selected = session.selected_mut()?;
    let changed = UidSet::from_uids(members(&uids, selected, |uid| !stored.modified.contains(uid)));
    // What a client cannot know is told: that flags which it may not change stayed.
    if store.silent && (store.change != FlagChange::Replace || rights.contains(ALL_FLAGS)) {
        let flags = word(&names, &selected.view.current().keywords);
        selected.told.silence(changed, store.change, flags);
    } else {
        selected.told.owe(changed);
    }
    if !stored.modified.is_empty() {
        let code = Code::Modified(modified(session, &store, &stored.modified)?);
        let status = Status::ok("STORE completed, but for these").with_code(code);
        return Ok(message_limit::answer(session, status, exceeded));
    }
    let status = if some_gone { status::expunge_issued() } else { Status::ok("STORE completed") };
    Ok(message_limit::answer(session, status, exceeded))
}

/// Whether one of the flags that are named may be changed: a STORE fails only if none may (RFC 4314 §4).
fn may_store(rights: Rights, store: &Store) -> bool {
    if store.change == FlagChange::Replace {
        return rights.has_any(ALL_FLAGS);
    }
    let names = FlagNames { system: store.flags.system, keywords: store.flags.keywords.clone() };
    let left = allowed(rights, names.clone());
    left.system != Flags::NONE || !left.keywords.is_empty() || (names == left && rights.has_any(ALL_FLAGS))
}

fn members<'a>(
    uids: &'a UidSet,
    selected: &'a crate::selected::Selected,
    keep: impl Fn(Uid) -> bool + 'a,
) -> impl Iterator<Item = Uid> + 'a {
    let ranges = uids.ranges().iter().filter_map(|range| Some((Uid::new(*range.start())?, *range.end())));
    let snapshot = selected.told.snapshot();
    let known = ranges.flat_map(|(first, last)| snapshot.iter_from(first).take_while(move |e| e.uid.get() <= last));
    known.map(|e| e.uid).filter(move |uid| keep(*uid))
}

/// The flag word of these names; keywords that the table does not have are left out.
fn word(names: &FlagNames, table: &Keywords) -> Flags {
    let keywords = names.keywords.iter().filter_map(|keyword| table.flag(keyword.as_str()));
    keywords.fold(names.system.system(), Flags::union)
}

/// What UNCHANGEDSINCE kept back, as sequence numbers or, for UID STORE, as UIDs.
fn modified<S: Transport>(session: &Session<S>, store: &Store, uids: &UidSet) -> io::Result<UidSet> {
    if store.messages.is_uid() {
        return Ok(uids.clone());
    }
    let selected = session.selected()?;
    let seqs = members(uids, selected, |_| true).filter_map(|uid| selected.told.seq_of(uid));
    Ok(UidSet::from_uids(seqs.filter_map(Uid::new)))
}
