//! The accounts whose mailboxes a session watches: its user's own, and those of others that share some with him. For
//! NOTIFY (RFC 5465) and for news of annotations (RFC 5464 §4.4).
//!
//! Nothing is asked again and again. An account's watch wakes when anything in it has changed, its rights too. Who begins
//! to share with somebody, or ends that, changes a hint in the directory (docs/adr/0008-others-mailboxes.md), whose watch
//! wakes: the hint is written before the rights, so that the account is watched when they come.

use crate::place::{is_own, of_directory, root_of};
use domain::{Account, AccountWatch, DirectoryWatch, MailError, MailboxInfo, Mailboxes};
use proto_imap::command::{EventGroup, Events, MailboxFilter};
use service_session::Shared;
use std::future::{Future, poll_fn, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use types::{AccountId, HIERARCHY_SEPARATOR, MailboxId, MailboxName};

/// Most accounts of others that a session watches: each stays in memory as long.
pub(crate) const ACCOUNTS_WATCHED_MAX: usize = 100;

/// A mailbox, whosever it is.
pub(crate) type MailboxKey = (AccountId, MailboxId);

pub(crate) fn key_of(mailbox: &MailboxInfo) -> MailboxKey {
    (mailbox.owner, mailbox.id)
}

/// Whose mailboxes are watched beside one's own.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    /// Those that these may name.
    pub(crate) groups: Arc<[EventGroup]>,
    /// All.
    pub(crate) everybody: bool,
}

impl Scope {
    /// Whether the groups may name a mailbox below this.
    fn names(&self, root: &MailboxName) -> bool {
        let is_near = |name: &MailboxName| name == root || is_below(name, root);
        self.groups.iter().filter(|group| group.events.has(Events::OF_MAILBOXES)).any(|group| match &group.filter {
            MailboxFilter::Inboxes | MailboxFilter::Personal => false,
            MailboxFilter::Subscribed => true,
            MailboxFilter::Mailboxes(names) => names.iter().any(is_near),
            MailboxFilter::Subtree(names) => names.iter().any(|name| is_near(name) || is_below(root, name)),
        })
    }

    /// Whether others' mailboxes are in question at all.
    fn is_wide(&self) -> bool {
        let is_others = |group: &EventGroup| match &group.filter {
            MailboxFilter::Inboxes | MailboxFilter::Personal => false,
            MailboxFilter::Subscribed => true,
            MailboxFilter::Mailboxes(names) | MailboxFilter::Subtree(names) => names.iter().any(|name| !is_own(name)),
        };
        self.everybody || self.groups.iter().any(is_others)
    }
}

/// Whether the first is below the second.
pub(crate) fn is_below(name: &MailboxName, above: &MailboxName) -> bool {
    name.as_str().strip_prefix(above.as_str()).is_some_and(|rest| rest.starts_with(HIERARCHY_SEPARATOR))
}

/// One of the accounts.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) account: Account,
    /// It has changed since it was last looked at; whoever looks takes the mark away.
    pub(crate) is_woken: bool,
    /// Its mailboxes, all of them, under the names they have there.
    pub(crate) list: Arc<Mailboxes>,
    /// The name above them; `None` for one's own.
    root: Option<MailboxName>,
    watch: AccountWatch,
}

impl Watched {
    /// Watches it, before anything in it is read.
    async fn begin(account: Account, root: Option<MailboxName>) -> Result<Self, MailError> {
        let watch = account.watch();
        let list = account.mailboxes().await?;
        Ok(Self { account, is_woken: true, list, root, watch })
    }

    /// A mailbox's name as the session's user writes it; `None` if it can have none.
    pub(crate) fn shown(&self, name: &MailboxName) -> Option<MailboxName> {
        match &self.root {
            None => Some(name.clone()),
            Some(root) => MailboxName::parse(&format!("{root}{HIERARCHY_SEPARATOR}{name}")).ok(),
        }
    }

    async fn changed(&mut self) {
        self.watch.changed().await;
        self.is_woken = true;
    }
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Accounts {
    scope: Scope,
    own: Watched,
    others: Vec<Watched>,
    /// `None` where others' mailboxes are not in question.
    directory: Option<DirectoryWatch>,
    is_directory_woken: bool,
    /// There are more than [`ACCOUNTS_WATCHED_MAX`].
    pub(crate) is_cut: bool,
    /// The mailboxes of those that are not watched any more since the last update.
    left: Vec<Arc<Mailboxes>>,
    shown: Arc<Mailboxes>,
}

impl Accounts {
    /// Watches from now on.
    pub(crate) async fn begin(shared: &Shared, own: &Account, scope: Scope) -> Result<Self, MailError> {
        let own = Watched::begin(own.clone(), None).await?;
        let mut accounts = Self {
            scope: Scope { groups: Arc::default(), everybody: false },
            others: Vec::new(),
            directory: None,
            is_directory_woken: false,
            is_cut: false,
            left: Vec::new(),
            shown: Arc::clone(&own.list),
            own,
        };
        accounts.widen(shared, scope).await?;
        Ok(accounts)
    }

    /// Watches these instead.
    pub(crate) async fn widen(&mut self, shared: &Shared, scope: Scope) -> Result<(), MailError> {
        self.directory = scope.is_wide().then(|| shared.directory.watch());
        self.scope = scope;
        self.is_directory_woken = true;
        self.update(shared).await
    }

    /// All mailboxes that the session's user may know of, as of the last update.
    pub(crate) fn list(&self) -> &Arc<Mailboxes> {
        &self.shown
    }

    /// One's own account and those of others.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Watched> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// The same, to take the marks away.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Watched> {
        std::iter::once(&mut self.own).chain(&mut self.others)
    }

    /// One that is watched.
    pub(crate) fn get(&self, id: AccountId) -> Option<&Watched> {
        self.iter().find(|watched| watched.account.id() == id)
    }

    /// Whether there still is such a mailbox, whatever may be done with it.
    pub(crate) fn exists(&self, (owner, id): MailboxKey) -> bool {
        let lists = self.iter().map(|watched| &watched.list).chain(&self.left);
        lists.into_iter().any(|list| list.of(owner, id).is_some())
    }

    /// Waits until one has changed. Can be dropped while it waits without losing anything.
    pub(crate) async fn changed(&mut self) {
        let Self { own, others, directory, is_directory_woken, .. } = self;
        let mut waits: Vec<Pin<Box<dyn Future<Output = ()> + Send + '_>>> = Vec::with_capacity(others.len() + 2);
        waits.push(Box::pin(own.changed()));
        for other in others {
            waits.push(Box::pin(other.changed()));
        }
        if let Some(directory) = directory {
            waits.push(Box::pin(async {
                directory.changed().await;
                *is_directory_woken = true;
            }));
        }
        poll_fn(|context| {
            let before = waits.len();
            waits.retain_mut(|wait| wait.as_mut().poll(context).is_pending());
            if waits.len() < before { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Whether one has changed that was not looked at since.
    pub(crate) async fn has_changed(&mut self) -> bool {
        tokio::select! {
            biased;
            () = self.changed() => {}
            () = ready(()) => {}
        }
        self.is_directory_woken || self.iter().any(|watched| watched.is_woken)
    }

    /// Reads anew what has changed.
    pub(crate) async fn update(&mut self, shared: &Shared) -> Result<(), MailError> {
        self.left.clear();
        let mut is_other = false;
        if self.is_directory_woken {
            is_other = self.find(shared).await?;
            self.is_directory_woken = false;
        }
        for watched in self.iter_mut().filter(|watched| watched.is_woken) {
            let list = watched.account.mailboxes().await?;
            is_other |= !Arc::ptr_eq(&list, &watched.list);
            watched.list = list;
        }
        if is_other {
            let others: Vec<_> =
                self.others.iter().filter_map(|other| Some((other.root.clone()?, Arc::clone(&other.list)))).collect();
            let own = &self.own.list;
            let reader = self.own.account.id();
            self.shown = if others.is_empty() { Arc::clone(own) } else { Arc::new(own.with_shared(&others, reader)) };
        }
        Ok(())
    }

    /// Finds out who shares something; whether that differs.
    async fn find(&mut self, shared: &Shared) -> Result<bool, MailError> {
        let mut found = Vec::new();
        let reader = self.own.account.id();
        let sharers = match &self.directory {
            Some(_) => shared.directory.sharers(reader).await.map_err(of_directory)?,
            None => Vec::new(),
        };
        for id in sharers {
            let named = shared.directory.account_named(id).await.map_err(of_directory)?;
            let root = named.and_then(|(address, marks)| root_of(&address, marks.shared));
            let root = root.filter(|root| self.scope.everybody || self.scope.names(root));
            found.extend(root.map(|root| (id, root)));
        }
        self.is_cut = found.len() > ACCOUNTS_WATCHED_MAX;
        if self.is_cut {
            // Those that were asked for come first.
            found.sort_by_key(|(_, root)| !self.scope.names(root));
            found.truncate(ACCOUNTS_WATCHED_MAX);
            found.sort_unstable_by_key(|(id, _)| *id);
        }
        let mut is_other = false;
        for (id, root) in &found {
            if let Some(known) = self.others.iter_mut().find(|other| other.account.id() == *id) {
                is_other |= known.root.as_ref() != Some(root);
                known.root = Some(root.clone());
            } else {
                is_other = true;
                let account = shared.mail.account(*id).await?;
                self.others.push(Watched::begin(account, Some(root.clone())).await?);
            }
        }
        let is_found = |other: &Watched| found.binary_search_by_key(&other.account.id(), |(id, _)| *id).is_ok();
        for gone in self.others.extract_if(.., |other| !is_found(other)) {
            is_other = true;
            // What cannot be read now counts as gone.
            self.left.extend(gone.account.mailboxes().await.ok());
        }
        Ok(is_other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> MailboxName {
        MailboxName::parse(text).unwrap()
    }

    #[test]
    fn a_name_is_below_only_whole_levels() {
        let is = |one: &str, other: &str| is_below(&name(one), &name(other));
        assert!(is("a/b", "a") && is("a/b/c", "a") && !is("ab", "a") && !is("a", "a"));
    }

    #[test]
    fn accounts_are_watched_if_a_group_may_name_their_mailboxes() {
        let root = name("Other Users/ann@example.org");
        let names = |filter: MailboxFilter, events: Events| {
            let groups = [EventGroup { filter, events }].into();
            let scope = Scope { groups, everybody: false };
            (scope.is_wide(), scope.names(&root))
        };
        let some = Events::MAILBOX_NAME;
        let mailboxes = |text: &str| MailboxFilter::Mailboxes(vec![name(text)]);
        let subtree = |text: &str| MailboxFilter::Subtree(vec![name(text)]);
        assert_eq!(names(MailboxFilter::Personal, some), (false, false));
        assert_eq!(names(MailboxFilter::Inboxes, some), (false, false));
        assert_eq!(names(MailboxFilter::Subscribed, some), (true, true));
        assert_eq!(names(mailboxes("Other Users/ann@example.org/INBOX"), some), (true, true));
        assert_eq!(names(mailboxes("Other Users/ann@example.org"), some), (true, true));
        assert_eq!(names(mailboxes("Other Users"), some), (true, false));
        assert_eq!(names(mailboxes("Other Users/ben@example.org/INBOX"), some), (true, false));
        assert_eq!(names(subtree("Other Users"), some), (true, true));
        assert_eq!(names(subtree("Other Users/ann@example.org/a/b"), some), (true, true));
        assert_eq!(names(subtree("Shared"), some), (true, false));
        assert_eq!(names(subtree("Other Users"), Events::SERVER_METADATA), (true, false));
        assert_eq!(names(subtree("Other"), some), (false, false));
        let all = Scope { groups: Arc::default(), everybody: true };
        assert!(all.is_wide() && !all.names(&root));
    }
}
