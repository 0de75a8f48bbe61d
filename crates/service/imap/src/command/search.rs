//! SEARCH and UID SEARCH (RFC 3501 §6.4.4, MODSEQ: RFC 7162 §3.1.5)

use crate::session::Session;
use crate::status;
use domain::{AddressField, Day, Query, QueryKey, QueryNode};
use proto_imap::codec::Date;
use proto_imap::command::Search;
use proto_imap::response::SearchResponse;
use proto_imap::search::{SearchKey, SearchNode};
use proto_imap::{Code, MessageSet, SessionView, Status};
use service_session::Transport;
use std::io;
use types::{Timestamp, UidSet};

/// How many numbers are written before the output is sent on.
const NUMBERS_AT_ONCE: usize = 4096;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, search: Search) -> io::Result<Status> {
    if search.program.uses_modseq() {
        session.enable_condstore();
    }
    let account = session.selected()?.account.clone();
    let told = &session.selected()?.told;
    let mut nodes = Vec::with_capacity(search.program.nodes().len());
    for node in search.program.nodes() {
        nodes.push(match node {
            SearchNode::And { end } => QueryNode::And { end: *end },
            SearchNode::Or { end } => QueryNode::Or { end: *end },
            SearchNode::Not { end } => QueryNode::Not { end: *end },
            SearchNode::Key(key) => match query_key(key, told) {
                Some(key) => QueryNode::Key(key),
                None => return Ok(status::no_such_message()),
            },
        });
    }
    let Ok(query) = Query::new(nodes) else { return Ok(Status::no(Code::Limit, "The search is too large")) };
    let snapshot = std::sync::Arc::clone(told.snapshot());
    let found = match account.search(&snapshot, &query).await {
        Ok(found) => found,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    let told = &session.selected()?.told;
    let modseqs = found.iter().filter_map(|uid| snapshot.get(*uid)).map(|e| e.modseq);
    let modseq = if search.program.uses_modseq() { modseqs.max() } else { None };
    let numbers: Vec<u32> = if search.uid {
        found.iter().map(|uid| uid.get()).collect()
    } else {
        found.iter().filter_map(|uid| told.seq_of(*uid)).collect()
    };
    let mut answer = SearchResponse::begin(session.machine.output());
    for some in numbers.chunks(NUMBERS_AT_ONCE) {
        answer.numbers(session.machine.output(), some);
        session.send_when_high().await?;
    }
    answer.end(session.machine.output(), modseq);
    Ok(Status::ok("SEARCH completed"))
}

/// The key in the domain's words; `None` if it names a sequence number that no message has.
fn query_key(key: &SearchKey, told: &SessionView) -> Option<QueryKey> {
    let recent_from = told.recent_from();
    Some(match key {
        SearchKey::All => QueryKey::All,
        SearchKey::Flag(flags) => QueryKey::Flag(*flags),
        SearchKey::NoFlag(flags) => QueryKey::NoFlag(*flags),
        SearchKey::Keyword(keyword) => QueryKey::Keyword(keyword.clone()),
        SearchKey::NoKeyword(keyword) => QueryKey::NoKeyword(keyword.clone()),
        SearchKey::Recent => QueryKey::Recent(recent_from),
        SearchKey::New => QueryKey::New(recent_from),
        SearchKey::Old => QueryKey::Old(recent_from),
        SearchKey::Bcc(text) => QueryKey::Address(AddressField::Bcc, text.clone()),
        SearchKey::Cc(text) => QueryKey::Address(AddressField::Cc, text.clone()),
        SearchKey::From(text) => QueryKey::Address(AddressField::From, text.clone()),
        SearchKey::To(text) => QueryKey::Address(AddressField::To, text.clone()),
        SearchKey::Subject(text) => QueryKey::Subject(text.clone()),
        SearchKey::Body(text) => QueryKey::Body(text.clone()),
        SearchKey::Text(text) => QueryKey::Text(text.clone()),
        SearchKey::Header(name, text) => QueryKey::Header(name.clone(), text.clone()),
        SearchKey::Before(date) => QueryKey::Before(day(*date)),
        SearchKey::On(date) => QueryKey::On(day(*date)),
        SearchKey::Since(date) => QueryKey::Since(day(*date)),
        SearchKey::SentBefore(date) => QueryKey::SentBefore(day(*date)),
        SearchKey::SentOn(date) => QueryKey::SentOn(day(*date)),
        SearchKey::SentSince(date) => QueryKey::SentSince(day(*date)),
        SearchKey::Larger(size) => QueryKey::Larger(u64::from(*size)),
        SearchKey::Smaller(size) => QueryKey::Smaller(u64::from(*size)),
        SearchKey::ModSeq(modseq) => QueryKey::ModSeq(*modseq),
        SearchKey::Uid(set) => QueryKey::Uids(told.uids(&told.resolve_uids(set))),
        SearchKey::Sequence(set) => {
            let selection = told.resolve(&MessageSet::Seq(set.clone())).ok()?;
            if selection.len() == told.exists() {
                QueryKey::All
            } else {
                QueryKey::Uids(UidSet::from_uids(told.messages(&selection).map(|m| m.entry.uid)))
            }
        }
    })
}

fn day(date: Date) -> Day {
    Day::of(Timestamp::from_unix_seconds(date.days_since_1970().saturating_mul(86_400)), 0)
}
