//! Large mailboxes are loaded from chunks, and are the same.

use crate::world::{ANN, Store, World, all, append, flags, name, new_message, set, uid};
use domain::{Account, Cause, Expunge};
use store_kv::{Batch, Scan, Seeded, account_prefix};
use types::snapshot::Entry;
use types::{FlagChange, Flags, MailboxId, Uid, UidSet};

async fn look(account: &Account, mailbox: MailboxId) -> (Vec<Entry>, Vec<(Uid, Box<str>)>) {
    let view = account.open(mailbox).await.unwrap().current();
    let uidls = view.uidls.iter().map(|(uid, uidl)| (*uid, uidl.clone())).collect();
    (view.iter().copied().collect(), uidls)
}

/// The keys of a kind.
async fn count(world: &World, kind: u8) -> usize {
    let prefix = [&account_prefix(ANN)[..], &[kind]].concat();
    let mut next = Some(Scan::prefix(&prefix));
    let mut count = 0;
    while let Some(scan) = next {
        let page = world.store.engine().scan(&scan).await.unwrap();
        count += page.rows.len();
        next = scan.after(&page);
    }
    count
}

/// Folding goes on in the background; a verb of another account's mailbox waits for it by being queued behind.
async fn settle(world: &World, mailbox: MailboxId, chunks: usize) {
    for _ in 0..2000 {
        if count(world, b'C').await >= chunks {
            break;
        }
        tokio::task::yield_now().await;
        append(&world.ann, mailbox, "wait").await;
    }
}

async fn fill(world: &World, mailbox: MailboxId, doublings: u32) {
    let mut imported = new_message(&world.ann, "first").await;
    imported.uidl = Some("imported".into());
    world.ann.append(mailbox, vec![imported]).await.unwrap();
    world.append(mailbox, "second").await;
    for _ in 0..doublings {
        world.ann.copy(mailbox, &all(), mailbox).await.unwrap();
    }
}

#[tokio::test]
async fn a_large_mailbox_is_the_same_after_a_restart_whatever_was_done() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let (inbox, archive, junk) = (world.id("INBOX").await, world.id("Archive").await, world.id("Junk").await);
        fill(&world, inbox, 11).await;
        settle(&world, junk, 4).await;
        let mut random = Seeded::new(3);
        for round in 0..60 {
            let first = u32::try_from(1 + random.below(5000)).unwrap();
            let uids = UidSet::from_ranges([first..=first + u32::try_from(random.below(60)).unwrap()]);
            match random.below(6) {
                0 => {
                    world.ann.expunge(inbox, Expunge::These(uids), Cause::Imap).await.unwrap();
                }
                1 => {
                    world.ann.r#move(inbox, &uids, archive).await.unwrap();
                }
                2 => {
                    world.ann.r#move(archive, &all(), inbox).await.unwrap();
                }
                _ => {
                    let change = [FlagChange::Add, FlagChange::Remove][random.index(2)];
                    let names = flags(Flags::FLAGGED, &[["a", "b", "c"][random.index(3)]]);
                    world.ann.store_flags(inbox, &uids, change, &names, None).await.unwrap();
                }
            }
            if round % 6 == 0 {
                let before = (look(&world.ann, inbox).await, look(&world.ann, archive).await);
                let other = world.node().await;
                assert!((look(&other, inbox).await, look(&other, archive).await) == before, "round {round}");
            }
        }
        assert!(count(&world, b'L').await > 0);
        let before = look(&world.ann, inbox).await;
        world.reopen().await;
        assert!(look(&world.ann, inbox).await == before);
        assert_eq!(before.1.first().map(|(uid, _)| uid.get()).is_some(), !before.1.is_empty());
    }
}

#[tokio::test]
async fn many_small_changes_are_folded_into_the_chunks() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, junk) = (world.id("INBOX").await, world.id("Junk").await);
        fill(&world, inbox, 10).await;
        settle(&world, junk, 2).await;
        for n in 0..300 {
            world.flag(inbox, &[1 + n % 1500], [Flags::SEEN, Flags::FLAGGED][(n / 150 % 2) as usize]).await;
        }
        for _ in 0..500 {
            if count(&world, b'L').await < 300 {
                break;
            }
            tokio::task::yield_now().await;
            world.append(junk, "wait").await;
        }
        assert!(count(&world, b'L').await < 300, "changes that chunks hold are forgotten");
        assert!(look(&world.node().await, inbox).await == look(&world.ann, inbox).await);
    }
}

#[tokio::test]
async fn damaged_or_missing_chunks_cost_time_only() {
    let world = World::new(Store::memory()).await;
    let (inbox, junk) = (world.id("INBOX").await, world.id("Junk").await);
    fill(&world, inbox, 11).await;
    settle(&world, junk, 4).await;
    let before = look(&world.ann, inbox).await;
    let engine = world.store.engine();
    let prefix = [&account_prefix(ANN)[..], b"C"].concat();
    let page = engine.scan(&Scan::prefix(&prefix)).await.unwrap();
    assert!(page.rows.len() >= 4);
    for (key, row) in page.rows {
        for damage in [Some(row.slice(..row.len() / 2)), None] {
            let mut batch = Batch::new(ANN);
            match damage {
                Some(value) => batch.put(key.clone(), value),
                None => batch.delete(key.clone()),
            }
            engine.commit(batch).await.unwrap();
            assert!(look(&world.node().await, inbox).await == before);
        }
        let mut batch = Batch::new(ANN);
        batch.put(key, row);
        engine.commit(batch).await.unwrap();
    }
}

#[tokio::test]
async fn a_deleted_large_mailbox_leaves_nothing_behind() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (junk, large) = (world.id("Junk").await, world.ann.create(&name("large"), None).await.unwrap());
        fill(&world, large, 11).await;
        settle(&world, junk, 4).await;
        world.flag(large, &[5], Flags::SEEN).await;
        world.expunge(large, &[6]).await;
        assert_eq!(
            world
                .ann
                .store_flags(large, &set(&[6]), FlagChange::Add, &flags(Flags::SEEN, &[]), None)
                .await
                .unwrap()
                .modseq,
            None
        );
        assert_eq!(look(&world.ann, large).await.0.first().map(|e| e.uid), Some(uid(1)));
        world.ann.delete(&name("large")).await.unwrap();
        world.ann.delete(&name("Junk")).await.unwrap();
        world.clock.advance(world.options.retention);
        world.mail.sweep(types::Clock::now(&*world.clock)).await.unwrap();
        for kind in *b"CLTPERXD" {
            assert_eq!(count(&world, kind).await, 0, "{}", char::from(kind));
        }
    }
}
