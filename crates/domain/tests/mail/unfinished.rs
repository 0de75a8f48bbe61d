//! What takes several batches ends whole, whatever comes in between.

use crate::across::bob;
use crate::world::{ANN, Store, World, all, append, name, set, uid};
use domain::{ACROSS_STEP, Account, Mail, MailError, MailOptions, Meter, View};
use std::sync::Arc;
use store_kv::{CommitFault, Engine, Faulty, Memory};
use types::{MailboxId, Octets, Rights};

/// So many messages make three steps.
const MANY: u32 = 120;
const FAULTS: [CommitFault; 2] = [CommitFault::PoisonedBefore, CommitFault::PoisonedAfter];

struct Broken {
    engine: Arc<Faulty<Memory>>,
    world: World,
}

impl Broken {
    async fn new() -> Self {
        let engine = Faulty::new(Memory::new());
        let options = MailOptions { step_max: 10, ..MailOptions::default() };
        let world = World::with(Store::Other(Arc::clone(&engine) as Arc<dyn Engine>), options).await;
        Self { engine, world }
    }

    /// What the next process has, once it has finished what this one left.
    async fn restart(&self) -> Arc<Mail> {
        self.engine.heal();
        let node = Mail::new(self.world.store.engine(), self.world.clock.clone(), self.world.options.clone());
        node.recover().await.unwrap();
        node
    }
}

pub(crate) async fn fill(account: &Account, mailbox: MailboxId, count: u32) {
    let messages = crate::world::new_message(account, "x").await;
    let count = usize::try_from(count).unwrap();
    account.append(mailbox, vec![messages; count]).await.unwrap();
}

pub(crate) async fn uids(account: &Account, mailbox: MailboxId) -> Vec<u32> {
    account.open(mailbox).await.unwrap().current().iter().map(|entry| entry.uid.get()).collect()
}

/// Waits until a mailbox has so many messages.
async fn until(view: &mut View, count: u32) {
    while view.current().len() != count {
        view.changed().await;
    }
}

#[tokio::test]
async fn a_copy_to_another_account_that_breaks_off_leaves_nothing_behind() {
    for fault in FAULTS {
        // Three steps; with the third it is whole.
        for commit in 1..=3 {
            let broken = Broken::new().await;
            let world = &broken.world;
            let inbox = world.id("INBOX").await;
            fill(&world.ann, inbox, MANY).await;
            let (bob, target) = bob(world).await;
            append(&bob, target, "was here").await;
            let place = (target, Rights::ALL);
            broken.engine.fail_commit(commit, fault);
            assert!(world.ann.copy_to(inbox, &all(), &bob, place, &Meter::default()).await.is_err());
            let node = broken.restart().await;
            let (ann, bob) = (node.account(ANN).await.unwrap(), node.account(bob.id()).await.unwrap());
            let is_whole = commit == 3 && fault == CommitFault::PoisonedAfter;
            let there = uids(&bob, target).await;
            assert_eq!(there.len(), if is_whole { 121 } else { 1 }, "{fault:?} at commit {commit}");
            assert_eq!((there[0], uids(&ann, inbox).await.len()), (1, 120));
            let again = ann.copy_to(inbox, &all(), &bob, place, &Meter::default()).await.unwrap();
            assert_eq!(again.pairs.len(), 120);
        }
    }
}

#[tokio::test]
async fn a_copy_that_is_refused_in_the_middle_is_undone_before_the_answer() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        fill(&world.ann, inbox, MANY).await;
        let (bob, target) = bob(&world).await;
        let everything = all();
        let (meter, mut steps) = Meter::with_reader();
        let copying = world.ann.copy_to(inbox, &everything, &bob, (target, Rights::ALL), &meter);
        // While the second step is read, the room is taken away.
        let meanwhile = async {
            while steps.recv().await.is_some_and(|step| step.done < 60) {}
            assert_eq!(uids(&bob, target).await.len(), ACROSS_STEP, "others see the first step");
            bob.set_quota(Some(Octets(1))).await.unwrap();
            while steps.recv().await.is_some_and(|step| step.done < 100) {}
        };
        let (copied, ()) = tokio::join!(copying, meanwhile);
        assert!(matches!(copied, Err(MailError::OverQuota)));
        assert_eq!((uids(&bob, target).await, bob.usage().await.unwrap().messages), (Vec::new(), 0));
        assert_eq!(world.uids(inbox).await.len(), 120);
    }
}

#[tokio::test]
async fn a_copy_whose_client_goes_is_undone() {
    let world = World::new(Store::memory()).await;
    let inbox = world.id("INBOX").await;
    fill(&world.ann, inbox, MANY).await;
    let (bob, target) = bob(&world).await;
    let mut view = bob.open(target).await.unwrap();
    {
        let everything = all();
        let (meter, mut steps) = Meter::with_reader();
        let copying = world.ann.copy_to(inbox, &everything, &bob, (target, Rights::ALL), &meter);
        let watching = async { while steps.recv().await.is_some_and(|step| step.done <= 60) {} };
        tokio::select! {
            copied = copying => panic!("{copied:?}"),
            () = watching => {}
        }
    }
    assert_eq!(view.current().len(), 50);
    until(&mut view, 0).await;
    let copied = world.ann.copy_to(inbox, &set(&[7]), &bob, (target, Rights::ALL), &Meter::default()).await.unwrap();
    assert_eq!(copied.pairs, [(uid(7), uid(51))]);
}

#[tokio::test]
async fn a_move_that_fails_in_the_middle_leaves_each_message_in_one_mailbox() {
    for fault in FAULTS {
        // There, from here, three times; and that it is finished.
        for commit in 1..=7 {
            let broken = Broken::new().await;
            let world = &broken.world;
            let inbox = world.id("INBOX").await;
            fill(&world.ann, inbox, MANY).await;
            let (bob, target) = bob(world).await;
            broken.engine.fail_commit(commit, fault);
            let moved = world.ann.move_to(inbox, &all(), &bob, (target, Rights::ALL), &Meter::default()).await;
            assert!(moved.is_err(), "{fault:?} at commit {commit}");
            let node = broken.restart().await;
            let (ann, bob) = (node.account(ANN).await.unwrap(), node.account(bob.id()).await.unwrap());
            // UIDs are the same on both sides here.
            let mut everywhere = uids(&ann, inbox).await;
            everywhere.extend(uids(&bob, target).await);
            everywhere.sort_unstable();
            assert_eq!(everywhere, (1..=MANY).collect::<Vec<_>>(), "{fault:?} at commit {commit}");
            ann.move_to(inbox, &all(), &bob, (target, Rights::ALL), &Meter::default()).await.unwrap();
            assert_eq!((uids(&ann, inbox).await.len(), uids(&bob, target).await.len()), (0, 120));
        }
    }
}

#[tokio::test]
async fn renaming_a_large_inbox_takes_what_was_there_and_leaves_what_comes() {
    for store in Store::all() {
        let options = MailOptions { step_max: 10, ..MailOptions::default() };
        let world = World::with(store, options).await;
        let inbox = world.id("INBOX").await;
        fill(&world.ann, inbox, 35).await;
        let watching = async {
            // Another session sees the messages leave step by step; meanwhile one comes.
            let mut view = world.open(inbox).await;
            until(&mut view, 25).await;
            append(&world.ann, inbox, "late").await;
            while view.current().len() > 1 {
                view.changed().await;
            }
            assert_eq!(view.current().by_seq(1).unwrap().uid, uid(36));
        };
        let (inbox_name, to) = (name("INBOX"), name("Old"));
        let renaming = world.ann.rename(&inbox_name, &to);
        let (renamed, ()) = tokio::join!(renaming, watching);
        renamed.unwrap();
        let old = world.id("Old").await;
        assert_eq!((world.uids(inbox).await, world.uids(old).await), (vec![36], (1..=35).collect()));
    }
}

#[tokio::test]
async fn renaming_a_large_inbox_is_gone_on_with_after_a_crash_or_was_not_begun() {
    for fault in FAULTS {
        // Four steps, and that it is finished.
        for commit in 1..=5 {
            let broken = Broken::new().await;
            let world = &broken.world;
            let inbox = world.id("INBOX").await;
            fill(&world.ann, inbox, 35).await;
            let view = world.open(inbox).await;
            broken.engine.fail_commit(commit, fault);
            assert!(world.ann.rename(&name("INBOX"), &name("Old")).await.is_err());
            // Who looks before it is finished sees each message in one of the two.
            let done = usize::try_from(commit).unwrap() - usize::from(fault == CommitFault::PoisonedBefore);
            let left = [35, 25, 15, 5, 0, 0][done];
            assert_eq!(view.current().len(), left, "{fault:?} at commit {commit}");
            let node = broken.restart().await;
            let ann = node.account(ANN).await.unwrap();
            let old = ann.mailboxes().await.unwrap().get(&name("Old")).map(|info| info.id);
            match old {
                None => assert!(commit == 1 && fault == CommitFault::PoisonedBefore),
                Some(old) => {
                    let whole: Vec<u32> = (1..=35).collect();
                    assert_eq!((uids(&ann, inbox).await, uids(&ann, old).await), (Vec::new(), whole));
                }
            }
            let mailboxes = ann.mailboxes().await.unwrap();
            assert_eq!(mailboxes.get(&name("INBOX")).unwrap().id, inbox);
        }
    }
}
