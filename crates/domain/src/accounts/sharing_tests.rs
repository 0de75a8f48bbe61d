//! Tests of `accounts/sharing.rs`: who finds whose mailboxes, also after removals and restarts.

use super::tests::{address, place};
use super::*;
use crate::{Account, AclChange, AclKey, Grantee};
use types::{MailboxId, MailboxName, Rights};

const ANN: AccountId = AccountId(16);
const BOB: AccountId = AccountId(17);
const CAROL: AccountId = AccountId(18);

fn rights(text: &str) -> AclChange {
    AclChange::Replace(Rights::parse(text).unwrap())
}

fn to(account: AccountId) -> AclKey {
    AclKey::grant(Grantee::Account(account))
}

async fn inbox(owner: &Account) -> MailboxId {
    owner.mailboxes().await.unwrap().get(&MailboxName::inbox()).unwrap().id
}

#[tokio::test]
async fn those_who_were_given_rights_find_who_gave_them() {
    let place = place().await;
    let directory = &place.directory;
    let ann = place.mail.account(ANN).await.unwrap();
    let inbox = inbox(&ann).await;
    let archive = ann.create(&MailboxName::parse("Projects").unwrap(), None).await.unwrap();
    directory.acl_set(&ann, inbox, to(BOB), rights("lr")).await.unwrap();
    directory.acl_set(&ann, archive, to(BOB), rights("l")).await.unwrap();
    directory.acl_set(&ann, inbox, to(ANN), AclChange::Remove(Rights::WRITE)).await.unwrap();
    assert_eq!(directory.sharers(BOB).await.unwrap(), [ANN]);
    assert_eq!((directory.sharers(CAROL).await.unwrap(), directory.sharers(ANN).await.unwrap()), (vec![], vec![]));
    directory.acl_set(&ann, inbox, to(BOB), AclChange::Delete).await.unwrap();
    assert_eq!(directory.sharers(BOB).await.unwrap(), [ANN], "the other mailbox is still shared");
    let place = place.reopened();
    let (directory, ann) = (&place.directory, place.mail.account(ANN).await.unwrap());
    assert_eq!(directory.sharers(BOB).await.unwrap(), [ANN]);
    directory.acl_set(&ann, archive, to(BOB), AclChange::Remove(Rights::ALL)).await.unwrap();
    assert_eq!(directory.sharers(BOB).await.unwrap(), []);
}

#[tokio::test]
async fn what_everybody_may_is_found_by_everybody_and_what_is_denied_by_nobody() {
    let place = place().await;
    let directory = &place.directory;
    let ann = place.mail.account(ANN).await.unwrap();
    let inbox = inbox(&ann).await;
    let denied = AclKey { grantee: Grantee::Account(CAROL), is_negative: true };
    directory.acl_set(&ann, inbox, denied, rights("l")).await.unwrap();
    assert_eq!(directory.sharers(CAROL).await.unwrap(), []);
    directory.acl_set(&ann, inbox, AclKey::grant(Grantee::Anyone), rights("lr")).await.unwrap();
    assert_eq!(directory.sharers(BOB).await.unwrap(), [ANN]);
    // Found, but the list decides.
    assert_eq!(directory.sharers(CAROL).await.unwrap(), [ANN]);
    let acl = ann.mailboxes().await.unwrap().by_id(inbox).unwrap().acl.clone();
    assert_eq!(acl.rights(ANN, CAROL), Rights::READ);
}

#[tokio::test]
async fn a_removed_account_takes_its_hints_along() {
    let place = place().await;
    let directory = &place.directory;
    for (owner, grantee) in [(ANN, BOB), (BOB, CAROL), (CAROL, ANN)] {
        let owner = place.mail.account(owner).await.unwrap();
        directory.acl_set(&owner, inbox(&owner).await, to(grantee), rights("lr")).await.unwrap();
    }
    directory.account_remove(&address("bob@example.org")).await.unwrap();
    assert_eq!((directory.sharers(BOB).await.unwrap(), directory.sharers(CAROL).await.unwrap()), (vec![], vec![]));
    assert_eq!(directory.sharers(ANN).await.unwrap(), [CAROL]);
    assert_eq!(directory.account_named(BOB).await.unwrap(), None);
    let ann = place.mail.account(ANN).await.unwrap();
    // Somebody who did not know yet that it is gone.
    directory.acl_set(&ann, inbox(&ann).await, to(BOB), rights("lrs")).await.unwrap();
    directory.recover().await.unwrap();
    assert_eq!(directory.sharers(BOB).await.unwrap(), []);
}

#[tokio::test]
async fn marks_are_given_and_taken_one_by_one() {
    let place = place().await;
    let (directory, ann) = (&place.directory, address("ann@example.org"));
    assert!(!directory.is_admin(ANN).await.unwrap());
    directory.mark_set(&ann, AccountMark::Admin, true).await.unwrap();
    directory.mark_set(&ann, AccountMark::Shared, true).await.unwrap();
    assert_eq!(
        directory.account_named(ANN).await.unwrap(),
        Some((ann.clone(), AccountMarks { admin: true, shared: true }))
    );
    directory.mark_set(&ann, AccountMark::Admin, false).await.unwrap();
    assert_eq!(directory.account_show(&ann).await.unwrap().marks, AccountMarks { admin: false, shared: true });
    let nobody = directory.mark_set(&address("x@example.org"), AccountMark::Admin, true).await;
    assert!(matches!(nobody, Err(DirectoryError::NoSuchAccount)));
}
