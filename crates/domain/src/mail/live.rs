//! One account's state in memory: one per account and process, loaded from the store when first needed.
//!
//! Everybody reads it under a short lock. Only the leader changes it: whoever holds [`Live::lead`]. It never runs
//! ahead of the store, so that nobody sees what a power cut could still take back.

use super::Mail;
use super::acl::Acl;
use super::annotations::AnnotationIndex;
use super::mailboxes::Mailboxes;
use super::rows::{AccountRow, MailboxRow};
use super::values::{MailOptions, MailboxStatus, Usage};
use super::verb::fold::Fold;
use super::view::ViewCell;
use super::writer::Queue;
use crate::turns::Turns;
use crate::{MailError, keys};
use bytes::Bytes;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard, Weak};
use store_kv::Engine;
use tokio::sync::watch;
use types::{AccountId, Clock, MailboxId, MailboxName, ModSeq, Octets, Uid};

/// How many views that nobody holds an account keeps.
const WARM_VIEWS_MAX: usize = 8;

/// What all accounts share.
pub(crate) struct Shared {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) options: MailOptions,
    pub(crate) contents: super::content::ContentCache,
    /// Whose turn it is to put messages in order.
    pub(crate) turns: Turns,
    /// All accounts, for what goes from one to another.
    pub(super) mail: Weak<Mail>,
    /// Counts openings, to tell which view was opened last.
    ticks: AtomicU64,
    /// How many messages were loaded into views since the idle ones were last let go.
    loaded: AtomicU64,
}

impl Shared {
    pub(super) fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, options: MailOptions, mail: Weak<Mail>) -> Self {
        let contents = super::content::ContentCache::new(options.content_cache);
        let (ticks, loaded) = (AtomicU64::new(0), AtomicU64::new(0));
        Self { engine, clock, options, contents, turns: Turns::default(), mail, ticks, loaded }
    }

    /// Counts messages that were loaded.
    pub(super) fn count_loaded(&self, messages: u32) {
        self.loaded.fetch_add(messages.into(), Ordering::Relaxed);
    }

    /// Whether so much was loaded that idle accounts should be looked at again; if so, counts anew.
    pub(super) fn is_trim_due(&self) -> bool {
        let is_due = self.loaded.load(Ordering::Relaxed) > self.options.idle_messages_max / 4;
        if is_due {
            self.loaded.store(0, Ordering::Relaxed);
        }
        is_due
    }

    pub(super) fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed)
    }
}

/// The state itself.
#[derive(Debug, Default)]
pub(crate) struct Core {
    /// The account row as it stands in the store; `None` if there is none.
    pub(crate) stored: Option<Bytes>,
    pub(crate) account: AccountRow,
    pub(crate) mailboxes: BTreeMap<MailboxId, Arc<MailboxRow>>,
    pub(crate) names: BTreeMap<MailboxName, MailboxId>,
    pub(crate) subscriptions: BTreeMap<MailboxName, u32>,
    /// Access control lists, where there are any.
    pub(crate) acls: BTreeMap<MailboxId, Arc<Acl>>,
    /// Which annotations there are, where there are any; mailbox 0 stands for the account.
    pub(crate) annotations: BTreeMap<MailboxId, Arc<AnnotationIndex>>,
    /// Whether something was unfinished when this was read.
    pub(crate) has_unfinished: bool,
    pub(crate) list: Arc<Mailboxes>,
    /// Where recent messages begin; ahead of what the rows say, because claiming them is not a change.
    pub(crate) recent: HashMap<MailboxId, u64>,
    /// The mailboxes that were opened.
    pub(crate) views: HashMap<MailboxId, Arc<ViewCell>>,
}

impl Core {
    /// The row of a mailbox that can be selected.
    pub(crate) fn mailbox(&self, id: MailboxId) -> Result<&Arc<MailboxRow>, MailError> {
        self.mailboxes.get(&id).filter(|row| row.selectable).ok_or(MailError::NoSuchMailbox)
    }

    /// The first recent UID of a mailbox.
    pub(crate) fn first_recent(&self, id: MailboxId, row: &MailboxRow) -> u64 {
        self.recent.get(&id).copied().unwrap_or(1).max(row.first_recent)
    }

    pub(super) fn rebuild_list(&mut self, owner: AccountId) {
        self.list = Arc::new(Mailboxes::build(owner, &self.mailboxes, &self.names, &self.subscriptions, &self.acls));
    }

    pub(super) fn status(&self, id: MailboxId) -> Result<MailboxStatus, MailError> {
        let row = self.mailbox(id)?;
        let count = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(MailboxStatus {
            messages: count(row.messages),
            unseen: count(row.unseen),
            deleted: count(row.deleted),
            size: Octets(row.octets),
            uid_next: row.uid_next(),
            uid_validity: row.uid_validity,
            highest_modseq: row.highest_modseq,
            first_recent: u32::try_from(self.first_recent(id, row)).ok().and_then(Uid::new),
        })
    }

    pub(super) fn usage(&self) -> Usage {
        self.account.usage(self.names.len())
    }

    /// Lets go of the views that nobody holds and that were not opened lately.
    pub(super) fn trim_views(&mut self) {
        let mut idle: Vec<_> =
            self.views.iter().filter(|(_, c)| Arc::strong_count(c) == 1).map(|(id, c)| (c.used(), *id)).collect();
        if idle.len() > WARM_VIEWS_MAX {
            idle.sort_unstable();
            for (_, id) in idle.iter().take(idle.len() - WARM_VIEWS_MAX) {
                self.views.remove(id);
            }
        }
    }

    /// How many messages its views hold in memory.
    pub(super) fn cost(&self) -> u64 {
        self.views.values().map(|cell| u64::from(cell.snapshot().len())).sum()
    }
}

/// One account in this process.
pub(crate) struct Live {
    pub(crate) id: AccountId,
    pub(crate) shared: Arc<Shared>,
    core: RwLock<Core>,
    /// Whether the core is what the store says, as far as this process can know.
    is_fresh: AtomicBool,
    /// Whether somebody follows the changes of other processes.
    pub(super) is_followed: AtomicBool,
    /// Held by whoever changes the state.
    pub(super) lead: tokio::sync::Mutex<()>,
    pub(super) queue: Mutex<Queue>,
    changes: watch::Sender<ModSeq>,
    /// Mailboxes whose chunks are being renewed.
    folding: Mutex<HashSet<MailboxId>>,
    /// Read by who is in the middle of something that has a row until it is finished, written by who finishes others'.
    pub(super) doing: Arc<tokio::sync::RwLock<()>>,
    /// Held by who finishes what others began.
    pub(super) finishing: tokio::sync::Mutex<()>,
    /// Whether there may be something to finish.
    pub(super) owes_an_end: AtomicBool,
}

impl Live {
    pub(super) fn new(id: AccountId, shared: Arc<Shared>) -> Self {
        Self {
            id,
            shared,
            core: RwLock::default(),
            is_fresh: AtomicBool::new(false),
            is_followed: AtomicBool::new(false),
            lead: tokio::sync::Mutex::new(()),
            queue: Mutex::default(),
            changes: watch::channel(ModSeq::ZERO).0,
            folding: Mutex::default(),
            doing: Arc::default(),
            finishing: tokio::sync::Mutex::default(),
            owes_an_end: AtomicBool::new(false),
        }
    }

    /// The state, to be read. Never held over an await.
    pub(super) fn read(&self) -> RwLockReadGuard<'_, Core> {
        self.core.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, to be changed: by the leader, or to claim recent messages. Never held over an await.
    pub(super) fn write(&self) -> RwLockWriteGuard<'_, Core> {
        self.core.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes those who watch the account.
    pub(super) fn announce(&self, counter: ModSeq) {
        self.changes.send_replace(counter);
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<ModSeq> {
        self.changes.subscribe()
    }

    /// What was read no longer counts: the next one who needs it reads again.
    pub(super) fn distrust(&self) {
        self.is_fresh.store(false, Ordering::Release);
    }

    pub(super) fn trust(&self) {
        self.is_fresh.store(true, Ordering::Release);
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.is_fresh.load(Ordering::Acquire)
    }

    /// Renews a mailbox's chunks in the background, unless that is under way.
    pub(super) fn fold(self: &Arc<Self>, mailbox: MailboxId) {
        let mut folding = self.folding.lock().unwrap_or_else(PoisonError::into_inner);
        if folding.insert(mailbox) {
            tokio::spawn(fold(Arc::clone(self), mailbox));
        }
    }

    /// Renews a mailbox's chunks.
    pub(super) async fn fold_now(self: &Arc<Self>, mailbox: MailboxId) -> Result<(), MailError> {
        let mut next = Some((0, None));
        while let Some((from, mark)) = next {
            let rest = self.submit(Fold { mailbox, from, mark }).await?;
            next = rest.map(|(from, mark)| (from, Some(mark)));
        }
        Ok(())
    }

    /// Makes sure that the state is loaded and as new as the store.
    pub(super) async fn ready(self: &Arc<Self>) -> Result<(), MailError> {
        if self.is_fresh() && (!self.shared.options.shared_store || self.is_current().await?) {
            return Ok(());
        }
        let lead = self.lead.lock().await;
        self.refresh(&lead).await
    }

    /// Whether the store's account row is the one that this state was made from.
    pub(super) async fn is_current(&self) -> Result<bool, MailError> {
        let row = self.shared.engine.get(&keys::account(self.id)).await?;
        Ok(row == self.read().stored)
    }
}

async fn fold(live: Arc<Live>, mailbox: MailboxId) {
    if let Err(error) = live.fold_now(mailbox).await {
        // Chunks only save time; the next change tries again.
        tracing::debug!(account = %live.id, %mailbox, error = &error as &dyn std::error::Error, "not folded");
    }
    live.folding.lock().unwrap_or_else(PoisonError::into_inner).remove(&mailbox);
}

impl fmt::Debug for Live {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Live").field("id", &self.id).finish_non_exhaustive()
    }
}
