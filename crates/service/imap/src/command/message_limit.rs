//! MESSAGELIMIT and SAVELIMIT (RFC 9738): how many messages a command takes of those it names, and what it says of the
//! others.
//!
//! A command that reads, changes or moves takes those with the highest UIDs and tells the lowest of them, so that the
//! client can go on below it. COPY, APPEND, SORT and THREAD do all or nothing. EXPUNGE, CLOSE and STATUS know no limit.

use super::search::query;
use crate::session::Session;
use proto_imap::response::StatusKind;
use proto_imap::search::{PartialRange, SearchProgram};
use proto_imap::view::Selection;
use proto_imap::{Code, Response, SessionView, Status};
use service_session::Transport;
use std::io;
use std::num::NonZeroU32;
use types::{ModSeq, Uid};

/// What a client is told that has to ask again.
const LEFT: &str = "These were the last of the messages, ask again for the others";

/// Those of the named messages that a command takes, and the code that tells of it if these are not all. With `since`
/// it takes only those that changed after it: the others do not count.
pub(super) fn cut<S: Transport>(
    session: &Session<S>,
    named: Selection,
    since: Option<ModSeq>,
) -> io::Result<(Selection, Option<Code>)> {
    let Some(limit) = session.message_limit().of_every() else { return Ok((named, None)) };
    Ok(last_of(&session.selected()?.told, named, since, limit))
}

/// The code of a COPY that names more messages than may be saved at once.
pub(super) fn too_many_to_save<S: Transport>(session: &Session<S>, named: &Selection) -> io::Result<Option<Code>> {
    let Some(limit) = session.message_limit().of_saving() else { return Ok(None) };
    Ok(last_of(&session.selected()?.told, named.clone(), None, limit).1)
}

/// The code of an APPEND of which so many messages were taken, if no further one may be.
pub(super) fn none_more_to_save<S: Transport>(session: &Session<S>, taken: u32) -> Option<Code> {
    let limit = session.message_limit().of_saving().filter(|limit| taken >= limit.get())?;
    Some(Code::MessageLimit { limit, lowest: None })
}

/// The lowest UID that a search may look at, and the code that tells it; `None` if it may look at all. What counts are
/// the messages that it looks at, not those that it finds.
pub(super) fn cut_search<S: Transport>(
    session: &Session<S>,
    program: &SearchProgram,
) -> io::Result<Option<(Uid, Code)>> {
    let Some(limit) = session.message_limit().of_every() else { return Ok(None) };
    let told = &session.selected()?.told;
    let (_, code) = last_of(told, query::looked_at(program, told), None, limit);
    Ok(code.and_then(|code| match code {
        Code::MessageLimit { lowest: Some(lowest), .. } => Some((lowest, code)),
        _ => None,
    }))
}

/// The code of a SORT or THREAD over too many messages: there is no order of a part of them (RFC 9738 §3.3).
pub(super) fn too_many_to_order<S: Transport>(
    session: &Session<S>,
    program: &SearchProgram,
) -> io::Result<Option<Code>> {
    let exceeded = cut_search(session, program)?;
    let limit = session.message_limit().of_every().filter(|_| exceeded.is_some());
    Ok(limit.map(|limit| Code::MessageLimit { limit, lowest: None }))
}

/// The code of a PARTIAL that has more places than the limit: then nothing is done (RFC 9738 §3.1).
pub(super) fn too_wide<S: Transport>(session: &Session<S>, partial: Option<PartialRange>) -> Option<Code> {
    let limit = session.message_limit().of_every()?;
    let exceeded = partial?.length() > limit.get();
    exceeded.then_some(Code::MessageLimit { limit, lowest: None })
}

/// How many messages a search over several mailboxes may still look at: it looks into whole mailboxes only, for a UID
/// says nothing without the mailbox.
pub(super) struct Allowance {
    limit: Option<NonZeroU32>,
    left: u32,
}

impl Allowance {
    pub(super) fn of<S: Transport>(session: &Session<S>) -> Self {
        let limit = session.message_limit().of_every();
        Self { limit, left: limit.map_or(u32::MAX, NonZeroU32::get) }
    }

    /// Takes the messages of a mailbox that the program looks at; yields the code of one that has too many.
    pub(super) fn take(&mut self, program: &SearchProgram, view: &SessionView) -> Option<Code> {
        let limit = self.limit?;
        match self.left.checked_sub(query::looked_at(program, view).len()) {
            Some(left) => self.left = left,
            None => return Some(Code::MessageLimit { limit, lowest: None }),
        }
        None
    }
}

/// What a command is refused with that names too many messages.
pub(super) fn refused(code: Code) -> Status {
    Status::no(code, "Too many messages, name fewer")
}

/// The answer of a command that took a part of the messages it named. RFC 9738 §3.1: EXPUNGEISSUED stays in the tagged
/// answer, the limit is told in an untagged NO before it; so it is with every other code.
pub(super) fn answer<S: Transport>(session: &mut Session<S>, status: Status, exceeded: Option<Code>) -> Status {
    let Some(code) = exceeded else { return status };
    if status.kind == StatusKind::Ok && status.code.is_none() {
        return Status::ok(LEFT).with_code(code);
    }
    session.machine.send(&Response::Status(&Status::no(code, LEFT)));
    status
}

fn last_of(
    told: &SessionView,
    named: Selection,
    since: Option<ModSeq>,
    limit: NonZeroU32,
) -> (Selection, Option<Code>) {
    let first = match since {
        None if named.len() <= limit.get() => None,
        None => named.last_of(limit.get()).first(),
        Some(since) => {
            let at_once = usize::try_from(limit.get()).unwrap_or(usize::MAX);
            let left = told.messages_since(&named, since).count().saturating_sub(at_once);
            // Read twice rather than kept: it is as long as what changed.
            if left == 0 { None } else { told.messages_since(&named, since).nth(left).map(|m| m.seq) }
        }
    };
    let Some(first) = first else { return (named, None) };
    let lowest = told.by_seq(first).map(|message| message.entry.uid);
    (named.behind(first.saturating_sub(1)), Some(Code::MessageLimit { limit, lowest }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use types::snapshot::{Entry, Snapshot};
    use types::{EmailId, Flags, MailboxId, Timestamp, UidValidity};

    /// Messages with these UIDs, changed at these times.
    fn view(messages: &[(u32, u64)]) -> SessionView {
        let entries = messages.iter().map(|(uid, modseq)| Entry {
            uid: Uid::new(*uid).unwrap(),
            flags: Flags::NONE,
            modseq: ModSeq(*modseq),
            email: EmailId(u64::from(*uid)),
            size: 1,
            internal_date: Timestamp(0),
            save_date: Timestamp(0),
        });
        let snapshot = Snapshot::empty(MailboxId(1), UidValidity::new(1).unwrap()).with_entries(entries);
        SessionView::open(Arc::new(snapshot), None)
    }

    fn taken(view: &SessionView, since: Option<u64>, limit: u32) -> (Vec<u32>, Option<u32>) {
        let limit = NonZeroU32::new(limit).unwrap();
        let (taken, code) = last_of(view, view.all(), since.map(ModSeq), limit);
        let lowest = code.map(|code| match code {
            Code::MessageLimit { lowest, .. } => lowest.unwrap().get(),
            other => panic!("{other:?}"),
        });
        let messages = view.messages(&taken).filter(|m| since.is_none_or(|since| m.entry.modseq > ModSeq(since)));
        (messages.map(|m| m.entry.uid.get()).collect(), lowest)
    }

    #[test]
    fn the_highest_uids_are_taken_up_to_the_limit() {
        let view = view(&[(2, 1), (5, 9), (7, 1), (8, 9), (20, 9), (21, 1)]);
        assert_eq!(taken(&view, None, 6), (vec![2, 5, 7, 8, 20, 21], None));
        assert_eq!(taken(&view, None, 5), (vec![5, 7, 8, 20, 21], Some(5)));
        assert_eq!(taken(&view, None, 1), (vec![21], Some(21)));
        assert_eq!(taken(&view, Some(4), 3), (vec![5, 8, 20], None), "only those that changed count");
        assert_eq!(taken(&view, Some(4), 2), (vec![8, 20], Some(8)));
    }
}
