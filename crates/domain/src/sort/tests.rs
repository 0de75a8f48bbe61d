//! The order is the same, however little is kept of each message.

use super::keys::{KEY_MIN, Keys};
use crate::turns::{ORDERS_LARGE_AT_ONCE, ORDERS_SMALL_AT_ONCE, Scale};
use crate::{Account, Mail, MailOptions, Meter, NewMessage};
use std::sync::Arc;
use store_kv::{Memory, Seeded};
use types::snapshot::Snapshot;
use types::{AccountId, ManualClock, SortCriterion, SortKey, Timestamp, Uid};

const ALL_KEYS: [SortKey; 9] = [
    SortKey::Arrival,
    SortKey::Cc,
    SortKey::Date,
    SortKey::DisplayFrom,
    SortKey::DisplayTo,
    SortKey::From,
    SortKey::Size,
    SortKey::Subject,
    SortKey::To,
];

/// A mailbox whose messages differ late in their texts, if at all.
async fn mailbox(count: usize) -> (Account, Arc<Snapshot>) {
    let clock = Arc::new(ManualClock::at(Timestamp(1_000_000_000_000)));
    let mail = Mail::new(Memory::new(), clock, MailOptions::default());
    mail.create_account_mail(AccountId(7)).await.unwrap();
    let ann = mail.account(AccountId(7)).await.unwrap();
    let inbox = ann.mailboxes().await.unwrap().iter().find(|info| info.name.is_inbox()).unwrap().id;
    let mut random = Seeded::new(1);
    let mut messages = Vec::new();
    for _ in 0..count {
        let mut text = |most: usize| ["ä", "b", ""][random.index(3)].repeat(random.index(most));
        let (long, subject, from, to, cc) = ("x".repeat(200), text(100), text(3), text(60), text(2));
        let raw = format!(
            "From: {from} <{from}f@a.example>\r\nTo: {to} <t{to}@a.example>\r\nCc: {cc}c@a.example\r\n\
             Subject: {long}{subject}\r\n\r\n{cc}\r\n"
        );
        let mut staging = ann.stage(None).await.unwrap();
        staging.write(raw.as_bytes()).await.unwrap();
        messages.push(NewMessage::new(staging.finish().await.unwrap()));
    }
    ann.append(inbox, messages).await.unwrap();
    let snapshot = ann.open(inbox).await.unwrap().current();
    (ann, snapshot)
}

#[tokio::test]
async fn a_budget_that_is_too_small_is_made_up_for_by_reading_again() {
    let (ann, snapshot) = mailbox(100).await;
    let uids: Vec<Uid> = snapshot.iter().map(|entry| entry.uid).collect();
    let (mut random, silent) = (Seeded::new(2), Meter::default());
    for _ in 0..15 {
        let some: Vec<_> = (0..=random.index(4))
            .map(|_| SortCriterion { key: ALL_KEYS[random.index(9)], is_reverse: random.chance(1, 2) })
            .collect();
        let whole = ann.sort_within(&snapshot, &uids, &some, (Scale::Small, usize::MAX), &silent).await.unwrap();
        for budget in [0, 100 * KEY_MIN, 100 * 40, 100 * 250] {
            let sorted = ann.sort_within(&snapshot, &uids, &some, (Scale::Small, budget), &silent).await.unwrap();
            assert_eq!(sorted, whole, "{some:?} with {budget} bytes");
        }
    }
}

#[test]
fn keys_are_whole_up_to_the_budget_and_shorter_past_it() {
    let key = [7; 64];
    let mut keys = Keys::new(10 * 64);
    for _ in 0..10 {
        keys.push(&key);
    }
    assert!(keys.cut() > 64 && keys.size() == (640, 640));
    keys.push(&key);
    assert_eq!((keys.cut(), keys.size()), (32, (352, 640)), "half of each");
    for _ in 0..29 {
        keys.push(&key);
    }
    assert_eq!((keys.cut(), keys.size()), (KEY_MIN, (640, 640)), "as short as they get");
    keys.push(&key);
    assert_eq!(keys.size().0, 656, "so much is kept of each in any case");
}

#[test]
fn a_million_subjects_as_they_are_fit() {
    let mut keys = Keys::new(Scale::Large.keys_max());
    for number in 0..1_000_000_u32 {
        keys.push(format!("minutes of the meeting number {number:>8}, and what follows").as_bytes());
    }
    assert!(keys.cut() > 60 && keys.size().1 <= Scale::Large.keys_max());
}

#[tokio::test]
async fn one_sort_too_many_waits_for_its_turn_and_holds_nobody_up() {
    let (ann, snapshot) = mailbox(3).await;
    let uids: Vec<Uid> = snapshot.iter().map(|entry| entry.uid).collect();
    let by_size = [SortCriterion { key: SortKey::Size, is_reverse: false }];
    let mut taken = Vec::new();
    for _ in 0..ORDERS_SMALL_AT_ONCE {
        taken.push(ann.turns().take(Scale::Small).await.unwrap());
    }
    let large = ann.sort_within(&snapshot, &uids, &by_size, (Scale::Large, 64), &Meter::default()).await.unwrap();
    let waiting = tokio::spawn({
        let (ann, snapshot) = (ann.clone(), Arc::clone(&snapshot));
        async move { ann.sort_found(&snapshot, &uids, &by_size, &Meter::default()).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    taken.pop();
    assert_eq!(waiting.await.unwrap().unwrap(), large);
    const { assert!(ORDERS_LARGE_AT_ONCE > 0) };
}
