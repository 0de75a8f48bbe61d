//! The loop itself: it wakes, it rests, it stops.

use crate::sink::{Script, Sink};
use crate::world::{MESSAGE, Setting, World};
use net::Shutdown;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use store_kv::{Operation, Rates};

const ANN: Option<&str> = Some("ann@example.org");

#[tokio::test]
async fn the_runner_sends_what_comes_and_stops_when_it_is_told() {
    let sink = Sink::new(Script::default()).await;
    let world = World::new(Setting::at_port(sink.port()).host("far.example", &["127.0.0.1"])).await;
    let shutdown = Shutdown::new();
    let running = tokio::spawn(world.runner().run(shutdown.token()));
    for count in 1..=3 {
        world.send(ANN, &["x@far.example"], MESSAGE).await;
        sink.until_letters(count).await;
    }
    shutdown.begin();
    running.await.unwrap();
    assert_eq!(world.queue.count(), 0, "what was on its way has arrived");
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    assert_eq!((world.queue.count(), sink.letters().len()), (1, 3));
}

#[tokio::test]
async fn many_messages_for_one_place_all_arrive() {
    let sink = Sink::new(Script::default()).await;
    let world = World::new(Setting::at_port(sink.port()).host("far.example", &["127.0.0.1"])).await;
    for _ in 0..60 {
        world.send(ANN, &["x@far.example"], MESSAGE).await;
    }
    while world.queue.count() > 0 {
        world.until_due().await;
        world.run().await;
    }
    assert_eq!(sink.letters().len(), 60);
}

#[tokio::test(start_paused = true)]
async fn an_item_that_cannot_be_leased_costs_a_look_a_second() {
    let world = World::new(Setting::default()).await;
    world.send(ANN, &["x@far.example"], MESSAGE).await;
    world.engine.fail_by_chance(1, Rates { conflict: 1000, ..Rates::default() });
    let reads = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&reads);
    world.engine.set_hook(Some(Arc::new(move |operation| {
        if operation == Operation::Read {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        Box::pin(async {})
    })));
    let shutdown = Shutdown::new();
    let running = tokio::spawn(world.runner().run(shutdown.token()));
    tokio::time::sleep(Duration::from_mins(1)).await;
    let count = reads.load(Ordering::Relaxed);
    assert!((60..=600).contains(&count), "{count} reads in a minute");
    shutdown.begin();
    running.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_that_cannot_be_read_is_left_in_peace_between_looks() {
    let world = World::new(Setting::default()).await;
    world.engine.fail_by_chance(1, Rates { read: 1000, ..Rates::default() });
    let reads = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&reads);
    world.engine.set_hook(Some(Arc::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {})
    })));
    let shutdown = Shutdown::new();
    let running = tokio::spawn(world.runner().run(shutdown.token()));
    tokio::time::sleep(Duration::from_mins(1)).await;
    assert!((6..=30).contains(&reads.load(Ordering::Relaxed)));
    shutdown.begin();
    running.await.unwrap();
}
