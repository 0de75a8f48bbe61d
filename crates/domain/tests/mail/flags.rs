//! STORE and keywords.

use crate::world::{Store, World, all, flags, set, uid};
use domain::{FlagNames, MailError};
use types::{FlagChange, Flags, KEYWORDS_MAX, ModSeq, UidSet};

#[tokio::test]
async fn store_changes_flags_and_only_what_changes_gets_a_new_modseq() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for n in 1..=3 {
            world.append(inbox, &n.to_string()).await;
        }
        world.flag(inbox, &[2], Flags::SEEN).await;
        let before = world.open(inbox).await.current();
        let seen = flags(Flags::SEEN, &[]);
        let stored = world.ann.store_flags(inbox, &all(), FlagChange::Add, &seen, None).await.unwrap();
        let after = world.open(inbox).await.current();
        assert_eq!(stored.modseq, Some(after.highest_modseq));
        assert_eq!(after.diff(&before).changed.iter().map(|e| e.uid.get()).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(after.get(uid(2)), before.get(uid(2)));
        let again = world.ann.store_flags(inbox, &all(), FlagChange::Add, &seen, None).await.unwrap();
        assert_eq!((again.modseq, again.modified), (None, UidSet::default()));
        assert_eq!(world.ann.status(inbox).await.unwrap().highest_modseq, after.highest_modseq);
        let wanted = flags(Flags::DRAFT, &["$Forwarded", "work"]);
        world.ann.store_flags(inbox, &set(&[1]), FlagChange::Replace, &wanted, None).await.unwrap();
        let less = flags(Flags::NONE, &["WORK", "unknown"]);
        world.ann.store_flags(inbox, &set(&[1]), FlagChange::Remove, &less, None).await.unwrap();
        let view = world.node().await.open(inbox).await.unwrap().current();
        let first = FlagNames::of(view.get(uid(1)).unwrap().flags, &view.keywords);
        assert_eq!(first, flags(Flags::DRAFT, &["$Forwarded"]));
        assert_eq!(view.keywords.len(), 2);
        assert_eq!(world.ann.status(inbox).await.unwrap().unseen, 1);
    }
}

#[tokio::test]
async fn unchanged_since_keeps_what_was_changed_later() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for n in 1..=3 {
            world.append(inbox, &n.to_string()).await;
        }
        let known = world.ann.status(inbox).await.unwrap().highest_modseq;
        world.flag(inbox, &[2], Flags::FLAGGED).await;
        let (uids, seen) = (all(), flags(Flags::SEEN, &[]));
        let store = |since| world.ann.store_flags(inbox, &uids, FlagChange::Add, &seen, Some(since));
        let stored = store(known).await.unwrap();
        assert_eq!(stored.modified, set(&[2]));
        let view = world.open(inbox).await.current();
        assert!(view.iter().all(|e| e.flags.contains(Flags::SEEN) == (e.uid != uid(2))));
        // RFC 7162 §3.1.3: zero fails for every message that has the flag.
        assert_eq!(store(ModSeq(0)).await.unwrap().modified, set(&[1, 2, 3]));
    }
}

#[tokio::test]
async fn a_mailbox_has_room_for_so_many_keywords() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        world.append(inbox, "1").await;
        let names: Vec<_> = (0..KEYWORDS_MAX).map(|n| format!("k{n}")).collect();
        let full = flags(Flags::NONE, &names.iter().map(String::as_str).collect::<Vec<_>>());
        world.ann.store_flags(inbox, &all(), FlagChange::Add, &full, None).await.unwrap();
        let more = flags(Flags::SEEN, &["more"]);
        let stored = world.ann.store_flags(inbox, &all(), FlagChange::Add, &more, None).await;
        assert!(matches!(stored, Err(MailError::KeywordsFull)));
        assert_eq!(world.ann.status(inbox).await.unwrap().unseen, 1, "nothing of it was done");
        // A copy into a mailbox whose table is full keeps what fits.
        world.append(archive, "2").await;
        world.ann.store_flags(archive, &all(), FlagChange::Add, &flags(Flags::SEEN, &["own"]), None).await.unwrap();
        world.ann.copy(inbox, &all(), archive).await.unwrap();
        let view = world.open(archive).await.current();
        assert_eq!(FlagNames::of(view.get(uid(2)).unwrap().flags, &view.keywords).keywords.len(), KEYWORDS_MAX - 1);
    }
}

#[tokio::test]
async fn many_messages_are_flagged_in_steps_and_all_are_reached() {
    let world = World::new(Store::memory()).await;
    let inbox = world.id("INBOX").await;
    world.append(inbox, "1").await;
    for _ in 0..14 {
        world.ann.copy(inbox, &all(), inbox).await.unwrap();
    }
    let known = world.ann.status(inbox).await.unwrap();
    assert_eq!(known.messages, 1 << 14);
    world.flag(inbox, &[12_000], Flags::SEEN).await;
    let deleted = flags(Flags::DELETED, &[]);
    let stored =
        world.ann.store_flags(inbox, &all(), FlagChange::Add, &deleted, Some(known.highest_modseq)).await.unwrap();
    assert_eq!(stored.modified, set(&[12_000]));
    assert_eq!(world.ann.status(inbox).await.unwrap().deleted, (1 << 14) - 1);
    let gone = world.ann.expunge(inbox, domain::Expunge::AllDeleted, domain::Cause::Imap).await.unwrap();
    assert_eq!((gone.len(), world.uids(inbox).await), ((1 << 14) - 1, vec![12_000]));
    let (mut retained, mut next) = (0, None);
    loop {
        let page = world.ann.retained(next.as_ref(), 5000).await.unwrap();
        retained += page.messages.len();
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(retained, (1 << 14) - 1);
}
