//! What sessions look at: a mailbox's newest snapshot and its successors, and an account's changes.

use super::live::Live;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::watch;
use types::snapshot::Snapshot;
use types::{MailboxId, ModSeq};

/// One mailbox's snapshots, shared by everybody who looks at it.
#[derive(Debug)]
pub(crate) struct ViewCell {
    sender: watch::Sender<Arc<Snapshot>>,
    is_deleted: AtomicBool,
    used: AtomicU64,
}

impl ViewCell {
    pub(crate) fn new(snapshot: Snapshot) -> Arc<Self> {
        let sender = watch::channel(Arc::new(snapshot)).0;
        Arc::new(Self { sender, is_deleted: AtomicBool::new(false), used: AtomicU64::new(0) })
    }

    pub(crate) fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.sender.borrow())
    }

    /// Puts a newer snapshot in place and wakes who waits for it.
    pub(crate) fn publish(&self, snapshot: Arc<Snapshot>) {
        self.sender.send_replace(snapshot);
    }

    pub(crate) fn delete(&self) {
        self.is_deleted.store(true, Ordering::Release);
        self.sender.send_modify(|_| ());
    }

    /// Remembers when it was last opened.
    pub(crate) fn touch(&self, tick: u64) {
        self.used.store(tick, Ordering::Relaxed);
    }

    pub(crate) fn used(&self) -> u64 {
        self.used.load(Ordering::Relaxed)
    }
}

/// A mailbox that is looked at: the newest snapshot and its successors. Cheap; shared by all sessions.
#[derive(Clone)]
pub struct View {
    cell: Arc<ViewCell>,
    receiver: watch::Receiver<Arc<Snapshot>>,
    /// Keeps the account's state alive, or nobody would publish.
    _live: Arc<Live>,
}

impl View {
    pub(super) fn new(cell: &Arc<ViewCell>, live: &Arc<Live>) -> Self {
        Self { cell: Arc::clone(cell), receiver: cell.sender.subscribe(), _live: Arc::clone(live) }
    }

    /// The mailbox as it is now, as far as it is durable.
    pub fn current(&self) -> Arc<Snapshot> {
        Arc::clone(&self.receiver.borrow())
    }

    /// Waits until the mailbox has changed since the view was opened or this was last called, or was deleted. May
    /// return although nothing new is to be seen.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            // The cell that sends is held here, so this cannot be; waiting is the harmless answer.
            std::future::pending::<()>().await;
        }
    }

    /// Whether the mailbox was deleted. Its last snapshot can still be read.
    pub fn is_deleted(&self) -> bool {
        self.cell.is_deleted.load(Ordering::Acquire)
    }

    /// Which mailbox this is.
    pub fn mailbox(&self) -> MailboxId {
        self.receiver.borrow().mailbox
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").field("mailbox", &self.mailbox()).finish_non_exhaustive()
    }
}

/// Wakes when anything in an account has changed, its list of mailboxes too.
#[derive(Clone)]
pub struct AccountWatch {
    receiver: watch::Receiver<ModSeq>,
    _live: Arc<Live>,
}

impl AccountWatch {
    pub(super) fn new(receiver: watch::Receiver<ModSeq>, live: Arc<Live>) -> Self {
        Self { receiver, _live: live }
    }

    /// Waits for a change since the watch was made or this was last called. Can be dropped while it waits without losing
    /// one.
    pub async fn changed(&mut self) {
        if self.receiver.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl fmt::Debug for AccountWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountWatch").finish_non_exhaustive()
    }
}
