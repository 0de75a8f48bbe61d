//! Threads that are too large for a mailbox in a test.

use super::references::Builder;
use super::{Message, ThreadNode};
use types::Uid;

/// More replies than any stack would hold.
const DEEP: u32 = 100_000;

fn message(number: u32) -> Message {
    let sent = i64::from(number);
    Message { uid: Uid::new(number + 1).unwrap(), sent, arrived: sent, subject: Box::default(), is_reply: false }
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
