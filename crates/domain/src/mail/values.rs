//! What the mail verbs take and give.

use super::staging::Staged;
use std::time::Duration;
use types::{
    Address, EmailId, Flags, Keyword, Keywords, MailboxId, MailboxName, ModSeq, Octets, Timestamp, TraceId, Uid,
    UidSet, UidValidity,
};

/// How mail is kept.
#[derive(Clone, Debug)]
pub struct MailOptions {
    /// How long an expunged message can be had back.
    pub retention: Duration,
    /// How long it is remembered that a message was delivered to a recipient.
    pub delivery_memory: Duration,
    /// How long tombstones are kept: who was away for longer resynchronises the slow way.
    pub tombstones: Duration,
    /// Most mailboxes, and most subscriptions, of one account.
    pub mailboxes_max: usize,
    /// Largest message.
    pub message_max: Octets,
    /// How many messages one COPY may name: it happens whole or not at all, so it is one batch.
    pub copy_max: usize,
    /// How many messages one batch changes where it may be done in several.
    pub step_max: usize,
    /// How many verbs may wait for one account; one more is refused as busy.
    pub waiting_max: usize,
    /// Most accounts that are kept in memory while nobody uses them.
    pub idle_accounts_max: usize,
    /// Most messages in mailbox views that are kept in memory while nobody uses them; some 60 bytes each.
    pub idle_messages_max: u64,
    /// Most bytes of contents that are kept in memory.
    pub content_cache: Octets,
    /// Whether other processes write to the same store: then every look at an account asks the store first.
    pub shared_store: bool,
}

impl Default for MailOptions {
    fn default() -> Self {
        const DAY: Duration = Duration::from_hours(24);
        Self {
            retention: 30 * DAY,
            delivery_memory: 30 * DAY,
            tombstones: 180 * DAY,
            mailboxes_max: 10_000,
            message_max: Octets::mib(50),
            copy_max: 100_000,
            step_max: 10_000,
            waiting_max: 10_000,
            idle_accounts_max: 1000,
            idle_messages_max: 1_000_000,
            content_cache: Octets::mib(16),
            shared_store: false,
        }
    }
}

/// Flags as a client names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlagNames {
    /// System flags; anything else in the word is ignored.
    pub system: Flags,
    /// Keywords, in any order; naming one twice is naming it once.
    pub keywords: Vec<Keyword>,
}

impl FlagNames {
    /// These system flags and no keyword.
    pub fn system(flags: Flags) -> Self {
        Self { system: flags.system(), keywords: Vec::new() }
    }

    /// A flag word spelt out by its mailbox's table.
    pub fn of(flags: Flags, table: &Keywords) -> Self {
        let keywords = flags.keyword_indexes().filter_map(|i| table.get(i).cloned()).collect();
        Self { system: flags.system(), keywords }
    }
}

/// A message to be put into a mailbox.
#[derive(Clone, Debug)]
pub struct NewMessage {
    /// Its body and summary.
    pub staged: Staged,
    /// Its flags.
    pub flags: FlagNames,
    /// INTERNALDATE; now, if there is none.
    pub internal_date: Option<Timestamp>,
    /// The trace id it came with.
    pub trace: Option<TraceId>,
    /// The UIDL it had elsewhere (RFC 1939 §7: 1 to 70 printable characters), for imports.
    pub uidl: Option<Box<str>>,
    /// For a delivery: to whom. Together with `trace` it makes the delivery happen exactly once: a second one answers
    /// as the first did. What has a recipient was accepted already, so the quota does not refuse it.
    pub recipient: Option<Address>,
}

impl NewMessage {
    /// A message without flags that arrives now.
    pub fn new(staged: Staged) -> Self {
        Self { staged, flags: FlagNames::default(), internal_date: None, trace: None, uidl: None, recipient: None }
    }
}

/// What APPEND did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The mailbox's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// The UIDs, in the order of the messages.
    pub uids: Vec<Uid>,
}

/// What STORE did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredFlags {
    /// Messages that UNCHANGEDSINCE kept from being changed (RFC 7162 §3.1.3).
    pub modified: UidSet,
    /// The last change that was made; `None` if nothing needed changing.
    pub modseq: Option<ModSeq>,
}

/// Which messages to expunge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expunge {
    /// EXPUNGE: all with `\Deleted`.
    AllDeleted,
    /// UID EXPUNGE: those of these that have `\Deleted` (RFC 4315 §2.1).
    DeletedIn(UidSet),
    /// These, whatever their flags: POP3 and rules.
    These(UidSet),
}

/// Who removed a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// An IMAP client.
    Imap,
    /// A POP3 client.
    Pop3,
    /// A rule, such as expiry of a mailbox.
    Rule,
    /// The operator.
    Admin,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 4] = [Self::Imap, Self::Pop3, Self::Rule, Self::Admin];
}

/// What COPY or MOVE did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// The target's UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// Old UID and new UID, ascending.
    pub pairs: Vec<(Uid, Uid)>,
}

/// What STATUS tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailboxStatus {
    /// How many messages there are.
    pub messages: u32,
    /// How many of them lack `\Seen`.
    pub unseen: u32,
    /// How many of them have `\Deleted`.
    pub deleted: u32,
    /// Their sizes together.
    pub size: Octets,
    /// The UID of the next message; `None` when all are used up.
    pub uid_next: Option<Uid>,
    /// UIDVALIDITY.
    pub uid_validity: UidValidity,
    /// HIGHESTMODSEQ.
    pub highest_modseq: ModSeq,
    /// Messages from this UID on are recent; `None` when no UID is left that could be.
    pub first_recent: Option<Uid>,
}

/// What left a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vanished {
    /// The UIDs.
    pub uids: UidSet,
    /// Whether these are exactly the ones that left. If not, they are all below UIDNEXT that are not there: more than
    /// needed, and still a right answer (RFC 7162 §3.2.10).
    pub is_exact: bool,
}

/// How much an account holds. What is in the retention space does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Sizes of all messages in all mailboxes.
    pub octets: Octets,
    /// How many there are.
    pub messages: u64,
    /// How many mailboxes there are, those that cannot be selected too.
    pub mailboxes: u64,
    /// The most that `octets` may be; `None` for no limit.
    pub quota: Option<Octets>,
    /// The most that `messages` may be; `None` for no limit.
    pub messages_max: Option<u64>,
    /// The most that `mailboxes` may be; `None` for no limit.
    pub mailboxes_max: Option<u64>,
}

/// The limits of an account's quota root (RFC 9208); `None` for no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct QuotaLimits {
    /// STORAGE.
    pub octets: Option<Octets>,
    /// MESSAGE.
    pub messages: Option<u64>,
    /// MAILBOX.
    pub mailboxes: Option<u64>,
}

impl Usage {
    /// Whether messages of this size together, so many, would pass the quota.
    pub fn refuses(&self, size: Octets, messages: u64) -> bool {
        self.quota.is_some_and(|quota| self.octets.0.saturating_add(size.0) > quota.0)
            || self.messages_max.is_some_and(|max| self.messages.saturating_add(messages) > max)
    }

    /// Whether a message of this size would pass the quota when one of another size goes with it (RFC 8508 §3.4): what
    /// does not grow is never refused.
    pub fn refuses_instead(&self, size: Octets, freed: Octets) -> bool {
        size > freed && self.quota.is_some_and(|quota| self.octets.0.saturating_add(size.0 - freed.0) > quota.0)
    }

    /// Whether so many mailboxes more would pass the quota.
    pub fn refuses_mailboxes(&self, more: usize) -> bool {
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        more > 0 && self.mailboxes_max.is_some_and(|max| self.mailboxes.saturating_add(more) > max)
    }
}

/// Names a message in the retention space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RetainedId {
    /// When it goes for good.
    pub expiry: Timestamp,
    /// Where it was.
    pub mailbox: MailboxId,
    /// What UID it had there.
    pub uid: Uid,
}

/// A message that can be had back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retained {
    /// Its name.
    pub id: RetainedId,
    /// The name of its mailbox, or what it was when the mailbox was deleted.
    pub mailbox_name: Option<MailboxName>,
    /// Its content.
    pub email: EmailId,
    /// Its flags.
    pub flags: FlagNames,
    /// Its INTERNALDATE.
    pub internal_date: Timestamp,
    /// Its size.
    pub size: Octets,
    /// When it was removed.
    pub removed: Timestamp,
    /// By whom; the deletion of a whole mailbox counts as [`Cause::Imap`].
    pub cause: Cause,
    /// Whether it went with its whole mailbox.
    pub with_mailbox: bool,
}

/// Where a restored message is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which one.
    pub id: RetainedId,
    /// The mailbox it is in: its old one; if that was deleted, one of the same name; else INBOX.
    pub mailbox: MailboxId,
    /// Its new UID.
    pub uid: Uid,
}

/// What a sweep did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Retained messages that left for good.
    pub messages: u64,
    /// Bodies that were let go with the last of them.
    pub bodies: u64,
    /// Accounts that had something to sweep.
    pub accounts: u64,
}
