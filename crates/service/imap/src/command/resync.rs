//! What a client that was away is told (RFC 7162 §3.2.5, §3.2.6): in time proportional to what changed, not to the
//! mailbox.

use crate::session::Session;
use domain::MailError;
use proto_imap::Response;
use proto_imap::command::Resync;
use proto_imap::view::{FlagUpdate, UpdateForm};
use service_session::Transport;
use std::io;
use types::{ModSeq, UidSet};

/// Most ranges of UIDs that are remembered of what left; more, and everything that is not there is told as gone.
const VANISHED_RANGES_MAX: usize = 100_000;
/// Ranges told in one line.
const RANGES_AT_ONCE: usize = 1000;
/// Messages looked at before the output is sent on.
const PAGE: usize = 256;

/// SELECT with QRESYNC: what left, then what changed. Nothing if the client knows another mailbox (RFC 7162 §3.2.5).
pub(super) async fn after_select<S: Transport>(
    session: &mut Session<S>,
    resync: &Resync,
) -> io::Result<Result<(), MailError>> {
    let told = &session.selected()?.told;
    let snapshot = told.snapshot();
    if snapshot.uid_validity != resync.uid_validity {
        return Ok(Ok(()));
    }
    // RFC 7162 §3.2.5.1: without known UIDs, up to UIDNEXT less one.
    let end = snapshot.uid_next.map_or(u32::MAX, |uid| uid.get() - 1);
    let known = resync.known.clone().unwrap_or_else(|| UidSet::from_ranges([1..=end]));
    let behind = told.last_match(&resync.samples).map_or(0, types::Uid::get);
    let unsure = behind.checked_add(1).map(|first| UidSet::from_ranges([first..=end])).unwrap_or_default();
    if let Err(failure) = vanished(session, resync.since, &known.intersection(&unsure)).await? {
        return Ok(Err(failure));
    }
    changed(session, resync.since, &known).await?;
    Ok(Ok(()))
}

/// Tells which of these UIDs left the open mailbox after a change. What is told is right even for who was away for
/// longer than that is remembered: then it is all that is not there.
pub(super) async fn vanished<S: Transport>(
    session: &mut Session<S>,
    since: ModSeq,
    among: &UidSet,
) -> io::Result<Result<(), MailError>> {
    let selected = session.selected()?;
    let gone = match selected.account.vanished_since(selected.id, since, VANISHED_RANGES_MAX).await {
        Ok(gone) => gone.uids,
        Err(failure) => return Ok(Err(failure)),
    };
    let gone = session.selected()?.told.unknown_of(&gone.intersection(among));
    for ranges in gone.ranges().chunks(RANGES_AT_ONCE) {
        let uids = UidSet::from_ranges(ranges.iter().cloned());
        session.machine.send(&Response::Vanished { earlier: true, uids: &uids });
        session.send_when_high().await?;
    }
    Ok(Ok(()))
}

/// Tells the flags of those of these messages that changed after a change.
async fn changed<S: Transport>(session: &mut Session<S>, since: ModSeq, among: &UidSet) -> io::Result<()> {
    let enabled = session.machine.enabled();
    let mut rest = session.selected()?.told.selection_of(among);
    loop {
        let told = &session.selected()?.told;
        let keywords = told.snapshot().keywords.clone();
        let page: Vec<_> = told.messages_since(&rest, since).take(PAGE).map(|m| (m.seq, *m.entry, m.recent)).collect();
        let Some((last, ..)) = page.last() else { return Ok(()) };
        rest = rest.behind(*last);
        for (seq, entry, recent) in page {
            let (flags, modseq) = (Some(entry.flags), Some(entry.modseq));
            let update = FlagUpdate { seq, uid: entry.uid, flags, modseq, recent };
            update.encode(session.machine.output(), &keywords, UpdateForm::WithUid, enabled);
        }
        session.send_when_high().await?;
    }
}
