//! COPY and MOVE to another account, and what others do with the same messages in between.

use crate::across::bob;
use crate::unfinished::{fill, uids};
use crate::world::{ANN, Store, World, all, set};
use domain::{Account, Cause, Copied, Expunge, Mail, MailError, MailOptions, Meter};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use store_kv::{Batch, BoxFuture, Engine, Faulty, Memory, Operation, account_prefix};
use tokio::sync::oneshot;
use types::{MailboxId, Rights};

/// So many messages make three steps.
const MANY: u32 = 120;
/// An operation of a message of the second step: each is staged in three.
const IN_THE_SECOND_STEP: u64 = 200;
/// Longer than a process is left to end what it began.
const LONG: Duration = Duration::from_mins(11);

type Engines = Arc<Faulty<Memory>>;

async fn world(engine: &Engines, shared_store: bool) -> (World, MailboxId) {
    let options = MailOptions { shared_store, ..MailOptions::default() };
    let world = World::with(Store::Other(Arc::clone(engine) as Arc<dyn Engine>), options).await;
    let inbox = world.id("INBOX").await;
    fill(&world.ann, inbox, MANY).await;
    (world, inbox)
}

/// Has something done once, before the `nth` operation from now.
fn before(engine: &Engines, operation: Operation, nth: u64, work: impl Future<Output = ()> + Send + 'static) {
    let work: BoxFuture<'static, ()> = Box::pin(work);
    let plan = Mutex::new((nth, Some(work)));
    engine.set_hook(Some(Arc::new(move |asked| {
        let mut plan = plan.lock().unwrap();
        plan.0 = plan.0.saturating_sub(u64::from(asked == operation));
        let due = if plan.0 == 0 { plan.1.take() } else { None };
        due.unwrap_or_else(|| Box::pin(std::future::ready(())))
    })));
}

async fn move_all(ann: &Account, inbox: MailboxId, (bob, target): (&Account, MailboxId)) -> Result<Copied, MailError> {
    ann.move_to(inbox, &all(), bob, (target, Rights::ALL), &Meter::default()).await
}

fn old(copied: &Copied) -> Vec<u32> {
    copied.pairs.iter().map(|(old, _)| old.get()).collect()
}

fn new(copied: &Copied) -> Vec<u32> {
    copied.pairs.iter().map(|(_, new)| new.get()).collect()
}

#[tokio::test]
async fn a_move_to_another_account_leaves_to_others_what_they_take_away_meanwhile() {
    let engine = Faulty::new(Memory::new());
    let (world, inbox) = world(&engine, false).await;
    let archive = world.id("Archive").await;
    let (bob, target) = bob(&world).await;
    let phone = world.ann.clone();
    // Messages of the step that is being read, and of the next one.
    before(&engine, Operation::Stage, IN_THE_SECOND_STEP, async move {
        phone.expunge(inbox, Expunge::These(set(&[60, 110])), Cause::Imap).await.unwrap();
        phone.r#move(inbox, &set(&[61, 111]), archive).await.unwrap();
    });
    let moved = move_all(&world.ann, inbox, (&bob, target)).await.unwrap();
    let expected: Vec<u32> = (1..=MANY).filter(|uid| ![60, 61, 110, 111].contains(uid)).collect();
    assert_eq!(old(&moved), expected);
    assert_eq!(uids(&bob, target).await, new(&moved));
    assert_eq!(bob.usage().await.unwrap().messages, 116);
    assert_eq!((world.uids(inbox).await.len(), world.uids(archive).await.len()), (0, 2));
    // Nor does what is found later bring anything back, or take anything away.
    world.mail.recover().await.unwrap();
    assert_eq!(uids(&bob, target).await.len(), 116);
}

#[tokio::test]
async fn two_sessions_that_move_the_same_messages_to_another_account_move_each_once() {
    let engine = Faulty::new(Memory::new());
    let (world, inbox) = world(&engine, false).await;
    let (bob, target) = bob(&world).await;
    let place = (&bob, target);
    let (one, two) = tokio::join!(move_all(&world.ann, inbox, place), move_all(&world.ann, inbox, place));
    let (one, two) = (one.unwrap(), two.unwrap());
    let sorted = |mut uids: Vec<u32>| {
        uids.sort_unstable();
        uids
    };
    assert_eq!(sorted([old(&one), old(&two)].concat()), (1..=MANY).collect::<Vec<_>>());
    assert_eq!(sorted([new(&one), new(&two)].concat()), uids(&bob, target).await);
    assert_eq!((world.uids(inbox).await.len(), bob.usage().await.unwrap().messages), (0, u64::from(MANY)));
}

#[tokio::test]
async fn a_copy_that_another_process_is_undoing_goes_no_further() {
    let memory = Memory::new();
    let slow = Faulty::new(Arc::clone(&memory));
    let (world, inbox) = world(&slow, true).await;
    let (bob, target) = bob(&world).await;
    let (waits, waiting) = oneshot::channel();
    let (go, may_go) = oneshot::channel::<()>();
    before(&slow, Operation::Stage, IN_THE_SECOND_STEP, async move {
        waits.send(()).unwrap();
        may_go.await.unwrap();
    });
    let (from, to) = (world.ann.clone(), bob.clone());
    let copying =
        tokio::spawn(async move { from.copy_to(inbox, &all(), &to, (target, Rights::ALL), &Meter::default()).await });
    waiting.await.unwrap();
    world.clock.advance(LONG);
    let quick = Faulty::new(memory);
    let (tell, copied) = oneshot::channel();
    // The slow one goes on while the other is in the middle of undoing it.
    before(&quick, Operation::Commit, 2, async move {
        go.send(()).unwrap();
        tell.send(copying.await.unwrap()).unwrap();
    });
    let other = Mail::new(quick.clone(), world.clock.clone(), world.options.clone());
    other.recover().await.unwrap();
    let copied = copied.await.unwrap();
    assert!(matches!(copied, Err(MailError::Gone)), "{copied:?}");
    assert_eq!((uids(&bob, target).await.len(), world.uids(inbox).await.len()), (0, 120));
}

#[tokio::test]
async fn a_move_that_another_process_has_ended_loses_nothing() {
    let memory = Memory::new();
    let slow = Faulty::new(Arc::clone(&memory));
    let (world, inbox) = world(&slow, true).await;
    let (bob, target) = bob(&world).await;
    let other = Mail::new(memory, world.clock.clone(), world.options.clone());
    let clock = world.clock.clone();
    // They are there and still here.
    before(&slow, Operation::Commit, 2, async move {
        clock.advance(LONG);
        other.recover().await.unwrap();
    });
    let moved = move_all(&world.ann, inbox, (&bob, target)).await;
    assert!(matches!(moved, Err(MailError::Gone)), "{moved:?}");
    assert_eq!(uids(&bob, target).await, (1..=50).collect::<Vec<_>>());
    assert_eq!(world.uids(inbox).await, (51..=MANY).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_cannot_be_ended_keeps_nothing_else_from_its_end() {
    let engine = Faulty::new(Memory::new());
    let (world, inbox) = world(&engine, false).await;
    let (bob, target) = bob(&world).await;
    engine.fail_commit(2, store_kv::CommitFault::PoisonedAfter);
    let place = (target, Rights::ALL);
    assert!(world.ann.copy_to(inbox, &all(), &bob, place, &Meter::default()).await.is_err());
    engine.heal();
    // Rows that nobody can read: of an account before, and of the same one.
    for account in [ANN, bob.id()] {
        let mut batch = Batch::new(account);
        let key = [account_prefix(account).as_slice(), b"I", &0_u64.to_be_bytes()].concat();
        batch.put(key, vec![0xff]);
        engine.commit(batch).await.unwrap();
    }
    let node = Mail::new(engine.clone(), world.clock.clone(), world.options.clone());
    let bob = node.account(bob.id()).await.unwrap();
    assert!(node.recover().await.is_err());
    assert_eq!(uids(&bob, target).await.len(), 0);
    assert_eq!(bob.retained(None, 1000).await.unwrap().messages.len(), 100);
    world.clock.advance(world.options.retention + LONG);
    assert!(node.sweep(types::Clock::now(&*world.clock)).await.is_err());
    assert!(bob.retained(None, 1000).await.unwrap().messages.is_empty());
}
