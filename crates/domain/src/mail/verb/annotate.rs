//! SETMETADATA (RFC 5464 §4.3), and what RENAME INBOX does with annotations.

use crate::mail::annotations::{
    ANNOTATION_VALUE_MAX, ANNOTATIONS_ACCOUNT_MAX, ANNOTATIONS_ALL_READERS_MAX, ANNOTATIONS_MAX, AnnotationIndex, Mark,
    holder,
};
use crate::mail::tx::{Stop, Tx};
use crate::mail::writer::Verb;
use crate::{MailError, keys};
use bytes::Bytes;
use std::sync::Arc;
use types::{AccountId, EntryName, MailboxId, ModSeq};

/// Sets annotations of a mailbox, or of the account where `mailbox` is 0: all or none.
#[derive(Debug)]
pub(crate) struct Annotate {
    pub(crate) mailbox: MailboxId,
    pub(crate) reader: AccountId,
    /// New values; `None` removes. Of several for one name the last holds.
    pub(crate) values: Vec<(EntryName, Option<Bytes>)>,
}

impl Verb for Annotate {
    /// The change; `None` if nothing was to be changed.
    type Answer = Option<ModSeq>;

    fn apply(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Stop> {
        check_mailbox(tx, self.mailbox)?;
        if self.values.iter().flat_map(|(_, value)| value).any(|value| size_of(value) > ANNOTATION_VALUE_MAX.0) {
            return Err(MailError::AnnotationTooLarge { max: ANNOTATION_VALUE_MAX }.into());
        }
        let before = tx.annotations(self.mailbox);
        let modseq = tx.account().counter.next();
        let mut index = AnnotationIndex::clone(&before);
        for (name, value) in &self.values {
            let holder = holder(self.reader, name);
            if value.is_some() || index.size(holder, name).is_some() {
                let size = value.as_ref().map(|value| u32::try_from(value.len()).unwrap_or(u32::MAX));
                index.set(holder, name.clone(), Mark { modseq, size });
            }
        }
        if index == *before {
            return Ok(None);
        }
        self.check_room(tx, &before, &index)?;
        let modseq = tx.next_modseq();
        for (name, value) in &self.values {
            let key = keys::annotation(tx.id, self.mailbox, holder(self.reader, name), name);
            match value {
                Some(value) => tx.put_and_keep(key, value.clone()),
                None => tx.delete_and_keep(key),
            }
        }
        tx.set_annotations(self.mailbox, Arc::new(index));
        Ok(Some(modseq))
    }
}

impl Annotate {
    /// Whoever is over a limit may still make things smaller.
    fn check_room(&self, tx: &Tx<'_>, before: &AnnotationIndex, after: &AnnotationIndex) -> Result<(), Stop> {
        for holder in [self.reader, crate::mail::annotations::SHARED] {
            let ((held, all), (held_before, all_before)) = (after.counts(holder), before.counts(holder));
            if held > ANNOTATIONS_MAX.max(held_before) || all > ANNOTATIONS_ALL_READERS_MAX.max(all_before) {
                return Err(MailError::TooManyAnnotations.into());
            }
        }
        let (octets, octets_before) = (after.octets(), before.octets());
        let total = tx.annotation_octets().saturating_sub(octets_before).saturating_add(octets);
        if octets > octets_before && total > ANNOTATIONS_ACCOUNT_MAX.0 {
            return Err(MailError::TooManyAnnotations.into());
        }
        Ok(())
    }
}

fn check_mailbox(tx: &Tx<'_>, mailbox: MailboxId) -> Result<(), Stop> {
    let is_there = mailbox == MailboxId(0) || tx.any_mailbox(mailbox).is_some();
    if is_there { Ok(()) } else { Err(MailError::NoSuchMailbox.into()) }
}

fn size_of(value: &Bytes) -> u64 {
    u64::try_from(value.len()).unwrap_or(u64::MAX)
}

/// Copies all annotations of one mailbox to a new one: RENAME INBOX keeps them on both (RFC 5464 §4.1).
#[derive(Debug)]
pub(crate) struct CopyAnnotations {
    pub(crate) from: MailboxId,
    pub(crate) to: MailboxId,
}

impl CopyAnnotations {
    /// Fetches what copying those of a mailbox will need.
    pub(crate) fn fetch(tx: &mut Tx<'_>, from: MailboxId) -> Result<(), Stop> {
        let index = tx.annotations(from);
        tx.need_keys(index.all().map(|(holder, name)| keys::annotation(tx.id, from, holder, name)))
    }
}

impl Verb for CopyAnnotations {
    type Answer = ();

    fn apply(&self, tx: &mut Tx<'_>) -> Result<(), Stop> {
        check_mailbox(tx, self.to)?;
        let from = tx.annotations(self.from);
        let mut index = AnnotationIndex::default();
        let names: Vec<_> = from.all().map(|(holder, name)| (holder, name.clone())).collect();
        let total = tx.annotation_octets().saturating_add(from.octets());
        if names.is_empty() || total > ANNOTATIONS_ACCOUNT_MAX.0 {
            // Not to lose the renaming for it: it is a SHOULD.
            return Ok(());
        }
        tx.need_keys(names.iter().map(|(holder, name)| keys::annotation(tx.id, self.from, *holder, name)))?;
        let mut values = Vec::with_capacity(names.len());
        for (holder, name) in names {
            let value = tx.get(keys::annotation(tx.id, self.from, holder, &name))?;
            values.extend(value.map(|value| (holder, name, value)));
        }
        let modseq = tx.next_modseq();
        for (holder, name, value) in values {
            let size = Some(u32::try_from(value.len()).unwrap_or(u32::MAX));
            tx.put_and_keep(keys::annotation(tx.id, self.to, holder, &name), value);
            index.set(holder, name, Mark { modseq, size });
        }
        tx.set_annotations(self.to, Arc::new(index));
        Ok(())
    }
}
