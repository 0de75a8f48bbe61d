//! NOTIFY: what is told unasked, and how much of it (RFC 5465).

use super::imap::{said, sign_in};
use crate::server::Server;
use std::time::{Duration, Instant};
use store_kv::Memory;

/// As the service has it: the least time between two tellings.
const INTERVAL: Duration = Duration::from_millis(250);
/// As the service has it: the most mailboxes that one session watches.
const WATCHED_MAX: usize = 2000;
/// As the service has it: the most accounts of others that one session watches.
const ACCOUNTS_MAX: usize = 100;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mailbox_that_changes_all_the_time_costs_a_few_answers_and_its_last_state_is_told() {
    const MESSAGES: u32 = 2000;
    let server = Server::start(Memory::new()).await;
    let mut client = sign_in(&server).await;
    let set = "a NOTIFY SET (PERSONAL (MessageNew MessageExpunge))\r\n";
    assert_eq!(said(&mut client, set).await, ["a OK NOTIFY completed"]);
    let began = Instant::now();
    let told = async {
        let (mut count, last) = (0, format!("(MESSAGES {MESSAGES} "));
        loop {
            count += 1;
            if client.line().await.unwrap().contains(&last) {
                return count;
            }
        }
    };
    let (count, ()) = tokio::join!(told, server.fill_inbox(MESSAGES));
    let most = began.elapsed().as_millis() / INTERVAL.as_millis() + 2;
    assert!(count <= most, "{count} answers, not {most}");
    assert_eq!(said(&mut client, "b NOOP\r\n").await, ["b OK NOOP completed"]);
}

#[tokio::test]
async fn more_mailboxes_than_one_session_may_watch_are_an_overflow() {
    let server = Server::start(Memory::new()).await;
    let mut client = sign_in(&server).await;
    let there = server.mailboxes().await;
    server.create((there..WATCHED_MAX).map(|n| format!("m{n}"))).await;
    let set = "a NOTIFY SET (PERSONAL (MessageNew MessageExpunge))\r\n";
    assert_eq!(said(&mut client, set).await, ["a OK NOTIFY completed"]);
    server.fill_inbox(1).await;
    assert!(client.line().await.unwrap().starts_with("* STATUS INBOX (MESSAGES 1 "));
    server.create(["one more".to_owned()]).await;
    let overflow = "* OK [NOTIFICATIONOVERFLOW] There is too much to watch";
    assert_eq!(client.line().await.unwrap(), overflow);
    // RFC 5465 §5.8: from here on it is as after NOTIFY NONE.
    server.fill_inbox(1).await;
    assert_eq!(said(&mut client, "b NOOP\r\n").await, ["b OK NOOP completed"]);
    assert_eq!(said(&mut client, set).await, ["a NO [NOTIFICATIONOVERFLOW] That is too much to watch"]);
    // Names alone cost nothing per mailbox.
    let names = "c NOTIFY SET (PERSONAL (MailboxName))\r\n";
    assert_eq!(said(&mut client, names).await, ["c OK NOTIFY completed"]);
    server.create(["another".to_owned()]).await;
    assert_eq!(client.line().await.unwrap(), "* LIST (\\HasNoChildren) \"/\" another");
}

#[tokio::test]
async fn more_accounts_than_one_session_may_watch_are_an_overflow() {
    let server = Server::start(Memory::new()).await;
    for n in 0..ACCOUNTS_MAX {
        server.add_sharer(&format!("sharer{n}@example.test")).await;
    }
    let (mut client, mut of_one) = (sign_in(&server).await, sign_in(&server).await);
    let set = "a NOTIFY SET STATUS (SUBTREE \"Other Users\" (MessageNew MessageExpunge))\r\n";
    assert_eq!(said(&mut client, set).await.len(), ACCOUNTS_MAX + 1);
    let one = "a NOTIFY SET (SUBTREE \"Other Users/sharer7@example.test\" (MessageNew MessageExpunge))\r\n";
    assert_eq!(said(&mut of_one, one).await, ["a OK NOTIFY completed"]);
    server.add_sharer("more@example.test").await;
    let overflow = "* OK [NOTIFICATIONOVERFLOW] There is too much to watch";
    assert_eq!(client.line().await.unwrap(), overflow);
    // It is told once.
    server.add_sharer("another@example.test").await;
    assert_eq!(said(&mut client, "b NOOP\r\n").await, ["b OK NOOP completed"]);
    assert_eq!(said(&mut client, set).await, ["a NO [NOTIFICATIONOVERFLOW] That is too much to watch"]);
    // Those that nobody asked for do not count.
    assert_eq!(said(&mut of_one, "b NOOP\r\n").await, ["b OK NOOP completed"]);
    assert_eq!(said(&mut of_one, one).await, ["a OK NOTIFY completed"]);
}

#[tokio::test]
async fn who_watches_his_open_mailbox_hears_bye_when_it_is_deleted_and_nothing_after_it() {
    let server = Server::start(Memory::new()).await;
    let (mut one, mut other) = (sign_in(&server).await, sign_in(&server).await);
    server.create(["Work".to_owned()]).await;
    assert!(one.ask("a SELECT Work\r\n").await.starts_with("a OK"));
    let set = "b NOTIFY SET (SELECTED (MessageNew MessageExpunge)) (PERSONAL (MailboxName))\r\n";
    assert_eq!(said(&mut one, set).await, ["b OK NOTIFY completed"]);
    assert!(other.ask("a DELETE Work\r\n").await.starts_with("a OK"));
    assert_eq!(one.rest().await, ["* BYE The mailbox was deleted"]);
}

#[tokio::test]
async fn nothing_is_told_in_the_middle_of_an_append_and_all_of_it_behind() {
    let server = Server::start(Memory::new()).await;
    let mut client = sign_in(&server).await;
    server.create(["Work".to_owned()]).await;
    let set = "a NOTIFY SET (PERSONAL (MessageNew MessageExpunge))\r\n";
    assert_eq!(said(&mut client, set).await, ["a OK NOTIFY completed"]);
    assert!(client.ask("b APPEND Work {10}\r\n").await.starts_with("+ "));
    client.send("01234").await;
    server.fill_inbox(1).await;
    client.send("56789\r\n").await;
    assert!(client.line().await.unwrap().starts_with("* STATUS INBOX (MESSAGES 1 "));
    assert!(client.line().await.unwrap().starts_with("b OK "));
}
