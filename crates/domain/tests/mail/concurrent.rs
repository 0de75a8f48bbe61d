//! Many at once on one account.

use crate::world::{Store, World, append, flags, name, set};
use domain::{Cause, Expunge, MailError, MailOptions};
use std::collections::BTreeSet;
use types::{FlagChange, Flags, ModSeq, Uid};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verbs_of_many_sessions_share_batches_and_each_has_its_own_answer() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        let view = world.open(inbox).await;
        let tasks = (0..40_u32).map(|task| {
            let ann = world.ann.clone();
            tokio::spawn(async move {
                let mut stays = Vec::new();
                for round in 0..12_u32 {
                    let uid = append(&ann, inbox, &format!("{task}.{round}")).await.uids[0];
                    let change = flags(Flags::SEEN, &[["red", "blue", "green"][(task % 3) as usize]]);
                    let one = set(&[uid.get()]);
                    let stored = ann.store_flags(inbox, &one, FlagChange::Add, &change, None).await.unwrap();
                    assert!(stored.modseq.is_some());
                    match round % 3 {
                        0 => {
                            let gone = ann.expunge(inbox, Expunge::DeletedIn(one.clone()), Cause::Imap).await.unwrap();
                            assert!(gone.is_empty(), "it has no \\Deleted");
                            let gone = ann.expunge(inbox, Expunge::These(one), Cause::Imap).await.unwrap();
                            assert!(gone.contains(uid));
                        }
                        1 => {
                            let moved = ann.r#move(inbox, &one, archive).await.unwrap();
                            assert_eq!(moved.pairs.len(), 1);
                        }
                        _ => stays.push(uid),
                    }
                }
                stays
            })
        });
        let mut expected: BTreeSet<Uid> = BTreeSet::new();
        for task in tasks.collect::<Vec<_>>() {
            for uid in task.await.unwrap() {
                assert!(expected.insert(uid), "no UID is given twice");
            }
        }
        let live = view.current();
        assert!(live.iter().map(|e| e.uid).eq(expected.iter().copied()));
        let stored = world.node().await.open(inbox).await.unwrap().current();
        assert!(live.iter().eq(stored.iter()), "memory and store agree");
        assert_eq!(world.uids(archive).await.len(), 40 * 4);
        let status = world.ann.status(inbox).await.unwrap();
        assert_eq!((status.messages, status.unseen, status.deleted), (live.len(), 0, 0));
        assert_eq!(live.keywords.len(), 3);
        assert_eq!(world.ann.retained(None, 1000).await.unwrap().messages.len(), 40 * 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_goes_away_takes_nobody_elses_verb_along() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for round in 0..50 {
            let ann = world.ann.clone();
            let gone = tokio::spawn(async move { append(&ann, inbox, "gone").await });
            let ann = world.ann.clone();
            let stays = tokio::spawn(async move { append(&ann, inbox, "stays").await });
            if round % 2 == 0 {
                tokio::task::yield_now().await;
            }
            gone.abort();
            stays.await.unwrap();
        }
        world.append(inbox, "last").await;
        let status = world.ann.status(inbox).await.unwrap();
        assert!((51..=101).contains(&status.messages));
        assert_eq!(world.uids(inbox).await, (1..=status.messages).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_watcher_sees_only_goes_forward() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut view = world.open(inbox).await;
        let watcher = tokio::spawn(async move {
            let (mut seen, mut before) = (ModSeq(0), view.current());
            while before.len() < 100 {
                view.changed().await;
                let now = view.current();
                assert!(now.highest_modseq >= seen && now.len() >= before.len());
                assert!(now.diff(&before).gone.is_empty());
                (seen, before) = (now.highest_modseq, now);
            }
        });
        for n in 0..100 {
            world.append(inbox, &n.to_string()).await;
        }
        watcher.await.unwrap();
    }
}

#[tokio::test]
async fn only_so_many_verbs_wait_for_one_account() {
    let options = MailOptions { waiting_max: 100, ..MailOptions::default() };
    let world = World::with(Store::memory(), options).await;
    // On one thread the leader has its turn only after all of these have asked.
    let tasks: Vec<_> = (0..101)
        .map(|n| {
            let ann = world.ann.clone();
            tokio::spawn(async move { ann.subscribe(&name(&format!("s{n}")), true).await })
        })
        .collect();
    let mut refused = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(()) => {}
            Err(MailError::Busy) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert_eq!(refused, 1);
    assert_eq!(world.ann.mailboxes().await.unwrap().subscriptions().len(), 106);
}

#[tokio::test]
async fn accounts_that_nobody_uses_leave_memory_and_those_in_use_stay() {
    let options = MailOptions { idle_accounts_max: 4, ..MailOptions::default() };
    let mut world = World::with(Store::memory(), options).await;
    let inbox = world.id("INBOX").await;
    let mut view = world.open(inbox).await;
    for number in 100..130 {
        let id = types::AccountId(number);
        world.mail.create_account_mail(id).await.unwrap();
        assert_eq!(world.mail.account(id).await.unwrap().mailboxes().await.unwrap().len(), 6);
        assert!(world.mail.accounts_in_memory() <= 6);
    }
    world.ann = world.mail.account(crate::world::ANN).await.unwrap();
    let (_, ()) = tokio::join!(append(&world.ann, inbox, "here"), view.changed());
    assert_eq!(view.current().len(), 1, "there is one state of an account, however often it is asked for");
}
