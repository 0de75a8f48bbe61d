//! Which names a LIST tells of (RFC 5258 §3.3), in time proportional to the names.

use domain::{MailboxInfo, Mailboxes};
use proto_imap::codec::ListPattern;
use proto_imap::command::SelectOption;
use std::collections::BTreeMap;
use types::MailboxName;

/// A name that is told.
#[derive(Clone, Debug)]
pub(super) struct Listed<'a> {
    pub(super) name: MailboxName,
    /// The mailbox of that name, if there is one.
    pub(super) mailbox: Option<&'a MailboxInfo>,
    pub(super) subscribed: bool,
    /// Whether the name itself meets the selection, and not only names below it.
    pub(super) is_meant: bool,
    /// Names below it meet the selection (RFC 5258 §3.5).
    pub(super) child_info: bool,
}

/// The names that fit one of the patterns and meet the selection, ascending.
pub(super) fn choose<'a>(
    mailboxes: &'a Mailboxes,
    patterns: &'a [ListPattern],
    select: &'a [SelectOption],
) -> Box<dyn Iterator<Item = Listed<'a>> + Send + 'a> {
    if select.contains(&SelectOption::Subscribed) {
        return Box::new(subscribed(mailboxes, patterns, select).into_iter());
    }
    let meets = |mailbox: &&MailboxInfo| meets(select, Some(mailbox)) && fits(patterns, &mailbox.name);
    Box::new(mailboxes.iter().filter(meets).map(|mailbox| Listed {
        name: mailbox.name.clone(),
        mailbox: Some(mailbox),
        subscribed: mailbox.subscribed,
        is_meant: true,
        child_info: false,
    }))
}

fn fits(patterns: &[ListPattern], name: &MailboxName) -> bool {
    patterns.iter().any(|pattern| pattern.matches(name))
}

/// The selection but for SUBSCRIBED. There are no remote mailboxes that REMOTE could add.
fn meets(select: &[SelectOption], mailbox: Option<&MailboxInfo>) -> bool {
    !select.contains(&SelectOption::SpecialUse) || mailbox.is_some_and(|m| m.special_use.is_some())
}

fn subscribed<'a>(mailboxes: &'a Mailboxes, patterns: &[ListPattern], select: &[SelectOption]) -> Vec<Listed<'a>> {
    let recursive = select.contains(&SelectOption::RecursiveMatch);
    let mut told: BTreeMap<MailboxName, bool> = BTreeMap::new();
    // Names above those that meet the selection. True: one of these is not told itself, so the name must be, else nobody
    // would hear of it (RFC 5258 §3.5 suppresses what is redundant).
    let mut above: BTreeMap<MailboxName, bool> = BTreeMap::new();
    for name in mailboxes.subscriptions() {
        if !meets(select, mailboxes.get(name)) {
            continue;
        }
        let is_told = fits(patterns, name);
        if is_told {
            told.insert(name.clone(), true);
        }
        let mut next = name.parent().filter(|_| recursive);
        while let Some(parent) = next {
            let known = above.get(&parent).copied();
            // What is known of this name holds for all above it too: so each is visited twice at most.
            if known.is_some_and(|needed| needed || is_told) {
                break;
            }
            next = parent.parent();
            above.insert(parent, !is_told);
        }
    }
    for (name, _) in above.iter().filter(|(name, needed)| **needed && fits(patterns, name)) {
        told.entry(name.clone()).or_insert(false);
    }
    let listed = told.into_iter().map(|(name, subscribed)| {
        let child_info = above.contains_key(&name);
        // True only of those that are meant.
        Listed { mailbox: mailboxes.get(&name), subscribed, is_meant: subscribed, child_info, name }
    });
    listed.collect()
}
