//! Threads: what belongs together has one id, once and for all (RFC 8474 §5.2).

use crate::world::{ANN, Store, World, all, name, stage};
use domain::{Cause, Expunge, NewMessage};
use store_kv::{Batch, Scan};
use types::{Clock, MailboxId, ThreadId};

/// A message with these ids; an empty one leaves its field out.
fn mail(id: &str, references: &str, subject: &str) -> String {
    let ids =
        |text: &str| text.split_whitespace().map(|id| format!("<{id}@example.org>")).collect::<Vec<_>>().join(" ");
    let field = |name: &str, ids: String| if ids.is_empty() { ids } else { format!("{name}: {ids}\r\n") };
    let (id, references) = (field("Message-ID", ids(id)), field("References", ids(references)));
    format!("From: ann@example.org\r\nSubject: {subject}\r\n{id}{references}\r\nHello\r\n")
}

async fn new(world: &World, (id, references, subject): (&str, &str, &str)) -> NewMessage {
    NewMessage::new(stage(&world.ann, mail(id, references, subject).as_bytes()).await)
}

/// The threads of a mailbox's messages, by UID.
async fn threads(world: &World, mailbox: MailboxId) -> Vec<ThreadId> {
    let emails: Vec<_> = world.open(mailbox).await.current().iter().map(|entry| entry.email).collect();
    let contents = world.ann.contents(&emails).await.unwrap();
    contents.into_iter().map(|content| content.unwrap().thread).collect()
}

/// The rows that lead from ids to threads.
async fn links(world: &World) -> usize {
    let all = Scan::prefix(&store_kv::account_prefix(ANN));
    let page = world.store.engine().scan(&all).await.unwrap();
    assert!(!page.more);
    page.rows.iter().filter(|(key, _)| key.get(5) == Some(&b'H')).count()
}

/// Numbers by first appearance, so that two lists with the same groups are equal.
fn groups(threads: &[ThreadId]) -> Vec<usize> {
    threads.iter().map(|thread| threads.iter().position(|t| t == thread).unwrap()).collect()
}

const TALK: [(&str, &str, &str); 9] = [
    ("root", "", "Lunch"),
    ("reply", "root", "Re: Lunch"),
    // The same ids and another subject.
    ("other", "root reply", "Dinner"),
    // It answers what has not come yet.
    ("late2", "late1", "AW: Essen"),
    ("late1", "", "AW: Essen"),
    ("", "", "Lunch"),
    ("", "root", "[list] LUNCH (fwd)"),
    // The one that it answers is unknown, the one before that is known.
    ("far", "root unknown", "Fwd: lunch"),
    // The same message again, through another way.
    ("root", "", "Lunch"),
];
const GROUPS: [usize; 9] = [0, 0, 2, 3, 3, 5, 0, 0, 0];

#[tokio::test]
async fn messages_with_an_id_in_common_and_the_same_subject_are_one_thread() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        for message in TALK {
            let message = new(&world, message).await;
            world.ann.append(inbox, vec![message]).await.unwrap();
        }
        let before = threads(&world, inbox).await;
        assert_eq!(groups(&before), GROUPS);
        world.reopen().await;
        assert_eq!(threads(&world, inbox).await, before);
        let other = world.node().await;
        let message = NewMessage::new(stage(&other, mail("new", "far", "Lunch").as_bytes()).await);
        other.append(inbox, vec![message]).await.unwrap();
        world.reopen().await;
        assert_eq!(threads(&world, inbox).await.last(), before.first());
    }
}

#[tokio::test]
async fn messages_of_one_batch_see_each_other() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let mut messages = Vec::new();
        for message in TALK {
            messages.push(new(&world, message).await);
        }
        world.ann.append(inbox, messages.clone()).await.unwrap();
        assert_eq!(groups(&threads(&world, inbox).await), GROUPS);
        // Verbs that wait at the same time are one batch, whatever their mailbox.
        let (one, two) = (world.id("Archive").await, world.id("Sent").await);
        let (first, second) = (new(&world, ("a", "", "New")).await, new(&world, ("b", "a", "Re: New")).await);
        let (first, second) = tokio::join!(world.ann.append(one, vec![first]), world.ann.append(two, vec![second]));
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(threads(&world, one).await, threads(&world, two).await);
    }
}

#[tokio::test]
async fn a_thread_stays_over_copy_move_and_restore() {
    for store in Store::all() {
        let mut world = World::new(store).await;
        let (inbox, archive, trash) = (world.id("INBOX").await, world.id("Archive").await, world.id("Trash").await);
        for message in &TALK[..3] {
            let message = new(&world, *message).await;
            world.ann.append(inbox, vec![message]).await.unwrap();
        }
        let before = threads(&world, inbox).await;
        world.ann.copy(inbox, &all(), archive).await.unwrap();
        assert_eq!(threads(&world, archive).await, before);
        world.ann.r#move(inbox, &all(), trash).await.unwrap();
        assert_eq!(threads(&world, trash).await, before);
        world.ann.expunge(trash, Expunge::These(all()), Cause::Imap).await.unwrap();
        let retained: Vec<_> = world.ann.retained(None, 10).await.unwrap().messages.iter().map(|m| m.id).collect();
        world.ann.restore(&retained).await.unwrap();
        world.reopen().await;
        let mut restored = threads(&world, trash).await;
        restored.sort_unstable();
        assert_eq!(restored, before);
    }
}

#[tokio::test]
async fn links_leave_with_the_last_content_that_names_them() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let scratch = world.ann.create(&name("scratch"), None).await.unwrap();
        for message in TALK {
            let message = new(&world, message).await;
            world.ann.append(inbox, vec![message]).await.unwrap();
        }
        let thread = threads(&world, inbox).await[0];
        let count = links(&world).await;
        let sweep = async || {
            world.clock.advance(world.options.retention);
            world.mail.sweep(world.clock.now()).await.unwrap();
        };
        // The one that began the thread goes, and its id still leads to it.
        world.expunge(inbox, &[1, 9]).await;
        sweep().await;
        assert_eq!(links(&world).await, count);
        let answer = new(&world, ("answer", "root", "Re: lunch")).await;
        world.ann.append(scratch, vec![answer]).await.unwrap();
        assert_eq!(threads(&world, scratch).await, [thread]);
        world.ann.expunge(inbox, Expunge::These(all()), Cause::Imap).await.unwrap();
        sweep().await;
        assert_eq!(links(&world).await, 2);
        world.ann.delete(&name("scratch")).await.unwrap();
        sweep().await;
        assert_eq!(links(&world).await, 0);
        // Now nobody remembers, and it is a thread of its own.
        let again = new(&world, ("root", "", "Lunch")).await;
        world.ann.append(inbox, vec![again]).await.unwrap();
        assert_ne!(threads(&world, inbox).await, [thread]);
        world.mail.erase_account_mail(ANN).await.unwrap();
        assert_eq!(links(&world).await, 0);
    }
}

#[tokio::test]
async fn a_message_is_linked_by_a_bounded_number_of_ids() {
    for store in Store::all() {
        let world = World::new(store).await;
        let inbox = world.id("INBOX").await;
        let references: Vec<String> = (0..40).map(|n| format!("r{n}")).collect();
        let long = new(&world, ("own", &references.join(" "), "Talk")).await;
        world.ann.append(inbox, vec![long]).await.unwrap();
        assert_eq!(links(&world).await, 8);
        // Its oldest id and its six nearest ones count, the seventh nearest does not.
        for (id, own) in [("a", "r0"), ("b", "r34"), ("c", "r39"), ("d", "r33")] {
            let message = new(&world, (id, own, "Talk")).await;
            world.ann.append(inbox, vec![message]).await.unwrap();
        }
        assert_eq!(groups(&threads(&world, inbox).await), [0, 0, 0, 0, 4]);
    }
}

#[tokio::test]
async fn a_damaged_link_refuses_the_message_and_is_no_panic() {
    let world = World::new(Store::memory()).await;
    let inbox = world.id("INBOX").await;
    let message = new(&world, TALK[0]).await;
    world.ann.append(inbox, vec![message]).await.unwrap();
    let engine = world.store.engine();
    let page = engine.scan(&Scan::prefix(&store_kv::account_prefix(ANN))).await.unwrap();
    let (key, _) = page.rows.iter().find(|(key, _)| key.get(5) == Some(&b'H')).unwrap();
    let mut batch = Batch::new(ANN);
    batch.put(key.clone(), b"?".to_vec());
    engine.commit(batch).await.unwrap();
    let message = new(&world, TALK[1]).await;
    assert!(world.ann.append(inbox, vec![message]).await.is_err());
    assert_eq!(world.uids(inbox).await, [1]);
    let message = new(&world, TALK[5]).await;
    world.ann.append(inbox, vec![message]).await.unwrap();
}
