//! A store that fails: nothing acknowledged is lost, nothing is there twice, MODSEQ only grows.

use crate::world::{ANN, START, Store, World, all, append, flags, name, new_message, set, uid};
use domain::{Account, Cause, Expunge, Mail, MailError, MailOptions, NewMessage};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store_embedded::sim::SimDisk;
use store_embedded::{Embedded, Options};
use store_kv::{CommitFault, Engine, Faulty, Memory, Operation, Rates, Seeded};
use types::{Address, FlagChange, Flags, MailboxId, ManualClock, ModSeq};

async fn faulty(options: MailOptions) -> (World, Arc<Faulty<Memory>>) {
    let engine = Faulty::new(Memory::new());
    let world = World::with(Store::Other(Arc::clone(&engine) as Arc<dyn Engine>), options).await;
    (world, engine)
}

#[tokio::test]
async fn a_failed_commit_leaves_memory_as_the_store_has_it() {
    for fault in [CommitFault::PoisonedBefore, CommitFault::PoisonedAfter] {
        let (world, engine) = faulty(MailOptions::default()).await;
        let inbox = world.id("INBOX").await;
        world.append(inbox, "first").await;
        let view = world.open(inbox).await;
        engine.fail_commit(1, fault);
        let message = new_message(&world.ann, "second").await;
        let failed = world.ann.append(inbox, vec![message.clone()]).await;
        assert!(matches!(failed, Err(MailError::Store(_))));
        assert_eq!(view.current().len(), 1, "nobody sees what is not known to be durable");
        assert!(matches!(world.ann.append(inbox, vec![message]).await, Err(MailError::Store(_))));
        engine.heal();
        append(&world.ann, inbox, "third").await;
        let applied = u32::from(fault == CommitFault::PoisonedAfter);
        assert_eq!(view.current().len(), 2 + applied);
        assert_eq!(world.ann.status(inbox).await.unwrap().messages, 2 + applied);
        let stored = world.node().await.open(inbox).await.unwrap().current();
        assert!(stored.iter().eq(view.current().iter()));
    }
}

#[tokio::test]
async fn renaming_inbox_is_done_or_not_begun() {
    for fault in [CommitFault::PoisonedBefore, CommitFault::PoisonedAfter] {
        let (world, engine) = faulty(MailOptions::default()).await;
        let inbox = world.id("INBOX").await;
        for text in ["one", "two", "three"] {
            world.append(inbox, text).await;
        }
        engine.fail_commit(1, fault);
        let failed = world.ann.rename(&name("INBOX"), &name("old/mail")).await;
        assert!(matches!(failed, Err(MailError::Store(_))));
        engine.heal();
        let again = world.ann.rename(&name("INBOX"), &name("old/mail")).await;
        if fault == CommitFault::PoisonedAfter {
            assert!(matches!(again, Err(MailError::AlreadyExists)), "it was done");
        } else {
            again.unwrap();
        }
        let node = world.node().await;
        let old = node.mailboxes().await.unwrap().get(&name("old/mail")).unwrap().id;
        assert_eq!((node.status(inbox).await.unwrap().messages, node.status(old).await.unwrap().messages), (0, 3));
    }
}

#[tokio::test]
async fn a_failed_read_is_an_error_and_the_next_try_works() {
    let (world, engine) = faulty(MailOptions::default()).await;
    let inbox = world.id("INBOX").await;
    world.append(inbox, "one").await;
    for nth in 1..8 {
        let ann = world.node().await;
        engine.fail_read(nth, store_kv::StoreError::Unavailable("told to".into()));
        let first = async { Ok::<_, MailError>(ann.open(inbox).await?.current().len()) }.await;
        assert!(matches!(first, Ok(1) | Err(MailError::Store(_))), "{first:?}");
        engine.heal();
        assert_eq!(ann.open(inbox).await.unwrap().current().len(), 1);
    }
}

#[tokio::test]
async fn conflicts_are_tried_again_with_a_bound() {
    let (world, engine) = faulty(MailOptions::default()).await;
    let inbox = world.id("INBOX").await;
    for nth in 1..5 {
        engine.fail_commit(nth, CommitFault::Conflict);
    }
    world.append(inbox, "one").await;
    engine.fail_by_chance(1, Rates { conflict: 1000, ..Rates::default() });
    let message = new_message(&world.ann, "two").await;
    assert!(matches!(world.ann.append(inbox, vec![message]).await, Err(MailError::Busy)));
    engine.heal();
    assert_eq!(world.append(inbox, "three").await, uid(2));
}

#[tokio::test]
async fn a_full_store_takes_no_mail_and_lets_people_delete() {
    let (world, engine) = faulty(MailOptions::default()).await;
    let (inbox, trash) = (world.id("INBOX").await, world.id("Trash").await);
    for n in 0..4 {
        world.append(inbox, &n.to_string()).await;
    }
    let message = new_message(&world.ann, "late").await;
    engine.set_full(true);
    let (refused, flagged, gone, moved) = tokio::join!(
        world.ann.append(inbox, vec![message.clone()]),
        world.flag(inbox, &[1], Flags::DELETED),
        world.expunge(inbox, &[2]),
        async { world.ann.r#move(inbox, &set(&[3]), trash).await },
    );
    assert!(matches!(refused, Err(MailError::StoreFull)));
    assert_eq!((flagged, gone, moved.unwrap().pairs.len()), ((), set(&[2]), 1));
    assert!(matches!(world.ann.copy(inbox, &all(), trash).await, Err(MailError::StoreFull)));
    let gone = world.ann.expunge(inbox, Expunge::AllDeleted, Cause::Imap).await.unwrap();
    assert_eq!((gone, world.uids(inbox).await), (set(&[1]), vec![4]));
    engine.set_full(false);
    assert_eq!(world.ann.append(inbox, vec![message]).await.unwrap().uids, [uid(5)]);
}

#[tokio::test]
async fn what_pop3_deletes_is_hidden_in_a_full_store_too() {
    let (world, engine) = faulty(MailOptions::default()).await;
    let inbox = world.id("INBOX").await;
    world.append(inbox, "one").await;
    engine.set_full(true);
    world.ann.hide_from_pop3(inbox, &set(&[1])).await.unwrap();
    assert_eq!(world.ann.hidden_from_pop3(inbox).await.unwrap(), set(&[1]));
}

/// A store on a disk that has no room for anything once it is told so.
fn small_disk() -> (SimDisk, Arc<Embedded>) {
    let disk = SimDisk::new(1);
    let options = Options {
        segment_size: 16 << 10,
        inline_body_max: 4 << 10,
        index_interval: Duration::from_millis(1),
        compact_interval: None,
        reserve: 0,
        ..Options::default()
    };
    let engine = Embedded::open_simulated(&disk, Path::new("/store"), options).unwrap();
    (disk, engine)
}

#[tokio::test]
async fn where_even_the_reserve_has_no_room_verbs_are_answered() {
    let (disk, engine) = small_disk();
    let world = World::new(Store::Other(engine)).await;
    let inbox = world.id("INBOX").await;
    world.append(inbox, "one").await;
    disk.set_capacity(0);
    let fill = async {
        loop {
            for change in [FlagChange::Add, FlagChange::Remove] {
                world.ann.store_flags(inbox, &all(), change, &flags(Flags::SEEN, &[]), None).await?;
            }
        }
    };
    let end: Result<(), MailError> = tokio::time::timeout(Duration::from_secs(20), fill).await.expect("an answer");
    assert!(matches!(end, Err(MailError::StoreFull)), "{end:?}");
    disk.set_capacity(1 << 30);
    world.flag(inbox, &[1], Flags::DELETED).await;
}

#[tokio::test]
async fn a_large_message_meets_a_full_disk_as_a_small_one_does() {
    let (disk, engine) = small_disk();
    let world = World::new(Store::Other(engine)).await;
    disk.set_capacity(0);
    let mut staging = world.ann.stage(None).await.unwrap();
    let piece = vec![b'x'; 1 << 20];
    let refused = match staging.write(&piece).await {
        Ok(()) => staging.finish().await.map(drop),
        Err(error) => Err(error),
    };
    assert!(matches!(refused, Err(MailError::StoreFull)), "{refused:?}");
}

#[tokio::test]
async fn a_body_that_is_gone_fails_its_own_verb_only() {
    let (world, engine) = faulty(MailOptions::default()).await;
    let inbox = world.id("INBOX").await;
    let foreign = World::new(Store::memory()).await;
    let stranger = new_message(&foreign.ann, "of another engine").await;
    let ours = new_message(&world.ann, "ours").await;
    let before = engine.count(Operation::Commit);
    let (a, b, c) = tokio::join!(
        world.ann.append(inbox, vec![ours.clone()]),
        world.ann.append(inbox, vec![stranger]),
        world.ann.append(inbox, vec![ours]),
    );
    assert!(matches!(b, Err(MailError::Store(_))), "{b:?}");
    assert_eq!((a.unwrap().uids, c.unwrap().uids), (vec![uid(1)], vec![uid(2)]));
    assert!(engine.count(Operation::Commit) > before);
}

/// What the run knows of a message that was delivered.
#[derive(Debug, Default)]
struct Known {
    /// Whether it may have been expunged.
    may_be_gone: bool,
    is_gone: bool,
}

struct Run {
    engine: Arc<Faulty<Memory>>,
    accounts: Vec<Account>,
    inbox: MailboxId,
    archive: MailboxId,
    random: Seeded,
    known: BTreeMap<String, Known>,
    highest: ModSeq,
}

impl Run {
    fn account(&mut self) -> Account {
        self.random.pick(&self.accounts).unwrap().clone()
    }

    /// What stands where: subject to mailbox and UID.
    async fn look(&mut self) -> BTreeMap<String, Vec<(MailboxId, u32)>> {
        self.engine.heal();
        let account = self.account();
        let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
        for mailbox in [self.inbox, self.archive] {
            let view = account.open(mailbox).await.unwrap().current();
            assert!(view.highest_modseq <= account.status(mailbox).await.unwrap().highest_modseq);
            let emails: Vec<_> = view.iter().map(|e| e.email).collect();
            for (entry, content) in view.iter().zip(account.contents(&emails).await.unwrap()) {
                let content = content.unwrap();
                let body = account.read_body(&content, 0..10_000).await.unwrap();
                let subject = content.summary.subject().to_owned();
                assert_eq!(body, crate::world::mail_of(&subject));
                found.entry(subject).or_default().push((mailbox, entry.uid.get()));
            }
        }
        found
    }

    async fn check(&mut self) {
        let found = self.look().await;
        for (subject, known) in &self.known {
            let count = found.get(subject).map_or(0, Vec::len);
            let right = match known {
                Known { is_gone: true, .. } => count == 0,
                Known { may_be_gone: true, .. } => count <= 1,
                Known { .. } => count == 1,
            };
            assert!(right, "{subject}: {count} of it, {known:?}");
        }
        assert!(found.keys().all(|subject| self.known.contains_key(subject)));
        let account = self.account();
        let mut highest = ModSeq(0);
        for mailbox in [self.inbox, self.archive] {
            highest = highest.max(account.status(mailbox).await.unwrap().highest_modseq);
        }
        assert!(highest >= self.highest, "MODSEQ never goes back");
        self.highest = highest;
    }

    async fn deliver(&mut self, mail: &Mail, number: u32) {
        let subject = format!("delivery {number}");
        let (trace, to) = (mail.new_trace(), Address::parse("ann@example.org").unwrap());
        let mut message = new_message_patiently(&self.account(), &self.engine, &subject).await;
        message = NewMessage { trace: Some(trace), recipient: Some(to), ..message };
        self.known.insert(subject, Known::default());
        loop {
            let account = self.account();
            match account.append(self.inbox, vec![message.clone()]).await {
                Ok(appended) => return assert_eq!(appended.uids.len(), 1),
                Err(_) => self.engine.heal(),
            }
            self.break_things(number);
        }
    }

    fn break_things(&mut self, seed: u32) {
        let rates =
            Rates { conflict: 150, full: 50, poisoned_before: 30, poisoned_after: 30, read: 20, ..Rates::default() };
        let seed = u64::from(seed) << 16 | self.random.below(1 << 16);
        self.engine.fail_by_chance(seed, rates);
    }

    async fn step(&mut self, mail: &Mail, number: u32) {
        let found = self.look().await;
        let target = found.iter().nth(self.random.index(found.len().max(1)));
        let target = target.map(|(subject, places)| (subject.clone(), places[0]));
        self.break_things(number);
        let account = self.account();
        match (self.random.below(4), target) {
            (0, Some((subject, (mailbox, number)))) => {
                let gone = account.expunge(mailbox, Expunge::These(set(&[number])), Cause::Imap).await;
                let known = self.known.get_mut(&subject).unwrap();
                known.may_be_gone = true;
                known.is_gone |= gone.is_ok();
            }
            (1, Some((_, (mailbox, number)))) => {
                let to = if mailbox == self.inbox { self.archive } else { self.inbox };
                let _ = account.r#move(mailbox, &set(&[number]), to).await;
            }
            (2, Some((_, (mailbox, _)))) => {
                let _ = account.store_flags(mailbox, &all(), FlagChange::Add, &flags(Flags::SEEN, &["k"]), None).await;
            }
            _ => self.deliver(mail, number).await,
        }
    }
}

async fn new_message_patiently(account: &Account, engine: &Faulty<Memory>, text: &str) -> NewMessage {
    engine.heal();
    new_message(account, text).await
}

#[tokio::test]
async fn whatever_fails_what_was_acknowledged_is_there_once() {
    let rounds = std::env::var("POSTAMT_FAULT_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(12);
    for seed in 0..rounds {
        let engine = Faulty::new(Memory::new());
        let options = MailOptions { shared_store: seed % 2 == 1, ..MailOptions::default() };
        let clock = Arc::new(ManualClock::at(START));
        let nodes = if options.shared_store { 2 } else { 1 };
        let mails: Vec<_> = (0..nodes)
            .map(|_| Mail::new(Arc::clone(&engine) as Arc<dyn Engine>, clock.clone(), options.clone()))
            .collect();
        mails[0].create_account_mail(ANN).await.unwrap();
        let mut accounts = Vec::new();
        for mail in &mails {
            accounts.push(mail.account(ANN).await.unwrap());
        }
        let list = accounts[0].mailboxes().await.unwrap();
        let id = |name: &str| list.get(&crate::world::name(name)).unwrap().id;
        let (inbox, archive) = (id("INBOX"), id("Archive"));
        let random = Seeded::new(seed);
        let (known, highest) = (BTreeMap::new(), ModSeq(0));
        let mut run = Run { engine, accounts, inbox, archive, random, known, highest };
        for number in 0..60 {
            run.step(&mails[0], number).await;
            run.check().await;
        }
    }
}
