//! ESEARCH (RFC 7377)

use super::message_limit;
use super::search::answer::{self, Answer};
use super::search::find::{self, Extent, Work};
use super::search::{Asked, query, run_as};
use crate::place::Place;
use crate::progress::Part;
use crate::rights::Action;
use crate::session::Session;
use crate::status;
use domain::MailError;
use proto_imap::command::esearch::Source;
use proto_imap::command::{Esearch, Search};
use proto_imap::connection::Tag;
use proto_imap::response::EsearchResponse;
use proto_imap::search::{ReturnOption, ReturnOptions};
use proto_imap::{Code, SessionView, Status};
use service_session::Transport;
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use types::{HIERARCHY_SEPARATOR, MailboxName};

/// Most mailboxes that one ESEARCH looks into (RFC 7377 §2.4).
pub(crate) const MAILBOXES_MAX: usize = 10_000;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, tag: &Tag, esearch: Esearch) -> io::Result<Status> {
    let Esearch { sources, returns, update_items, program } = esearch;
    let is_open = session.selected.is_some();
    if !is_open && (sources.contains(&Source::Selected) || returns.has(ReturnOption::Update)) {
        return Ok(Status::bad("Select a mailbox first"));
    }
    if sources.iter().all(|source| *source == Source::Selected) {
        let search = Search { uid: true, returns: Some(returns), update_items, program };
        return run_as(session, tag, search, Asked::Esearch).await;
    }
    if !program.charset_known() {
        return Ok(query::unknown_charset());
    }
    let names = match names(session, &sources).await {
        Ok(names) if names.len() <= MAILBOXES_MAX => names,
        Ok(_) => return Ok(Status::no(Code::Limit, "These are too many mailboxes to search")),
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    if program.uses_modseq() {
        session.enable_condstore();
    }
    if let Some(code) = message_limit::too_wide(session, returns.partial) {
        return Ok(message_limit::refused(code));
    }
    let mut allowance = message_limit::Allowance::of(session);
    // How many messages were searched: how many there are in all is not known.
    let mut searched = 0_u32;
    let mut opens_context = returns.has(ReturnOption::Update);
    for name in names {
        session.progress.part = Part::After(searched);
        if session.selected.as_deref().is_some_and(|selected| selected.name == name) {
            if let Some(code) = allowance.take(&program, &session.selected()?.told) {
                return Ok(message_limit::refused(code));
            }
            searched = searched.saturating_add(session.selected()?.told.exists());
            let search =
                Search { uid: true, returns: Some(returns), update_items: Vec::new(), program: program.clone() };
            let status = run_as(session, tag, search, Asked::Esearch).await?;
            if status.kind != proto_imap::response::StatusKind::Ok {
                return Ok(status);
            }
            opens_context = false;
            continue;
        }
        let answer = Answer { tag, uid: true, returns: Some(returns), uses_modseq: program.uses_modseq() };
        match look_into(session, answer, &program, &name, &mut allowance).await? {
            Ok(messages) => searched = searched.saturating_add(messages),
            Err(failure) => return Ok(failure),
        }
    }
    if opens_context {
        // RFC 7377 §2.2: changes are told of the selected mailbox only, and it is not among these.
        session.refuse_updates(tag.as_str(), "The selected mailbox is not searched");
    }
    Ok(Status::ok("ESEARCH completed"))
}

/// Looks into a mailbox that is not the open one; yields how many messages it has. One that is not there, or not for
/// this user, is passed over.
async fn look_into<S: Transport>(
    session: &mut Session<S>,
    answer: Answer<'_>,
    program: &proto_imap::search::SearchProgram,
    name: &MailboxName,
    allowance: &mut message_limit::Allowance,
) -> io::Result<Result<u32, Status>> {
    let opened = async {
        let Place { account, mailbox, .. } = session.find(name).await?.allowing(Action::Select)?;
        let snapshot = account.open(mailbox.id).await?.current();
        let first_recent = account.status(mailbox.id).await?.first_recent;
        Ok((account, SessionView::open(snapshot, first_recent)))
    };
    let (account, view) = match opened.await {
        Ok(opened) => opened,
        Err(MailError::NoSuchMailbox | MailError::NotPermitted) => return Ok(Ok(0)),
        Err(failure) => return Ok(Err(status::of_mail(&failure))),
    };
    if let Some(code) = allowance.take(program, &view) {
        return Ok(Err(message_limit::refused(code)));
    }
    let query = match query::of(program, &view, account.id(), None) {
        Ok(query) => query,
        Err(status) => return Ok(Err(status)),
    };
    let snapshot = Arc::clone(view.snapshot());
    let work = Work::new(&account, &snapshot, &query);
    let found = match find::find(session, &work, Extent::of(answer.returns)).await? {
        Ok(found) => found,
        Err(failure) => return Ok(Err(status::of_mail(&failure))),
    };
    if found.is_empty() || answer.returns.is_some_and(ReturnOptions::is_silent) {
        return Ok(Ok(snapshot.len()));
    }
    let enabled = session.machine.enabled();
    let validity = snapshot.uid_validity;
    let out = session.machine.output();
    let response = EsearchResponse::begin_mailbox(out, answer.tag.as_str(), name, validity, enabled);
    answer::write_items(session, response, answer, &found, Some(&view)).await?;
    Ok(Ok(snapshot.len()))
}

/// The mailboxes that the sources lead to, each once, as the user names them.
async fn names<S: Transport>(session: &Session<S>, sources: &[Source]) -> Result<Vec<MailboxName>, MailError> {
    let (mut names, mut seen) = (Vec::new(), HashSet::new());
    let mut add = |name: MailboxName| {
        if seen.insert(name.clone()) {
            names.push(name);
        }
    };
    let own = session.account().map_err(|_| MailError::NoSuchMailbox)?.mailboxes().await?;
    for source in sources {
        match source {
            Source::Selected => session.selected.iter().for_each(|selected| add(selected.name.clone())),
            Source::Inboxes => add(MailboxName::inbox()),
            Source::Personal => own.iter().filter(|m| m.selectable).for_each(|m| add(m.name.clone())),
            Source::Subscribed => own.subscriptions().iter().for_each(|name| add(name.clone())),
            Source::Mailboxes(list) => list.iter().for_each(|name| add(name.clone())),
            Source::Subtree(roots) | Source::SubtreeOne(roots) => {
                let deep = matches!(source, Source::Subtree(_));
                for root in roots {
                    subtree(session, root, deep).await?.into_iter().for_each(&mut add);
                }
            }
        }
    }
    Ok(names)
}

/// A mailbox and those below it: all, or those one level below.
async fn subtree<S: Transport>(
    session: &Session<S>,
    root: &MailboxName,
    deep: bool,
) -> Result<Vec<MailboxName>, MailError> {
    let mailboxes = session.all_mailboxes().await?;
    let below = mailboxes.iter().filter(|m| m.selectable).filter_map(|mailbox| {
        let rest = mailbox.name.as_str().strip_prefix(root.as_str())?;
        if rest.is_empty() {
            return Some(mailbox.name.clone());
        }
        let level = rest.strip_prefix(HIERARCHY_SEPARATOR)?;
        let is_meant = deep || !level.contains(HIERARCHY_SEPARATOR);
        is_meant.then(|| mailbox.name.clone())
    });
    Ok(below.collect())
}
