//! What a session with NOTIFY is told beside its open mailbox (RFC 5465).
//!
//! Nothing is queued: the session remembers what it was told of each mailbox that it watches, and when an account of
//! those has changed the difference is told. So a mailbox that changes all the time costs an answer for each
//! [`NOTIFY_INTERVAL`], and the last state is always told. `accounts.rs` knows whose mailboxes these are,
//! `notify/tell.rs` tells.
//!
//! Deviation: `MailboxName` and `SubscriptionChange` need `l` alone, not `l` and `r` as all events in RFC 5465 §5: by
//! RFC 5465 §5.4 a mailbox comes and goes with `l`, and LIST tells as much to whoever has it.
//!
//! Deviation: RENAME of INBOX is told as a mailbox that came, without OLDNAME (RFC 5465 §5.4): INBOX stays, with its
//! UIDVALIDITY and its id, and its messages go into a new mailbox (RFC 3501 §6.3.5).

mod changes;
mod tell;
mod told;

use crate::accounts::{Accounts, MailboxKey, Scope, is_below, key_of};
use crate::annotation_news::AnnotationNews;
use crate::place::{is_own, spelled};
use crate::selected::Selected;
use changes::{Change, Changes, mailboxes};
use domain::{Account, MailError, MailboxInfo, Mailboxes};
use proto_imap::command::{EventGroup, Events, MailboxFilter, NotifySet, SelectedEvents};
use proto_imap::fetch::FetchItem;
use proto_imap::view::{Expunges, Wanted};
use service_session::Shared;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use told::{Own, Told};
use types::{AccountId, MailboxName, Rights};

/// The least time between two tellings while no command runs.
pub(crate) const NOTIFY_INTERVAL: Duration = Duration::from_millis(250);
/// Most mailboxes that one session is told the numbers of.
pub(crate) const NOTIFY_WATCHED_MAX: usize = 2000;
/// What a mailbox must be to whoever watches what is in it (RFC 5465 §5).
const WATCHING: Rights = Rights::LOOKUP.union(Rights::READ);

/// There is more to watch than [`NOTIFY_WATCHED_MAX`] or [`crate::accounts::ACCOUNTS_WATCHED_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMuch;

/// A mailbox whose numbers are told.
#[derive(Clone, Copy, Debug)]
struct Watched {
    key: MailboxKey,
    events: Events,
    told: Told,
}

/// A session's NOTIFY.
#[derive(Debug)]
pub(crate) struct Notify {
    selected: Option<SelectedEvents>,
    groups: Arc<[EventGroup]>,
    accounts: Accounts,
    /// Something has changed since it was last looked.
    is_woken: bool,
    told_at: Option<Instant>,
    /// The list that was told last.
    list: Arc<Mailboxes>,
    /// Ascending.
    watched: Vec<Watched>,
    /// Mailboxes that `\NoAccess` was told of, ascending; not all of those that are not in the list any more.
    denied: Vec<MailboxKey>,
    own: Own,
}

impl Notify {
    /// Begins to watch: from here on the differences are told.
    pub(crate) async fn begin(
        shared: &Shared,
        account: &Account,
        set: NotifySet,
    ) -> Result<Result<Self, TooMuch>, MailError> {
        let NotifySet { selected, mut groups, .. } = set;
        for group in &mut groups {
            if let MailboxFilter::Subtree(names) | MailboxFilter::Mailboxes(names) = &mut group.filter {
                for name in names.iter_mut() {
                    *name = spelled(name);
                }
                names.sort_unstable();
            }
        }
        let groups: Arc<[EventGroup]> = groups.into();
        let scope = Scope { groups: Arc::clone(&groups), everybody: false };
        let accounts = Accounts::begin(shared, account, scope).await?;
        let list = Arc::clone(accounts.list());
        let mut notify = Self {
            selected,
            groups,
            accounts,
            is_woken: false,
            told_at: None,
            list: Arc::clone(&list),
            watched: Vec::new(),
            denied: Vec::new(),
            own: Own::default(),
        };
        if notify.rewatch(&list, account.id()).is_err() {
            return Ok(Err(TooMuch));
        }
        notify.accounts.iter_mut().for_each(|watched| watched.is_woken = false);
        for watched in &mut notify.watched {
            let (owner, id) = watched.key;
            let Some(account) = notify.accounts.get(owner) else { continue };
            if let Ok(found) = account.account.status(id).await {
                watched.told = Told::of(&found);
            }
        }
        Ok(Ok(notify))
    }

    /// Nothing is told any more, as after NOTIFY NONE.
    fn end(&mut self) {
        self.selected = None;
        self.groups = Arc::default();
        (self.watched, self.denied) = (Vec::new(), Vec::new());
    }

    /// What may be named, for others that look at the same mailboxes.
    pub(crate) fn groups(&self) -> &Arc<[EventGroup]> {
        &self.groups
    }

    /// What the open mailbox tells.
    pub(crate) fn wanted(&self) -> Wanted {
        let selected = self.selected.as_ref();
        Wanted { messages: selected.is_some(), flags: selected.is_some_and(|s| s.flags) }
    }

    /// When EXPUNGEs of the open mailbox are told while no command runs (RFC 5465 §6.1).
    pub(crate) fn expunges(&self, is_idling: bool) -> Expunges {
        match &self.selected {
            Some(selected) if is_idling || !selected.delayed => Expunges::Told,
            _ => Expunges::Held,
        }
    }

    /// Whether changes of annotations are told.
    pub(crate) fn wants_annotations(&self) -> bool {
        let wanted = Events::MAILBOX_METADATA.union(Events::SERVER_METADATA);
        self.groups.iter().any(|group| group.events.has(wanted))
    }

    /// Whether those of a mailbox are told to somebody with these rights, or of the server (RFC 5465 §5.6, §5.7).
    pub(crate) fn tells_annotations(&self, mailbox: Option<(&MailboxName, Rights)>) -> bool {
        match mailbox {
            Some((name, rights)) => {
                rights.contains(WATCHING) && self.events_of(name, &self.list).has(Events::MAILBOX_METADATA)
            }
            None => self.groups.iter().any(|group| group.events.has(Events::SERVER_METADATA)),
        }
    }

    /// What is fetched of new messages in the open mailbox.
    pub(crate) fn items(&self) -> &[FetchItem] {
        self.selected.as_ref().map_or(&[], |selected| &selected.items)
    }

    /// Waits until there may be something to tell. Can be dropped while it waits without losing anything.
    pub(crate) async fn woken(&mut self, selected: Option<&mut Selected>, annotations: Option<&mut AnnotationNews>) {
        if self.selected.is_none() && self.groups.is_empty() {
            return pending().await;
        }
        if !self.is_woken {
            let view = async {
                match selected {
                    Some(selected) if self.selected.is_some() => selected.view.changed().await,
                    _ => pending().await,
                }
            };
            let annotated = async {
                match annotations {
                    Some(annotations) => annotations.changed().await,
                    None => pending().await,
                }
            };
            let elsewhere = async {
                if self.groups.is_empty() {
                    pending::<()>().await;
                }
                self.accounts.changed().await;
            };
            tokio::select! {
                () = elsewhere => {}
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
        if self.groups.is_empty() {
            return false;
        }
        // What has changed is marked even if something was known to have.
        self.is_woken |= self.accounts.has_changed().await;
        self.is_woken
    }

    /// Finds out which mailboxes are watched now, and which would be if `reader` had the rights.
    fn rewatch(&mut self, list: &Mailboxes, reader: AccountId) -> Result<(), TooMuch> {
        if self.accounts.is_cut {
            return Err(TooMuch);
        }
        let (mut watched, mut denied) = (Vec::new(), Vec::new());
        for mailbox in list.iter().filter(|mailbox| mailbox.selectable) {
            let events = self.events_of(&mailbox.name, list);
            if !events.has(Events::OF_CONTENT) {
                continue;
            }
            if !mailbox.acl.rights(mailbox.owner, reader).contains(WATCHING) {
                denied.push(key_of(mailbox));
                continue;
            }
            if !events.has(Events::MESSAGE_NEW) {
                continue;
            }
            if watched.len() >= NOTIFY_WATCHED_MAX {
                return Err(TooMuch);
            }
            watched.push(Watched { key: key_of(mailbox), events, told: self.told_of(mailbox) });
        }
        watched.sort_unstable_by_key(|watched| watched.key);
        denied.sort_unstable();
        (self.watched, self.denied) = (watched, denied);
        Ok(())
    }

    /// What was told of a mailbox; of another one, if that had its name: UIDVALIDITY tells it (RFC 5465 §5.1).
    fn told_of(&self, mailbox: &MailboxInfo) -> Told {
        let find = |key: MailboxKey| {
            let place = self.watched.binary_search_by_key(&key, |watched| watched.key).ok()?;
            self.watched.get(place).map(|watched| watched.told)
        };
        let key = key_of(mailbox);
        let replaced = self.list.get(&mailbox.name).map(key_of).filter(|old| *old != key);
        replaced.and_then(find).or_else(|| find(key)).unwrap_or(Told::NOTHING)
    }

    /// Puts to the changes what the user may not watch any more, or may again (RFC 5465 §5.9). `before` are those that
    /// `\NoAccess` was told of.
    fn add_access(&mut self, changes: &mut Changes, before: &[MailboxKey], new: &Mailboxes) {
        let mut lost = Vec::new();
        for mailbox in mailboxes(new) {
            let key = key_of(mailbox);
            let was_denied = before.binary_search(&key).is_ok();
            let is_found_again = was_denied && self.list.of(key.0, key.1).is_none();
            if is_found_again || was_denied != self.denied.binary_search(&key).is_ok() {
                changes.add_access(&mailbox.name, false);
            }
        }
        for mailbox in mailboxes(&self.list) {
            let key = key_of(mailbox);
            let is_named = self.events_of(&mailbox.name, new).has(Events::OF_MAILBOXES);
            if is_named && new.of(key.0, key.1).is_none() && self.accounts.exists(key) {
                changes.add_access(&mailbox.name, true);
                lost.push(key);
            }
        }
        let long_lost = before.iter().filter(|(owner, id)| new.of(*owner, *id).is_none());
        lost.extend(long_lost.take(NOTIFY_WATCHED_MAX));
        self.denied.extend(lost);
        self.denied.sort_unstable();
        self.denied.dedup();
    }

    /// The events that are asked for of a mailbox (RFC 5465 §6: of all groups that name it).
    fn events_of(&self, name: &MailboxName, list: &Mailboxes) -> Events {
        let matching = self.groups.iter().filter(|group| match &group.filter {
            // Mail may be delivered to any mailbox of one's own (RFC 5465 §6.3).
            MailboxFilter::Inboxes | MailboxFilter::Personal => is_own(name),
            MailboxFilter::Subscribed => list.subscriptions().binary_search(name).is_ok(),
            MailboxFilter::Mailboxes(names) => names.binary_search(name).is_ok(),
            MailboxFilter::Subtree(names) => is_in_subtree(name, names),
        });
        matching.fold(Events::default(), |events, group| events.union(group.events))
    }

    /// Whether a change of the list is to be told.
    fn tells(&self, name: &MailboxName, change: &Change, new: &Mailboxes) -> bool {
        let is_own = |name: &MailboxName| self.own.names.iter().any(|own| own == name || is_below(own, name));
        if change.access {
            return true;
        }
        if is_own(name) || change.old_name.as_ref().is_some_and(is_own) {
            return false;
        }
        let names = std::iter::once(name).chain(&change.old_name);
        let events = names.fold(Events::default(), |events, name| {
            events.union(self.events_of(name, &self.list)).union(self.events_of(name, new))
        });
        events.has(change.events)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subtree_is_its_root_and_all_below() {
        let name = |text: &str| MailboxName::parse(text).unwrap();
        let roots = [name("a"), name("b/c")];
        assert!(["a", "a/x/y", "b/c", "b/c/d"].into_iter().all(|n| is_in_subtree(&name(n), &roots)));
        assert!(["b", "ab", "b/cd", "c"].into_iter().all(|n| !is_in_subtree(&name(n), &roots)));
    }
}
