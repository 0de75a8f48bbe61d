//! Rights of mailboxes: inherited, kept and lost with their mailbox.

use crate::world::{ANN, Store, World, name};
use domain::{AclChange, AclKey, Directory, Grantee, PasswordOptions};
use std::sync::Arc;
use types::{AccountId, Rights};

const BOB: AccountId = AccountId(30);

fn directory(world: &World) -> Arc<Directory> {
    let options = PasswordOptions::for_tests();
    Directory::new(world.store.engine(), world.clock.clone(), world.mail.clone(), options).unwrap()
}

async fn grant(world: &World, mailbox: &str, rights: &str) {
    let (id, key) = (world.id(mailbox).await, AclKey::grant(Grantee::Account(BOB)));
    let change = AclChange::Replace(Rights::parse(rights).unwrap());
    directory(world).acl_set(&world.ann, id, key, change).await.unwrap();
}

async fn rights(world: &World, mailbox: &str) -> String {
    let list = world.ann.mailboxes().await.unwrap();
    list.get(&name(mailbox)).unwrap().acl.rights(ANN, BOB).to_string()
}

#[tokio::test]
async fn a_new_mailbox_has_the_rights_of_the_one_above_it() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        world.ann.create(&name("a"), None).await.unwrap();
        grant(&world, "a", "lrk").await;
        world.ann.create(&name("a/b/c"), None).await.unwrap();
        world.ann.create(&name("z"), None).await.unwrap();
        grant(&world, "a", "l").await;
        world.reopen().await;
        assert_eq!((rights(&world, "a").await, rights(&world, "a/b").await), ("l".into(), "lrkc".into()));
        assert_eq!((rights(&world, "a/b/c").await, rights(&world, "z").await), ("lrkc".into(), String::new()));
        world.ann.rename(&name("z"), &name("a/d/z")).await.unwrap();
        assert_eq!((rights(&world, "a/d").await, rights(&world, "a/d/z").await), ("l".into(), String::new()));
    }
}

#[tokio::test]
async fn rights_stay_over_rename_and_go_with_their_mailbox() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        world.ann.create(&name("a/b"), None).await.unwrap();
        grant(&world, "a", "lr").await;
        grant(&world, "a/b", "lrs").await;
        world.ann.rename(&name("a"), &name("c")).await.unwrap();
        assert_eq!((rights(&world, "c").await, rights(&world, "c/b").await), ("lr".into(), "lrs".into()));
        // The placeholder that stays above others is nobody's but its owner's.
        world.ann.delete(&name("c")).await.unwrap();
        assert_eq!(rights(&world, "c").await, "");
        world.ann.delete(&name("c/b")).await.unwrap();
        world.ann.delete(&name("c")).await.unwrap();
        world.ann.create(&name("c/b"), None).await.unwrap();
        world.reopen().await;
        assert_eq!((rights(&world, "c").await, rights(&world, "c/b").await), (String::new(), String::new()));
    }
}

#[tokio::test]
async fn a_list_that_changes_wakes_those_who_watch_the_account() {
    let world = World::new(Store::memory()).await;
    world.ann.mailboxes().await.unwrap();
    let mut watch = world.ann.watch();
    grant(&world, "INBOX", "lr").await;
    watch.changed().await;
    assert_eq!(rights(&world, "INBOX").await, "lr");
}
