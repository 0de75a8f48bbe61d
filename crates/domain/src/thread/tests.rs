//! Threads that are too large for a mailbox in a test.

use super::references::Builder;
use super::{Message, ThreadAlgorithm, ThreadNode};
use crate::turns::Scale;
use crate::{Mail, MailError, MailOptions, Meter, NewMessage};
use std::sync::Arc;
use store_kv::Memory;
use types::{AccountId, ManualClock, Timestamp, Uid};

/// More replies than any stack would hold.
const DEEP: u32 = 100_000;

fn message(number: u32) -> Message {
    let sent = i64::from(number);
    Message { uid: Uid::new(number + 1).unwrap(), sent, arrived: sent, subject: None, is_reply: false }
}

/// Each message answers the one before it; they are taken in this order.
fn chain(order: impl Iterator<Item = u32> + Clone) -> Vec<ThreadNode> {
    let mut builder = Builder::default();
    for number in order.clone() {
        let before = number.checked_sub(1).map(|before| before.to_string());
        builder.add(Some(&number.to_string()), before.as_deref().into_iter());
    }
    builder.threads(&order.map(message).collect::<Vec<_>>(), true)
}

fn is_chain(nodes: &[ThreadNode]) -> bool {
    let is_next = |(depth, node): (u32, &ThreadNode)| {
        *node == ThreadNode { uid: Uid::new(depth + 1), depth, children: u32::from(depth + 1 < DEEP) }
    };
    nodes.len() == DEEP as usize && (0..).zip(nodes).all(is_next)
}

#[test]
fn a_chain_of_replies_is_as_deep_as_it_is_long() {
    assert!(is_chain(&chain(0..DEEP)));
    assert!(is_chain(&chain((0..DEEP).rev())));
    // First the even ones, so that every second link joins two trees.
    assert!(is_chain(&chain((0..DEEP).step_by(2).chain((1..DEEP).step_by(2)))));
}

#[test]
fn a_deep_chain_of_dummies_leaves_no_trace() {
    let mut builder = Builder::default();
    for number in 0..DEEP {
        let ids = [number.to_string(), (number + 1).to_string()];
        builder.add(None, ids.iter().map(String::as_str));
    }
    let nodes = builder.threads(&(0..DEEP).map(message).collect::<Vec<_>>(), false);
    // One dummy at the top holds them all.
    assert_eq!(nodes.len(), DEEP as usize + 1);
    assert_eq!(nodes[0], ThreadNode { uid: None, depth: 0, children: DEEP });
    assert!(nodes[1..].iter().all(|node| node.depth == 1));
}

#[test]
fn replies_in_a_ring_are_a_chain_but_for_one_link() {
    let mut builder = Builder::default();
    for number in 0..DEEP {
        let before = (number + DEEP - 1) % DEEP;
        builder.add(Some(&number.to_string()), [before.to_string().as_str()].into_iter());
    }
    let nodes = builder.threads(&(0..DEEP).map(message).collect::<Vec<_>>(), true);
    assert_eq!(nodes.len(), DEEP as usize);
    assert_eq!(nodes.iter().filter(|node| node.depth == 0).count(), 1);
}

#[tokio::test]
async fn what_refers_to_too_much_is_refused_and_one_less_is_not() {
    let clock = Arc::new(ManualClock::at(Timestamp(1_000_000_000_000)));
    let mail = Mail::new(Memory::new(), clock, MailOptions::default());
    mail.create_account_mail(AccountId(7)).await.unwrap();
    let ann = mail.account(AccountId(7)).await.unwrap();
    let inbox = ann.mailboxes().await.unwrap().iter().find(|info| info.name.is_inbox()).unwrap().id;
    let mut staging = ann.stage(None).await.unwrap();
    staging.write(b"Message-ID: <1@x>\r\nReferences: <2@x> <3@x> <4@x>\r\n\r\n").await.unwrap();
    ann.append(inbox, vec![NewMessage::new(staging.finish().await.unwrap())]).await.unwrap();
    let snapshot = ann.open(inbox).await.unwrap().current();
    let uids: Vec<Uid> = snapshot.iter().map(|entry| entry.uid).collect();
    let silent = Meter::default();
    let within = |max| ann.thread_within(&snapshot, &uids, ThreadAlgorithm::Refs, (Scale::Small, max), &silent);
    assert_eq!(within(4).await.unwrap(), [ThreadNode { uid: Uid::new(1), depth: 0, children: 0 }]);
    assert!(matches!(within(3).await, Err(MailError::TooMany { max: 3 })));
    let by_subject =
        ann.thread_within(&snapshot, &uids, ThreadAlgorithm::OrderedSubject, (Scale::Small, 0), &silent).await;
    assert!(matches!(by_subject, Err(MailError::TooMany { max: 0 })));
}
