//! Mail: an account's mailboxes and messages, and everything that changes them.
//!
//! [`Mail`] hands out [`Account`]s. An account has one state in each process, shared by all sessions of all protocols
//! (`mail/live.rs`); its verbs (`mail/verb/`) wait in a queue and go to the store in batches (`mail/writer.rs`); what
//! sessions look at are immutable snapshots (`mail/view.rs`). Nothing is visible before it is durable.

mod account;
mod acl;
mod across;
mod annotations;
mod chunk;
mod content;
mod hidden;
mod live;
mod load;
mod mailboxes;
mod retained;
mod rows;
mod sharing;
mod staging;
mod threads;
mod transcode;
mod tx;
mod unfinished;
mod values;
mod verb;
mod view;
mod writer;

pub use account::Account;
pub(crate) use acl::ANYONE;
pub use acl::{ACL_ENTRIES_MAX, Acl, AclChange, AclKey, Grantee};
pub use across::ACROSS_STEP;
pub use annotations::{ANNOTATION_VALUE_MAX, ANNOTATIONS_ACCOUNT_MAX, ANNOTATIONS_ALL_READERS_MAX, ANNOTATIONS_MAX};
pub use content::Content;
pub use mailboxes::{MailboxInfo, Mailboxes};
pub use retained::{RetainedCursor, RetainedPage};
pub use sharing::{AnnotationInfo, AnnotationsChanged};
pub use staging::{Staged, Staging};
pub use values::{
    Appended, Cause, Copied, Expunge, FlagNames, MailOptions, MailboxStatus, NewMessage, QuotaLimits, Restored,
    Retained, RetainedId, StoredFlags, Swept, Usage, Vanished,
};
pub use view::{AccountWatch, View};

use crate::MailError;
use live::{Live, Shared};
use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use store_kv::{Engine, PageLimit, Scan, account_of, account_prefix};
use types::{AccountId, Clock, Octets, Timestamp, TraceId, snapshot::Entry, snapshot::Snapshot};

/// Later than anything that is kept: the last moment that fits a trace id.
const FAR_FUTURE: Timestamp = Timestamp((1 << 48) - 1);

/// All accounts' mail in one store.
pub struct Mail {
    shared: Arc<Shared>,
    registry: Mutex<HashMap<AccountId, Slot>>,
    traces: AtomicU64,
}

/// One account that is or was in memory.
struct Slot {
    live: Weak<Live>,
    /// Keeps it there while nobody uses it.
    kept: Option<Arc<Live>>,
    used: u64,
}

impl Mail {
    /// Mail in this store.
    pub fn new(engine: Arc<dyn Engine>, clock: Arc<dyn Clock>, options: MailOptions) -> Arc<Self> {
        Arc::new_cyclic(|mail| {
            let shared = Arc::new(Shared::new(engine, clock, options, Weak::clone(mail)));
            Self { shared, registry: Mutex::default(), traces: AtomicU64::new(0) }
        })
    }

    /// The handle of an account. Reads nothing yet: the first verb does.
    #[expect(clippy::unused_async, reason = "part of the interface: a later registry may ask the store")]
    pub async fn account(self: &Arc<Self>, id: AccountId) -> Result<Account, MailError> {
        Ok(Account::new(self.live(id)))
    }

    /// What is said of the server as a whole: an account with annotations and nothing else (RFC 5464 §3.2.1.1).
    pub async fn server(self: &Arc<Self>) -> Result<Account, MailError> {
        self.account(crate::keys::SERVER).await
    }

    /// Makes an account's first mailboxes: INBOX, and Drafts, Sent, Junk, Trash, Archive with their special uses, all
    /// subscribed. Does nothing if it has an INBOX, so it can be repeated after a crash.
    pub async fn create_account_mail(self: &Arc<Self>, id: AccountId) -> Result<(), MailError> {
        self.live(id).submit(verb::settings::SetUp).await
    }

    /// Takes all of an account's mail away at once and for good, the retention space included. Can be repeated after a
    /// crash. Ids are not used again if the account gets mail anew.
    pub async fn erase_account_mail(self: &Arc<Self>, id: AccountId) -> Result<(), MailError> {
        let live = self.live(id);
        live.submit(verb::settings::Erase).await?;
        live.sweep(FAR_FUTURE).await?;
        Ok(())
    }

    /// Begins to take in a message for whoever it will turn out to be for.
    pub async fn stage(&self, size_hint: Option<Octets>) -> Result<Staging, MailError> {
        let max = self.shared.options.message_max;
        if size_hint.is_some_and(|hint| hint > max) {
            return Err(MailError::TooLarge { max });
        }
        Ok(Staging::new(self.shared.engine.stage(size_hint).await?, max))
    }

    /// How many accounts are in memory, in use or kept for a while; for metrics.
    pub fn accounts_in_memory(&self) -> usize {
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        registry.values().filter(|slot| slot.live.strong_count() > 0).count()
    }

    /// The largest message there may be.
    pub fn message_max(&self) -> Octets {
        self.shared.options.message_max
    }

    /// A trace id for something that begins now.
    pub fn new_trace(&self) -> TraceId {
        let now = self.shared.clock.now();
        let mut random = [0; 10];
        if getrandom::fill(&mut random).is_err() {
            // Without the system's randomness ids are still unique in this process.
            let count = self.traces.fetch_add(1, Ordering::Relaxed);
            random.get_mut(..8).into_iter().for_each(|part| part.copy_from_slice(&count.to_le_bytes()));
        }
        TraceId::new(now, random)
    }

    /// Lets retained messages go whose time is over by `now`, and forgets what need not be remembered any longer, in
    /// all accounts. To be called now and then; several processes may do so at once. An account that fails keeps the
    /// others from nothing; the answer is the first one's error.
    pub async fn sweep(self: &Arc<Self>, now: Timestamp) -> Result<Swept, MailError> {
        let mut total = Swept::default();
        let mut answer = Ok(());
        let mut next = Some(AccountId(0));
        while let Some(from) = next {
            let Some(id) = self.next_account(from).await? else { break };
            next = id.0.checked_add(1).map(AccountId);
            match self.sweep_account(id, now).await {
                Ok(Some(swept)) => {
                    total.messages += swept.messages;
                    total.bodies += swept.bodies;
                    total.accounts += 1;
                }
                Ok(None) => {}
                Err(error) => answer = answer.and(Err(logged(id, error))),
            }
        }
        answer.map(|()| total)
    }

    async fn sweep_account(self: &Arc<Self>, id: AccountId, now: Timestamp) -> Result<Option<Swept>, MailError> {
        if !Live::new(id, Arc::clone(&self.shared)).has_something_to_sweep(now).await? {
            return Ok(None);
        }
        self.live(id).sweep(now).await.map(Some)
    }

    /// Ends what a crash has left half done, in all accounts. To be called at the start; harmless at any time. What is
    /// found in an account that is used before is ended then. One that fails is met as [`Mail::sweep`] does.
    pub async fn recover(self: &Arc<Self>) -> Result<(), MailError> {
        let mut answer = Ok(());
        let mut next = Some(AccountId(0));
        while let Some(from) = next {
            let Some(id) = self.next_account(from).await? else { break };
            next = id.0.checked_add(1).map(AccountId);
            let ended = match Live::new(id, Arc::clone(&self.shared)).has_unfinished().await {
                Ok(true) => self.live(id).finish_all().await,
                found => found.map(|_| ()),
            };
            if let Err(error) = ended {
                answer = answer.and(Err(logged(id, error)));
            }
        }
        answer
    }

    /// The first account from this one on that has any key.
    async fn next_account(&self, from: AccountId) -> Result<Option<AccountId>, MailError> {
        let end = [account_prefix(AccountId(u32::MAX)).as_slice(), &[0xff; 2]].concat();
        let limit = PageLimit { rows: 1, ..PageLimit::default() };
        let scan = Scan { limit, ..Scan::range(account_prefix(from).to_vec(), end) };
        let page = self.shared.engine.scan(&scan).await?;
        Ok(page.rows.first().and_then(|(key, _)| account_of(key)))
    }

    fn live(&self, id: AccountId) -> Arc<Live> {
        let mut registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        let used = self.shared.tick();
        if self.shared.is_trim_due() {
            trim(&mut registry, &self.shared.options);
        }
        if let Some(slot) = registry.get_mut(&id)
            && let Some(live) = slot.live.upgrade()
        {
            slot.used = used;
            slot.kept = Some(Arc::clone(&live));
            return live;
        }
        let live = Arc::new(Live::new(id, Arc::clone(&self.shared)));
        registry.insert(id, Slot { live: Arc::downgrade(&live), kept: Some(Arc::clone(&live)), used });
        let options = &self.shared.options;
        if registry.len() > options.idle_accounts_max {
            trim(&mut registry, options);
        }
        live
    }
}

/// Says which account failed, before the next one's turn.
fn logged(id: AccountId, error: MailError) -> MailError {
    tracing::warn!(account = %id, error = &error as &dyn std::error::Error, "an account waits for the next sweep");
    error
}

/// Lets go of the accounts that were used longest ago, a quarter more than needed, so that this is done seldom.
fn trim(registry: &mut HashMap<AccountId, Slot>, options: &MailOptions) {
    let mut kept: Vec<_> =
        registry.iter().filter_map(|(id, slot)| slot.kept.as_ref().map(|_| (slot.used, *id))).collect();
    kept.sort_unstable();
    let stays = options.idle_accounts_max - options.idle_accounts_max / 4;
    let mut messages = 0_u64;
    for (place, (_, id)) in kept.iter().rev().enumerate() {
        let Some(slot) = registry.get_mut(id) else { continue };
        messages += slot.kept.as_ref().map_or(0, |live| live.read().cost());
        if place >= stays || messages > options.idle_messages_max {
            slot.kept = None;
        }
    }
    registry.retain(|_, slot| slot.live.strong_count() > 0);
}

impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

/// The POP3 UIDL of a message (RFC 1939 §7): the one stored with it, else the one that follows from its content.
pub fn uidl(snapshot: &Snapshot, entry: &Entry) -> String {
    snapshot.uidls.get(&entry.uid).map_or_else(|| format!("{:016x}", entry.email.0), ToString::to_string)
}
