//! Contents and bodies: byte for byte, once, and no longer than somebody needs them.

use crate::world::{ANN, Store, World, mail_of, new_message, stage, uid};
use domain::{MailError, MailOptions, NewMessage};
use store_kv::{BODY_READ_MAX, StoreError};
use types::{AccountId, Address, EmailId, Octets};

#[tokio::test]
async fn a_message_comes_back_byte_for_byte() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let raw = [b"Subject: \xff big\r\n\r\n".as_slice(), &vec![0; 3 * BODY_READ_MAX / 2], b"\n.\r\n\x80"].concat();
        let staged = stage(&world.ann, &raw).await;
        world.ann.append(inbox, vec![NewMessage::new(staged)]).await.unwrap();
        world.reopen().await;
        let email = world.open(inbox).await.current().get(uid(1)).unwrap().email;
        let contents = world.ann.contents(&[EmailId(999), email]).await.unwrap();
        assert!(contents[0].is_none());
        let content = contents[1].clone().unwrap();
        assert_eq!(content.size().0, raw.len() as u64);
        let mut whole = Vec::new();
        loop {
            let piece = world.ann.read_body(&content, whole.len() as u64..u64::MAX).await.unwrap();
            assert!(piece.len() <= BODY_READ_MAX);
            if piece.is_empty() {
                break;
            }
            whole.extend_from_slice(&piece);
        }
        assert!(whole == raw);
        assert_eq!(world.ann.read_body(&content, 3..9).await.unwrap(), raw[3..9]);
    }
}

#[tokio::test]
async fn a_message_that_is_too_large_is_refused_before_it_is_taken_in() {
    for store in Store::all() {
        let options = MailOptions { message_max: Octets(100), ..MailOptions::default() };
        let world = World::with(store, options).await;
        let too_large = |result| matches!(result, Err(MailError::TooLarge { max: Octets(100) }));
        assert!(too_large(world.ann.stage(Some(Octets(101))).await.map(|_| ())));
        let mut staging = world.ann.stage(Some(Octets(100))).await.unwrap();
        staging.write(&[b'a'; 100]).await.unwrap();
        assert!(too_large(staging.write(b"b").await));
        assert_eq!(staging.finish().await.unwrap().size(), Octets(100));
    }
}

/// Two recipients of one message in one account share its body; it goes with the last of them.
#[tokio::test]
async fn a_delivery_happens_once_for_each_recipient_and_stores_one_body() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let trace = world.mail.new_trace();
        let mut message = new_message(&world.ann, "one").await;
        message.trace = Some(trace);
        let to = |text: &str| NewMessage { recipient: Some(Address::parse(text).unwrap()), ..message.clone() };
        let (ann, list) = (to("ann@example.org"), to("list@example.org"));
        world.ann.set_quota(Some(Octets(1))).await.unwrap();
        let first = world.ann.append(inbox, vec![ann.clone()]).await.unwrap();
        let both = world.ann.append(inbox, vec![ann.clone(), list.clone()]).await.unwrap();
        assert_eq!(both.uids, [first.uids[0], uid(2)]);
        let (again, other) = (world.ann.clone(), world.node().await);
        assert_eq!(again.append(inbox, vec![ann.clone()]).await.unwrap(), first);
        assert_eq!(world.uids(inbox).await, [1, 2]);
        assert_eq!(other.append(inbox, vec![list.clone()]).await.unwrap().uids, [uid(2)]);
        let view = world.open(inbox).await.current();
        assert_eq!(view.get(uid(1)).unwrap().email, view.get(uid(2)).unwrap().email);
        let other_account = AccountId(8);
        world.mail.create_account_mail(other_account).await.unwrap();
        let bob = world.mail.account(other_account).await.unwrap();
        let bobs = bob.mailboxes().await.unwrap().get(&types::MailboxName::inbox()).unwrap().id;
        bob.append(bobs, vec![list.clone()]).await.unwrap();
        drop((message, ann, list, again));
        world.reopen().await;
        let content = world.ann.contents(&[view.get(uid(1)).unwrap().email]).await.unwrap().remove(0).unwrap();
        for gone in [1, 2] {
            assert_eq!(world.ann.read_body(&content, 0..9999).await.unwrap(), mail_of("one"));
            world.expunge(inbox, &[gone]).await;
            world.clock.advance(world.options.retention);
            let swept = world.mail.sweep(types::Clock::now(&*world.clock)).await.unwrap();
            assert_eq!((swept.messages, swept.bodies), (1, u64::from(gone == 2)));
        }
        let bob = world.mail.account(other_account).await.unwrap();
        assert!(world.ann.contents(&[content.email]).await.unwrap()[0].is_none());
        let email = bob.open(bobs).await.unwrap().current().get(uid(1)).unwrap().email;
        let bobs_content = bob.contents(&[email]).await.unwrap().remove(0).unwrap();
        assert_eq!(bob.read_body(&bobs_content, 0..9999).await.unwrap(), mail_of("one"));
        bob.expunge(bobs, domain::Expunge::These(crate::world::all()), domain::Cause::Pop3).await.unwrap();
        world.clock.advance(world.options.retention);
        world.mail.sweep(types::Clock::now(&*world.clock)).await.unwrap();
        assert!(matches!(bob.read_body(&bobs_content, 0..9).await, Err(MailError::Gone)));
        let gone = world.store.engine().read_body(content.body, 0..1).await;
        assert!(matches!(gone, Err(StoreError::NoSuchBody(_))));
    }
}

#[tokio::test]
async fn the_same_staged_message_may_be_appended_twice() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let message = new_message(&world.ann, "one").await;
        world.ann.append(inbox, vec![message.clone(), message.clone()]).await.unwrap();
        world.ann.append(inbox, vec![message]).await.unwrap();
        world.expunge(inbox, &[1, 2]).await;
        world.clock.advance(world.options.retention);
        let swept = world.mail.sweep(types::Clock::now(&*world.clock)).await.unwrap();
        assert_eq!((swept.messages, swept.bodies, swept.accounts), (2, 0, 1));
        let email = world.open(inbox).await.current().get(uid(3)).unwrap().email;
        let content = world.ann.contents(&[email]).await.unwrap().remove(0).unwrap();
        assert_eq!(world.ann.read_body(&content, 0..9999).await.unwrap(), mail_of("one"));
    }
}

#[tokio::test]
async fn damaged_rows_are_an_error_and_no_panic() {
    let store = Store::memory();
    let world = World::new(store.clone()).await;
    let inbox = world.id("INBOX").await;
    world.append(inbox, "one").await;
    let engine = store.engine();
    let prefix = store_kv::account_prefix(ANN);
    let page = engine.scan(&store_kv::Scan::prefix(&prefix)).await.unwrap();
    for (key, row) in page.rows.iter().filter(|(key, row)| key[5] != b'R' && key[5] != b'S' && !row.is_empty()) {
        let write = |value: Vec<u8>| {
            let mut batch = store_kv::Batch::new(ANN);
            batch.put(key.clone(), value);
            engine.commit(batch)
        };
        write(row[..row.len().min(20) / 2].to_vec()).await.unwrap();
        let ann = world.node().await;
        let looked = async {
            let view = ann.open(inbox).await?;
            let emails: Vec<_> = view.current().iter().map(|e| e.email).collect();
            ann.contents(&emails).await
        };
        assert!(matches!(looked.await, Err(MailError::Store(StoreError::Corrupt(_)))), "{key:?}");
        write(row.to_vec()).await.unwrap();
    }
}
