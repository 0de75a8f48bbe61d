//! FETCH and UID FETCH (RFC 3501 §6.4.5, CHANGEDSINCE: RFC 7162 §3.1.4, VANISHED: RFC 7162 §3.2.6)
//!
//! Messages are taken in pages: one read of the store fetches a page's summaries, then each answer is written straight
//! into the output. `section.rs` streams what bodies are asked for.

mod binary;
mod news;
mod section;

pub(crate) use news::tell_new;
pub(crate) use section::{Located, locate};

use super::{message_limit, resync};
use crate::session::Session;
use crate::status;
use domain::{Account, Content, FlagNames, MailError};
use message::ImapRevision;
use proto_imap::codec::ObjectId;
use proto_imap::command::Fetch;
use proto_imap::fetch::{FetchItem, FetchResponse};
use proto_imap::view::{Expunges, Selection, UpdateForm};
use proto_imap::{Code, MessageSet, Response, Status};
use service_session::{OUTPUT_HIGH, Transport};
use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use types::snapshot::Entry;
use types::{FlagChange, Flags, Keywords, Rights, Uid, UidSet};

/// Messages taken at once.
const PAGE: usize = 256;

/// What a FETCH is carried out with.
struct Plan {
    account: Account,
    items: Vec<FetchItem>,
    keywords: Keywords,
    /// RFC 9051 appendix E: what BODYSTRUCTURE says of message/global.
    revision: ImapRevision,
    /// Messages that this FETCH set `\Seen` on: their flags are told with it.
    seen: HashSet<Uid>,
    /// Whether any item needs more than the mailbox's columns.
    needs_content: bool,
}

/// A message to be told of.
#[derive(Clone, Copy)]
struct Target {
    seq: u32,
    entry: Entry,
    recent: bool,
}

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, fetch: Fetch) -> io::Result<Status> {
    if fetch.changed_since.is_some() || fetch.items.contains(&FetchItem::ModSeq) {
        session.enable_condstore();
    }
    if let Some(code) = message_limit::too_wide(session, fetch.partial) {
        return Ok(message_limit::refused(code));
    }
    let Ok(selection) = session.selected()?.told.resolve(&fetch.messages) else { return Ok(status::no_such_message()) };
    let selection = match fetch.partial {
        // RFC 9394 §3.4: the part is taken before CHANGEDSINCE is looked at.
        Some(range) => selection.places(&range.places(selection.len())),
        None => selection,
    };
    let (selection, exceeded) = message_limit::cut(session, selection, fetch.changed_since)?;
    let seen = set_seen(session, &fetch, &selection).await?;
    if session.machine.is_closed() {
        // Nobody hears it behind the BYE.
        return Ok(Status::ok("FETCH completed"));
    }
    let plan = Plan {
        account: session.selected()?.account.clone(),
        keywords: session.selected()?.told.snapshot().keywords.clone(),
        revision: if session.machine.enabled().rev2() { ImapRevision::Rev2 } else { ImapRevision::Rev1 },
        needs_content: fetch.items.iter().any(needs_content),
        items: fetch.items,
        seen,
    };
    if let (MessageSet::Uid(set), Some(since), true) = (&fetch.messages, fetch.changed_since, fetch.vanished) {
        let last = session.selected()?.told.last_uid().map_or(0, types::Uid::get);
        if let Err(failure) = resync::vanished(session, since, &set.uids(last)).await? {
            return Ok(status::of_mail(&failure));
        }
    }
    let mut lacks = Lacks::default();
    let (mut rest, since) = (selection, fetch.changed_since);
    while !rest.is_empty() {
        let told = &session.selected()?.told;
        let messages = match since {
            Some(since) => told.messages_since(&rest, since),
            None => told.messages(&rest),
        };
        let wanted = messages.take(PAGE).map(|m| Target { seq: m.seq, entry: *m.entry, recent: m.recent });
        let page: Vec<_> = wanted.collect();
        let Some(last) = page.last().map(|target| target.seq) else { break };
        rest = rest.behind(last);
        if let Err(failure) = write_page(session, &plan, &page, &mut lacks).await? {
            return Ok(status::of_mail(&failure));
        }
    }
    Ok(message_limit::answer(session, lacks.status(), exceeded))
}

/// What could not be told.
#[derive(Clone, Copy, Default)]
struct Lacks {
    /// Messages whose content is gone.
    gone: bool,
    /// Parts whose encoding nobody knows.
    encoding: bool,
}

impl Lacks {
    fn status(self) -> Status {
        if self.encoding {
            // RFC 3516 §4.3: the request fails; what could be told was.
            Status::no(Code::UnknownCte, "A part has a transfer encoding that is not known")
        } else if self.gone {
            status::expunge_issued()
        } else {
            Status::ok("FETCH completed")
        }
    }
}

fn needs_content(item: &FetchItem) -> bool {
    match item {
        FetchItem::Uid
        | FetchItem::Flags
        | FetchItem::InternalDate
        | FetchItem::Rfc822Size
        | FetchItem::ModSeq
        | FetchItem::EmailId
        | FetchItem::SaveDate => false,
        FetchItem::Envelope
        | FetchItem::Body
        | FetchItem::BodyStructure
        | FetchItem::Rfc822
        | FetchItem::Rfc822Header
        | FetchItem::Rfc822Text
        | FetchItem::Section(_)
        | FetchItem::ThreadId
        | FetchItem::Preview
        | FetchItem::Binary(_)
        | FetchItem::BinarySize(_) => true,
    }
}

/// Sets `\Seen` before anything is sent, in one change, where an item asks for it; yields the messages it changed.
///
/// A store that cannot be written to can still be read: then the data is told without the flag, and an untagged NO says
/// why (RFC 3501 §7.1.2: a warning; the command may still succeed).
async fn set_seen<S: Transport>(
    session: &mut Session<S>,
    fetch: &Fetch,
    selection: &Selection,
) -> io::Result<HashSet<Uid>> {
    let selected = session.selected()?;
    // RFC 4314 §4: without the right the flag stays as it is.
    if !selected.may(Rights::SEEN) || !fetch.items.iter().any(FetchItem::sets_seen) {
        return Ok(HashSet::new());
    }
    let since = fetch.changed_since;
    let messages = match since {
        Some(since) => selected.told.messages_since(selection, since),
        None => selected.told.messages(selection),
    };
    let unseen = messages.filter(|m| !m.expunged && !m.entry.flags.contains(Flags::SEEN));
    let uids: Vec<Uid> = unseen.map(|m| m.entry.uid).collect();
    if uids.is_empty() {
        return Ok(HashSet::new());
    }
    let set = UidSet::from_uids(uids.iter().copied());
    let (id, account) = (selected.id, selected.account.clone());
    let names = FlagNames::system(Flags::SEEN);
    if let Err(failure) = account.store_flags(id, &set, FlagChange::Add, &names, None).await {
        session.machine.send(&Response::Status(&status::of_mail(&failure)));
        return Ok(HashSet::new());
    }
    session.selected_mut()?.told.silence(set, FlagChange::Add, Flags::SEEN);
    let form = if fetch.messages.is_uid() { UpdateForm::WithUid } else { UpdateForm::Plain };
    session.tell(Expunges::Held, form).await?;
    Ok(uids.into_iter().collect())
}

/// Writes the answers of a page.
async fn write_page<S: Transport>(
    session: &mut Session<S>,
    plan: &Plan,
    page: &[Target],
    lacks: &mut Lacks,
) -> io::Result<Result<(), MailError>> {
    if !plan.needs_content {
        for target in page {
            write_plain(session, plan, *target);
            if session.machine.output().len() >= OUTPUT_HIGH {
                session.send_when_high().await?;
            }
        }
        return Ok(Ok(()));
    }
    let emails: Vec<_> = page.iter().map(|t| t.entry.email).collect();
    let contents = match plan.account.contents(&emails).await {
        Ok(contents) => contents,
        Err(failure) => return Ok(Err(failure)),
    };
    for (target, content) in page.iter().zip(contents) {
        match content {
            Some(content) => {
                if let Err(failure) = write_message(session, plan, *target, &content, lacks).await? {
                    return Ok(Err(failure));
                }
            }
            None => lacks.gone = true,
        }
        session.send_when_high().await?;
    }
    Ok(Ok(()))
}

/// An answer that needs nothing but the mailbox's columns.
fn write_plain<S: Transport>(session: &mut Session<S>, plan: &Plan, target: Target) {
    let enabled = session.machine.enabled();
    let out = session.machine.output();
    let mut response = FetchResponse::begin_for(out, enabled, target.seq, target.entry.uid);
    for item in &plan.items {
        write_column(&mut response, out, plan, target, item);
    }
    response.end(out);
}

fn write_column(
    response: &mut FetchResponse,
    out: &mut bytes::BytesMut,
    plan: &Plan,
    target: Target,
    item: &FetchItem,
) {
    let Target { entry, recent, .. } = target;
    match item {
        FetchItem::Uid => response.uid(out, entry.uid),
        FetchItem::Flags => response.flags(out, entry.flags, &plan.keywords, recent),
        FetchItem::InternalDate => response.internal_date(out, entry.internal_date),
        FetchItem::Rfc822Size => response.size(out, entry.size),
        FetchItem::ModSeq => response.modseq(out, entry.modseq),
        FetchItem::EmailId => response.email_id(out, ObjectId::email(plan.account.id(), entry.email)),
        FetchItem::SaveDate => response.save_date(out, entry.save_date),
        _ => {}
    }
}

async fn write_message<S: Transport>(
    session: &mut Session<S>,
    plan: &Plan,
    target: Target,
    content: &Arc<Content>,
    lacks: &mut Lacks,
) -> io::Result<Result<(), MailError>> {
    // What may fail is read before the answer begins; what comes after its beginning can only break the connection off.
    let first = match section::prepare(plan, content).await {
        Ok(first) => first,
        Err(failure) => return Ok(Err(failure)),
    };
    let enabled = session.machine.enabled();
    let tells_flags = plan.seen.contains(&target.entry.uid) && !plan.items.contains(&FetchItem::Flags);
    if !tells_flags && first.len() == plan.items.len() && first.iter().all(section::Piece::is_unknown) {
        // An answer with nothing in it there is not.
        lacks.encoding = true;
        return Ok(Ok(()));
    }
    let mut first = first.into_iter();
    let mut response = FetchResponse::begin_for(session.machine.output(), enabled, target.seq, target.entry.uid);
    for item in &plan.items {
        let out = session.machine.output();
        match item {
            FetchItem::Envelope => response.envelope(out, content.summary.envelope()),
            FetchItem::BodyStructure => response.body_structure_with(out, |out| {
                content.summary.write_bodystructure(plan.revision, out);
            }),
            FetchItem::Body => response.body_with(out, |out| {
                content.summary.write_body(plan.revision, out);
            }),
            FetchItem::ThreadId => response.thread_id(out, ObjectId::thread(plan.account.id(), content.thread)),
            FetchItem::Preview => response.preview(out, content.summary.preview()),
            item if section::is_sent_in_pieces(item) => {
                if let Some(piece) = first.next() {
                    lacks.encoding |= !section::write(session, plan, &mut response, item, content, piece).await?;
                }
            }
            item => write_column(&mut response, out, plan, target, item),
        }
        session.send_when_high().await?;
    }
    let out = session.machine.output();
    // RFC 3501 §6.4.5: where \Seen was set by this FETCH, its answer tells the flags.
    if tells_flags {
        write_column(&mut response, out, plan, target, &FetchItem::Flags);
    }
    response.end(out);
    Ok(Ok(()))
}
