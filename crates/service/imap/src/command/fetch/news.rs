//! FETCH of new messages that nobody asked for by number: NOTIFY (RFC 5465 §5.2) and UPDATE (RFC 5465 §7).
//!
//! Deviation: RFC 5465 §5.2 wants the FETCH of a new message behind the ADDTO of the searches that it fits, RFC 5465 §7
//! before it. Where one of these searches asks for items it goes before, with everything that is to be told of the message
//! in one FETCH; of all other messages behind.

use super::{Lacks, PAGE, Plan, Target, needs_content, write_page};
use crate::contexts::Rest;
use crate::session::Session;
use crate::status;
use message::ImapRevision;
use proto_imap::fetch::FetchItem;
use service_session::Transport;
use std::collections::HashSet;
use std::io;
use types::{Uid, UidSet};

/// Which new messages are told of.
struct New<'a> {
    /// Those from this UID on.
    first: Uid,
    /// But for these.
    left_out: &'a UidSet,
    /// What searches ask for of which messages, beside what NOTIFY asks for. If there is any, no others are told of.
    searched: &'a [(Vec<FetchItem>, Vec<Uid>)],
}

impl New<'_> {
    fn has(&self, uid: Uid) -> bool {
        let is_searched = self.searched.iter().any(|(_, uids)| uids.binary_search(&uid).is_ok());
        (self.searched.is_empty() || is_searched) && !self.left_out.contains(uid)
    }

    /// What is asked for of a message, each item once.
    fn items_of(&self, of_all: &[FetchItem], uid: Uid) -> Vec<FetchItem> {
        let mut items = of_all.to_vec();
        for (more, uids) in self.searched {
            if uids.binary_search(&uid).is_ok() {
                let missing: Vec<_> = more.iter().filter(|item| !items.contains(item)).cloned().collect();
                items.extend(missing);
            }
        }
        items
    }
}

/// Tells what was asked for of the new messages, those from `first` on, and what else changed in the searches. Of `own`,
/// which the session put there itself, nothing is fetched (RFC 5465 §5.2). No flag is set by it.
pub(crate) async fn tell_new<S: Transport>(
    session: &mut Session<S>,
    first: Option<Uid>,
    own: UidSet,
    rest: Rest,
) -> io::Result<()> {
    let of_all = session.notify.as_ref().map_or(Vec::new(), |notify| notify.items().to_vec());
    let searched = rest.fetched(&session.selected()?.contexts);
    if let Some(first) = first
        && !searched.is_empty()
    {
        fetch(session, &of_all, New { first, left_out: &own, searched: &searched }).await?;
    }
    session.tell_rest(rest).await?;
    if let Some(first) = first
        && !of_all.is_empty()
    {
        let told = UidSet::from_uids(searched.into_iter().flat_map(|(_, uids)| uids));
        let left_out: Vec<_> = told.ranges().iter().chain(own.ranges()).cloned().collect();
        fetch(session, &of_all, New { first, left_out: &UidSet::from_ranges(left_out), searched: &[] }).await?;
    }
    Ok(())
}

/// What cannot be read is left out: the session knows of the messages.
async fn fetch<S: Transport>(session: &mut Session<S>, of_all: &[FetchItem], new: New<'_>) -> io::Result<()> {
    let selected = session.selected()?;
    let mut plan = Plan {
        account: selected.account.clone(),
        keywords: selected.told.snapshot().keywords.clone(),
        revision: if session.machine.enabled().rev2() { ImapRevision::Rev2 } else { ImapRevision::Rev1 },
        needs_content: false,
        items: Vec::new(),
        seen: HashSet::new(),
    };
    let mut rest = selected.told.selection_of(&UidSet::from_ranges([new.first.get()..=u32::MAX]));
    while !rest.is_empty() {
        let told = &session.selected()?.told;
        let page: Vec<_> =
            told.messages(&rest).take(PAGE).map(|m| Target { seq: m.seq, entry: *m.entry, recent: m.recent }).collect();
        let Some(last) = page.last().map(|target| target.seq) else { break };
        rest = rest.behind(last);
        let named = page.into_iter().filter(|target| new.has(target.entry.uid));
        let asked: Vec<_> = named.map(|target| (new.items_of(of_all, target.entry.uid), target)).collect();
        for alike in asked.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((items, _)) = alike.first().filter(|(items, _)| !items.is_empty()) else { continue };
            plan.needs_content = items.iter().any(needs_content);
            plan.items.clone_from(items);
            let targets: Vec<_> = alike.iter().map(|(_, target)| *target).collect();
            if let Err(failure) = write_page(session, &plan, &targets, &mut Lacks::default()).await? {
                status::of_mail(&failure);
                return Ok(());
            }
        }
    }
    Ok(())
}
