//! APPEND, EXPUNGE, COPY, MOVE, STATUS, recent messages, views.

use crate::world::{Store, World, all, append, flags, keyword, name, new_message, set, uid};
use domain::{Cause, Expunge, FlagNames, MailError, MailOptions, uidl};
use std::time::Duration;
use types::{FlagChange, Flags, ModSeq, Octets, Timestamp, UidSet};

#[tokio::test]
async fn append_puts_all_messages_or_none() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut messages = vec![];
        for text in ["one", "two", "three"] {
            messages.push(new_message(&world.ann, text).await);
        }
        messages[1].flags = flags(Flags::SEEN, &["$Junk"]);
        messages[1].internal_date = Some(Timestamp(5));
        let size: u64 = messages.iter().map(|m| m.staged.size().0).sum();
        world.ann.set_quota(Some(Octets(size - 1))).await.unwrap();
        assert!(matches!(world.ann.append(inbox, messages.clone()).await, Err(MailError::OverQuota)));
        assert_eq!(world.uids(inbox).await, [0; 0]);
        world.ann.set_quota(Some(Octets(size))).await.unwrap();
        let appended = world.ann.append(inbox, messages).await.unwrap();
        assert_eq!(appended.uids, [1, 2, 3].map(uid));
        let usage = world.ann.usage().await.unwrap();
        assert_eq!((usage.octets.0, usage.messages), (size, 3));
        let view = world.open(inbox).await.current();
        let second = view.get(uid(2)).unwrap();
        assert_eq!(FlagNames::of(second.flags, &view.keywords), flags(Flags::SEEN, &["$Junk"]));
        assert_eq!((second.internal_date, second.save_date), (Timestamp(5), crate::world::START));
        let modseqs: Vec<_> = view.iter().map(|e| e.modseq).collect();
        assert!(modseqs.iter().all(|m| *m == view.highest_modseq), "one verb, one change");
        let status = world.ann.status(inbox).await.unwrap();
        assert_eq!((status.messages, status.unseen, status.deleted), (3, 2, 0));
        assert_eq!((status.size.0, status.uid_next), (size, Some(uid(4))));
        assert_eq!((status.uid_validity, status.highest_modseq), (appended.uid_validity, view.highest_modseq));
    }
}

#[tokio::test]
async fn expunge_removes_what_it_names_and_uids_are_never_used_again() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for n in 1..=6 {
            world.append(inbox, &n.to_string()).await;
        }
        let before = world.ann.status(inbox).await.unwrap().highest_modseq;
        world.flag(inbox, &[1, 3, 5], Flags::DELETED).await;
        let expunge = |which| world.ann.expunge(inbox, which, Cause::Imap);
        assert_eq!(expunge(Expunge::DeletedIn(set(&[2, 3, 9]))).await.unwrap(), set(&[3]));
        assert_eq!(expunge(Expunge::AllDeleted).await.unwrap(), set(&[1, 5]));
        assert_eq!(expunge(Expunge::AllDeleted).await.unwrap(), UidSet::default());
        assert_eq!(expunge(Expunge::These(set(&[6]))).await.unwrap(), set(&[6]));
        assert_eq!(world.uids(inbox).await, [2, 4]);
        let since = |modseq| world.ann.vanished_since(inbox, modseq, 100);
        let vanished = since(before).await.unwrap();
        assert_eq!((vanished.uids, vanished.is_exact), (set(&[1, 3, 5, 6]), true));
        let status = world.ann.status(inbox).await.unwrap();
        assert_eq!(since(status.highest_modseq).await.unwrap().uids, UidSet::default());
        assert_eq!(since(ModSeq(status.highest_modseq.0 - 1)).await.unwrap().uids, set(&[6]));
        let coarse = world.ann.vanished_since(inbox, before, 2).await.unwrap();
        assert_eq!((coarse.uids, coarse.is_exact), (set(&[1, 3, 5, 6]), false));
        assert_eq!((status.messages, status.deleted), (2, 0));
        world.reopen().await;
        assert_eq!(world.append(inbox, "7").await, uid(7));
    }
}

#[tokio::test]
async fn copy_keeps_flags_dates_and_content() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        let mut message = new_message(&world.ann, "one").await;
        message.flags = flags(Flags::SEEN, &["b", "a"]);
        world.ann.append(inbox, vec![message]).await.unwrap();
        let mut other = new_message(&world.ann, "other").await;
        other.flags = flags(Flags::NONE, &["A"]);
        world.ann.append(archive, vec![other]).await.unwrap();
        world.clock.advance(Duration::from_mins(1));
        let copied = world.ann.copy(inbox, &set(&[1, 77]), archive).await.unwrap();
        assert_eq!(copied.pairs, [(uid(1), uid(2))]);
        let (from, to) = (world.open(inbox).await.current(), world.open(archive).await.current());
        let (old, new) = (from.get(uid(1)).unwrap(), to.get(uid(2)).unwrap());
        assert_eq!((old.email, old.internal_date, old.size), (new.email, new.internal_date, new.size));
        assert!(new.save_date > old.save_date && new.modseq > old.modseq);
        assert_eq!(FlagNames::of(new.flags, &to.keywords).keywords, [keyword("A"), keyword("b")]);
        assert_eq!(world.ann.usage().await.unwrap().messages, 3);
        let nothing = world.ann.copy(inbox, &set(&[50]), archive).await.unwrap();
        assert!(nothing.pairs.is_empty());
        world.ann.set_quota(Some(Octets(1))).await.unwrap();
        assert!(matches!(world.ann.copy(inbox, &all(), archive).await, Err(MailError::OverQuota)));
        assert!(matches!(world.ann.copy(inbox, &all(), types::MailboxId(99)).await, Err(MailError::NoSuchMailbox)));
    }
}

#[tokio::test]
async fn a_second_copy_in_inbox_has_a_uidl_of_its_own() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        world.append(inbox, "one").await;
        let mut imported = new_message(&world.ann, "two").await;
        imported.uidl = Some("old-1".into());
        world.ann.append(inbox, vec![imported]).await.unwrap();
        world.ann.copy(inbox, &all(), inbox).await.unwrap();
        world.ann.copy(inbox, &set(&[1]), archive).await.unwrap();
        world.ann.r#move(archive, &all(), inbox).await.unwrap();
        world.ann.r#move(inbox, &set(&[2]), archive).await.unwrap();
        world.ann.r#move(archive, &all(), inbox).await.unwrap();
        let mut uidls = None;
        for _ in 0..2 {
            let view = world.node().await.open(inbox).await.unwrap().current();
            let mut all: Vec<_> = view.iter().map(|e| uidl(&view, e)).collect();
            let live = world.open(inbox).await.current();
            assert_eq!(all, live.iter().map(|e| uidl(&live, e)).collect::<Vec<_>>());
            all.sort();
            let count = all.len();
            all.dedup();
            assert_eq!((count, all.len()), (5, 5), "{all:?}");
            let before = uidls.replace(all.clone());
            assert!(before.is_none_or(|b| b == all));
        }
        assert!(uidls.unwrap().contains(&"old-1".to_owned()), "a message that moves takes its UIDL along");
    }
}

#[tokio::test]
async fn move_takes_messages_from_one_mailbox_to_the_other() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        for n in 1..=4 {
            world.append(inbox, &n.to_string()).await;
        }
        let before = world.ann.status(inbox).await.unwrap().highest_modseq;
        let held = world.open(inbox).await.current();
        let moved = world.ann.r#move(inbox, &UidSet::from_ranges([2..=3, 9..=u32::MAX]), archive).await.unwrap();
        assert_eq!(moved.pairs, [(uid(2), uid(1)), (uid(3), uid(2))]);
        assert_eq!((world.uids(inbox).await, world.uids(archive).await), (vec![1, 4], vec![1, 2]));
        assert_eq!(world.ann.vanished_since(inbox, before, 9).await.unwrap().uids, set(&[2, 3]));
        assert_eq!(held.len(), 4, "who holds a snapshot keeps it");
        assert_eq!(world.ann.usage().await.unwrap().messages, 4);
        let (a, b) = (world.ann.status(inbox).await.unwrap(), world.ann.status(archive).await.unwrap());
        assert_eq!(a.highest_modseq, b.highest_modseq);
        assert!(world.ann.retained(None, 10).await.unwrap().messages.is_empty());
        let within = world.ann.r#move(inbox, &all(), inbox).await.unwrap();
        assert_eq!(within.pairs, [(uid(1), uid(5)), (uid(4), uid(6))]);
        assert_eq!(world.uids(inbox).await, [5, 6]);
    }
}

#[tokio::test]
async fn recent_messages_are_claimed_once() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        world.append(inbox, "1").await;
        world.append(inbox, "2").await;
        assert_eq!(world.ann.status(inbox).await.unwrap().first_recent, Some(uid(1)));
        assert_eq!(world.ann.claim_recent(inbox).await.unwrap(), Some(uid(1)));
        assert_eq!(world.ann.claim_recent(inbox).await.unwrap(), Some(uid(3)));
        world.append(inbox, "3").await;
        assert_eq!(world.ann.status(inbox).await.unwrap().first_recent, Some(uid(3)));
        world.reopen().await;
        assert_eq!(world.ann.claim_recent(inbox).await.unwrap(), Some(uid(3)));
    }
}

#[tokio::test]
async fn a_view_wakes_for_every_change_of_its_mailbox() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        let mut view = world.open(inbox).await;
        let mut watch = world.ann.watch();
        append(&world.ann, archive, "elsewhere").await;
        watch.changed().await;
        let quiet = tokio::time::timeout(Duration::from_millis(20), view.changed()).await;
        assert!(quiet.is_err(), "another mailbox's change is none of this one");
        let (_, ()) = tokio::join!(append(&world.ann, inbox, "here"), view.changed());
        assert_eq!(view.current().len(), 1);
        let earlier = view.current();
        world.flag(inbox, &[1], Flags::SEEN).await;
        view.changed().await;
        let now = view.current();
        assert_eq!(now.diff(&earlier).changed.len(), 1);
        world.ann.subscribe(&name("x"), true).await.unwrap();
        watch.changed().await;
        let scratch = world.ann.create(&name("scratch"), None).await.unwrap();
        let mut view = world.open(scratch).await;
        world.ann.delete(&name("scratch")).await.unwrap();
        view.changed().await;
        assert!(view.is_deleted());
    }
}

#[tokio::test]
async fn a_verb_for_a_mailbox_that_is_not_there_is_refused() {
    for store in Store::all() {
        let world = World::new(store).await;
        let nowhere = types::MailboxId(1000);
        let message = new_message(&world.ann, "x").await;
        assert!(matches!(world.ann.append(nowhere, vec![message]).await, Err(MailError::NoSuchMailbox)));
        let none = FlagNames::default();
        let stored = world.ann.store_flags(nowhere, &all(), FlagChange::Add, &none, None).await;
        assert!(matches!(stored, Err(MailError::NoSuchMailbox)));
        let expunged = world.ann.expunge(nowhere, Expunge::AllDeleted, Cause::Rule).await;
        assert!(matches!(expunged, Err(MailError::NoSuchMailbox)));
        assert!(matches!(world.ann.status(nowhere).await, Err(MailError::NoSuchMailbox)));
        assert!(matches!(world.ann.claim_recent(nowhere).await, Err(MailError::NoSuchMailbox)));
        assert!(matches!(world.ann.vanished_since(nowhere, ModSeq(1), 1).await, Err(MailError::NoSuchMailbox)));
    }
}

#[tokio::test]
async fn one_copy_names_only_so_many_messages_and_a_move_any_number() {
    for store in Store::all() {
        let options = MailOptions { copy_max: 3, ..MailOptions::default() };
        let world = World::with(store, options).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        for n in 1..=4 {
            world.append(inbox, &n.to_string()).await;
        }
        assert!(matches!(world.ann.copy(inbox, &all(), archive).await, Err(MailError::TooMany { max: 3 })));
        assert_eq!(world.ann.copy(inbox, &set(&[2, 3, 4]), archive).await.unwrap().pairs.len(), 3);
        assert_eq!(world.ann.r#move(inbox, &all(), archive).await.unwrap().pairs.len(), 4);
    }
}
