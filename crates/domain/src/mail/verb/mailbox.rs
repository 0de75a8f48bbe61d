//! CREATE, DELETE, RENAME and SUBSCRIBE (RFC 9051 §6.3.4 to §6.3.8).

use crate::mail::rows::{DeletedRow, MailboxRow};
use crate::mail::tx::{Stop, Tx};
use crate::mail::writer::Verb;
use crate::{MailError, keys};
use bytes::Bytes;
use store_kv::Space;
use types::{HIERARCHY_SEPARATOR, MailboxId, MailboxName, SpecialUse};

/// Makes a mailbox, and those above it that are missing.
#[derive(Debug)]
pub(crate) struct Create {
    pub(crate) name: MailboxName,
    pub(crate) special_use: Option<SpecialUse>,
}

impl Verb for Create {
    type Answer = MailboxId;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<MailboxId, Stop> {
        if let Some(id) = tx.names().get(&self.name).copied() {
            return revive(tx, id, self.special_use);
        }
        check_use(tx, self.special_use)?;
        let missing = missing_above(tx, &self.name);
        check_quota(tx, missing.len() + 1)?;
        check_room(tx, missing.len() + 1)?;
        let validities = (0..=missing.len()).map(|_| tx.next_uid_validity()).collect::<Result<Vec<_>, _>>()?;
        let mut last = MailboxId(0);
        let modseq = tx.next_modseq();
        for (name, uid_validity) in missing.into_iter().chain([self.name.clone()]).zip(validities) {
            let mut row = MailboxRow::new(name.clone(), uid_validity, modseq);
            if name == self.name {
                row.special_use = self.special_use;
            }
            last = add(tx, row);
        }
        Ok(last)
    }
}

/// A placeholder that was left above others becomes a mailbox again; anything else is there already.
fn revive(tx: &mut Tx<'_>, id: MailboxId, special_use: Option<SpecialUse>) -> Result<MailboxId, Stop> {
    let row = tx.any_mailbox(id).filter(|row| !row.selectable).cloned();
    let row = row.ok_or(MailError::AlreadyExists)?;
    check_use(tx, special_use)?;
    let uid_validity = tx.next_uid_validity()?;
    let modseq = tx.next_modseq();
    inherit(tx, &row.name, id);
    tx.set_mailbox(id, Some(MailboxRow { special_use, ..MailboxRow::new(row.name, uid_validity, modseq) }));
    // The list says whether a mailbox can be selected.
    tx.names_mut();
    Ok(id)
}

/// One mailbox for one use: whoever looks for it finds one answer.
fn check_use(tx: &Tx<'_>, special_use: Option<SpecialUse>) -> Result<(), Stop> {
    let Some(wanted) = special_use else { return Ok(()) };
    let mut rows = tx.names().values().filter_map(|id| tx.any_mailbox(*id));
    if rows.any(|row| row.special_use == Some(wanted)) { Err(MailError::UseTaken.into()) } else { Ok(()) }
}

fn add(tx: &mut Tx<'_>, row: MailboxRow) -> MailboxId {
    let id = MailboxId(tx.account().next_mailbox);
    tx.account().next_mailbox = tx.account().next_mailbox.saturating_add(1);
    tx.names_mut().insert(row.name.clone(), id);
    if row.selectable {
        inherit(tx, &row.name, id);
    }
    tx.set_mailbox(id, Some(row));
    id
}

/// Gives a new mailbox the rights of the one above it (RFC 4314 §4, CREATE).
fn inherit(tx: &mut Tx<'_>, name: &MailboxName, id: MailboxId) {
    let parent = name.parent().and_then(|parent| tx.names().get(&parent).copied());
    let acl = parent.map(|parent| tx.acl(parent)).unwrap_or_default();
    if !acl.is_empty() {
        tx.set_acl(id, acl);
    }
}

/// Whether the account may have so many mailboxes more (RFC 9208 §5.3).
fn check_quota(tx: &mut Tx<'_>, more: usize) -> Result<(), Stop> {
    let is_over = super::append::usage(tx).refuses_mailboxes(more);
    if is_over { Err(MailError::OverQuota.into()) } else { Ok(()) }
}

/// Names above this one that do not exist, the highest first.
fn missing_above(tx: &Tx<'_>, name: &MailboxName) -> Vec<MailboxName> {
    let mut missing = Vec::new();
    let mut above = name.parent();
    while let Some(name) = above.filter(|name| !tx.names().contains_key(name)) {
        above = name.parent();
        missing.push(name);
    }
    missing.reverse();
    missing
}

fn check_room(tx: &mut Tx<'_>, more: usize) -> Result<(), Stop> {
    let is_full = tx.names().len().saturating_add(more) > tx.shared.options.mailboxes_max;
    let ids_left = usize::try_from(u32::MAX - tx.account().next_mailbox).unwrap_or(usize::MAX);
    if is_full || ids_left <= more { Err(MailError::TooManyMailboxes.into()) } else { Ok(()) }
}

fn below<'a>(tx: &'a Tx<'_>, name: &MailboxName) -> impl Iterator<Item = (&'a MailboxName, MailboxId)> {
    let prefix = format!("{name}{HIERARCHY_SEPARATOR}");
    // Names below one need not follow it directly, but they follow each other.
    let start = tx.names().range(name.clone()..).skip_while({
        let prefix = prefix.clone();
        move |(name, _)| name.as_str() < prefix.as_str()
    });
    start.take_while(move |(name, _)| name.as_str().starts_with(&prefix)).map(|(name, id)| (name, *id))
}

/// Deletes a mailbox. Its messages stay where they are, under an id that no name leads to, until the retention ends.
#[derive(Debug)]
pub(crate) struct Delete {
    pub(crate) name: MailboxName,
}

impl Verb for Delete {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        if self.name.is_inbox() {
            return Err(MailError::CannotBeChanged.into());
        }
        let id = tx.names().get(&self.name).copied().ok_or(MailError::NoSuchMailbox)?;
        let row = tx.any_mailbox(id).cloned().ok_or(MailError::NoSuchMailbox)?;
        let has_children = below(tx, &self.name).next().is_some();
        if has_children && !row.selectable {
            return Err(MailError::HasChildren.into());
        }
        let placeholder = if has_children {
            check_room(tx, 0)?;
            Some(tx.next_uid_validity()?)
        } else {
            None
        };
        let modseq = tx.next_modseq();
        let removed = tx.now();
        if row.selectable {
            let expiry = removed.after(tx.shared.options.retention);
            let MailboxRow { name, keywords, messages, .. } = row;
            let deleted = DeletedRow { name, keywords, messages, removed, expiry };
            tx.put(keys::deleted_mailbox(tx.id, id), deleted.encode());
        }
        let account = tx.account();
        account.messages = account.messages.saturating_sub(row.messages);
        account.octets = account.octets.saturating_sub(row.octets);
        tx.strip(id);
        tx.set_mailbox(id, None);
        tx.names_mut().remove(&self.name);
        if let Some(uid_validity) = placeholder {
            // RFC 9051 §6.3.5: the name stays as long as there are others below it.
            let mut row = MailboxRow::new(self.name.clone(), uid_validity, modseq);
            row.selectable = false;
            add(tx, row);
        }
        Ok(())
    }

    fn space(&self) -> Space {
        Space::Frees
    }
}

/// Renames a mailbox other than INBOX, with all that lies below it. Ids, UIDVALIDITY and messages stay.
#[derive(Debug)]
pub(crate) struct Rename {
    pub(crate) from: MailboxName,
    pub(crate) to: MailboxName,
}

impl Verb for Rename {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        let id = tx.names().get(&self.from).copied().ok_or(MailError::NoSuchMailbox)?;
        if tx.names().contains_key(&self.to) {
            return Err(MailError::AlreadyExists.into());
        }
        if self.from.is_inbox() || self.to.is_below(&self.from) {
            return Err(MailError::CannotBeChanged.into());
        }
        let tree: Vec<_> = [(&self.from, id)].into_iter().chain(below(tx, &self.from)).collect();
        let moved = tree.iter().map(|(name, id)| {
            let to = name.moved(&self.from, &self.to).unwrap_or(Ok((*name).clone()));
            let to = to.map_err(MailError::NameInvalid)?;
            let row = tx.any_mailbox(*id).cloned().ok_or(MailError::NoSuchMailbox)?;
            Ok(((*name).clone(), *id, MailboxRow { name: to, ..row }))
        });
        let moved = moved.collect::<Result<Vec<_>, MailError>>()?;
        let missing = missing_above(tx, &self.to);
        check_quota(tx, missing.len())?;
        check_room(tx, missing.len())?;
        let validities = missing.iter().map(|_| tx.next_uid_validity()).collect::<Result<Vec<_>, _>>()?;
        let modseq = tx.next_modseq();
        for (old, id, row) in moved {
            tx.names_mut().remove(&old);
            tx.names_mut().insert(row.name.clone(), id);
            tx.set_mailbox(id, Some(row));
        }
        for (name, uid_validity) in missing.into_iter().zip(validities) {
            add(tx, MailboxRow::new(name, uid_validity, modseq));
        }
        Ok(())
    }
}

/// Subscribes a name, of which there need be no mailbox, or ends that.
#[derive(Debug)]
pub(crate) struct Subscribe {
    pub(crate) name: MailboxName,
    pub(crate) on: bool,
}

impl Verb for Subscribe {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        match (tx.subscriptions().get(&self.name).copied(), self.on) {
            (Some(_), true) | (None, false) => Ok(()),
            (Some(number), false) => {
                tx.next_modseq();
                tx.subscriptions_mut().remove(&self.name);
                tx.delete(keys::subscription(tx.id, number));
                Ok(())
            }
            (None, true) => {
                let number = tx.account().next_subscription;
                let next = number.checked_add(1);
                let next = next.filter(|_| tx.subscriptions().len() < tx.shared.options.mailboxes_max);
                let next = next.ok_or(MailError::TooManyMailboxes)?;
                tx.next_modseq();
                tx.account().next_subscription = next;
                tx.subscriptions_mut().insert(self.name.clone(), number);
                let name = Bytes::copy_from_slice(self.name.as_str().as_bytes());
                tx.put(keys::subscription(tx.id, number), name);
                Ok(())
            }
        }
    }
}
