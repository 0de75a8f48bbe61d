//! What a session with NOTIFY is told beside its open mailbox (RFC 5465).
//!
//! Nothing is queued: the session remembers what it was told of each mailbox that it watches, and when its account has
//! changed the difference is told. So a mailbox that changes all the time costs an answer for each
//! [`NOTIFY_INTERVAL`], and the last state is always told.

mod changes;

use crate::annotation_news::AnnotationNews;
use crate::selected::Selected;
use crate::session::Session;
use crate::status;
use changes::{Change, changes};
use domain::{Account, AccountWatch, MailError, Mailboxes};
use proto_imap::command::{Events, MailboxFilter, NotifySet};
use proto_imap::response::{Child, Existence, ListEntry, MailboxStatus};
use proto_imap::view::{Expunges, UpdateForm, Wanted};
use proto_imap::{Code, Response, Status};
use service_session::Transport;
use std::future::{pending, ready};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use types::{HIERARCHY_SEPARATOR, MailboxId, MailboxName, ModSeq, Uid, UidValidity};

/// The least time between two tellings while no command runs.
pub(crate) const NOTIFY_INTERVAL: Duration = Duration::from_millis(250);
/// Most mailboxes that one session is told the numbers of.
pub(crate) const NOTIFY_WATCHED_MAX: usize = 2000;

/// There is more to watch than [`NOTIFY_WATCHED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch;

/// What was last told of a mailbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    messages: u32,
    unseen: u32,
    uid_next: Option<Uid>,
    /// `None`: something else of this name was told before.
    uid_validity: Option<UidValidity>,
    highest_modseq: ModSeq,
}

/// A mailbox whose numbers are told.
#[derive(Clone, Copy, Debug)]
struct Watched {
    id: MailboxId,
    events: Events,
    told: Told,
}

/// What this session did itself and is not told of (RFC 5465 §5).
#[derive(Debug, Default)]
struct Own {
    names: Vec<MailboxName>,
    /// How many messages it put where.
    messages: Vec<(MailboxId, u32)>,
}

/// A session's NOTIFY.
#[derive(Debug)]
pub(crate) struct Notify {
    set: NotifySet,
    watch: AccountWatch,
    /// The account has changed since it was last looked at.
    is_woken: bool,
    told_at: Option<Instant>,
    list: Arc<Mailboxes>,
    watched: Vec<Watched>,
    own: Own,
}

impl Told {
    /// A mailbox that nothing was told of.
    const NOTHING: Self =
        Self { messages: 0, unseen: 0, uid_next: Some(Uid::MIN), uid_validity: None, highest_modseq: ModSeq::ZERO };

    fn of(status: &domain::MailboxStatus) -> Self {
        Self {
            messages: status.messages,
            unseen: status.unseen,
            uid_next: status.uid_next,
            uid_validity: Some(status.uid_validity),
            highest_modseq: status.highest_modseq,
        }
    }
}

impl Notify {
    /// Begins to watch: from here on the differences are told.
    pub(crate) async fn begin(account: &Account, mut set: NotifySet) -> Result<Result<Self, TooMuch>, MailError> {
        for group in &mut set.groups {
            if let MailboxFilter::Subtree(names) | MailboxFilter::Mailboxes(names) = &mut group.filter {
                names.sort_unstable();
            }
        }
        // The watch comes first, so that nothing happens unseen between it and the list.
        let watch = account.watch();
        let list = account.mailboxes().await?;
        let mut notify = Self {
            set,
            watch,
            is_woken: false,
            told_at: None,
            list: Arc::clone(&list),
            watched: Vec::new(),
            own: Own::default(),
        };
        if notify.rewatch(&list).is_err() {
            return Ok(Err(TooMuch));
        }
        for watched in &mut notify.watched {
            if let Ok(found) = account.status(watched.id).await {
                watched.told = Told::of(&found);
            }
        }
        Ok(Ok(notify))
    }

    /// What the open mailbox tells.
    pub(crate) fn wanted(&self) -> Wanted {
        let selected = self.set.selected.as_ref();
        Wanted { messages: selected.is_some(), flags: selected.is_some_and(|s| s.flags) }
    }

    /// When EXPUNGEs of the open mailbox are told while no command runs (RFC 5465 §6.1).
    pub(crate) fn expunges(&self, is_idling: bool) -> Expunges {
        match &self.set.selected {
            Some(selected) if is_idling || !selected.delayed => Expunges::Told,
            _ => Expunges::Held,
        }
    }

    /// Whether changes of annotations are told.
    pub(crate) fn wants_annotations(&self) -> bool {
        let events = self.set.groups.iter().fold(Events::default(), |events, group| events.union(group.events));
        events.has(Events::MAILBOX_METADATA.union(Events::SERVER_METADATA))
    }

    /// Whether those of a mailbox are told, or of the server (RFC 5465 §5.6, §5.7).
    pub(crate) fn tells_annotations(&self, mailbox: Option<&MailboxName>) -> bool {
        match mailbox {
            Some(name) => {
                let is_subscribed = |name: &MailboxName| self.list.subscriptions().binary_search(name).is_ok();
                self.events_of(name, is_subscribed).has(Events::MAILBOX_METADATA)
            }
            None => self.set.groups.iter().any(|group| group.events.has(Events::SERVER_METADATA)),
        }
    }

    /// What is fetched of new messages in the open mailbox.
    pub(crate) fn items(&self) -> &[proto_imap::fetch::FetchItem] {
        self.set.selected.as_ref().map_or(&[], |selected| &selected.items)
    }

    /// Waits until there may be something to tell. Can be dropped while it waits without losing anything.
    pub(crate) async fn woken(&mut self, selected: Option<&mut Selected>, annotations: Option<&mut AnnotationNews>) {
        if self.set.selected.is_none() && self.set.groups.is_empty() {
            return pending().await;
        }
        if !self.is_woken {
            let view = async {
                match selected {
                    Some(selected) if self.set.selected.is_some() => selected.view.changed().await,
                    _ => pending().await,
                }
            };
            let annotated = async {
                match annotations {
                    Some(annotations) => annotations.changed().await,
                    None => pending().await,
                }
            };
            tokio::select! {
                () = self.watch.changed() => {}
                () = view => {}
                () = annotated => {}
            }
            self.is_woken = true;
        }
        if let Some(told_at) = self.told_at {
            sleep_until(told_at + NOTIFY_INTERVAL).await;
        }
    }

    /// Whether there may be something to tell now.
    async fn is_woken(&mut self) -> bool {
        if !self.is_woken {
            self.is_woken = tokio::select! {
                biased;
                () = self.watch.changed() => true,
                () = ready(()) => false,
            };
        }
        self.is_woken
    }

    /// Finds out which mailboxes are watched now.
    fn rewatch(&mut self, list: &Mailboxes) -> Result<(), TooMuch> {
        let mut watched = Vec::new();
        for mailbox in list.iter().filter(|m| m.selectable) {
            let events = self.events_of(&mailbox.name, |name| list.subscriptions().binary_search(name).is_ok());
            if !events.has(Events::MESSAGE_NEW) {
                continue;
            }
            if watched.len() >= NOTIFY_WATCHED_MAX {
                return Err(TooMuch);
            }
            let known = self.watched.binary_search_by_key(&mailbox.id, |w| w.id).ok();
            let told = known.and_then(|place| self.watched.get(place)).map_or(Told::NOTHING, |w| w.told);
            // A new mailbox of an old name has another UIDVALIDITY, which is told (RFC 5465 §5.1); one of a new name
            // has nothing to tell while it is empty.
            let replaces = self.list.get(&mailbox.name).is_some_and(|old| old.selectable && old.id != mailbox.id);
            let told = if known.is_none() && !replaces { Told { messages: 0, ..told } } else { told };
            watched.push(Watched { id: mailbox.id, events, told });
        }
        watched.sort_unstable_by_key(|w| w.id);
        self.watched = watched;
        Ok(())
    }

    /// The events that are asked for of a mailbox (RFC 5465 §6: of all groups that name it).
    fn events_of(&self, name: &MailboxName, is_subscribed: impl Fn(&MailboxName) -> bool) -> Events {
        let matching = self.set.groups.iter().filter(|group| match &group.filter {
            // Mail may be delivered to any mailbox of one's own (RFC 5465 §6.3).
            MailboxFilter::Inboxes | MailboxFilter::Personal => true,
            MailboxFilter::Subscribed => is_subscribed(name),
            MailboxFilter::Mailboxes(names) => names.binary_search(name).is_ok(),
            MailboxFilter::Subtree(names) => is_in_subtree(name, names),
        });
        matching.fold(Events::default(), |events, group| events.union(group.events))
    }

    /// Whether a change of the list is to be told.
    fn tells(&self, change: &Change, new: &Mailboxes) -> bool {
        let is_own = |name: &MailboxName| self.own.names.iter().any(|own| own == name || is_below(own, name));
        if is_own(&change.name) || change.old_name.as_ref().is_some_and(is_own) {
            return false;
        }
        let is_subscribed = |name: &MailboxName| {
            [&*self.list, new].into_iter().any(|list| list.subscriptions().binary_search(name).is_ok())
        };
        let names = std::iter::once(&change.name).chain(&change.old_name);
        names
            .fold(Events::default(), |events, name| events.union(self.events_of(name, is_subscribed)))
            .has(change.events)
    }
}

fn is_in_subtree(name: &MailboxName, roots: &[MailboxName]) -> bool {
    let mut at = Some(name.clone());
    while let Some(level) = at {
        if roots.binary_search(&level).is_ok() {
            return true;
        }
        at = level.parent();
    }
    false
}

/// Whether the first is below the second.
fn is_below(name: &MailboxName, above: &MailboxName) -> bool {
    name.as_str().strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with(HIERARCHY_SEPARATOR))
}

impl<S: Transport> Session<S> {
    /// What is told without having been asked for.
    pub(crate) fn wanted(&self) -> Wanted {
        self.notify.as_ref().map_or(Wanted::ALL, |notify| notify.wanted())
    }

    /// Whether EXPUNGEs may be told where a command allows it: not to who does not want to hear of them.
    pub(crate) fn expunges(&self, allowed: Expunges) -> Expunges {
        if self.wanted().messages { allowed } else { Expunges::Held }
    }

    /// The session itself changes what has this name.
    pub(crate) fn did_name(&mut self, name: &MailboxName) {
        if let Some(notify) = &mut self.notify {
            notify.own.names.push(name.clone());
        }
    }

    /// The session itself has put messages into a mailbox.
    pub(crate) fn did_add(&mut self, account: &Account, id: MailboxId, uids: impl IntoIterator<Item = Uid>) {
        let open = self.selected.as_mut().filter(|s| s.id == id && s.account.id() == account.id());
        if let Some(open) = open {
            if self.notify.is_some() || !open.contexts.is_empty() {
                open.own.extend(uids);
            }
        } else if let Some(notify) = &mut self.notify
            && self.account.as_ref().is_some_and(|signed_in| signed_in.account.id() == account.id())
        {
            let count = u32::try_from(uids.into_iter().count()).unwrap_or(u32::MAX);
            notify.own.messages.push((id, count));
        }
    }

    /// Tells what happened while no command runs.
    pub(crate) async fn tell_unasked(&mut self) -> io::Result<()> {
        let is_idling = self.is_idling();
        let expunges = self.notify.as_ref().map_or(Expunges::Told, |notify| notify.expunges(is_idling));
        let before = self.machine.output().len();
        self.tell(expunges, UpdateForm::Plain).await?;
        self.tell_others().await?;
        let has_told = self.machine.output().len() != before;
        if let Some(notify) = &mut self.notify
            && has_told
        {
            notify.told_at = Some(Instant::now());
        }
        Ok(())
    }

    /// Tells what happened elsewhere, if anything did, with the answer of a command.
    pub(crate) async fn tell_others_now(&mut self) -> io::Result<()> {
        let Some(notify) = &mut self.notify else { return Ok(()) };
        if notify.is_woken().await {
            Box::pin(self.tell_others()).await?;
        }
        if let Some(notify) = &mut self.notify {
            notify.own = Own::default();
        }
        Ok(())
    }

    /// Tells what happened elsewhere.
    async fn tell_others(&mut self) -> io::Result<()> {
        if self.machine.is_closed() {
            return Ok(());
        }
        let Some(mut notify) = self.notify.take() else { return Ok(()) };
        let told = self.tell_differences(&mut notify).await;
        self.notify = Some(notify);
        told
    }

    async fn tell_differences(&mut self, notify: &mut Notify) -> io::Result<()> {
        notify.is_woken = false;
        let account = self.account()?.clone();
        let list = match account.mailboxes().await {
            Ok(list) => list,
            Err(failure) => {
                // The log is told; it is tried again with the next change.
                status::of_mail(&failure);
                return Ok(());
            }
        };
        if !Arc::ptr_eq(&list, &notify.list) {
            for change in changes(&notify.list, &list) {
                if notify.tells(&change, &list) {
                    self.send_change(&change, &list);
                    self.send_when_high().await?;
                }
            }
            let watched = notify.rewatch(&list);
            notify.list = list;
            if watched.is_err() {
                // RFC 5465 §5.8
                let overflow = Status::ok("There is too much to watch").with_code(Code::NotificationOverflow);
                self.machine.send(&Response::Status(&overflow));
                notify.set = NotifySet::default();
                notify.watched = Vec::new();
                self.apply_wanted(notify.wanted());
                return Ok(());
            }
        }
        let open = self.selected.as_ref().filter(|s| s.account.id() == account.id()).map(|s| s.id);
        let list = Arc::clone(&notify.list);
        for watched in &mut notify.watched {
            let (Ok(found), Some(mailbox)) = (account.status(watched.id).await, list.by_id(watched.id)) else {
                continue;
            };
            let now = Told::of(&found);
            let before = std::mem::replace(&mut watched.told, now);
            if now == before || open == Some(watched.id) || notify.own.explains(watched.id, before, now) {
                continue;
            }
            if let Some(answer) = difference(watched.events, before, now, self.machine.enabled().condstore()) {
                self.machine.send(&Response::MailboxStatus(&mailbox.name, &answer));
                self.send_when_high().await?;
            }
        }
        Ok(())
    }

    /// LIST with everything as it stands (RFC 5465 §5.4, §5.5).
    fn send_change(&mut self, change: &Change, list: &Mailboxes) {
        let mailbox = list.get(&change.name);
        let has_children = match mailbox {
            Some(mailbox) => mailbox.has_children,
            None => list.iter().any(|m| is_below(&m.name, &change.name)),
        };
        self.machine.send(&Response::List(&ListEntry {
            existence: if mailbox.is_some_and(|m| m.selectable) { Existence::Mailbox } else { Existence::None },
            children: if has_children { Child::Has } else { Child::HasNone },
            subscribed: list.subscriptions().binary_search(&change.name).is_ok(),
            special_uses: mailbox.map_or(&[], |m| m.special_use.as_slice()),
            old_name: change.old_name.as_ref().map(MailboxName::as_str),
            ..ListEntry::new(change.name.as_str())
        }));
    }

    /// Where the watched mailboxes stand: the STATUS indicator of NOTIFY SET (RFC 5465 §3.1).
    pub(crate) async fn send_watched(&mut self) -> io::Result<()> {
        let Some(notify) = &self.notify else { return Ok(()) };
        let (watched, list) = (notify.watched.clone(), Arc::clone(&notify.list));
        let account = self.account()?.id();
        let open = self.selected.as_ref().filter(|s| s.account.id() == account).map(|s| s.id);
        for Watched { id, events, told } in watched.into_iter().filter(|w| open != Some(w.id)) {
            let Some(mailbox) = list.by_id(id) else { continue };
            let flags = events.has(Events::FLAG_CHANGE);
            self.machine.send(&Response::MailboxStatus(
                &mailbox.name,
                &MailboxStatus {
                    messages: Some(told.messages),
                    uid_next: told.uid_next,
                    uid_validity: told.uid_validity,
                    unseen: flags.then_some(told.unseen),
                    highest_modseq: flags.then_some(told.highest_modseq),
                    ..MailboxStatus::default()
                },
            ));
            self.send_when_high().await?;
        }
        Ok(())
    }

    /// Lets the open mailbox tell this from now on.
    pub(crate) fn apply_wanted(&mut self, wanted: Wanted) {
        if let Some(selected) = &mut self.selected {
            selected.told.set_wanted(wanted);
        }
    }
}

impl Own {
    /// Whether a mailbox differs only by what the session itself put there.
    fn explains(&self, id: MailboxId, before: Told, now: Told) -> bool {
        let added = self.messages.iter().filter(|(own, _)| *own == id).fold(0u32, |sum, (_, n)| sum.saturating_add(*n));
        let next = |told: Told| told.uid_next.map_or(u64::from(u32::MAX) + 1, |uid| u64::from(uid.get()));
        added > 0
            && before.messages.checked_add(added) == Some(now.messages)
            && next(before) + u64::from(added) == next(now)
    }
}

/// The STATUS that tells a difference, if the events ask for it (RFC 5465 §5.1, §5.2, §5.3).
fn difference(events: Events, before: Told, now: Told, condstore: bool) -> Option<MailboxStatus> {
    let counts = (before.messages, before.uid_next) != (now.messages, now.uid_next);
    let flags = events.has(Events::FLAG_CHANGE)
        && (before.unseen != now.unseen || condstore && before.highest_modseq != now.highest_modseq);
    let replaced = before.uid_validity.is_some_and(|old| Some(old) != now.uid_validity);
    (counts || flags || replaced).then(|| MailboxStatus {
        messages: Some(now.messages),
        uid_next: now.uid_next,
        uid_validity: now.uid_validity,
        unseen: events.has(Events::FLAG_CHANGE).then_some(now.unseen),
        highest_modseq: condstore.then_some(now.highest_modseq),
        ..MailboxStatus::default()
    })
}

#[cfg(test)]
mod tests;
