//! How two lists of mailboxes differ, in the words of RFC 5465 §5.4 and §5.5.

use crate::accounts::key_of;
use domain::{MailboxInfo, Mailboxes};
use proto_imap::command::Events;
use std::collections::BTreeMap;
use types::{MailboxId, MailboxName};

/// What a LIST response about a name tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Change {
    /// How it was called before.
    pub(super) old_name: Option<MailboxName>,
    /// Which events tell it.
    pub(super) events: Events,
    /// It is told whatever was asked for: what may be watched has changed (RFC 5465 §5.9).
    pub(super) access: bool,
    /// There is such a mailbox, but the user may not know of it any more.
    pub(super) lost: bool,
}

/// The changes, by name.
#[derive(Debug, Default)]
pub(super) struct Changes(pub(super) BTreeMap<MailboxName, Change>);

impl Changes {
    /// What happened from one list to the next.
    pub(super) fn between(old: &Mailboxes, new: &Mailboxes) -> Self {
        let mut changes = Self::default();
        for mailbox in mailboxes(new) {
            match find(old, mailbox) {
                // A right to see it that was given makes it as new (RFC 5465 §5.4).
                None => changes.add_with_parent(&mailbox.name),
                Some(before) if before.name != mailbox.name => {
                    if !is_moved_along(old, new, &before.name, &mailbox.name) {
                        changes.add(&mailbox.name, Some(&before.name), Events::MAILBOX_NAME);
                    }
                }
                // A placeholder above others is none: it came or went as a mailbox.
                Some(before) if before.selectable != mailbox.selectable => changes.add_with_parent(&mailbox.name),
                Some(_) => {}
            }
        }
        for mailbox in mailboxes(old).filter(|mailbox| find(new, mailbox).is_none()) {
            changes.add_with_parent(&mailbox.name);
        }
        changes.add_subscriptions(old.subscriptions(), new.subscriptions());
        changes
    }

    /// What may be done with a mailbox of this name has changed.
    pub(super) fn add_access(&mut self, name: &MailboxName, lost: bool) {
        let change = self.0.entry(name.clone()).or_default();
        change.access = true;
        change.lost |= lost;
    }

    fn add(&mut self, name: &MailboxName, old_name: Option<&MailboxName>, event: Events) {
        let change = self.0.entry(name.clone()).or_default();
        change.events = change.events.union(event);
        if change.old_name.is_none() {
            change.old_name = old_name.cloned();
        }
    }

    /// A mailbox came or went: its direct parent, whether there is one or not, is affected too.
    fn add_with_parent(&mut self, name: &MailboxName) {
        self.add(name, None, Events::MAILBOX_NAME);
        if let Some(parent) = name.parent() {
            self.add(&parent, None, Events::MAILBOX_NAME);
        }
    }

    /// Both are sorted.
    fn add_subscriptions(&mut self, old: &[MailboxName], new: &[MailboxName]) {
        for (here, there) in [(old, new), (new, old)] {
            for name in here.iter().filter(|name| there.binary_search(name).is_err()) {
                self.add(name, None, Events::SUBSCRIPTION_CHANGE);
            }
        }
    }
}

/// Levels above others' mailboxes are none.
pub(super) fn mailboxes(list: &Mailboxes) -> impl Iterator<Item = &MailboxInfo> {
    list.iter().filter(|mailbox| mailbox.id != MailboxId(0))
}

/// The same mailbox in another list.
fn find<'a>(list: &'a Mailboxes, mailbox: &MailboxInfo) -> Option<&'a MailboxInfo> {
    let (owner, id) = key_of(mailbox);
    list.of(owner, id)
}

/// Whether a mailbox has its new name only because the one above it was renamed.
fn is_moved_along(old: &Mailboxes, new: &Mailboxes, before: &MailboxName, after: &MailboxName) -> bool {
    let (Some(old_parent), Some(new_parent)) = (before.parent(), after.parent()) else { return false };
    let last = |name: &MailboxName, parent: &MailboxName| name.as_str().get(parent.as_str().len()..).map(str::to_owned);
    let parent = old.get(&old_parent).and_then(|parent| find(new, parent));
    let same_parent = parent.is_some_and(|parent| parent.name == new_parent);
    same_parent && old_parent != new_parent && last(before, &old_parent) == last(after, &new_parent)
}
