//! A store that fails or a process that ends in the middle: who has the message, who gets it again.

use crate::sink::{End, Script, Sink};
use crate::world::{MESSAGE, Setting, World};
use domain::RecipientState;
use proto_smtp::Reply;
use store_kv::CommitFault;

const ANN: Option<&str> = Some("ann@example.org");

/// `far.example` at the first sink, `near.example` at the second.
fn two(far: &Sink) -> Setting {
    Setting::at_port(far.port()).host("far.example", &["127.0.0.1"]).host("near.example", &["127.0.0.2"])
}

#[tokio::test]
async fn who_has_it_before_a_crash_does_not_get_it_again() {
    let far = Sink::new(Script::default()).await;
    let near = far.beside("127.0.0.2", Script::default().ends([End::Silence])).await;
    let world = World::new(two(&far)).await;
    let trace = world.send(ANN, &["x@far.example", "y@near.example", "bob@example.org"], MESSAGE).await;
    let runner = world.runner();
    let running = tokio::spawn(async move { runner.run_due().await.map(|_| ()) });
    far.until_letters(1).await;
    // The first domain is recorded while the second one still has not answered.
    while world.queue.show(trace).await.unwrap().recipients[0].state != RecipientState::Delivered {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.is_err());
    let world = world.reopened().await;
    assert_eq!(world.run().await, 1, "the lease ended with its process");
    assert_eq!((far.reached(), near.reached()), (vec!["x@far.example".into()], vec!["y@near.example".into()]));
    assert_eq!((world.inbox("bob@example.org").await.len(), world.queue.count()), (1, 0));
}

#[tokio::test]
async fn what_was_taken_without_our_hearing_of_it_comes_twice() {
    // RFC 5321 §4.5.4.2: that is the one case, and the better mistake.
    let far = Sink::new(Script::default().ends([End::Cut])).await;
    let world = World::new(two(&far)).await;
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    assert_eq!(world.run().await, 1);
    assert_eq!((far.letters().len(), world.queue.count()), (1, 1));
    world.until_due().await;
    assert_eq!(world.run().await, 1);
    assert_eq!((far.letters().len(), world.queue.count()), (2, 0));
    assert_eq!(far.letters()[0].body, far.letters()[1].body);
}

/// One recipient here, one elsewhere, one that is refused; the nth commit fails.
async fn fail_at(nth: u64, fault: CommitFault) -> (usize, bool) {
    let gone = || Reply::new(550, 1, 1, "Nobody");
    let far = Sink::new(Script::default().answers("bad@far.example", std::iter::repeat_with(gone).take(9))).await;
    let near = far.beside("127.0.0.2", Script::default()).await;
    let world = World::new(two(&far)).await;
    let to = ["x@far.example", "bad@far.example", "y@near.example", "bob@example.org"];
    world.send(ANN, &to, MESSAGE).await;
    world.engine.fail_commit(nth, fault);
    let _ = world.runner().run_due().await;
    let world = world.reopened().await;
    let was_hit = world.queue.count() > 0 || world.inbox("ann@example.org").await.is_empty();
    for _ in 0..5 {
        world.run().await;
        if world.queue.count() > 0 {
            world.until_due().await;
        }
    }
    assert_eq!(world.queue.count(), 0, "{nth} {fault:?}");
    assert_eq!(world.inbox("bob@example.org").await.len(), 1, "{nth} {fault:?}");
    let bounce = world.bounce().await;
    assert!(bounce.contains("bad@far.example") && !bounce.contains("x@far.example"), "{nth} {fault:?} {bounce}");
    let (far, near) = (far.letters().len(), near.letters().len());
    assert!(far >= 1 && near >= 1, "{nth} {fault:?}");
    (far + near - 2, was_hit)
}

#[tokio::test]
async fn wherever_the_store_fails_everybody_here_gets_it_once_and_one_bounce_comes_back() {
    for fault in [CommitFault::PoisonedBefore, CommitFault::PoisonedAfter] {
        let mut doubled = 0;
        for nth in 1.. {
            let (twice, was_hit) = fail_at(nth, fault).await;
            doubled += twice;
            if !was_hit && nth > 5 {
                break;
            }
            assert!(nth < 40);
        }
        // Taken there and not recorded here: both at the commit that records the first, one at that of the other.
        assert!(doubled <= 3, "{doubled}");
    }
}

#[tokio::test]
async fn a_conflict_or_two_changes_nothing() {
    for nth in 1..8 {
        let far = Sink::new(Script::default()).await;
        let world = World::new(two(&far)).await;
        world.send(ANN, &["x@far.example", "bob@example.org"], MESSAGE).await;
        world.engine.fail_commit(nth, CommitFault::Conflict);
        world.run().await;
        world.engine.heal();
        world.run().await;
        assert_eq!((far.letters().len(), world.queue.count()), (1, 0), "{nth}");
        assert_eq!(world.inbox("bob@example.org").await.len(), 1);
    }
}
