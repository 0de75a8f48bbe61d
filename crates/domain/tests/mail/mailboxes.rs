//! CREATE, DELETE, RENAME, SUBSCRIBE, LIST.

use crate::world::{Store, World, all, append, name};
use domain::{MailError, MailOptions};
use types::SpecialUse;

async fn names(world: &World) -> Vec<String> {
    world.ann.mailboxes().await.unwrap().iter().map(|m| m.name.to_string()).collect()
}

#[tokio::test]
async fn a_new_account_has_inbox_and_five_mailboxes_for_special_use() {
    for store in Store::all() {
        let world = World::new(store).await;
        world.mail.create_account_mail(crate::world::ANN).await.unwrap();
        let list = world.ann.mailboxes().await.unwrap();
        assert_eq!(names(&world).await, ["Archive", "Drafts", "INBOX", "Junk", "Sent", "Trash"]);
        assert_eq!(list.special(SpecialUse::Junk).unwrap().name, name("Junk"));
        assert_eq!(list.subscriptions().len(), 6);
        assert!(list.iter().all(|m| m.selectable && m.subscribed && !m.has_children));
        assert!(list.iter().all(|m| list.by_id(m.id) == Some(m)));
    }
}

#[tokio::test]
async fn create_makes_what_is_missing_above() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let id = world.ann.create(&name("a/b/c"), Some(SpecialUse::All)).await.unwrap();
        assert!(matches!(world.ann.create(&name("a/b"), None).await, Err(MailError::AlreadyExists)));
        assert!(matches!(world.ann.create(&name("inbox"), None).await, Err(MailError::AlreadyExists)));
        world.reopen().await;
        let list = world.ann.mailboxes().await.unwrap();
        let leaf = list.get(&name("a/b/c")).unwrap();
        assert_eq!((leaf.id, leaf.special_use, leaf.has_children), (id, Some(SpecialUse::All), false));
        assert!(list.get(&name("a")).unwrap().has_children && list.get(&name("a/b")).unwrap().special_use.is_none());
        assert!(!list.get(&name("a")).unwrap().subscribed);
    }
}

#[tokio::test]
async fn a_special_use_belongs_to_one_mailbox_and_stays_with_it() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        world.mail.create_account_mail(crate::world::ANN).await.unwrap();
        let sent = world.id("Sent").await;
        let taken = world.ann.create(&name("Gesendet"), Some(SpecialUse::Sent)).await;
        assert!(matches!(taken, Err(MailError::UseTaken)));
        assert!(!names(&world).await.contains(&"Gesendet".to_owned()));
        world.ann.rename(&name("Sent"), &name("Post/Gesendet")).await.unwrap();
        world.reopen().await;
        let list = world.ann.mailboxes().await.unwrap();
        let special = list.special(SpecialUse::Sent).unwrap();
        assert_eq!((special.id, special.name.as_str()), (sent, "Post/Gesendet"));
        world.ann.delete(&name("Post/Gesendet")).await.unwrap();
        let again = world.ann.create(&name("Gesendet"), Some(SpecialUse::Sent)).await.unwrap();
        assert_eq!(world.ann.mailboxes().await.unwrap().special(SpecialUse::Sent).unwrap().id, again);
    }
}

#[tokio::test]
async fn a_name_that_is_made_again_has_a_greater_uidvalidity() {
    for store in Store::all() {
        let world = World::new(store).await;
        let first = world.ann.create(&name("x"), None).await.unwrap();
        let before = world.ann.status(first).await.unwrap().uid_validity;
        let view = world.open(first).await;
        world.ann.delete(&name("x")).await.unwrap();
        assert!(view.is_deleted());
        assert!(matches!(world.ann.open(first).await, Err(MailError::NoSuchMailbox)));
        assert!(matches!(world.ann.delete(&name("x")).await, Err(MailError::NoSuchMailbox)));
        let second = world.ann.create(&name("x"), None).await.unwrap();
        assert!(second != first && world.ann.status(second).await.unwrap().uid_validity > before);
    }
}

#[tokio::test]
async fn a_deleted_mailbox_with_others_below_stays_as_a_placeholder() {
    for store in Store::all() {
        let world = World::new(store).await;
        let below = world.ann.create(&name("a/b"), None).await.unwrap();
        append(&world.ann, world.id("a").await, "one").await;
        world.ann.delete(&name("a")).await.unwrap();
        let list = world.ann.mailboxes().await.unwrap();
        let placeholder = list.get(&name("a")).unwrap().clone();
        assert!(!placeholder.selectable && placeholder.has_children);
        assert!(matches!(world.ann.open(placeholder.id).await, Err(MailError::NoSuchMailbox)));
        assert!(matches!(world.ann.delete(&name("a")).await, Err(MailError::HasChildren)));
        assert_eq!(world.ann.usage().await.unwrap().messages, 0);
        let again = world.ann.create(&name("a"), None).await.unwrap();
        assert_eq!(world.ann.status(again).await.unwrap().messages, 0);
        assert!(world.ann.mailboxes().await.unwrap().get(&name("a")).unwrap().selectable);
        world.ann.delete(&name("a")).await.unwrap();
        world.ann.delete(&name("a/b")).await.unwrap();
        world.ann.delete(&name("a")).await.unwrap();
        assert!(matches!(world.ann.status(below).await, Err(MailError::NoSuchMailbox)));
    }
}

#[tokio::test]
async fn rename_takes_the_tree_along_and_keeps_ids_and_messages() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let leaf = world.ann.create(&name("a/b/c"), None).await.unwrap();
        world.ann.create(&name("a b"), None).await.unwrap();
        world.ann.create(&name("ab"), None).await.unwrap();
        let uid = world.append(leaf, "one").await;
        let before = world.ann.status(leaf).await.unwrap();
        let rename = |from: &str, to: &str| {
            let (ann, from, to) = (world.ann.clone(), name(from), name(to));
            async move { ann.rename(&from, &to).await }
        };
        assert!(matches!(rename("a", "a/x").await, Err(MailError::CannotBeChanged)));
        assert!(matches!(rename("a", "ab").await, Err(MailError::AlreadyExists)));
        assert!(matches!(rename("nope", "y").await, Err(MailError::NoSuchMailbox)));
        let deep = vec!["d"; 31].join("/");
        assert!(matches!(rename("a", &deep).await, Err(MailError::NameInvalid(_))));
        rename("a", "x/y").await.unwrap();
        world.reopen().await;
        let all = names(&world).await;
        for present in ["x", "x/y", "x/y/b", "x/y/b/c", "a b", "ab"] {
            assert!(all.iter().any(|n| n == present), "{present}");
        }
        assert!(!all.iter().any(|n| n == "a" || n.starts_with("a/")));
        assert_eq!(world.id("x/y/b/c").await, leaf);
        assert_eq!(world.ann.status(leaf).await.unwrap(), before);
        assert_eq!(world.uids(leaf).await, [uid.get()]);
    }
}

#[tokio::test]
async fn renaming_inbox_moves_its_messages_and_leaves_it_empty() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        world.ann.create(&name("INBOX/sub"), None).await.unwrap();
        for text in ["one", "two"] {
            world.append(inbox, text).await;
        }
        world.ann.rename(&name("INBOX"), &name("old/mail")).await.unwrap();
        assert_eq!(world.uids(inbox).await, [0; 0]);
        assert_eq!(world.uids(world.id("old/mail").await).await, [1, 2]);
        assert_eq!(world.id("INBOX").await, inbox);
        assert!(names(&world).await.contains(&"INBOX/sub".to_owned()));
        assert_eq!(world.append(inbox, "three").await.get(), 3);
        assert!(matches!(world.ann.delete(&name("INBOX")).await, Err(MailError::CannotBeChanged)));
        assert_eq!(world.ann.copy(inbox, &all(), inbox).await.unwrap().pairs.len(), 1);
    }
}

#[tokio::test]
async fn names_without_a_mailbox_can_be_subscribed() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        world.ann.subscribe(&name("not/there"), true).await.unwrap();
        world.ann.subscribe(&name("not/there"), true).await.unwrap();
        world.ann.subscribe(&name("Junk"), false).await.unwrap();
        world.ann.subscribe(&name("Junk"), false).await.unwrap();
        world.reopen().await;
        let list = world.ann.mailboxes().await.unwrap();
        assert!(list.subscriptions().contains(&name("not/there")));
        assert!(!list.get(&name("Junk")).unwrap().subscribed);
        world.ann.create(&name("not/there"), None).await.unwrap();
        assert!(world.ann.mailboxes().await.unwrap().get(&name("not/there")).unwrap().subscribed);
    }
}

#[tokio::test]
async fn there_are_only_so_many_mailboxes_and_subscriptions() {
    for store in Store::all() {
        let options = MailOptions { mailboxes_max: 8, ..MailOptions::default() };
        let world = World::with(store, options).await;
        assert!(matches!(world.ann.create(&name("a/b/c"), None).await, Err(MailError::TooManyMailboxes)));
        world.ann.create(&name("a/b"), None).await.unwrap();
        assert!(matches!(world.ann.create(&name("c"), None).await, Err(MailError::TooManyMailboxes)));
        assert!(matches!(world.ann.rename(&name("a/b"), &name("x/y")).await, Err(MailError::TooManyMailboxes)));
        world.ann.delete(&name("a")).await.unwrap();
        assert_eq!(names(&world).await.len(), 8);
        for n in 0..2 {
            world.ann.subscribe(&name(&format!("s{n}")), true).await.unwrap();
        }
        assert!(matches!(world.ann.subscribe(&name("s2"), true).await, Err(MailError::TooManyMailboxes)));
    }
}
