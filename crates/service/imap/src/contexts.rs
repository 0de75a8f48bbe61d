//! Searches whose changes are told (RFC 5267 §4.3).
//!
//! What a context holds is always what fits among the messages of the snapshot that the session was told last. When
//! the session moves on, only what differs between the two snapshots is looked at. Messages that the session does not
//! want to hear of (RFC 5465 §3.1) are in no context until it does.
//!
//! REMOVEFROM of what was expunged goes before the EXPUNGEs, so that numbers mean what they say (RFC 5267 §4.3.4). Other
//! changes go behind EXISTS and the FETCH that tells the flags (RFC 5267 §4.3.3, RFC 5465 §5.1).

mod order;

use crate::session::Session;
use domain::{Account, MailError, Query};
use proto_imap::fetch::FetchItem;
use proto_imap::response::{ContextChange, EsearchResponse};
use proto_imap::view::SAVED_RANGES_MAX;
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::io;
use std::sync::Arc;
use types::snapshot::Snapshot;
use types::{MailboxName, SortCriterion, Uid, UidSet, UidValidity};

/// Most contexts of a session (RFC 5267 §4.3.1 asks for one).
pub(crate) const CONTEXTS_MAX: usize = 8;
/// Most messages in a context with an order: four bytes for each.
pub(crate) const SORTED_MAX: usize = 100_000;
/// How many numbers of a change are written before the output is sent on.
const NUMBERS_AT_ONCE: usize = 4096;

/// A search whose changes are told.
pub(crate) struct Context {
    /// The tag of its command.
    pub(crate) tag: Box<str>,
    /// Whether UIDs are told.
    pub(crate) uid: bool,
    /// Where, if the command was ESEARCH (RFC 7377 §2.1).
    pub(crate) mailbox: Option<(MailboxName, UidValidity)>,
    /// What fits.
    pub(crate) query: Query,
    /// What fits now.
    pub(crate) members: Members,
    /// What is fetched of new messages that fit (RFC 5465 §7).
    pub(crate) items: Vec<FetchItem>,
}

/// The messages of a context.
pub(crate) enum Members {
    /// In the order of the mailbox; UIDs that no message has may be in it.
    Mailbox(UidSet),
    /// In an order of their own.
    Sorted(Vec<SortCriterion>, Vec<Uid>),
}

impl Members {
    fn is_too_large(&self) -> bool {
        match self {
            Self::Mailbox(uids) => uids.ranges().len() > SAVED_RANGES_MAX,
            Self::Sorted(_, order) => order.len() > SORTED_MAX,
        }
    }
}

/// Messages to be put in or taken out at a position.
type Placed = Vec<(u32, Vec<Uid>)>;

/// What differs in the members of a context.
#[derive(Default)]
struct Moved {
    /// Was expunged.
    gone: Placed,
    /// Does not fit any more.
    left: Placed,
    /// Fits now.
    added: Placed,
}

/// What is still to be told when the session knows the new messages and flags.
#[derive(Default)]
pub(crate) struct Rest(Vec<(usize, Moved)>);

impl Rest {
    /// What is to be fetched of which messages, which ascend; new ones or not.
    pub(crate) fn fetched(&self, contexts: &[Context]) -> Vec<(Vec<FetchItem>, Vec<Uid>)> {
        let added = self.0.iter().filter_map(|(at, moved)| Some((contexts.get(*at)?, &moved.added)));
        let fetched = added.filter(|(context, placed)| !context.items.is_empty() && !placed.is_empty());
        let fetched = fetched.map(|(context, placed)| {
            let mut uids: Vec<Uid> = placed.iter().flat_map(|(_, uids)| uids).copied().collect();
            uids.sort_unstable();
            (context.items.clone(), uids)
        });
        fetched.collect()
    }
}

/// Whether a search may be told of, by its tag (RFC 5267 §4.3).
pub(crate) fn is_tag_in_use(contexts: &[Context], tag: &str) -> bool {
    contexts.iter().any(|context| &*context.tag == tag)
}

impl<S: Transport> Session<S> {
    /// Begins to tell the changes of a search, or says that it will not (RFC 5267 §4.3.1).
    pub(crate) fn open_context(&mut self, context: Context) -> io::Result<()> {
        let contexts = &mut self.selected_mut()?.contexts;
        if contexts.len() < CONTEXTS_MAX && !context.members.is_too_large() {
            contexts.push(context);
        } else {
            self.refuse_updates(&context.tag, "Too much to tell the changes of");
        }
        Ok(())
    }

    /// `* NO [NOUPDATE "tag"]`
    pub(crate) fn refuse_updates(&mut self, tag: &str, why: &'static str) {
        let status = Status::no(Code::NoUpdate(tag.into()), why);
        self.machine.send(&Response::Status(&status));
    }

    /// Brings the contexts to the newest state, and tells what left them; call it before the view moves on to it.
    pub(crate) async fn tell_removed(&mut self, current: &Arc<Snapshot>) -> io::Result<Rest> {
        let mut rest = Rest::default();
        let wanted = self.wanted();
        let Some(selected) = &mut self.selected else { return Ok(rest) };
        let told = &selected.told;
        let before = Arc::clone(told.snapshot());
        let is_same = Arc::ptr_eq(&before, current) || current.highest_modseq < before.highest_modseq;
        if selected.contexts.is_empty() || is_same && !(told.hides() && wanted.messages) {
            return Ok(rest);
        }
        let newest = if is_same { &before } else { current };
        let mut changes = Changes::between(&before, newest);
        changes.look_from(if told.hides() { told.end() } else { None }, newest);
        if !wanted.messages {
            let known_end = if told.hides() {
                told.end()
            } else {
                told.last_uid().and_then(|last| Uid::new(last.get().saturating_add(1)))
            };
            changes.touched.retain(|uid| known_end.is_some_and(|end| *uid < end));
        }
        let account = selected.account.clone();
        let contexts = std::mem::take(&mut selected.contexts);
        let mut kept = Vec::with_capacity(contexts.len());
        for mut context in contexts {
            match context.update(&account, newest, &changes).await {
                Ok(moved) if !context.members.is_too_large() => {
                    self.tell_change(&context, ContextChange::RemoveFrom, &moved.gone).await?;
                    rest.0.push((kept.len(), moved));
                    kept.push(context);
                }
                Ok(_) => self.refuse_updates(&context.tag, "Too much to tell the changes of"),
                Err(failure) => {
                    crate::status::of_mail(&failure);
                    self.refuse_updates(&context.tag, "The changes cannot be found now");
                }
            }
        }
        self.selected_mut()?.contexts = kept;
        Ok(rest)
    }

    /// Tells what else left the contexts, and what came in; call it when the view has moved on and the news are written.
    pub(crate) async fn tell_rest(&mut self, rest: Rest) -> io::Result<()> {
        if rest.0.iter().all(|(_, moved)| moved.left.is_empty() && moved.added.is_empty()) {
            return Ok(());
        }
        let contexts = std::mem::take(&mut self.selected_mut()?.contexts);
        for (at, moved) in &rest.0 {
            if let Some(context) = contexts.get(*at) {
                self.tell_change(context, ContextChange::RemoveFrom, &moved.left).await?;
                self.tell_change(context, ContextChange::AddTo, &moved.added).await?;
            }
        }
        self.selected_mut()?.contexts = contexts;
        Ok(())
    }

    async fn tell_change(&mut self, context: &Context, change: ContextChange, placed: &Placed) -> io::Result<()> {
        let told = &self.selected()?.told;
        // Messages that the client does not know have no number to be told by.
        let number = |uid: &Uid| if context.uid { Some(uid.get()) } else { told.seq_of(*uid) };
        let numbered = placed.iter().map(|(position, uids)| (*position, uids.iter().filter_map(number).collect()));
        let numbered: Vec<(u32, Vec<u32>)> =
            numbered.filter(|(_, numbers): &(u32, Vec<u32>)| !numbers.is_empty()).collect();
        if numbered.is_empty() {
            return Ok(());
        }
        let enabled = self.machine.enabled();
        let out = self.machine.output();
        let mut response = match &context.mailbox {
            Some((name, validity)) => EsearchResponse::begin_mailbox(out, &context.tag, name, *validity, enabled),
            None => EsearchResponse::begin(out, &context.tag, context.uid),
        };
        response.begin_change(out, change);
        for (position, numbers) in numbered {
            let mut set = response.at(self.machine.output(), position);
            for some in numbers.chunks(NUMBERS_AT_ONCE) {
                for number in some {
                    set.push(self.machine.output(), *number);
                }
                self.send_when_high().await?;
            }
            set.end(self.machine.output());
        }
        let out = self.machine.output();
        response.end_change(out);
        response.end(out);
        Ok(())
    }
}

/// What differs between two states of a mailbox, ascending.
struct Changes {
    /// Changed or new.
    touched: Vec<Uid>,
    /// No longer there.
    gone: Vec<Uid>,
}

impl Changes {
    fn between(before: &Snapshot, current: &Snapshot) -> Self {
        let diff = current.diff(before);
        let mut touched: Vec<Uid> = diff.changed.iter().chain(&diff.added).map(|entry| entry.uid).collect();
        touched.sort_unstable();
        Self { touched, gone: diff.gone.iter().map(|entry| entry.uid).collect() }
    }

    /// Messages from this UID on are in no context yet: each is looked at.
    fn look_from(&mut self, hidden_from: Option<Uid>, newest: &Snapshot) {
        let Some(from) = hidden_from else { return };
        self.touched.retain(|uid| *uid < from);
        let mut seq = newest.count_below(from);
        while let Some(entry) = seq.checked_add(1).and_then(|next| newest.by_seq(next)) {
            self.touched.push(entry.uid);
            seq += 1;
        }
    }
}

impl Context {
    /// Brings the members to `current`; yields what leaves and what comes in.
    async fn update(&mut self, account: &Account, current: &Snapshot, changes: &Changes) -> Result<Moved, MailError> {
        let fits = account.search_among(current, &self.query, &changes.touched).await?;
        let is_member = |uid: &Uid| fits.binary_search(uid).is_ok();
        let mut left: Vec<Uid> = changes.touched.iter().filter(|uid| !is_member(uid)).copied().collect();
        match &mut self.members {
            Members::Mailbox(uids) => {
                left.retain(|uid| uids.contains(*uid));
                let gone: Vec<Uid> = changes.gone.iter().filter(|uid| uids.contains(**uid)).copied().collect();
                let comes: Vec<Uid> = fits.into_iter().filter(|uid| !uids.contains(*uid)).collect();
                *uids = without(&without(uids, &gone), &left);
                let added = UidSet::from_uids(comes.iter().copied());
                *uids = UidSet::from_ranges(uids.ranges().iter().chain(added.ranges()).cloned().collect::<Vec<_>>());
                Ok(Moved { gone: at_zero(gone), left: at_zero(left), added: at_zero(comes) })
            }
            Members::Sorted(criteria, members) => {
                let gone = order::remove(members, &changes.gone);
                let left = order::remove(members, &left);
                let added = order::insert(account, current, criteria, members, fits).await?;
                Ok(Moved { gone, left, added })
            }
        }
    }
}

/// In the order of the mailbox no position need be told (RFC 5267 §4.3.3).
fn at_zero(uids: Vec<Uid>) -> Placed {
    if uids.is_empty() { Vec::new() } else { vec![(0, uids)] }
}

/// A set without some UIDs, which ascend.
fn without(set: &UidSet, uids: &[Uid]) -> UidSet {
    let mut left = Vec::with_capacity(set.ranges().len());
    let mut uids = uids.iter().map(|uid| uid.get()).peekable();
    for range in set.ranges() {
        let mut start = Some(*range.start());
        while let Some(uid) = uids.next_if(|uid| uid <= range.end()) {
            if let Some(from) = start.filter(|from| *from < uid) {
                left.push(from..=uid - 1);
            }
            if start.is_some_and(|from| uid >= from) {
                start = uid.checked_add(1);
            }
        }
        left.extend(start.map(|from| from..=*range.end()));
    }
    UidSet::from_ranges(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_loses_single_messages() {
        let uid = |n: u32| Uid::new(n).unwrap();
        let set = UidSet::from_ranges([2..=9, 20..=20, 30..=u32::MAX]);
        let left = |uids: &[u32]| without(&set, &uids.iter().map(|n| uid(*n)).collect::<Vec<_>>()).to_string();
        assert_eq!(left(&[]), set.to_string());
        assert_eq!(left(&[1, 2, 5, 9, 10, 20]), "3:4,6:8,30:4294967295");
        assert_eq!(left(&[u32::MAX]), "2:9,20,30:4294967294");
        assert_eq!(left(&[2, 3, 4, 5, 6, 7, 8, 9, 25, 30, 31]), "20,32:4294967295");
    }
}
