//! IMAP sessions beside each other.

use crate::client::Client;
use crate::server::{ANNA, Listener, PASSWORD, Server, Service};
use store_kv::Memory;

const PIPE: usize = 64 << 10;

pub(crate) async fn sign_in(server: &Server) -> Client {
    let (mut client, _) = server.connect(Service::Imap, Listener::Implicit, PIPE);
    client.greeting().await;
    assert!(client.ask(&format!("l LOGIN {ANNA} {PASSWORD}\r\n")).await.starts_with("l OK"));
    client
}

async fn append(client: &mut Client, mailbox: &str) {
    let text = "Subject: x\r\n\r\nbody\r\n";
    assert!(client.ask(&format!("p APPEND {mailbox} {{{}+}}\r\n{text}\r\n", text.len())).await.starts_with("p OK"));
}

/// Sends a command and takes everything up to the line with its tag.
pub(super) async fn said(client: &mut Client, command: &str) -> Vec<String> {
    client.send(command).await;
    let tag = &command[..=command.find(' ').unwrap()];
    let mut lines = Vec::new();
    while !lines.last().is_some_and(|line: &String| line.starts_with(tag)) {
        lines.push(client.line().await.unwrap());
    }
    lines
}

#[tokio::test]
async fn who_deletes_his_open_mailbox_is_answered_and_others_hear_bye() {
    let server = Server::start(Memory::new()).await;
    let (mut one, mut other) = (sign_in(&server).await, sign_in(&server).await);
    assert!(one.ask("a CREATE Work\r\n").await.starts_with("a OK"));
    for client in [&mut one, &mut other] {
        assert!(client.ask("b SELECT Work\r\n").await.starts_with("b OK"));
    }
    assert!(other.ask("c IDLE\r\n").await.starts_with("+ "));
    assert!(one.ask("d DELETE Work\r\n").await.starts_with("d OK"));
    assert_eq!(one.ask("e FETCH 1 FLAGS\r\n").await, "e BAD Select a mailbox first");
    assert!(one.ask("f SELECT INBOX\r\n").await.starts_with("f OK"));
    assert_eq!(other.rest().await, ["* BYE The mailbox was deleted"]);
}

#[tokio::test]
async fn a_session_stays_in_the_mailbox_that_is_renamed_under_it() {
    let server = Server::start(Memory::new()).await;
    let (mut one, mut other) = (sign_in(&server).await, sign_in(&server).await);
    assert!(one.ask("a CREATE Work\r\n").await.starts_with("a OK"));
    append(&mut one, "Work").await;
    assert!(other.ask("b SELECT Work\r\n").await.starts_with("b OK"));
    assert!(one.ask("c RENAME Work Play\r\n").await.starts_with("c OK"));
    append(&mut one, "Play").await;
    assert_eq!(said(&mut other, "d NOOP\r\n").await, ["* 2 EXISTS", "* 2 RECENT", "d OK NOOP completed"]);
    assert_eq!(said(&mut other, "e FETCH 2 BODY.PEEK[TEXT]\r\n").await[..2], ["* 2 FETCH (BODY[TEXT] {6}", "body"]);
}

#[tokio::test]
async fn the_first_command_that_enables_condstore_tells_the_highest_modseq() {
    // RFC 7162 §3.1
    for (command, untagged) in [
        ("b FETCH 1 (MODSEQ)\r\n", true),
        ("b UID FETCH 1 (FLAGS) (CHANGEDSINCE 1)\r\n", true),
        ("b SEARCH MODSEQ 1\r\n", true),
        ("b STORE 1 (UNCHANGEDSINCE 1) +FLAGS (\\Seen)\r\n", true),
        ("b STATUS Sent (HIGHESTMODSEQ)\r\n", true),
        ("b ENABLE CONDSTORE\r\n", true),
        ("b FETCH 1 (FLAGS)\r\n", false),
    ] {
        let server = Server::start(Memory::new()).await;
        let mut client = sign_in(&server).await;
        append(&mut client, "INBOX").await;
        let opened = said(&mut client, "a SELECT INBOX\r\n").await;
        let highest = opened.into_iter().find(|line| line.starts_with("* OK [HIGHESTMODSEQ ")).unwrap();
        let first = said(&mut client, command).await;
        assert_eq!(first.contains(&highest), untagged, "{command:?}: {first:?}");
        let again = said(&mut client, command).await;
        assert!(!again.contains(&highest), "{command:?}: {again:?}");
    }
}

#[tokio::test]
async fn an_expunged_message_can_be_read_until_its_expunge_was_told() {
    let server = Server::start(Memory::new()).await;
    let (mut one, mut other) = (sign_in(&server).await, sign_in(&server).await);
    for _ in 0..3 {
        append(&mut one, "INBOX").await;
    }
    for client in [&mut one, &mut other] {
        assert!(client.ask("a SELECT INBOX\r\n").await.starts_with("a OK"));
    }
    assert!(one.ask("b STORE 2 +FLAGS.SILENT (\\Deleted)\r\n").await.starts_with("b OK"));
    assert!(one.ask("c EXPUNGE\r\n").await.starts_with("c OK"));
    let read = said(&mut other, "d FETCH 2:3 (UID BODY[TEXT])\r\n").await;
    assert_eq!(read[..2], ["* 2 FETCH (UID 2 BODY[TEXT] {6}", "body"], "{read:?}");
    assert!(read.contains(&"* 3 FETCH (UID 3 BODY[TEXT] {6}".to_owned()), "{read:?}");
    assert!(!read.iter().any(|line| line.contains("EXPUNGE ")), "{read:?}");
    let stored = said(&mut other, "e STORE 2:3 +FLAGS.SILENT (\\Flagged)\r\n").await;
    assert_eq!(stored, ["e NO [EXPUNGEISSUED] Some of these messages are gone"]);
    let copied = said(&mut other, "f COPY 2:3 Sent\r\n").await;
    assert_eq!(copied, ["* 2 EXPUNGE", "f NO [EXPUNGEISSUED] Some of these messages are gone"], "all or nothing");
    assert_eq!(said(&mut other, "g UID SEARCH ALL\r\n").await[0], "* SEARCH 1 3");
}

#[tokio::test]
async fn copy_and_move_into_the_same_mailbox_make_new_messages_and_lose_none() {
    let server = Server::start(Memory::new()).await;
    let mut client = sign_in(&server).await;
    for _ in 0..2 {
        append(&mut client, "INBOX").await;
    }
    assert!(client.ask("a SELECT INBOX\r\n").await.starts_with("a OK"));
    let copied = said(&mut client, "b COPY 1 INBOX\r\n").await;
    assert_eq!(copied[..2], ["* 3 EXISTS", "* 3 RECENT"], "{copied:?}");
    assert!(copied[2].starts_with("b OK [COPYUID ") && copied[2].contains(" 1 3] "), "{copied:?}");
    let moved = said(&mut client, "c MOVE 1 INBOX\r\n").await;
    let found = said(&mut client, "d UID SEARCH ALL\r\n").await;
    assert_eq!(found[0].split(' ').count() - 2, 3, "nothing is lost or doubled: {moved:?} {found:?}");
    assert!(moved.last().unwrap().starts_with("c "), "{moved:?}");
}

#[tokio::test]
async fn close_expunges_in_silence_and_unselect_and_examine_do_not() {
    let server = Server::start(Memory::new()).await;
    let mut client = sign_in(&server).await;
    for _ in 0..2 {
        append(&mut client, "INBOX").await;
    }
    let count = |lines: Vec<String>| lines.into_iter().find(|line| line.ends_with(" EXISTS")).unwrap();
    assert_eq!(count(said(&mut client, "a SELECT INBOX\r\n").await), "* 2 EXISTS");
    assert!(client.ask("b STORE 1 +FLAGS.SILENT (\\Deleted)\r\n").await.starts_with("b OK"));
    assert_eq!(said(&mut client, "c UNSELECT\r\n").await, ["c OK UNSELECT completed"]);
    assert_eq!(count(said(&mut client, "d EXAMINE INBOX\r\n").await), "* 2 EXISTS");
    assert_eq!(said(&mut client, "e CLOSE\r\n").await, ["e OK CLOSE completed"]);
    assert_eq!(count(said(&mut client, "f SELECT INBOX\r\n").await), "* 2 EXISTS");
    assert_eq!(said(&mut client, "g CLOSE\r\n").await, ["g OK CLOSE completed"]);
    assert_eq!(count(said(&mut client, "h SELECT INBOX\r\n").await), "* 1 EXISTS");
}

#[tokio::test]
async fn news_told_with_uid_expunge_carry_uids() {
    // RFC 3501 §6.4.8
    let server = Server::start(Memory::new()).await;
    let (mut one, mut other) = (sign_in(&server).await, sign_in(&server).await);
    for _ in 0..2 {
        append(&mut one, "INBOX").await;
    }
    for client in [&mut one, &mut other] {
        assert!(client.ask("a SELECT INBOX\r\n").await.starts_with("a OK"));
    }
    assert!(one.ask("b STORE 1 +FLAGS.SILENT (\\Deleted)\r\n").await.starts_with("b OK"));
    assert!(other.ask("c STORE 2 +FLAGS.SILENT (\\Flagged)\r\n").await.starts_with("c OK"));
    let told = said(&mut one, "d UID EXPUNGE 1\r\n").await;
    assert_eq!(told[0], "* 1 EXPUNGE", "{told:?}");
    assert!(told[1..].iter().any(|line| line.starts_with("* 1 FETCH (UID 2 FLAGS (\\Flagged")), "{told:?}");
}
