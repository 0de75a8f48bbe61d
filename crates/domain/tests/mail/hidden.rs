//! What POP3 does not show any more, and the UIDLs that it shows.

use crate::world::{Store, World, all, append, new_message, set, uid};
use domain::{Cause, Expunge, uidl};
use std::time::Duration;
use types::{Clock, UidSet};

#[tokio::test]
async fn hiding_changes_nothing_that_imap_sees_and_survives_a_restart() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for text in ["one", "two", "three"] {
            world.append(inbox, text).await;
        }
        assert!(world.ann.hidden_from_pop3(inbox).await.unwrap().is_empty());
        let before = (world.ann.status(inbox).await.unwrap(), world.ann.usage().await.unwrap());
        let view = world.open(inbox).await.current();
        world.ann.hide_from_pop3(inbox, &set(&[1, 3])).await.unwrap();
        world.ann.hide_from_pop3(inbox, &set(&[3])).await.unwrap();
        world.ann.hide_from_pop3(inbox, &UidSet::default()).await.unwrap();
        assert_eq!((world.ann.status(inbox).await.unwrap(), world.ann.usage().await.unwrap()), before);
        assert!(world.open(inbox).await.current().diff(&view).is_empty());
        let other = world.node().await;
        other.hide_from_pop3(inbox, &set(&[2])).await.unwrap();
        world.reopen().await;
        assert_eq!(world.ann.hidden_from_pop3(inbox).await.unwrap(), set(&[1, 2, 3]));
        assert_eq!(world.uids(inbox).await, [1, 2, 3]);
    }
}

#[tokio::test]
async fn what_is_hidden_is_kept_in_ranges_over_all_uids_there_are() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let wide = UidSet::from_ranges([5..=70_000, 131_071..=131_072, u32::MAX..=u32::MAX]);
        world.ann.hide_from_pop3(inbox, &wide).await.unwrap();
        assert_eq!(world.ann.hidden_from_pop3(inbox).await.unwrap(), wide);
        // More blocks than one batch changes.
        let scattered = UidSet::from_ranges((0..3000_u32).map(|n| n * 65_536 + 7..=n * 65_536 + 7));
        world.ann.hide_from_pop3(inbox, &scattered).await.unwrap();
        let hidden = world.ann.hidden_from_pop3(inbox).await.unwrap();
        assert_eq!(hidden.intersection(&scattered), scattered);
        assert_eq!(hidden.intersection(&wide), wide);
    }
}

#[tokio::test]
async fn the_marks_of_a_mailbox_go_with_it() {
    for store in Store::all() {
        let world = World::new(store).await;
        let scratch = world.ann.create(&crate::world::name("scratch"), None).await.unwrap();
        world.append(scratch, "one").await;
        world.ann.hide_from_pop3(scratch, &all()).await.unwrap();
        world.ann.delete(&crate::world::name("scratch")).await.unwrap();
        assert!(world.ann.hide_from_pop3(scratch, &all()).await.is_err(), "there is no such mailbox");
        world.clock.advance(world.options.retention + Duration::from_secs(1));
        while world.mail.sweep(world.clock.now()).await.unwrap().messages > 0 {}
        assert!(world.ann.hidden_from_pop3(scratch).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn a_uidl_comes_back_with_its_message_and_is_never_there_twice() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut imported = new_message(&world.ann, "imported").await;
        imported.uidl = Some("given".into());
        world.ann.append(inbox, vec![imported]).await.unwrap();
        append(&world.ann, inbox, "derived").await;
        let names = async || {
            let view = world.open(inbox).await.current();
            view.iter().map(|entry| uidl(&view, entry)).collect::<Vec<_>>()
        };
        let before = names().await;
        assert_eq!(before[0], "given");
        // A copy of each; the first ones go and come back.
        world.ann.copy(inbox, &set(&[1, 2]), inbox).await.unwrap();
        let with_copies = names().await;
        world.ann.expunge(inbox, Expunge::These(set(&[1, 2])), Cause::Pop3).await.unwrap();
        let ids: Vec<_> = world.ann.retained(None, 10).await.unwrap().messages.iter().map(|m| m.id).collect();
        world.ann.restore(&ids).await.unwrap();
        let after = names().await;
        assert_eq!(after[..2], with_copies[2..], "the copies stay");
        let mut restored = after[2..].to_vec();
        restored.sort();
        let mut expected = before.clone();
        expected.sort();
        assert_eq!(restored, expected);
        // Moved out, and a copy of it into its place: one of them has to give way.
        let archive = world.id("Archive").await;
        let copied = world.ann.copy(inbox, &set(&[6]), archive).await.unwrap();
        let back = UidSet::from_uids(copied.pairs.iter().map(|(_, to)| *to));
        world.ann.r#move(archive, &back, inbox).await.unwrap();
        let mut unique = names().await;
        let count = unique.len();
        unique.sort();
        unique.dedup();
        assert_eq!(unique.len(), count);
        assert!(world.open(inbox).await.current().get(uid(6)).is_some());
    }
}
