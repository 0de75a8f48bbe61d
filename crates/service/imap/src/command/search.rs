//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, RFC 4731, RFC 5182, RFC 9394; MODSEQ: RFC 7162 §3.1.5)
//!
//! What is looked for is put into the domain's words in `search/query.rs`, found in `search/find.rs`, and told in
//! `search/answer.rs`.

pub(super) mod answer;
pub(super) mod find;
pub(super) mod query;

use super::message_limit;
use crate::contexts::{Context, Members, is_tag_in_use};
use crate::session::Session;
use crate::status;
use answer::Answer;
use find::{Extent, Found, Work};
use proto_imap::command::Search;
use proto_imap::connection::Tag;
use proto_imap::search::{ReturnOption, ReturnOptions};
use proto_imap::{Code, Status};
use service_session::Transport;
use std::io;
use std::sync::Arc;

/// Which command asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// SEARCH
    Search,
    /// ESEARCH: what is told names the mailbox, and nothing is told if nothing was found (RFC 7377 §2.1).
    Esearch,
}

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, tag: &Tag, search: Search) -> io::Result<Status> {
    run_as(session, tag, search, Asked::Search).await
}

/// Searches the open mailbox.
pub(super) async fn run_as<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    search: Search,
    asked: Asked,
) -> io::Result<Status> {
    let saves = search.returns.is_some_and(|returns| returns.has(ReturnOption::Save));
    let status = look(session, tag, search, asked).await?;
    if saves && status.kind == proto_imap::response::StatusKind::No {
        // RFC 5182 §2.1
        session.selected_mut()?.told.forget_saved();
    }
    Ok(status)
}

async fn look<S: Transport>(session: &mut Session<S>, tag: &Tag, search: Search, asked: Asked) -> io::Result<Status> {
    let updates = search.returns.is_some_and(|returns| returns.has(ReturnOption::Update));
    if updates && is_tag_in_use(&session.selected()?.contexts, tag.as_str()) {
        return Ok(tag_reuse());
    }
    if search.program.uses_modseq() {
        session.enable_condstore();
    }
    if let Some(code) = message_limit::too_wide(session, search.returns.and_then(|returns| returns.partial)) {
        return Ok(message_limit::refused(code));
    }
    let (from, exceeded) = message_limit::cut_search(session, &search.program)?.unzip();
    let selected = session.selected()?;
    let account = selected.account.clone();
    let query = match query::of(&search.program, &selected.told, account.id(), from) {
        Ok(query) => query,
        Err(status) => return Ok(status),
    };
    // RFC 9051 §6.4.4: a client of the second revision gets an ESEARCH response, asked for or not.
    let rev2 = session.machine.enabled().rev2();
    let returns = search.returns.or(rev2.then(|| ReturnOptions::of(&[ReturnOption::All])));
    let snapshot = Arc::clone(selected.told.snapshot());
    let work = Work::new(&account, &snapshot, &query);
    let found = match find::find(session, &work, Extent::of(returns)).await? {
        Ok(found) => found.told_by(&session.selected()?.told),
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    if let Some(returns) = returns.filter(|returns| returns.has(ReturnOption::Save))
        && let Err(status) = save(session, &found, returns)?
    {
        return Ok(status);
    }
    let uses_modseq = search.program.uses_modseq();
    let answer = Answer { tag, uid: search.uid, returns, uses_modseq };
    match asked {
        Asked::Search => answer::write(session, answer, &found).await?,
        Asked::Esearch => answer::write_of_mailbox(session, answer, &found).await?,
    }
    if updates {
        let selected = session.selected()?;
        let members = Members::Mailbox(selected.told.spanned(found.head()));
        let mailbox = (asked == Asked::Esearch).then(|| (selected.name.clone(), snapshot.uid_validity));
        session.open_context(Context {
            tag: tag.as_str().into(),
            uid: search.uid,
            mailbox,
            query,
            members,
            items: search.update_items,
        })?;
    }
    let status = Status::ok(if asked == Asked::Search { "SEARCH completed" } else { "ESEARCH completed" });
    Ok(message_limit::answer(session, status, exceeded))
}

/// RFC 5267 §4.3: an UPDATE under a tag whose search still tells its changes.
pub(super) fn tag_reuse() -> Status {
    Status::bad("A search with this tag still tells its changes")
}

/// Lets `$` stand for what was found (RFC 5182 §2.1, §2.4).
fn save<S: Transport>(
    session: &mut Session<S>,
    found: &Found,
    returns: ReturnOptions,
) -> io::Result<Result<(), Status>> {
    let selection = if returns.saves_only_named() { found.named(returns) } else { found.head().clone() };
    let saved = session.selected_mut()?.told.save(&selection);
    Ok(saved.map_err(|_| Status::no(Code::NotSaved, "The result is too scattered to be saved")))
}
