//! Annotations: who sees which, how many there may be, and what happens to them with their mailbox.

use crate::world::{ANN, Store, World, name};
use bytes::Bytes;
use domain::{
    ANNOTATION_VALUE_MAX, ANNOTATIONS_ACCOUNT_MAX, ANNOTATIONS_ALL_READERS_MAX, ANNOTATIONS_MAX, Account, MailError,
};
use types::{AccountId, EntryName, MailboxId, ModSeq};

const BOB: AccountId = AccountId(8);

fn entry(text: &str) -> EntryName {
    EntryName::parse(text.as_bytes()).unwrap()
}

async fn set(account: &Account, mailbox: Option<MailboxId>, reader: AccountId, name: &str, value: &str) {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    account.annotate(mailbox, reader, vec![(entry(name), value)]).await.unwrap();
}

async fn get(account: &Account, mailbox: Option<MailboxId>, reader: AccountId, name: &str) -> Option<String> {
    let values = account.annotation_values(mailbox, reader, &[entry(name)]).await.unwrap();
    values[0].as_ref().map(|value| String::from_utf8(value.to_vec()).unwrap())
}

async fn names(account: &Account, mailbox: Option<MailboxId>, reader: AccountId) -> Vec<String> {
    let all = account.annotations(mailbox, reader).await.unwrap();
    all.into_iter().map(|info| format!("{} {}", info.name, info.size.0)).collect()
}

#[tokio::test]
async fn private_ones_are_their_readers_and_shared_ones_everybodys() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = Some(world.id("INBOX").await);
        set(&world.ann, inbox, ANN, "/private/comment", "mine").await;
        set(&world.ann, inbox, BOB, "/private/comment", "his").await;
        set(&world.ann, inbox, BOB, "/shared/comment", "ours").await;
        set(&world.ann, None, ANN, "/private/vendor/x/y", "").await;
        world.reopen().await;
        let ann = &world.ann;
        assert_eq!(names(ann, inbox, ANN).await, ["/private/comment 4", "/shared/comment 4"]);
        assert_eq!(get(ann, inbox, ANN, "/private/comment").await.as_deref(), Some("mine"));
        assert_eq!(get(ann, inbox, BOB, "/private/comment").await.as_deref(), Some("his"));
        assert_eq!(get(ann, inbox, ANN, "/shared/comment").await.as_deref(), Some("ours"));
        assert_eq!(
            (names(ann, None, ANN).await, names(ann, None, BOB).await.len()),
            (vec!["/private/vendor/x/y 0".into()], 0)
        );
        assert_eq!(get(ann, None, ANN, "/private/vendor/x/y").await.as_deref(), Some(""));
    }
}

#[tokio::test]
async fn changes_and_removals_are_told_once() {
    for store in Store::all() {
        let world = World::new(store).await;
        let (ann, inbox) = (&world.ann, world.id("INBOX").await);
        set(ann, Some(inbox), BOB, "/shared/comment", "a").await;
        set(ann, Some(inbox), BOB, "/private/comment", "a").await;
        let (changed, upto) = ann.annotations_changed(ModSeq::ZERO, ANN).await.unwrap();
        assert_eq!(changed.len(), 1);
        assert_eq!(
            (changed[0].mailbox.clone(), changed[0].names.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>()),
            (Some((inbox, name("INBOX"))), vec![entry("/shared/comment")])
        );
        assert_eq!(ann.annotations_changed(upto, ANN).await.unwrap().0, []);
        let removal = vec![(entry("/shared/comment"), None), (entry("/shared/nothing"), None)];
        assert!(ann.annotate(Some(inbox), ANN, removal.clone()).await.unwrap().unwrap() > upto);
        assert_eq!(ann.annotate(Some(inbox), ANN, removal).await.unwrap(), None, "it is gone already");
        let (changed, _) = ann.annotations_changed(upto, ANN).await.unwrap();
        assert_eq!((changed[0].names.len(), &changed[0].names[0].0), (1, &entry("/shared/comment")));
        assert_eq!(get(ann, Some(inbox), ANN, "/shared/comment").await, None);
    }
}

#[tokio::test]
async fn all_values_of_one_command_are_set_or_none() {
    let world = World::new(Store::memory()).await;
    let (ann, inbox) = (&world.ann, Some(world.id("INBOX").await));
    let max = usize::try_from(ANNOTATION_VALUE_MAX.0).unwrap();
    let values = |size| {
        vec![(entry("/shared/a"), Some(Bytes::new())), (entry("/shared/b"), Some(Bytes::from(vec![b'x'; size])))]
    };
    let too_large = ann.annotate(inbox, ANN, values(max + 1)).await;
    assert!(matches!(too_large, Err(MailError::AnnotationTooLarge { max }) if max == ANNOTATION_VALUE_MAX));
    assert_eq!(names(ann, inbox, ANN).await.len(), 0);
    ann.annotate(inbox, ANN, values(max)).await.unwrap();
    assert_eq!(names(ann, inbox, ANN).await, ["/shared/a 0", "/shared/b 32768"]);
    let nowhere = ann.annotate(Some(MailboxId(99)), ANN, values(1)).await;
    assert!(matches!(nowhere, Err(MailError::NoSuchMailbox)));
}

#[tokio::test]
async fn a_mailbox_has_so_many_and_no_more() {
    let world = World::new(Store::memory()).await;
    let (ann, inbox) = (&world.ann, Some(world.id("INBOX").await));
    let many = |scope: &str, count: usize| -> Vec<_> {
        (0..count).map(|n| (entry(&format!("/{scope}/{n}")), Some(Bytes::new()))).collect()
    };
    ann.annotate(inbox, ANN, many("shared", ANNOTATIONS_MAX)).await.unwrap();
    let more = ann.annotate(inbox, ANN, vec![(entry("/shared/x"), Some(Bytes::new()))]).await;
    assert!(matches!(more, Err(MailError::TooManyAnnotations)));
    // In place of one that is there it can be set, and others have room of their own.
    set(ann, inbox, ANN, "/shared/0", "new").await;
    let readers = ANNOTATIONS_ALL_READERS_MAX / ANNOTATIONS_MAX;
    for reader in 1..u32::try_from(readers).unwrap() {
        ann.annotate(inbox, AccountId(100 + reader), many("private", ANNOTATIONS_MAX)).await.unwrap();
    }
    let more = ann.annotate(inbox, ANN, many("private", 1)).await;
    assert!(matches!(more, Err(MailError::TooManyAnnotations)));
}

#[tokio::test]
async fn an_account_has_so_many_octets_and_no_more() {
    let world = World::new(Store::memory()).await;
    let ann = &world.ann;
    let value = Some(Bytes::from(vec![b'x'; usize::try_from(ANNOTATION_VALUE_MAX.0).unwrap()]));
    let (inbox, junk) = (Some(world.id("INBOX").await), Some(world.id("Junk").await));
    for n in 0..ANNOTATIONS_ACCOUNT_MAX.0 / ANNOTATION_VALUE_MAX.0 {
        // Two readers, for one alone may not have so many.
        let reader = if n < 64 { ANN } else { BOB };
        ann.annotate(inbox, reader, vec![(entry(&format!("/private/{n}")), value.clone())]).await.unwrap();
    }
    let more = ann.annotate(junk, ANN, vec![(entry("/shared/a"), Some(Bytes::from_static(b"x")))]).await;
    assert!(matches!(more, Err(MailError::TooManyAnnotations)));
    ann.annotate(inbox, ANN, vec![(entry("/private/0"), None)]).await.unwrap();
    ann.annotate(junk, ANN, vec![(entry("/shared/a"), value)]).await.unwrap();
}

#[tokio::test]
async fn they_stay_over_rename_and_go_with_their_mailbox() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let ann = world.ann.clone();
        let id = ann.create(&name("a/b"), None).await.unwrap();
        let inbox = world.id("INBOX").await;
        set(&ann, Some(id), ANN, "/shared/comment", "b").await;
        set(&ann, Some(inbox), ANN, "/private/comment", "in").await;
        ann.rename(&name("a"), &name("c")).await.unwrap();
        ann.rename(&name("INBOX"), &name("old")).await.unwrap();
        let old = world.id("old").await;
        assert_eq!(get(&ann, Some(id), ANN, "/shared/comment").await.as_deref(), Some("b"));
        // RFC 5464 §4.1: RENAME INBOX leaves them on both.
        assert_eq!(get(&ann, Some(inbox), ANN, "/private/comment").await.as_deref(), Some("in"));
        assert_eq!(get(&ann, Some(old), ANN, "/private/comment").await.as_deref(), Some("in"));
        ann.delete(&name("c/b")).await.unwrap();
        world.reopen().await;
        assert_eq!(get(&world.ann, Some(id), ANN, "/shared/comment").await, None);
        assert_eq!(names(&world.ann, Some(id), ANN).await.len(), 0);
        set(&world.ann, None, ANN, "/private/comment", "all").await;
        world.mail.erase_account_mail(ANN).await.unwrap();
        assert_eq!(get(&world.ann, None, ANN, "/private/comment").await, None);
        assert_eq!(get(&world.ann, Some(old), ANN, "/private/comment").await, None);
    }
}
