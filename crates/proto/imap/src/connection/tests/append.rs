//! APPEND: asked first, then streamed.

use super::harness::Driver;
use crate::command::Command;
use crate::connection::{Event, Tag};
use crate::limits::Limits;
use crate::response::{Code, Status};
use types::Octets;

fn start(driver: &mut Driver) -> (String, u64) {
    match driver.poll() {
        Some(Event::AppendStart { tag, append }) => (tag.as_str().to_owned(), append.size.0),
        other => panic!("an APPEND was expected: {other:?} {}", driver.output()),
    }
}

/// The message up to the event behind it.
fn message(driver: &mut Driver) -> (Vec<u8>, Option<Event>) {
    let mut bytes = Vec::new();
    loop {
        match driver.poll() {
            Some(Event::AppendChunk(chunk)) => bytes.extend_from_slice(&chunk),
            other => return (bytes, other),
        }
    }
}

#[test]
fn a_message_is_asked_for_and_streamed() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a APPEND INBOX (\\Seen) {10}\r\n");
    assert_eq!(start(&mut driver), ("a".into(), 10));
    assert_eq!(driver.output(), "", "nothing is promised before the session has agreed");
    assert_eq!((driver.poll(), driver.connection.next_deadline()), (None, None));
    driver.connection.accept_append();
    assert_eq!(driver.output(), "+ OK\r\n");
    driver.receive("0123");
    assert_eq!(message(&mut driver), (b"0123".to_vec(), None));
    assert_eq!(driver.connection.next_deadline().map(|d| d.as_secs()), Some(300));
    driver.receive("45\n789\r\nb NOOP\r\n");
    assert_eq!(message(&mut driver), (b"45\n789".to_vec(), Some(Event::AppendEnd)));
    assert_eq!(driver.poll(), None);
    driver.ok("a");
    assert_eq!(driver.command(), ("b".into(), Command::Noop));
    assert_eq!(driver.output(), "a OK done\r\n");
}

#[test]
fn pieces_are_no_larger_than_the_limit() {
    let mut driver = Driver::logged_in(Limits { append_chunk_max: Octets(4), ..Limits::default() });
    driver.receive("a APPEND INBOX {9+}\r\n012345678\r\n");
    start(&mut driver);
    driver.connection.accept_append();
    let mut sizes = Vec::new();
    while let Some(Event::AppendChunk(chunk)) = driver.poll() {
        sizes.push(chunk.len());
    }
    assert_eq!(sizes, [4, 4, 1]);
    assert_eq!(driver.output(), "", "LITERAL+ gets no continuation");
}

#[test]
fn a_mailbox_may_come_as_a_literal_and_a_message_may_be_empty() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a APPEND {5}\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "+ OK\r\n");
    driver.receive("INBOX {0+}\r\n \r\n");
    assert_eq!(start(&mut driver), ("a".into(), 0));
    driver.connection.accept_append();
    assert_eq!(message(&mut driver), (vec![], Some(Event::AppendEnd)));
}

#[test]
fn a_refused_message_is_not_sent_or_thrown_away() {
    let too_big = Status::no(Code::TooBig, "Too large");
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a APPEND INBOX {10}\r\n");
    start(&mut driver);
    driver.connection.finish(&Tag::new("a"), &too_big);
    driver.receive("b APPEND INBOX {10+}\r\n01\r\n");
    start(&mut driver);
    driver.connection.finish(&Tag::new("b"), &too_big);
    assert_eq!(driver.poll(), None);
    driver.receive("45\r\n89 INBOX {3+}\r\nabc\r\nc NOOP\r\n");
    assert_eq!(driver.command(), ("c".into(), Command::Noop), "the message and what follows it are gone");
    assert_eq!(driver.output(), "a NO [TOOBIG] Too large\r\nb NO [TOOBIG] Too large\r\n");
}

#[test]
fn a_session_may_give_up_in_the_middle() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a APPEND INBOX {6}\r\n");
    start(&mut driver);
    driver.connection.accept_append();
    driver.receive("01");
    assert!(matches!(driver.poll(), Some(Event::AppendChunk(_))));
    driver.connection.finish(&Tag::new("a"), &Status::no(Code::Unavailable, "Later"));
    driver.receive("2\r\n5\r\nb NOOP\r\n");
    assert_eq!(driver.command().0, "b");
}

#[test]
fn text_behind_the_message_is_bad() {
    for tail in [" INBOX {3+}\r\nabc\r\n", "x\r\n", " (\\Seen) {9999}\r\n", &format!("{}\r\n", " ".repeat(100))] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive("a APPEND INBOX {1+}\r\n.");
        start(&mut driver);
        driver.connection.accept_append();
        driver.receive(tail);
        assert_eq!(message(&mut driver), (b".".to_vec(), Some(Event::Aborted)), "{tail}");
        driver.receive("b NOOP\r\n");
        assert_eq!(driver.command().0, "b", "{tail}");
        assert_eq!(driver.output(), "a BAD Unexpected text after the message\r\n");
    }
}

#[test]
fn a_broken_append_is_refused_before_its_message_is_sent() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive(
        "a APPEND INBOX (\\Frob) {10}\r\nb APPEND INBOX (\\Frob) {3+}\r\nabc\r\nc APPEND a//b {3}\r\nd NOOP\r\n",
    );
    assert_eq!(driver.command().0, "d");
    assert_eq!(
        driver.output(),
        "a BAD There is no such system flag, or it can not be set\r\nb BAD There is no such system flag, or it can not be set\r\n\
         c NO [CANNOT] A mailbox name has no empty level\r\n"
    );
}
