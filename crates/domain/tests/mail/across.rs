//! COPY and MOVE to another account.

use crate::world::{START, Store, World, all, append, flags, keyword, mail_of, name, set};
use domain::{ACROSS_MAX, Account, FlagNames, Mail, MailError, Meter, NewMessage};
use std::sync::Arc;
use store_kv::{CommitFault, Engine, Faulty, Memory};
use types::{AccountId, FlagChange, Flags, MailboxId, Octets, Rights};

async fn bob(world: &World) -> (Account, MailboxId) {
    let id = AccountId(8);
    world.mail.create_account_mail(id).await.unwrap();
    let bob = world.mail.account(id).await.unwrap();
    let inbox = bob.mailboxes().await.unwrap().get(&name("INBOX")).unwrap().id;
    (bob, inbox)
}

async fn text(account: &Account, mailbox: MailboxId, place: u32) -> String {
    let entry = *account.open(mailbox).await.unwrap().current().by_seq(place).unwrap();
    let content = account.contents(&[entry.email]).await.unwrap()[0].clone().unwrap();
    let bytes = account.read_body(&content, 0..content.size().0).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn copies_are_whole_and_keep_the_flags_that_may_be_set() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        append(&world.ann, inbox, "one").await;
        append(&world.ann, inbox, "two").await;
        let names = flags(Flags::SEEN.union(Flags::FLAGGED), &["work"]);
        world.ann.store_flags(inbox, &set(&[2]), FlagChange::Add, &names, None).await.unwrap();
        let (bob, target) = bob(&world).await;
        for _ in 0..2 {
            let copied =
                world.ann.copy_to(inbox, &all(), &bob, (target, Rights::ALL), &Meter::default()).await.unwrap();
            assert_eq!(copied.pairs.len(), 2);
        }
        let some = (target, Rights::WRITE);
        world.ann.copy_to(inbox, &set(&[2, 7]), &bob, some, &Meter::default()).await.unwrap();
        world.ann.expunge(inbox, domain::Expunge::These(all()), domain::Cause::Imap).await.unwrap();
        world.reopen().await;
        let bob = world.mail.account(bob.id()).await.unwrap();
        let snapshot = bob.open(target).await.unwrap().current();
        let kept: Vec<_> = snapshot.iter().map(|e| FlagNames::of(e.flags, &snapshot.keywords)).collect();
        let without = FlagNames { system: Flags::FLAGGED, keywords: vec![keyword("work")] };
        assert_eq!(kept, [FlagNames::default(), names.clone(), FlagNames::default(), names, without]);
        assert!(snapshot.iter().all(|e| e.internal_date == START));
        assert_eq!(text(&bob, target, 3).await, mail_of("one"));
        assert_eq!(bob.usage().await.unwrap().messages, 5);
    }
}

#[tokio::test]
async fn a_move_leaves_nothing_behind_and_can_be_had_back() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for n in 0..120 {
            append(&world.ann, inbox, &n.to_string()).await;
        }
        let (bob, target) = bob(&world).await;
        let moved = world.ann.move_to(inbox, &all(), &bob, (target, Rights::ALL), &Meter::default()).await.unwrap();
        assert!(moved.pairs.iter().all(|(old, new)| old == new) && moved.pairs.len() == 120);
        assert_eq!((world.uids(inbox).await.len(), bob.usage().await.unwrap().messages), (0, 120));
        assert_eq!(text(&bob, target, 120).await, mail_of("119"));
    }
}

#[tokio::test]
async fn the_targets_quota_and_the_limit_of_one_copy_count() {
    let world = World::new(Store::memory()).await;
    let inbox = world.id("INBOX").await;
    let message = crate::world::new_message(&world.ann, "x").await;
    let many = vec![message; ACROSS_MAX + 1];
    world.ann.append(inbox, many.into_iter().map(|m| NewMessage { uidl: None, ..m }).collect()).await.unwrap();
    let (bob, target) = bob(&world).await;
    let place = (target, Rights::ALL);
    let too_many = world.ann.copy_to(inbox, &all(), &bob, place, &Meter::default()).await;
    assert!(matches!(too_many, Err(MailError::TooMany { max: ACROSS_MAX })));
    let most: Vec<u32> = (1..=u32::try_from(ACROSS_MAX).unwrap()).collect();
    assert_eq!(
        world.ann.copy_to(inbox, &set(&most), &bob, place, &Meter::default()).await.unwrap().pairs.len(),
        ACROSS_MAX
    );
    bob.set_quota(Some(Octets(1))).await.unwrap();
    assert!(matches!(
        world.ann.copy_to(inbox, &set(&[1]), &bob, place, &Meter::default()).await,
        Err(MailError::OverQuota)
    ));
    assert!(matches!(
        world.ann.move_to(inbox, &set(&[1]), &bob, place, &Meter::default()).await,
        Err(MailError::OverQuota)
    ));
    assert_eq!(world.uids(inbox).await.len(), ACROSS_MAX + 1);
    assert_eq!(world.ann.copy_to(inbox, &set(&[5000]), &bob, place, &Meter::default()).await.unwrap().pairs, []);
    let nowhere = world.ann.copy_to(inbox, &set(&[1]), &bob, (MailboxId(99), Rights::ALL), &Meter::default()).await;
    assert!(matches!(nowhere, Err(MailError::NoSuchMailbox)));
}

#[tokio::test]
async fn a_move_that_fails_in_the_middle_leaves_no_message_in_neither() {
    for fault in [CommitFault::PoisonedBefore, CommitFault::PoisonedAfter] {
        for commits in 1..=4 {
            let engine = Faulty::new(Memory::new());
            let world = World::new(Store::Other(Arc::clone(&engine) as Arc<dyn Engine>)).await;
            let inbox = world.id("INBOX").await;
            for n in 0..60 {
                append(&world.ann, inbox, &n.to_string()).await;
            }
            let (bob, target) = bob(&world).await;
            engine.fail_commit(commits, fault);
            let moved = world.ann.move_to(inbox, &all(), &bob, (target, Rights::ALL), &Meter::default()).await;
            assert!(moved.is_err());
            engine.heal();
            let node = Mail::new(world.store.engine(), world.clock.clone(), world.options.clone());
            let (ann, bob) = (node.account(world.ann.id()).await.unwrap(), node.account(bob.id()).await.unwrap());
            let left = ann.open(inbox).await.unwrap().current();
            let there = bob.open(target).await.unwrap().current();
            // UIDs are the same on both sides here: each is in one of the two, and at most one step is in both.
            let in_neither =
                (1..=60).map(crate::world::uid).filter(|uid| left.get(*uid).is_none() && there.get(*uid).is_none());
            assert_eq!(in_neither.count(), 0, "{fault:?} at commit {commits}");
            assert!(left.len() + there.len() <= 60 + 50);
        }
    }
}
