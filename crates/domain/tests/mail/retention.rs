//! What was removed can be had back until its time is over.

use crate::world::{Store, World, all, flags, name, new_message, set, uid};
use domain::{Cause, Expunge, MailOptions, RetainedCursor, RetainedId, uidl};
use std::time::Duration;
use types::{Clock, FlagChange, Flags};

#[tokio::test]
async fn a_restored_message_has_its_flags_and_uidl_and_a_new_uid() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut message = new_message(&world.ann, "one").await;
        message.uidl = Some("imported".into());
        message.flags = flags(Flags::SEEN.union(Flags::DELETED), &["work"]);
        world.ann.append(inbox, vec![message]).await.unwrap();
        world.append(inbox, "two").await;
        let before = world.ann.status(inbox).await.unwrap();
        let email = world.open(inbox).await.current().get(uid(1)).unwrap().email;
        world.ann.expunge(inbox, Expunge::AllDeleted, Cause::Pop3).await.unwrap();
        assert!(world.ann.contents(&[email]).await.unwrap()[0].is_some(), "who was not told yet still reads it");
        world.reopen().await;
        let retained = world.ann.retained(None, 10).await.unwrap();
        assert!(retained.next.is_none());
        let [one] = &retained.messages[..] else { panic!("{retained:?}") };
        assert_eq!((one.id.uid, one.email, one.cause), (uid(1), email, Cause::Pop3));
        assert_eq!((one.removed, one.mailbox_name.clone()), (world.clock.now(), Some(name("INBOX"))));
        assert_eq!(one.flags.keywords.len(), 1);
        let restored = world.ann.restore(&[one.id, one.id]).await.unwrap();
        assert_eq!(restored, [domain::Restored { id: one.id, mailbox: inbox, uid: uid(3) }]);
        let view = world.open(inbox).await.current();
        let entry = view.get(uid(3)).unwrap();
        assert_eq!(domain::FlagNames::of(entry.flags, &view.keywords), flags(Flags::SEEN, &["work"]));
        assert_eq!((uidl(&view, entry), entry.email), ("imported".to_owned(), email));
        assert_eq!(world.ann.usage().await.unwrap().messages, 2);
        assert_eq!(world.ann.vanished_since(inbox, before.highest_modseq, 9).await.unwrap().uids, set(&[1]));
        assert!(world.ann.restore(&[one.id]).await.unwrap().is_empty());
        assert!(world.ann.retained(None, 10).await.unwrap().messages.is_empty());
        // The restored one is not swept when the first time would have been over.
        world.clock.advance(world.options.retention + Duration::from_secs(1));
        world.mail.sweep(world.clock.now()).await.unwrap();
        assert!(world.ann.contents(&[email]).await.unwrap()[0].is_some());
    }
}

#[tokio::test]
async fn messages_of_a_deleted_mailbox_come_back_with_it() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let scratch = world.ann.create(&name("scratch"), None).await.unwrap();
        for n in 0..5 {
            world.append(scratch, &n.to_string()).await;
        }
        world.ann.store_flags(scratch, &all(), FlagChange::Add, &flags(Flags::SEEN, &["kept"]), None).await.unwrap();
        world.expunge(scratch, &[1]).await;
        world.ann.delete(&name("scratch")).await.unwrap();
        assert_eq!(world.ann.usage().await.unwrap().octets.0, 0);
        world.reopen().await;
        let mut ids: Vec<RetainedId> = Vec::new();
        let mut next = None;
        loop {
            let page = world.ann.retained(next.as_ref(), 2).await.unwrap();
            assert!(page.messages.len() <= 2);
            assert!(page.messages.iter().all(|m| m.mailbox_name == Some(name("scratch"))));
            assert!(page.messages.iter().all(|m| m.with_mailbox == (m.id.uid != uid(1))));
            assert!(page.messages.iter().all(|m| m.flags == flags(Flags::SEEN, &["kept"])));
            ids.extend(page.messages.iter().map(|m| m.id));
            // Over a connection.
            next = page.next.map(|cursor| RetainedCursor::parse(&cursor.to_string()).unwrap());
            if next.is_none() {
                break;
            }
        }
        assert_eq!(ids.iter().map(|id| id.uid.get()).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let restored = world.ann.restore(&ids[..2]).await.unwrap();
        let again = world.id("scratch").await;
        assert!(again != scratch && restored.iter().all(|r| r.mailbox == again));
        assert_eq!(world.uids(again).await, [1, 2]);
        // Into what has the name now, which may be another's and have its own.
        world.ann.rename(&name("scratch"), &name("old scratch")).await.unwrap();
        let other = world.ann.create(&name("scratch"), None).await.unwrap();
        world.append(other, "new").await;
        let restored = world.ann.restore(&ids[2..3]).await.unwrap();
        assert_eq!(restored, [domain::Restored { id: ids[2], mailbox: other, uid: uid(2) }]);
        world.clock.advance(world.options.retention);
        let swept = world.mail.sweep(world.clock.now()).await.unwrap();
        assert_eq!((swept.messages, swept.bodies), (2, 2));
        assert!(world.ann.restore(&ids).await.unwrap().is_empty());
        assert_eq!(world.mail.sweep(world.clock.now()).await.unwrap(), domain::Swept::default());
    }
}

#[tokio::test]
async fn messages_of_a_deleted_mailbox_come_to_inbox_if_there_can_be_no_other() {
    let mut world = World::with(Store::memory(), MailOptions { mailboxes_max: 7, ..MailOptions::default() }).await;
    let scratch = world.ann.create(&name("scratch"), None).await.unwrap();
    world.append(scratch, "one").await;
    world.ann.delete(&name("scratch")).await.unwrap();
    world.ann.create(&name("other"), None).await.unwrap();
    world.reopen().await;
    let page = world.ann.retained(None, 10).await.unwrap();
    let restored = world.ann.restore(&[page.messages[0].id]).await.unwrap();
    assert_eq!(restored[0].mailbox, world.id("INBOX").await);
}

#[test]
fn a_cursor_is_read_from_what_it_was_written_as_and_from_nothing_else() {
    for bad in ["0", "zz", "é", &"00".repeat(129)] {
        assert_eq!(RetainedCursor::parse(bad), None, "{bad}");
    }
    let longest = "5a".repeat(128);
    assert_eq!(RetainedCursor::parse(&longest).unwrap().to_string(), longest);
}

#[tokio::test]
async fn a_cursor_of_another_account_shows_nothing() {
    let world = World::new(Store::memory()).await;
    let inbox = world.id("INBOX").await;
    world.append(inbox, "one").await;
    world.expunge(inbox, &[1]).await;
    for cursor in ["", "ff", "610000001158"] {
        let page = world.ann.retained(RetainedCursor::parse(cursor).as_ref(), 10).await.unwrap();
        assert!(page.messages.is_empty() && page.next.is_none(), "{cursor}");
    }
}

#[tokio::test]
async fn an_erased_account_has_nothing_but_its_counters() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut message = new_message(&world.ann, "one").await;
        message.trace = Some(world.mail.new_trace());
        message.recipient = Some(types::Address::parse("ann@example.org").unwrap());
        world.ann.append(inbox, vec![message]).await.unwrap();
        world.append(inbox, "two").await;
        world.expunge(inbox, &[2]).await;
        let view = world.open(inbox).await;
        let validity = world.ann.status(inbox).await.unwrap().uid_validity;
        for _ in 0..2 {
            world.mail.erase_account_mail(crate::world::ANN).await.unwrap();
        }
        assert!(view.is_deleted() && world.ann.mailboxes().await.unwrap().is_empty());
        let prefix = store_kv::account_prefix(crate::world::ANN);
        let rows = world.store.engine().scan(&store_kv::Scan::prefix(&prefix)).await.unwrap().rows;
        assert_eq!(rows.len(), 1);
        world.mail.create_account_mail(crate::world::ANN).await.unwrap();
        let again = world.id("INBOX").await;
        assert!(again != inbox && world.ann.status(again).await.unwrap().uid_validity > validity);
    }
}

#[tokio::test]
async fn a_sweep_takes_what_is_over_and_leaves_nothing_behind() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (inbox, archive) = (world.id("INBOX").await, world.id("Archive").await);
        for n in 0..1200 {
            let message = new_message(&world.ann, &n.to_string()).await;
            world.ann.append(inbox, vec![message]).await.unwrap();
        }
        world.ann.copy(inbox, &set(&[1]), archive).await.unwrap();
        world.ann.expunge(inbox, Expunge::These(all()), Cause::Rule).await.unwrap();
        world.clock.advance(world.options.retention.checked_sub(Duration::from_secs(1)).unwrap());
        assert_eq!(world.mail.sweep(world.clock.now()).await.unwrap(), domain::Swept::default());
        world.clock.advance(Duration::from_secs(1));
        let swept = world.mail.sweep(world.clock.now()).await.unwrap();
        assert_eq!(swept, domain::Swept { messages: 1200, bodies: 1199, accounts: 1 });
        world.ann.delete(&name("Archive")).await.unwrap();
        world.clock.advance(world.options.retention);
        let swept = world.mail.sweep(world.clock.now()).await.unwrap();
        assert_eq!(swept, domain::Swept { messages: 1, bodies: 1, accounts: 1 });
        let prefix = store_kv::account_prefix(crate::world::ANN);
        let rows = world.store.engine().scan(&store_kv::Scan::prefix(&prefix)).await.unwrap().rows;
        let kinds: Vec<_> = rows.iter().map(|(key, _)| char::from(key[5])).collect();
        let kinds: String = kinds.iter().filter(|k| **k != 'C').collect();
        assert_eq!(kinds, "AMMMMMSSSSSST", "one account, five mailboxes, a tombstone");
        world.append(inbox, "new").await;
        world.expunge(inbox, &[1201]).await;
        world.clock.advance(world.options.tombstones);
        world.mail.sweep(world.clock.now()).await.unwrap();
        let vanished = world.ann.vanished_since(inbox, types::ModSeq(1), 10).await.unwrap();
        assert_eq!((vanished.uids.to_string(), vanished.is_exact), ("1:1201".to_owned(), false));
        let since = world.ann.status(inbox).await.unwrap().highest_modseq;
        assert!(world.ann.vanished_since(inbox, since, 10).await.unwrap().is_exact);
    }
}

#[tokio::test]
async fn a_content_with_many_copies_stays_while_one_of_them_does() {
    let world = World::new(Store::memory()).await;
    let (inbox, drafts, archive) = (world.id("INBOX").await, world.id("Drafts").await, world.id("Archive").await);
    world.append(inbox, "one").await;
    for _ in 0..9 {
        world.ann.copy(inbox, &all(), inbox).await.unwrap();
    }
    // One sweep step takes 500 expunged ones, and those of a deleted mailbox in the same batch; others come after them.
    world.ann.copy(inbox, &set(&[1]), drafts).await.unwrap();
    let beyond: Vec<u32> = (501..=512).collect();
    world.ann.r#move(inbox, &set(&beyond), archive).await.unwrap();
    world.ann.expunge(inbox, Expunge::These(all()), Cause::Imap).await.unwrap();
    world.ann.delete(&name("Drafts")).await.unwrap();
    world.clock.advance(world.options.retention);
    let swept = world.mail.sweep(world.clock.now()).await.unwrap();
    assert_eq!((swept.messages, swept.bodies), (501, 0));
    let view = world.open(archive).await.current();
    let email = view.iter().next().unwrap().email;
    let content = world.ann.contents(&[email]).await.unwrap().remove(0).expect("twelve placements have it");
    assert!(!world.ann.read_body(&content, 0..10).await.unwrap().is_empty());
    world.ann.expunge(archive, Expunge::These(all()), Cause::Imap).await.unwrap();
    world.clock.advance(world.options.retention);
    let swept = world.mail.sweep(world.clock.now()).await.unwrap();
    assert_eq!((swept.messages, swept.bodies), (12, 1));
}

#[tokio::test]
async fn a_deleted_mailbox_goes_with_all_its_large_rows() {
    let world = World::new(Store::memory()).await;
    let scratch = world.ann.create(&name("scratch"), None).await.unwrap();
    // Rows as large as the chunks of a mailbox with very many messages: more than one page takes.
    let prefix = [&store_kv::account_prefix(crate::world::ANN)[..], b"C", &scratch.0.to_be_bytes()].concat();
    let mut batch = store_kv::Batch::new(crate::world::ANN);
    for index in 0..40_u32 {
        batch.put([&prefix[..], &index.to_be_bytes()].concat(), vec![0; 100_000]);
    }
    world.store.engine().commit(batch).await.unwrap();
    world.ann.delete(&name("scratch")).await.unwrap();
    world.clock.advance(world.options.retention);
    world.mail.sweep(world.clock.now()).await.unwrap();
    let left = world.store.engine().scan(&store_kv::Scan::prefix(&prefix)).await.unwrap().rows;
    assert_eq!(left.len(), 0, "nothing would ever look for them again");
}
