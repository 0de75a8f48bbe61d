//! Answers that are longer than a session may hold, and clients that read them slowly.

use super::imap::{said, sign_in};
use crate::server::{ANNA, Listener, PASSWORD, Server, Service};
use std::fmt::Write as _;
use store_kv::Memory;
use tokio::io::AsyncReadExt;

/// More than numbers are written at once, and more news than output waits.
const MESSAGES: u32 = 5000;
/// Sections of a large message in one FETCH, as many as it may have.
const SECTIONS: usize = 250;
/// Larger than what is read of a body at once.
const BODY: usize = 300_000;

#[tokio::test]
async fn answers_about_thousands_of_messages_come_whole_and_in_order() {
    let server = Server::start(Memory::new()).await;
    server.fill_inbox(MESSAGES).await;
    let (mut client, mut other) = (sign_in(&server).await, sign_in(&server).await);
    for client in [&mut client, &mut other] {
        assert!(client.ask("a SELECT INBOX\r\n").await.starts_with("a OK"));
    }
    let numbers = (1..=MESSAGES).fold(String::from("* SEARCH"), |mut line, number| {
        write!(line, " {number}").unwrap();
        line
    });
    assert_eq!(said(&mut client, "b SEARCH ALL\r\n").await, [&numbers, "b OK SEARCH completed"]);
    assert_eq!(said(&mut client, "c SEARCH SEEN\r\n").await, ["* SEARCH", "c OK SEARCH completed"]);
    let mut stored: Vec<_> =
        (1..=MESSAGES).map(|number| format!("* {number} FETCH (FLAGS (\\Deleted \\Recent))")).collect();
    stored.push("d OK STORE completed".to_owned());
    assert_eq!(said(&mut client, "d STORE 1:* +FLAGS (\\Deleted)\r\n").await, stored);
    let mut gone: Vec<_> = (1..=MESSAGES).rev().map(|number| format!("* {number} EXPUNGE")).collect();
    gone.extend(["* 0 RECENT".to_owned(), "e OK EXPUNGE completed".to_owned()]);
    assert_eq!(said(&mut client, "e EXPUNGE\r\n").await, gone);
    let told = said(&mut other, "f NOOP\r\n").await;
    assert_eq!(told[..gone.len() - 2], gone[..gone.len() - 2], "others are told the same");
}

#[tokio::test]
async fn many_sections_of_a_large_message_come_whole_to_a_slow_reader() {
    let server = Server::start(Memory::new()).await;
    let (mut client, _) = server.connect(Service::Imap, Listener::Implicit, 4096);
    client.greeting().await;
    assert!(client.ask(&format!("l LOGIN {ANNA} {PASSWORD}\r\n")).await.starts_with("l OK"));
    let line = format!("{}\r\n", "x".repeat(98));
    let text = format!("Subject: x\r\n\r\n{}", line.repeat(BODY / line.len()));
    let append = format!("p APPEND INBOX {{{}+}}\r\n{text}\r\n", text.len());
    assert!(client.ask(&append).await.starts_with("p OK"));
    assert!(client.ask("a SELECT INBOX\r\n").await.starts_with("a OK"));
    let mut items = String::new();
    for offset in 0..SECTIONS {
        write!(items, " BODY.PEEK[]<{offset}.{BODY}>").unwrap();
    }
    client.send(&format!("b FETCH 1 ({})\r\n", items.trim())).await;
    for offset in 0..SECTIONS {
        let wanted = &text[offset..text.len().min(offset + BODY)];
        let head = client.line().await.unwrap();
        assert!(head.ends_with(&format!("BODY[]<{offset}> {{{}}}", wanted.len())), "{head}");
        let mut body = vec![0; wanted.len()];
        client.stream.read_exact(&mut body).await.unwrap();
        assert!(body == wanted.as_bytes(), "section {offset} is another");
    }
    assert_eq!(client.line().await.unwrap(), ")");
    assert!(client.last().await.starts_with("b OK"));
}

#[tokio::test]
async fn fields_are_selected_from_the_first_mib_of_a_header_only() {
    let server = Server::start(Memory::new()).await;
    let mut client = sign_in(&server).await;
    let field = format!("X-Field: {}\r\n", "x".repeat(1000));
    let count = (1 << 20) / field.len() + 10;
    let text = format!("Subject: first\r\n{}Subject: last\r\n\r\nbody\r\n", field.repeat(count));
    assert!(client.ask(&format!("p APPEND INBOX {{{}+}}\r\n{text}\r\n", text.len())).await.starts_with("p OK"));
    assert!(client.ask("a SELECT INBOX\r\n").await.starts_with("a OK"));
    let command = "b FETCH 1 (BODY.PEEK[HEADER.FIELDS (Subject)])\r\n";
    let selected = said(&mut client, command).await;
    assert_eq!(selected[0], "* 1 FETCH (BODY[HEADER.FIELDS (Subject)] {18}");
    assert_eq!(selected[1..], ["Subject: first", "", ")", "b OK FETCH completed"]);
    let header = text.len() - "body\r\n".len();
    client.send("d FETCH 1 (BODY.PEEK[HEADER])\r\n").await;
    assert_eq!(client.line().await.unwrap(), format!("* 1 FETCH (BODY[HEADER] {{{header}}}"), "all of it is there");
}
