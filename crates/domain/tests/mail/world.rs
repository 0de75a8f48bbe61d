//! An engine, a clock that stands still, and one account in it.

use domain::{Account, Appended, Cause, Expunge, FlagNames, Mail, MailOptions, NewMessage, Staged, View};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use store_embedded::{Embedded, Options};
use store_kv::{Engine, Memory};
use types::{AccountId, FlagChange, Flags, Keyword, MailboxId, MailboxName, ManualClock, Timestamp, Uid, UidSet};

/// The account that tests use.
pub(crate) const ANN: AccountId = AccountId(7);

/// When tests begin: 2001-09-09T01:46:40Z.
pub(crate) const START: Timestamp = Timestamp(1_000_000_000_000);

/// The engines that every test runs on.
#[derive(Clone)]
pub(crate) enum Store {
    Memory(Arc<Memory>),
    Embedded(Arc<Embedded>, Arc<Dir>),
    /// Any engine; cannot be reopened.
    Other(Arc<dyn Engine>),
}

/// A directory that goes with the test.
pub(crate) struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open_embedded(dir: &Path) -> Arc<Embedded> {
    let options = Options { segment_size: 4 << 20, ..Options::default() };
    Embedded::open(dir, options).unwrap()
}

impl Store {
    /// One empty store of each kind.
    pub(crate) fn all() -> Vec<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let dir = std::env::temp_dir().join(format!("domain-mail-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        vec![Self::Memory(Memory::new()), Self::Embedded(open_embedded(&dir), Arc::new(Dir(dir)))]
    }

    /// The plainest one, for tests that are about the verbs alone.
    pub(crate) fn memory() -> Self {
        Self::Memory(Memory::new())
    }

    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        match self {
            Self::Memory(memory) => Arc::clone(memory) as Arc<dyn Engine>,
            Self::Embedded(embedded, _) => Arc::clone(embedded) as Arc<dyn Engine>,
            Self::Other(engine) => Arc::clone(engine),
        }
    }

    /// What is there after a restart.
    pub(crate) async fn reopen(&mut self) {
        match self {
            Self::Memory(memory) => *memory = memory.reopen(),
            Self::Embedded(embedded, dir) => {
                embedded.close().await.unwrap();
                *embedded = open_embedded(&dir.0);
            }
            Self::Other(_) => panic!("this store cannot be reopened"),
        }
    }
}

pub(crate) struct World {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) options: MailOptions,
    pub(crate) mail: Arc<Mail>,
    pub(crate) ann: Account,
}

impl World {
    pub(crate) async fn new(store: Store) -> Self {
        Self::with(store, MailOptions::default()).await
    }

    pub(crate) async fn with(store: Store, options: MailOptions) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let mail = Mail::new(store.engine(), clock.clone(), options.clone());
        mail.create_account_mail(ANN).await.unwrap();
        let ann = mail.account(ANN).await.unwrap();
        Self { store, clock, options, mail, ann }
    }

    /// Another process on the same store.
    pub(crate) async fn node(&self) -> Account {
        let mail = Mail::new(self.store.engine(), self.clock.clone(), self.options.clone());
        mail.account(ANN).await.unwrap()
    }

    pub(crate) async fn reopen(&mut self) {
        self.store.reopen().await;
        self.mail = Mail::new(self.store.engine(), self.clock.clone(), self.options.clone());
        self.ann = self.mail.account(ANN).await.unwrap();
    }

    pub(crate) async fn id(&self, text: &str) -> MailboxId {
        self.ann.mailboxes().await.unwrap().get(&name(text)).unwrap().id
    }

    pub(crate) async fn append(&self, mailbox: MailboxId, text: &str) -> Uid {
        append(&self.ann, mailbox, text).await.uids[0]
    }

    pub(crate) async fn open(&self, mailbox: MailboxId) -> View {
        self.ann.open(mailbox).await.unwrap()
    }

    pub(crate) async fn flag(&self, mailbox: MailboxId, uids: &[u32], flags: Flags) {
        let flags = FlagNames::system(flags);
        self.ann.store_flags(mailbox, &set(uids), FlagChange::Add, &flags, None).await.unwrap();
    }

    pub(crate) async fn expunge(&self, mailbox: MailboxId, uids: &[u32]) -> UidSet {
        self.ann.expunge(mailbox, Expunge::These(set(uids)), Cause::Imap).await.unwrap()
    }

    /// UIDs, as they stand in the view.
    pub(crate) async fn uids(&self, mailbox: MailboxId) -> Vec<u32> {
        self.open(mailbox).await.current().iter().map(|e| e.uid.get()).collect()
    }
}

/// A small message that says `text`.
pub(crate) fn mail_of(text: &str) -> String {
    format!("From: Bob <bob@example.org>\r\nSubject: {text}\r\nDate: Sun, 9 Sep 2001 03:46:40 +0200\r\n\r\n{text}\r\n")
}

pub(crate) async fn stage(account: &Account, raw: &[u8]) -> Staged {
    let mut staging = account.stage(None).await.unwrap();
    for piece in raw.chunks(1000) {
        staging.write(piece).await.unwrap();
    }
    staging.finish().await.unwrap()
}

pub(crate) async fn new_message(account: &Account, text: &str) -> NewMessage {
    NewMessage::new(stage(account, mail_of(text).as_bytes()).await)
}

pub(crate) async fn append(account: &Account, mailbox: MailboxId, text: &str) -> Appended {
    let message = new_message(account, text).await;
    account.append(mailbox, vec![message]).await.unwrap()
}

pub(crate) fn name(text: &str) -> MailboxName {
    MailboxName::parse(text).unwrap()
}

pub(crate) fn uid(number: u32) -> Uid {
    Uid::new(number).unwrap()
}

pub(crate) fn set(uids: &[u32]) -> UidSet {
    UidSet::from_uids(uids.iter().map(|u| uid(*u)))
}

pub(crate) fn all() -> UidSet {
    UidSet::from_ranges([1..=u32::MAX])
}

pub(crate) fn keyword(text: &str) -> Keyword {
    Keyword::parse(text).unwrap()
}

pub(crate) fn flags(system: Flags, keywords: &[&str]) -> FlagNames {
    FlagNames { system, keywords: keywords.iter().map(|k| keyword(k)).collect() }
}
