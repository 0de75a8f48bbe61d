//! Tells what a SEARCH found. Numbers are written from ranges, and sent on between.

use super::find::Found;
use crate::session::Session;
use proto_imap::SessionView;
use proto_imap::codec::SetWriter;
use proto_imap::connection::Tag;
use proto_imap::response::{EsearchResponse, SearchResponse};
use proto_imap::search::{ReturnOption, ReturnOptions};
use proto_imap::view::Selection;
use service_session::Transport;
use std::io;
use types::ModSeq;

/// How many messages are written before the output is sent on.
const NUMBERS_AT_ONCE: usize = 4096;

/// What is to be answered.
#[derive(Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The command.
    pub(crate) tag: &'a Tag,
    /// Whether UIDs are asked for.
    pub(crate) uid: bool,
    /// What to tell; `None` asks for the plain answer.
    pub(crate) returns: Option<ReturnOptions>,
    /// Whether MODSEQ was searched for.
    pub(crate) uses_modseq: bool,
}

/// Writes the answer about the selected mailbox.
pub(crate) async fn write<S: Transport>(session: &mut Session<S>, answer: Answer<'_>, found: &Found) -> io::Result<()> {
    let told = &session.selected()?.told;
    let Some(returns) = answer.returns else {
        let modseq = if answer.uses_modseq { highest(told, found.head()) } else { None };
        return write_plain(session, answer.uid, found.head(), modseq).await;
    };
    if returns.is_silent() {
        return Ok(());
    }
    let response = EsearchResponse::begin(session.machine.output(), answer.tag.as_str(), answer.uid);
    write_items(session, response, answer, found, None).await
}

/// Writes the answer about the selected mailbox as one of several (RFC 7377 §2.1).
pub(crate) async fn write_of_mailbox<S: Transport>(
    session: &mut Session<S>,
    answer: Answer<'_>,
    found: &Found,
) -> io::Result<()> {
    if found.is_empty() || answer.returns.is_some_and(ReturnOptions::is_silent) {
        return Ok(());
    }
    let (enabled, selected) = (session.machine.enabled(), session.selected()?);
    let (name, validity) = (selected.name.clone(), selected.told.snapshot().uid_validity);
    let out = session.machine.output();
    let response = EsearchResponse::begin_mailbox(out, answer.tag.as_str(), &name, validity, enabled);
    write_items(session, response, answer, found, None).await
}

/// `* SEARCH`
async fn write_plain<S: Transport>(
    session: &mut Session<S>,
    uid: bool,
    found: &Selection,
    modseq: Option<ModSeq>,
) -> io::Result<()> {
    let mut response = SearchResponse::begin(session.machine.output());
    let mut rest = found.clone();
    while !rest.is_empty() {
        let (numbers, behind) = page(&session.selected()?.told, &rest, uid);
        response.numbers(session.machine.output(), &numbers);
        session.send_when_high().await?;
        rest = behind;
    }
    response.end(session.machine.output(), modseq);
    Ok(())
}

/// The next numbers, and what is left behind them.
fn page(view: &SessionView, rest: &Selection, uid: bool) -> (Vec<u32>, Selection) {
    let mut last = u32::MAX;
    let messages = view.messages(rest).take(NUMBERS_AT_ONCE);
    let numbers = messages.map(|message| {
        last = message.seq;
        if uid { message.entry.uid.get() } else { message.seq }
    });
    let numbers = numbers.collect();
    (numbers, rest.behind(last))
}

/// Writes the items of an ESEARCH response that was begun, and ends it. `view` is the mailbox that was searched, if it
/// is not the selected one.
pub(crate) async fn write_items<S: Transport>(
    session: &mut Session<S>,
    mut response: EsearchResponse,
    answer: Answer<'_>,
    found: &Found,
    view: Option<&SessionView>,
) -> io::Result<()> {
    let returns = answer.returns.unwrap_or_default();
    let seen_by = match view {
        Some(view) => view,
        None => &session.selected()?.told,
    };
    let number = |seq: u32| if answer.uid { seen_by.by_seq(seq).map(|m| m.entry.uid.get()) } else { Some(seq) };
    let min = found.head().first().filter(|_| returns.has(ReturnOption::Min)).and_then(number);
    let max = found.tail().last().filter(|_| returns.has(ReturnOption::Max)).and_then(number);
    let modseq = if answer.uses_modseq { told_modseq(seen_by, found, returns) } else { None };
    let out = session.machine.output();
    if let Some(min) = min {
        response.min(out, min);
    }
    if let Some(max) = max {
        response.max(out, max);
    }
    if returns.has(ReturnOption::Count) {
        response.count(out, found.head().len());
    }
    if returns.has(ReturnOption::All) && !found.head().is_empty() {
        let set = response.begin_all(out);
        write_set(session, set, found.head(), answer.uid, view).await?.end(session.machine.output());
    }
    if let Some(range) = returns.partial {
        let set = response.begin_partial(session.machine.output(), range);
        let set = write_set(session, set, &found.partial(range), answer.uid, view).await?;
        response.end_partial(session.machine.output(), set);
    }
    let out = session.machine.output();
    if let Some(modseq) = modseq {
        response.modseq(out, modseq);
    }
    response.end(out);
    Ok(())
}

async fn write_set<S: Transport>(
    session: &mut Session<S>,
    mut set: SetWriter,
    selection: &Selection,
    uid: bool,
    view: Option<&SessionView>,
) -> io::Result<SetWriter> {
    if !uid {
        for ranges in selection.ranges().chunks(NUMBERS_AT_ONCE) {
            let out = session.machine.output();
            for range in ranges {
                set.push_range(out, range.clone());
            }
            session.send_when_high().await?;
        }
        return Ok(set);
    }
    let mut rest = selection.clone();
    while !rest.is_empty() {
        let seen_by = match view {
            Some(view) => view,
            None => &session.selected()?.told,
        };
        let (numbers, behind) = page(seen_by, &rest, uid);
        let out = session.machine.output();
        for number in numbers {
            set.push(out, number);
        }
        session.send_when_high().await?;
        rest = behind;
    }
    Ok(set)
}

/// The MODSEQ of an ESEARCH response: that of the messages it tells if these are only the ends, else that of all that
/// were found (RFC 4731 §3.2).
fn told_modseq(view: &SessionView, found: &Found, returns: ReturnOptions) -> Option<ModSeq> {
    if returns.saves_only_named() { highest(view, &found.named(returns)) } else { highest(view, found.head()) }
}

fn highest(view: &SessionView, selection: &Selection) -> Option<ModSeq> {
    view.messages(selection).map(|message| message.entry.modseq).max()
}
