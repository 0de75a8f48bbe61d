//! COPY and MOVE to another account.

use crate::world::{START, Store, World, all, append, flags, keyword, mail_of, name, set};
use domain::{ACROSS_STEP, Account, FlagNames, MailError, MailOptions, Meter};
use types::{AccountId, FlagChange, Flags, MailboxId, Octets, Rights};

pub(crate) async fn bob(world: &World) -> (Account, MailboxId) {
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
    let most = 2 * ACROSS_STEP + 1;
    let options = MailOptions { copy_max: most, ..MailOptions::default() };
    let world = World::with(Store::memory(), options).await;
    let inbox = world.id("INBOX").await;
    let message = crate::world::new_message(&world.ann, "x").await;
    world.ann.append(inbox, vec![message; most + 1]).await.unwrap();
    let (bob, target) = bob(&world).await;
    let (place, silent) = ((target, Rights::ALL), Meter::default());
    let too_many = world.ann.copy_to(inbox, &all(), &bob, place, &silent).await;
    assert!(matches!(too_many, Err(MailError::TooMany { max }) if max == most));
    let as_many: Vec<u32> = (1..=u32::try_from(most).unwrap()).collect();
    let copied = world.ann.copy_to(inbox, &set(&as_many), &bob, place, &silent).await.unwrap();
    let expected: Vec<_> = as_many.iter().map(|n| (crate::world::uid(*n), crate::world::uid(*n))).collect();
    assert_eq!(copied.pairs, expected);
    bob.set_quota(Some(Octets(1))).await.unwrap();
    let copied = world.ann.copy_to(inbox, &set(&[1]), &bob, place, &silent).await;
    assert!(matches!(copied, Err(MailError::OverQuota)));
    let moved = world.ann.move_to(inbox, &set(&[1]), &bob, place, &silent).await;
    assert!(matches!(moved, Err(MailError::OverQuota)));
    assert_eq!(world.uids(inbox).await.len(), most + 1);
    assert_eq!(world.ann.copy_to(inbox, &set(&[5000]), &bob, place, &silent).await.unwrap().pairs, []);
    let nowhere = world.ann.copy_to(inbox, &set(&[1]), &bob, (MailboxId(99), Rights::ALL), &silent).await;
    assert!(matches!(nowhere, Err(MailError::NoSuchMailbox)));
}
