//! Limits of messages and mailboxes.

use crate::world::{Store, World, all, name, new_message};
use domain::{MailError, QuotaLimits};
use types::Octets;

#[tokio::test]
async fn so_many_messages_and_no_more() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let (inbox, junk) = (world.id("INBOX").await, world.id("Junk").await);
        world.ann.set_limits(QuotaLimits { messages: Some(2), ..QuotaLimits::default() }).await.unwrap();
        world.reopen().await;
        world.append(inbox, "one").await;
        let two = vec![new_message(&world.ann, "two").await, new_message(&world.ann, "three").await];
        assert!(matches!(world.ann.append(inbox, two).await, Err(MailError::OverQuota)));
        world.append(inbox, "two").await;
        assert!(matches!(world.ann.copy(inbox, &all(), junk).await, Err(MailError::OverQuota)));
        world.ann.r#move(inbox, &all(), junk).await.unwrap();
        let usage = world.ann.usage().await.unwrap();
        assert_eq!((usage.messages, usage.messages_max, usage.quota), (2, Some(2), None));
    }
}

#[tokio::test]
async fn so_many_mailboxes_and_no_more() {
    for store in Store::all() {
        let world = World::new(store).await;
        world.ann.set_limits(QuotaLimits { mailboxes: Some(8), ..QuotaLimits::default() }).await.unwrap();
        assert!(matches!(world.ann.create(&name("a/b/c"), None).await, Err(MailError::OverQuota)));
        world.ann.create(&name("a/b"), None).await.unwrap();
        assert!(matches!(world.ann.create(&name("x"), None).await, Err(MailError::OverQuota)));
        assert!(matches!(world.ann.rename(&name("a/b"), &name("x/y")).await, Err(MailError::OverQuota)));
        world.ann.rename(&name("a/b"), &name("x")).await.unwrap();
        // What has others below it leaves a placeholder, whatever the quota says.
        world.ann.rename(&name("x"), &name("a/x")).await.unwrap();
        world.ann.set_limits(QuotaLimits { mailboxes: Some(1), ..QuotaLimits::default() }).await.unwrap();
        world.ann.delete(&name("a")).await.unwrap();
        assert_eq!(world.ann.usage().await.unwrap().mailboxes, 8);
    }
}

#[tokio::test]
async fn the_operators_limit_of_octets_leaves_the_others() {
    let world = World::new(Store::memory()).await;
    let limits = QuotaLimits { octets: Some(Octets(9)), messages: Some(3), mailboxes: Some(30) };
    world.ann.set_limits(limits).await.unwrap();
    world.ann.set_quota(None).await.unwrap();
    let usage = world.ann.usage().await.unwrap();
    assert_eq!((usage.quota, usage.messages_max, usage.mailboxes_max), (None, Some(3), Some(30)));
}
