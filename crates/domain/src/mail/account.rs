//! The handle of one account: every mail verb there is.

use super::across::of_set;
use super::content::Content;
use super::live::Live;
use super::mailboxes::Mailboxes;
use super::rows::TombstoneRow;
use super::staging::Staging;
use super::values::{
    Appended, Cause, Copied, Expunge, FlagNames, MailboxStatus, NewMessage, QuotaLimits, StoredFlags, Usage, Vanished,
};
use super::verb::append::Append;
use super::verb::expunge::Remove;
use super::verb::flags::StoreFlags;
use super::verb::inbox::RenameInbox;
use super::verb::mailbox::{Create, Delete, Rename, Subscribe};
use super::verb::replace::Replace;
use super::verb::settings::SetQuota;
use super::verb::transfer::{Mode, Transfer};
use super::verb::unfinished::Finish;
use super::view::{AccountWatch, View};
use crate::meter::Meter;
use crate::row::corrupt;
use crate::turns::Turns;
use crate::{MailError, keys};
use bytes::Bytes;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use store_kv::{PageLimit, Scan};
use types::{
    AccountId, EmailId, FlagChange, MailboxId, MailboxName, ModSeq, Octets, Rights, SpecialUse, Timestamp, Uid, UidSet,
    UidValidity,
};

/// An account's mail. Cheap to clone. `Ok` means that what was done is durable and that views show it.
#[derive(Clone)]
pub struct Account {
    pub(super) live: Arc<Live>,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({})", self.live.id)
    }
}

impl Account {
    pub(super) fn new(live: Arc<Live>) -> Self {
        Self { live }
    }

    /// Which account this is.
    pub fn id(&self) -> AccountId {
        self.live.id
    }

    /// The present, by the clock of the account's store.
    pub(crate) fn now(&self) -> Timestamp {
        self.live.shared.clock.now()
    }

    /// Whose turn it is to put messages in order.
    pub(crate) fn turns(&self) -> &Turns {
        &self.live.shared.turns
    }

    // ---- Mailboxes ------------------------------------------------------------------------------------------------

    /// All mailboxes and subscriptions as of now.
    pub async fn mailboxes(&self) -> Result<Arc<Mailboxes>, MailError> {
        self.live.ready().await?;
        Ok(Arc::clone(&self.live.read().list))
    }

    /// Makes a mailbox, and those above it that are missing (RFC 9051 §6.3.4). A special use that another mailbox has is
    /// [`MailError::UseTaken`].
    pub async fn create(&self, name: &MailboxName, special_use: Option<SpecialUse>) -> Result<MailboxId, MailError> {
        self.live.submit(Create { name: name.clone(), special_use }).await
    }

    /// Deletes a mailbox; its messages can be had back for the retention time. One with others below it stays as a
    /// placeholder that cannot be selected (RFC 9051 §6.3.5); a placeholder with others below is
    /// [`MailError::HasChildren`], INBOX is [`MailError::CannotBeChanged`].
    pub async fn delete(&self, name: &MailboxName) -> Result<(), MailError> {
        self.live.submit(Delete { name: name.clone() }).await
    }

    /// Renames a mailbox with all below it. INBOX stays, and its messages move to a new mailbox of the other name
    /// (RFC 9051 §6.3.6): in one change, unless they are more than one change takes; then the rest follows, after a crash
    /// in between too, and until then each message is in one of the two.
    pub async fn rename(&self, from: &MailboxName, to: &MailboxName) -> Result<(), MailError> {
        if !from.is_inbox() {
            return self.live.submit(Rename { from: from.clone(), to: to.clone() }).await;
        }
        let renaming = async {
            if let Some(rest) = self.live.submit(RenameInbox { to: to.clone() }).await? {
                self.live.follow_to(rest.inbox, rest.uids, rest.target).await?;
                self.live.submit(Finish { number: Some(rest.number) }).await?;
            }
            Ok(())
        };
        self.live.in_the_middle(renaming).await
    }

    /// Subscribes a name or ends that; there need be no mailbox of that name (RFC 9051 §6.3.7).
    pub async fn subscribe(&self, name: &MailboxName, on: bool) -> Result<(), MailError> {
        self.live.submit(Subscribe { name: name.clone(), on }).await
    }

    /// What STATUS tells, without opening the mailbox.
    pub async fn status(&self, id: MailboxId) -> Result<MailboxStatus, MailError> {
        self.live.ready().await?;
        self.live.read().status(id)
    }

    // ---- One mailbox ----------------------------------------------------------------------------------------------

    /// Opens a mailbox. Reads its messages if nobody has it open already.
    pub async fn open(&self, id: MailboxId) -> Result<View, MailError> {
        self.live.ready().await?;
        let open = {
            let core = self.live.read();
            core.mailbox(id)?;
            core.views.get(&id).cloned()
        };
        if let Some(cell) = open {
            cell.touch(self.live.shared.tick());
            return Ok(View::new(&cell, &self.live));
        }
        let lead = self.live.lead.lock().await;
        self.live.refresh(&lead).await?;
        let cell = self.live.load_view(&lead, id).await?;
        Ok(View::new(&cell, &self.live))
    }

    /// Puts messages into a mailbox, all or none.
    pub async fn append(&self, id: MailboxId, messages: Vec<NewMessage>) -> Result<Appended, MailError> {
        let max = self.live.shared.options.message_max;
        if messages.iter().any(|message| message.staged.size() > max) {
            return Err(MailError::TooLarge { max });
        }
        self.live.submit(Append { mailbox: id, messages }).await
    }

    /// Puts a message into a mailbox and takes another out of one, in one change (RFC 8508): either both happen or
    /// neither. The quota counts what is left over. [`MailError::Gone`] if there is no message to be replaced.
    pub async fn replace(
        &self,
        from: MailboxId,
        uid: Uid,
        to: MailboxId,
        by: NewMessage,
    ) -> Result<Appended, MailError> {
        let max = self.live.shared.options.message_max;
        if by.staged.size() > max {
            return Err(MailError::TooLarge { max });
        }
        let append = Append { mailbox: to, messages: vec![by] };
        let which = Arc::new(Expunge::These(UidSet::from_uids([uid])));
        let remove = Remove { mailbox: from, which, from: uid, cause: Cause::Imap };
        self.live.submit(Replace { append, uid, remove }).await
    }

    /// Changes flags. UIDs that are not there are passed over. With `unchanged_since`, messages that were changed later
    /// stay as they are and are reported. Many messages are done in several steps, of which the first may be durable
    /// when a later one fails.
    pub async fn store_flags(
        &self,
        id: MailboxId,
        uids: &UidSet,
        change: FlagChange,
        flags: &FlagNames,
        unchanged_since: Option<ModSeq>,
    ) -> Result<StoredFlags, MailError> {
        self.store_flags_with(id, uids, (change, flags), unchanged_since, Rights::ALL).await
    }

    /// [`Account::store_flags`] for somebody with these rights: flags that they do not allow stay as they are
    /// (RFC 4314 §4).
    pub async fn store_flags_with(
        &self,
        id: MailboxId,
        uids: &UidSet,
        (change, flags): (FlagChange, &FlagNames),
        unchanged_since: Option<ModSeq>,
        rights: Rights,
    ) -> Result<StoredFlags, MailError> {
        let (uids, flags) = (Arc::new(uids.clone()), Arc::new(flags.clone()));
        let mut modified = Vec::new();
        let mut modseq = None;
        let mut next = Some(Uid::MIN);
        while let Some(from) = next {
            let (uids, flags) = (Arc::clone(&uids), Arc::clone(&flags));
            let step = StoreFlags { mailbox: id, uids, from, change, flags, unchanged_since, rights };
            let stored = self.live.submit(step).await?;
            modified.extend(stored.modified);
            modseq = stored.modseq.or(modseq);
            next = stored.rest;
        }
        Ok(StoredFlags { modified: UidSet::from_uids(modified), modseq })
    }

    /// Removes messages, and tells which. Many are done in several steps.
    pub async fn expunge(&self, id: MailboxId, which: Expunge, cause: Cause) -> Result<UidSet, MailError> {
        let which = Arc::new(which);
        let mut removed = Vec::new();
        let mut next = Some(Uid::MIN);
        while let Some(from) = next {
            let step = Remove { mailbox: id, which: Arc::clone(&which), from, cause };
            let (uids, rest) = self.live.submit(step).await?;
            removed.extend(uids);
            next = rest;
        }
        Ok(UidSet::from_uids(removed))
    }

    /// Copies messages, all or none (RFC 9051 §6.4.7).
    pub async fn copy(&self, from: MailboxId, uids: &UidSet, to: MailboxId) -> Result<Copied, MailError> {
        self.transfer(Mode::Copy, from, uids, (to, Rights::ALL), &Meter::default()).await
    }

    /// Moves messages (RFC 6851). Each is at every instant in exactly one of the two mailboxes; many are moved in
    /// several steps.
    pub async fn r#move(&self, from: MailboxId, uids: &UidSet, to: MailboxId) -> Result<Copied, MailError> {
        self.transfer(Mode::Move, from, uids, (to, Rights::ALL), &Meter::default()).await
    }

    /// [`Account::copy`] and [`Account::move`] for somebody who has these rights in the target: flags that they do not
    /// allow stay behind (RFC 4314 §4).
    pub(super) async fn transfer(
        &self,
        mode: Mode,
        source: MailboxId,
        uids: &UidSet,
        (target, rights): (MailboxId, Rights),
        meter: &Meter,
    ) -> Result<Copied, MailError> {
        let uids = Arc::new(uids.clone());
        // A set such as `1:*` must not reach what a move into the same mailbox puts at its end.
        let end = self.end(source).await?;
        let uids = match end {
            Some(end) if mode == Mode::Move && source == target => Arc::new(below(&uids, end)),
            _ => uids,
        };
        let mut pairs = Vec::new();
        let mut next = Some(Uid::MIN);
        let mut uid_validity = None;
        let mut total = None;
        while let Some(from) = next {
            let step = Transfer { mode, source, uids: Arc::clone(&uids), from, target, rights };
            let (copied, rest) = self.live.submit(step).await?;
            uid_validity = Some(copied.uid_validity);
            pairs.extend(copied.pairs);
            next = rest;
            if next.is_some() {
                let total = match total {
                    Some(total) => total,
                    // What this step took is gone from there.
                    None => *total.insert(pairs.len() + of_set(&self.open(source).await?.current(), &uids).count()),
                };
                meter.step(pairs.len(), total).await;
            }
        }
        let uid_validity: UidValidity = uid_validity.ok_or(MailError::NoSuchMailbox)?;
        Ok(Copied { uid_validity, pairs })
    }

    /// The UID that the next message gets.
    async fn end(&self, id: MailboxId) -> Result<Option<Uid>, MailError> {
        self.live.ready().await?;
        let core = self.live.read();
        Ok(core.mailbox(id)?.uid_next())
    }

    /// Takes the recent messages of a mailbox for one session: tells the first of them, and no later call tells them
    /// again (RFC 3501 §2.3.2). Not kept over a crash: then some may be recent twice.
    pub async fn claim_recent(&self, id: MailboxId) -> Result<Option<Uid>, MailError> {
        self.live.ready().await?;
        let mut core = self.live.write();
        let row = Arc::clone(core.mailbox(id)?);
        let first = core.first_recent(id, &row);
        core.recent.insert(id, row.next_uid);
        Ok(u32::try_from(first).ok().and_then(Uid::new))
    }

    /// What left a mailbox after a change. If that was more than `limit` ranges or so long ago that it is no longer
    /// known, the answer is all that is not there: see [`Vanished::is_exact`].
    pub async fn vanished_since(&self, id: MailboxId, since: ModSeq, limit: usize) -> Result<Vanished, MailError> {
        self.live.ready().await?;
        let (floor, highest) = {
            let core = self.live.read();
            let row = core.mailbox(id)?;
            (row.tombstone_floor, row.highest_modseq)
        };
        if since >= highest {
            return Ok(Vanished { uids: UidSet::default(), is_exact: true });
        }
        if since < floor {
            return self.all_absent(id).await;
        }
        let start = keys::tombstone(self.live.id, id, since.next());
        let end = Scan::prefix(&keys::tombstones(self.live.id, id)).end;
        let mut ranges = Vec::new();
        let mut next =
            Some(Scan { limit: PageLimit { rows: 1000, ..PageLimit::default() }, ..Scan::range(start, end) });
        while let Some(scan) = next {
            let page = self.live.shared.engine.scan(&scan).await?;
            next = scan.after(&page);
            for (_, row) in page.rows {
                let tombstone = TombstoneRow::decode(&row).ok_or_else(|| corrupt("a tombstone"))?;
                ranges.extend(tombstone.ranges.into_iter().map(|(first, last)| first..=last));
            }
            if ranges.len() > limit {
                return self.all_absent(id).await;
            }
        }
        Ok(Vanished { uids: UidSet::from_ranges(ranges), is_exact: true })
    }

    async fn all_absent(&self, id: MailboxId) -> Result<Vanished, MailError> {
        let snapshot = self.open(id).await?.current();
        let mut ranges = Vec::new();
        let mut next = 1;
        for entry in snapshot.iter() {
            if entry.uid.get() > next {
                ranges.push(next..=entry.uid.get() - 1);
            }
            next = entry.uid.get().saturating_add(1);
        }
        let end = snapshot.uid_next.map_or(u32::MAX, |uid| uid.get() - 1);
        if next <= end {
            ranges.push(next..=end);
        }
        Ok(Vanished { uids: UidSet::from_ranges(ranges), is_exact: false })
    }

    // ---- Content --------------------------------------------------------------------------------------------------

    /// The contents of messages, in the order asked, in one read; `None` for those that are gone. Expunged messages
    /// are still there for the retention time.
    pub async fn contents(&self, emails: &[EmailId]) -> Result<Vec<Option<Arc<Content>>>, MailError> {
        self.live.contents(emails).await
    }

    /// Bytes of a message: at most 256 KiB, fewer only at the end of the range or of the message.
    pub async fn read_body(&self, content: &Content, range: Range<u64>) -> Result<Bytes, MailError> {
        self.live.read_body(content, range).await
    }

    /// The largest message there may be.
    pub fn message_max(&self) -> Octets {
        self.live.shared.options.message_max
    }

    /// Begins to take in a message of about `size_hint` bytes.
    pub async fn stage(&self, size_hint: Option<Octets>) -> Result<Staging, MailError> {
        let shared = &self.live.shared;
        let max = shared.options.message_max;
        if size_hint.is_some_and(|hint| hint > max) {
            return Err(MailError::TooLarge { max });
        }
        Ok(Staging::new(shared.engine.stage(size_hint).await?, max))
    }

    // ---- The account ----------------------------------------------------------------------------------------------

    /// How much the account holds, and how much it may.
    pub async fn usage(&self) -> Result<Usage, MailError> {
        self.live.ready().await?;
        Ok(self.live.read().usage())
    }

    /// Sets the most octets the account may hold, `None` for no limit; other limits stay.
    pub async fn set_quota(&self, quota: Option<Octets>) -> Result<(), MailError> {
        self.live.submit(SetQuota::Octets(quota)).await
    }

    /// Sets all limits of the account (RFC 9208 §4.1.3).
    pub async fn set_limits(&self, limits: QuotaLimits) -> Result<(), MailError> {
        self.live.submit(SetQuota::All(limits)).await
    }

    /// Wakes when anything in the account changed, its list of mailboxes too.
    pub fn watch(&self) -> AccountWatch {
        AccountWatch::new(self.live.subscribe(), Arc::clone(&self.live))
    }
}

/// Those of a set that are below a UID.
fn below(uids: &UidSet, end: Uid) -> UidSet {
    let last = end.get() - 1;
    UidSet::from_ranges(uids.ranges().iter().map(|range| *range.start()..=(*range.end()).min(last)))
}
