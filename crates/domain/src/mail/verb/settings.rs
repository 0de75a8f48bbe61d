//! What is set up for an account: its first mailboxes and its quota.

use crate::keys;
use crate::mail::rows::{DeletedRow, MailboxRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::values::QuotaLimits;
use crate::mail::writer::Verb;
use store_kv::Space;
use types::{MailboxId, MailboxName, Octets, SpecialUse};

/// The mailboxes that a new account gets besides INBOX.
const FIRST_MAILBOXES: [(&str, SpecialUse); 5] = [
    ("Drafts", SpecialUse::Drafts),
    ("Sent", SpecialUse::Sent),
    ("Junk", SpecialUse::Junk),
    ("Trash", SpecialUse::Trash),
    ("Archive", SpecialUse::Archive),
];

/// Makes the first mailboxes of an account that has none, all subscribed; does nothing if it has any.
#[derive(Debug)]
pub(crate) struct SetUp;

impl Verb for SetUp {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        if tx.names().contains_key(&MailboxName::inbox()) {
            return Ok(());
        }
        let special = FIRST_MAILBOXES
            .iter()
            .filter_map(|(name, special)| MailboxName::parse(name).ok().map(|name| (name, Some(*special))));
        let mut rows = Vec::new();
        for (name, special_use) in [(MailboxName::inbox(), None)].into_iter().chain(special) {
            rows.push((name, special_use, tx.next_uid_validity()?));
        }
        let modseq = tx.next_modseq();
        for (name, special_use, uid_validity) in rows {
            if tx.names().contains_key(&name) {
                continue;
            }
            let id = MailboxId(tx.account().next_mailbox);
            tx.account().next_mailbox = id.0.saturating_add(1);
            let number = tx.account().next_subscription;
            tx.account().next_subscription = number.saturating_add(1);
            tx.put(keys::subscription(tx.id, number), name.as_str().to_owned().into());
            tx.subscriptions_mut().insert(name.clone(), number);
            tx.names_mut().insert(name.clone(), id);
            tx.set_mailbox(id, Some(MailboxRow { special_use, ..MailboxRow::new(name, uid_validity, modseq) }));
        }
        Ok(())
    }
}

/// Takes every mailbox and subscription away, INBOX too, and leaves the messages to the next sweep.
#[derive(Debug)]
pub(crate) struct Erase;

impl Verb for Erase {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        let all: Vec<_> = tx.names().values().copied().collect();
        let subscriptions: Vec<_> = tx.subscriptions().values().copied().collect();
        if all.is_empty() && subscriptions.is_empty() && tx.annotations(MailboxId(0)).is_empty() {
            return Ok(());
        }
        tx.next_modseq();
        let removed = tx.now();
        for id in all {
            if let Some(MailboxRow { name, keywords, messages, .. }) = tx.any_mailbox(id).cloned() {
                let deleted = DeletedRow { name, keywords, messages, removed, expiry: removed };
                tx.put(keys::deleted_mailbox(tx.id, id), deleted.encode());
            }
            tx.strip(id);
            tx.set_mailbox(id, None);
        }
        tx.strip(MailboxId(0));
        for number in subscriptions {
            tx.delete(keys::subscription(tx.id, number));
        }
        tx.names_mut().clear();
        tx.subscriptions_mut().clear();
        let account = tx.account();
        (account.messages, account.octets) = (0, 0);
        Ok(())
    }

    fn space(&self) -> Space {
        Space::Frees
    }
}

/// What SETQUOTA and the operator change.
#[derive(Debug)]
pub(crate) enum SetQuota {
    /// The most octets, and nothing else.
    Octets(Option<Octets>),
    /// All limits.
    All(QuotaLimits),
}

impl Verb for SetQuota {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        let before = tx.account().limits;
        let limits = match self {
            Self::Octets(octets) => QuotaLimits { octets: *octets, ..before },
            Self::All(limits) => *limits,
        };
        if before != limits {
            tx.next_modseq();
            tx.account().limits = limits;
        }
        Ok(())
    }

    fn space(&self) -> Space {
        Space::Frees
    }
}
