//! SORT and UID SORT (RFC 5256 §3, SORT=DISPLAY: RFC 5957, ESORT: RFC 5267 §3)

use super::message_limit;
use super::search::find::{self, Extent, Work};
use super::search::{query, tag_reuse};
use crate::contexts::{Context, Members, is_tag_in_use};
use crate::progress::Part;
use crate::session::Session;
use crate::status;
use domain::Meter;
use proto_imap::codec::SetWriter;
use proto_imap::command::Sort;
use proto_imap::connection::Tag;
use proto_imap::response::{EsearchResponse, SearchResponse, StatusKind};
use proto_imap::search::{ReturnOption, ReturnOptions};
use proto_imap::view::Selection;
use proto_imap::{Code, SessionView, Status};
use service_session::Transport;
use std::io;
use std::sync::Arc;
use types::{ModSeq, Uid};

/// How many numbers are written before the output is sent on.
const NUMBERS_AT_ONCE: usize = 4096;

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, tag: &Tag, sort: Sort) -> io::Result<Status> {
    let saves = sort.returns.is_some_and(|returns| returns.has(ReturnOption::Save));
    let status = look(session, tag, sort).await?;
    if saves && status.kind == StatusKind::No {
        session.selected_mut()?.told.forget_saved();
    }
    Ok(status)
}

async fn look<S: Transport>(session: &mut Session<S>, tag: &Tag, sort: Sort) -> io::Result<Status> {
    let updates = sort.returns.is_some_and(|returns| returns.has(ReturnOption::Update));
    if updates && is_tag_in_use(&session.selected()?.contexts, tag.as_str()) {
        return Ok(tag_reuse());
    }
    if sort.program.uses_modseq() {
        session.enable_condstore();
    }
    if let Some(code) = message_limit::too_many_to_order(session, &sort.program)? {
        return Ok(message_limit::refused(code));
    }
    let selected = session.selected()?;
    let account = selected.account.clone();
    let query = match query::of(&sort.program, &selected.told, account.id(), None) {
        Ok(query) => query,
        Err(status) => return Ok(status),
    };
    let snapshot = Arc::clone(selected.told.snapshot());
    let work = Work::new(&account, &snapshot, &query);
    session.progress.part = Part::FirstHalf;
    let sorted = match find::find(session, &work, Extent::All).await? {
        Ok(found) => {
            session.progress.part = Part::SecondHalf(snapshot.len());
            let found = find::uids(&snapshot, found.head());
            let (meter, steps) = Meter::with_reader();
            session.accompany(steps, account.sort_found(&snapshot, &found, &sort.criteria, &meter)).await?
        }
        Err(failure) => Err(failure),
    };
    let sorted = match sorted {
        Ok(sorted) => sorted,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    if let Some(status) = answer(session, tag, &sort, &sorted).await? {
        return Ok(status);
    }
    if updates {
        let members = Members::Sorted(sort.criteria, sorted);
        let context = Context {
            tag: tag.as_str().into(),
            uid: sort.uid,
            mailbox: None,
            query,
            members,
            items: sort.update_items,
        };
        session.open_context(context)?;
    }
    Ok(Status::ok("SORT completed"))
}

/// Saves and tells what was found; yields why it cannot be.
async fn answer<S: Transport>(
    session: &mut Session<S>,
    tag: &Tag,
    sort: &Sort,
    sorted: &[Uid],
) -> io::Result<Option<Status>> {
    let returns = sort.returns;
    if let Some(returns) = returns.filter(|returns| returns.has(ReturnOption::Save)) {
        let named = if returns.saves_only_named() { named(sorted, returns) } else { sorted.to_vec() };
        let selection = ascending(&session.selected()?.told, named);
        if session.selected_mut()?.told.save(&selection).is_err() {
            return Ok(Some(Status::no(Code::NotSaved, "The result is too scattered to be saved")));
        }
    }
    let told = &session.selected()?.told;
    let modseq = |uids: &[Uid]| uids.iter().filter_map(|uid| Some(told.get(*uid)?.entry.modseq)).max();
    let uses_modseq = sort.program.uses_modseq();
    let modseq = match returns {
        _ if !uses_modseq => None,
        Some(returns) if returns.saves_only_named() => modseq(&named(sorted, returns)),
        _ => modseq(sorted),
    };
    let numbers: Vec<u32> = if sort.uid {
        sorted.iter().map(|uid| uid.get()).collect()
    } else {
        sorted.iter().filter_map(|uid| told.seq_of(*uid)).collect()
    };
    match returns {
        None => write_plain(session, &numbers, modseq).await?,
        Some(returns) if returns.is_silent() => {}
        Some(returns) => {
            let response = EsearchResponse::begin(session.machine.output(), tag.as_str(), sort.uid);
            write_extended(session, response, returns, &numbers, modseq).await?;
        }
    }
    Ok(None)
}

/// The part of a result that PARTIAL asks for (RFC 5267 §4.4).
fn partial<T>(sorted: &[T], range: proto_imap::search::PartialRange) -> &[T] {
    let places = range.places(u32::try_from(sorted.len()).unwrap_or(u32::MAX));
    let place = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
    sorted.get(place(*places.start()) - 1..place(*places.end())).unwrap_or_default()
}

/// What MIN, MAX and PARTIAL tell, together.
fn named(sorted: &[Uid], returns: ReturnOptions) -> Vec<Uid> {
    let mut named = returns.partial.map(|range| partial(sorted, range).to_vec()).unwrap_or_default();
    named.extend(sorted.first().filter(|_| returns.has(ReturnOption::Min)));
    named.extend(sorted.last().filter(|_| returns.has(ReturnOption::Max)));
    named
}

fn ascending(told: &SessionView, mut uids: Vec<Uid>) -> Selection {
    uids.sort_unstable();
    told.select(uids)
}

async fn write_plain<S: Transport>(
    session: &mut Session<S>,
    numbers: &[u32],
    modseq: Option<ModSeq>,
) -> io::Result<()> {
    let mut response = SearchResponse::begin_sort(session.machine.output());
    for some in numbers.chunks(NUMBERS_AT_ONCE) {
        response.numbers(session.machine.output(), some);
        session.send_when_high().await?;
    }
    response.end(session.machine.output(), modseq);
    Ok(())
}

async fn write_extended<S: Transport>(
    session: &mut Session<S>,
    mut response: EsearchResponse,
    returns: ReturnOptions,
    numbers: &[u32],
    modseq: Option<ModSeq>,
) -> io::Result<()> {
    let out = session.machine.output();
    if let Some(first) = numbers.first().filter(|_| returns.has(ReturnOption::Min)) {
        response.min(out, *first);
    }
    if let Some(last) = numbers.last().filter(|_| returns.has(ReturnOption::Max)) {
        response.max(out, *last);
    }
    if returns.has(ReturnOption::Count) {
        response.count(out, u32::try_from(numbers.len()).unwrap_or(u32::MAX));
    }
    if returns.has(ReturnOption::All) && !numbers.is_empty() {
        let set = response.begin_all(out);
        write_set(session, set, numbers).await?.end(session.machine.output());
    }
    if let Some(range) = returns.partial {
        let set = response.begin_partial(session.machine.output(), range);
        let set = write_set(session, set, partial(numbers, range)).await?;
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
    numbers: &[u32],
) -> io::Result<SetWriter> {
    for some in numbers.chunks(NUMBERS_AT_ONCE) {
        for number in some {
            set.push(session.machine.output(), *number);
        }
        session.send_when_high().await?;
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto_imap::codec::Cursor;
    use proto_imap::search::PartialRange;

    #[test]
    fn a_part_of_an_order_is_cut_from_either_side() {
        let part = |text: &str| {
            let range = PartialRange::parse(&mut Cursor::new(text.as_bytes())).unwrap();
            partial(&[9, 3, 7], range).to_vec()
        };
        assert_eq!(part("1:2"), [9, 3]);
        assert_eq!(part("-1:-2"), [3, 7]);
        assert_eq!(part("3:9"), [7]);
        assert!(part("4:9").is_empty() && part("-4:-9").is_empty());
        let range = PartialRange::parse(&mut Cursor::new(b"-1:-2")).unwrap();
        assert!(partial::<u32>(&[], range).is_empty());
    }
}
