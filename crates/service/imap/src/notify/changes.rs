//! How two lists of mailboxes differ, in the words of RFC 5465 §5.4 and §5.5.

use domain::Mailboxes;
use proto_imap::command::Events;
use std::collections::BTreeMap;
use types::MailboxName;

/// A name that a LIST response is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: MailboxName,
    /// How it was called before.
    pub(super) old_name: Option<MailboxName>,
    /// Which events tell it.
    pub(super) events: Events,
}

#[derive(Default)]
struct Changed(BTreeMap<MailboxName, (Option<MailboxName>, Events)>);

impl Changed {
    fn add(&mut self, name: &MailboxName, old_name: Option<&MailboxName>, event: Events) {
        let (old, events) = self.0.entry(name.clone()).or_default();
        *events = events.union(event);
        if old.is_none() {
            *old = old_name.cloned();
        }
    }

    /// A mailbox came or went: its direct parent, whether there is one or not, is affected too.
    fn add_with_parent(&mut self, name: &MailboxName) {
        self.add(name, None, Events::MAILBOX_NAME);
        if let Some(parent) = name.parent() {
            self.add(&parent, None, Events::MAILBOX_NAME);
        }
    }
}

/// What happened from one list to the next, by name.
pub(super) fn changes(old: &Mailboxes, new: &Mailboxes) -> Vec<Change> {
    let mut changed = Changed::default();
    for mailbox in new {
        match old.by_id(mailbox.id) {
            None => changed.add_with_parent(&mailbox.name),
            Some(before) if before.name != mailbox.name => {
                if !is_moved_along(old, new, &before.name, &mailbox.name) {
                    changed.add(&mailbox.name, Some(&before.name), Events::MAILBOX_NAME);
                }
            }
            // A placeholder above others is none: it came or went as a mailbox.
            Some(before) if before.selectable != mailbox.selectable => changed.add_with_parent(&mailbox.name),
            Some(_) => {}
        }
    }
    for mailbox in old {
        if new.by_id(mailbox.id).is_none() {
            changed.add_with_parent(&mailbox.name);
        }
    }
    subscriptions(old.subscriptions(), new.subscriptions(), &mut changed);
    let by_name = changed.0.into_iter();
    by_name.map(|(name, (old_name, events))| Change { name, old_name, events }).collect()
}

/// Whether a mailbox has its new name only because the one above it was renamed.
fn is_moved_along(old: &Mailboxes, new: &Mailboxes, before: &MailboxName, after: &MailboxName) -> bool {
    let (Some(old_parent), Some(new_parent)) = (before.parent(), after.parent()) else { return false };
    let last = |name: &MailboxName, parent: &MailboxName| name.as_str().get(parent.as_str().len()..).map(str::to_owned);
    let same_parent =
        old.get(&old_parent).and_then(|parent| new.by_id(parent.id)).is_some_and(|p| p.name == new_parent);
    same_parent && old_parent != new_parent && last(before, &old_parent) == last(after, &new_parent)
}

/// Both are sorted.
fn subscriptions(old: &[MailboxName], new: &[MailboxName], changed: &mut Changed) {
    let only_in = |here: &[MailboxName], there: &[MailboxName], changed: &mut Changed| {
        for name in here.iter().filter(|name| there.binary_search(name).is_err()) {
            changed.add(name, None, Events::SUBSCRIPTION_CHANGE);
        }
    };
    only_in(old, new, changed);
    only_in(new, old, changed);
}
