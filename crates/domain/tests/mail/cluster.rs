//! Two processes on one store.

use crate::world::{Store, World, all, append, name, set};
use domain::{Account, Cause, Expunge, FlagNames, MailOptions};
use std::time::Duration;
use store_kv::Seeded;
use types::{FlagChange, Flags, MailboxId, UidSet};

async fn two(store: Store) -> (World, Account, MailboxId) {
    let options = MailOptions { shared_store: true, ..MailOptions::default() };
    let world = World::with(store, options).await;
    let inbox = world.id("INBOX").await;
    let other = world.node().await;
    (world, other, inbox)
}

#[tokio::test]
async fn what_one_process_does_the_other_sees() {
    for store in Store::all() {
        let (world, other, inbox) = two(store).await;
        let mut view = other.open(inbox).await.unwrap();
        world.append(inbox, "one").await;
        assert_eq!(other.status(inbox).await.unwrap().messages, 1);
        tokio::time::timeout(Duration::from_secs(5), view.changed()).await.unwrap();
        assert_eq!(view.current().len(), 1);
        append(&other, inbox, "two").await;
        world.flag(inbox, &[2], Flags::SEEN).await;
        assert!(other.open(inbox).await.unwrap().current().get(crate::world::uid(2)).unwrap().flags == Flags::SEEN);
        other.rename(&name("Junk"), &name("Spam")).await.unwrap();
        assert!(world.ann.mailboxes().await.unwrap().get(&name("Spam")).is_some());
        let gone = other.expunge(inbox, Expunge::These(set(&[1])), Cause::Pop3).await.unwrap();
        assert_eq!((gone, world.uids(inbox).await), (set(&[1]), vec![2]));
        world.ann.delete(&name("Spam")).await.unwrap();
        assert!(other.create(&name("Spam"), None).await.is_ok());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_in_two_processes_interleave_without_loss() {
    for store in Store::all() {
        let (world, other, inbox) = two(store).await;
        let archive = world.id("Archive").await;
        let tasks: Vec<_> = (0..8_u32)
            .map(|task| {
                let account = if task % 2 == 0 { world.ann.clone() } else { other.clone() };
                tokio::spawn(async move {
                    let mut uids = Vec::new();
                    for round in 0..15 {
                        let uid = append(&account, inbox, &format!("{task}.{round}")).await.uids[0];
                        if round % 3 == 0 {
                            let moved = account.r#move(inbox, &set(&[uid.get()]), archive).await.unwrap();
                            assert_eq!(moved.pairs.len(), 1);
                        } else {
                            uids.push(uid.get());
                        }
                    }
                    uids
                })
            })
            .collect();
        let mut expected = Vec::new();
        for task in tasks {
            expected.extend(task.await.unwrap());
        }
        expected.sort_unstable();
        for account in [world.ann.clone(), other, world.node().await] {
            let view = account.open(inbox).await.unwrap().current();
            assert_eq!(view.iter().map(|e| e.uid.get()).collect::<Vec<_>>(), expected);
            assert_eq!(account.status(archive).await.unwrap().messages, 40);
            assert_eq!(account.usage().await.unwrap().messages, 120);
        }
    }
}

/// Chunks are renewed, flags change and messages leave while others open the mailbox from nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_mailbox_that_is_opened_while_others_write_is_of_one_moment() {
    for store in Store::all() {
        let (world, other, inbox) = two(store).await;
        append(&world.ann, inbox, "one").await;
        for _ in 0..12 {
            world.ann.copy(inbox, &all(), inbox).await.unwrap();
        }
        let writers: Vec<_> = [world.ann.clone(), other]
            .into_iter()
            .enumerate()
            .map(|(seed, account)| {
                tokio::spawn(async move {
                    let mut random = Seeded::new(seed as u64);
                    for round in 0..60 {
                        let first = u32::try_from(1 + random.below(4500)).unwrap();
                        let uids = UidSet::from_ranges([first..=first + 40]);
                        if round % 10 == 0 {
                            account.expunge(inbox, Expunge::These(uids), Cause::Imap).await.unwrap();
                        } else {
                            let seen = FlagNames::system([Flags::SEEN, Flags::DELETED][random.index(2)]);
                            account.store_flags(inbox, &uids, FlagChange::Add, &seen, None).await.unwrap();
                        }
                        append(&account, inbox, "new").await;
                    }
                })
            })
            .collect();
        while writers.iter().any(|writer| !writer.is_finished()) {
            let node = world.node().await;
            let view = node.open(inbox).await.unwrap().current();
            let status = node.status(inbox).await.unwrap();
            if status.highest_modseq == view.highest_modseq {
                let count =
                    |flag: Flags| u32::try_from(view.iter().filter(|e| e.flags.contains(flag)).count()).unwrap();
                assert_eq!(view.len(), status.messages);
                assert_eq!((view.len() - count(Flags::SEEN), count(Flags::DELETED)), (status.unseen, status.deleted));
                assert!(view.iter().all(|e| e.modseq <= view.highest_modseq));
            }
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let fresh = world.node().await.open(inbox).await.unwrap().current();
        world.ann.status(inbox).await.unwrap();
        assert!(world.open(inbox).await.current().iter().eq(fresh.iter()));
    }
}
