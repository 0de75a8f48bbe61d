//! SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2; CONDSTORE: RFC 7162 §3.1.8; QRESYNC: RFC 7162 §3.2.5)

use super::resync;
use crate::command::list;
use crate::place::Place;
use crate::rights::{Action, WRITING};
use crate::selected::Selected;
use crate::session::Session;
use crate::status;
use domain::{MailError, MailboxInfo};
use proto_imap::codec::ObjectId;
use proto_imap::command::Select;
use proto_imap::response::ListEntry;
use proto_imap::{Code, Response, SessionView, Status};
use service_session::{Happening, Transport, happened};
use std::io;
use types::{Flags, Keywords, Rights};

pub(crate) async fn run<S: Transport>(session: &mut Session<S>, select: Select, read_only: bool) -> io::Result<Status> {
    // RFC 3501 §6.3.1: the old mailbox is closed before the new one is tried.
    if session.selected.is_some() {
        session.deselect();
        session.machine.send(&Response::Status(&Status::ok("The old mailbox is closed").with_code(Code::Closed)));
    }
    if select.condstore {
        session.enable_condstore();
    }
    let (selected, mailbox) = match open(session, &select, read_only).await {
        Ok(selected) => selected,
        Err(failure) => return Ok(status::of_mail(&failure)),
    };
    describe(session, &selected);
    if session.machine.enabled().rev2() {
        // RFC 9051 §6.3.2
        let entry = list::describe(&select.mailbox, Some(&mailbox));
        let entry = ListEntry { old_name: select.spelled.as_deref(), ..entry };
        session.machine.send(&Response::List(&entry));
    }
    let detail = format!("{} messages", selected.told.exists());
    let what = format!("opened {}", selected.name);
    happened(Happening { who: session.name(), service: "IMAP", what: &what, detail: &detail });
    session.selected = Some(Box::new(selected));
    session.machine.selected();
    if let Some(resync) = &select.resync
        && let Err(failure) = resync::after_select(session, resync).await?
    {
        session.deselect();
        return Ok(status::of_mail(&failure));
    }
    Ok(if read_only {
        Status::ok("EXAMINE completed").with_code(Code::ReadOnly)
    } else if session.selected()?.may(WRITING) {
        Status::ok("SELECT completed").with_code(Code::ReadWrite)
    } else {
        // RFC 4314 §5.2
        Status::ok("SELECT completed").with_code(Code::ReadOnly)
    })
}

/// The flags that the session's user can change (RFC 4314 §5.1.1).
pub(crate) fn permanent_flags(selected: &Selected) -> Code {
    let rights = if selected.read_only { Rights::NONE } else { selected.rights };
    let table = &selected.told.snapshot().keywords;
    let keywords = table.iter().filter_map(|keyword| table.flag(keyword.as_str()));
    let flags = rights.flags(keywords.fold(Flags::SYSTEM, Flags::union));
    let may_write = rights.contains(Rights::WRITE);
    let keywords = if may_write { table.clone() } else { Keywords::default() };
    Code::PermanentFlags { flags, keywords, new_keywords: may_write && !table.is_full() }
}

async fn open<S: Transport>(
    session: &Session<S>,
    select: &Select,
    read_only: bool,
) -> Result<(Selected, MailboxInfo), MailError> {
    let place = session.find(&select.mailbox).await?.allowing(Action::Select)?;
    let Place { account, mailbox, rights } = place;
    let view = account.open(mailbox.id).await?;
    // RFC 3501 §2.3.2: a message is recent in the first session only that is told of it; EXAMINE takes nothing away.
    let recent_from = if read_only {
        account.status(mailbox.id).await?.first_recent
    } else {
        account.claim_recent(mailbox.id).await?
    };
    let mut told = SessionView::open(view.current(), recent_from);
    told.set_enabled(session.machine.enabled());
    told.set_wanted(session.wanted());
    let selected = Selected {
        account,
        id: mailbox.id,
        name: select.mailbox.clone(),
        read_only,
        view,
        told,
        rights,
        contexts: Vec::new(),
        own: Vec::new(),
        batches: None,
    };
    Ok((selected, mailbox))
}

fn describe<S: Transport>(session: &mut Session<S>, selected: &Selected) {
    let snapshot = selected.told.snapshot();
    let machine = &mut session.machine;
    machine.send(&Response::Flags(&snapshot.keywords));
    machine.send(&Response::Exists(selected.told.exists()));
    if !machine.enabled().rev2() {
        machine.send(&Response::Recent(selected.told.recent()));
    }
    // RFC 9586 §3: no sequence numbers in any answer. RFC 9051 appendix E: nor this one.
    let enabled = machine.enabled();
    let first_unseen = selected.told.first_unseen().filter(|_| !enabled.uid_only() && !enabled.rev2());
    if let Some(seq) = first_unseen {
        machine.send(&Response::Status(&Status::ok("First unseen").with_code(Code::Unseen(seq))));
    }
    machine.send(&Response::Status(&Status::ok("Flags that stay").with_code(permanent_flags(selected))));
    let codes = [
        ("UIDs valid", Code::UidValidity(snapshot.uid_validity)),
        ("Predicted next UID", Code::UidNext(snapshot.uid_next)),
        ("Highest", Code::HighestModSeq(snapshot.highest_modseq)),
        ("Identifier", Code::MailboxId(ObjectId::mailbox(selected.account.id(), selected.id))),
    ];
    for (text, code) in codes {
        machine.send(&Response::Status(&Status::ok(text).with_code(code)));
    }
}
