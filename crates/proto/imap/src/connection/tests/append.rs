//! APPEND: asked first, then streamed.

use super::harness::Driver;
use crate::command::{AppendLiteral, Command};
use crate::connection::{Event, Tag};
use crate::limits::{CATENATE_PARTS_MAX, Limits};
use crate::response::{Code, Status};
use types::Octets;

/// Goes along with an APPEND up to the bytes of its next message.
fn start(driver: &mut Driver) -> u64 {
    loop {
        match driver.poll() {
            Some(Event::AppendStart { .. } | Event::AppendMessage(_) | Event::AppendUrl(_)) => {
                driver.connection.accept_append();
            }
            Some(Event::AppendLiteral(AppendLiteral { size, .. })) => return size.0,
            other => panic!("an APPEND was expected: {other:?} {}", driver.output()),
        }
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
    assert_eq!(start(&mut driver), 10);
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
    assert_eq!(start(&mut driver), 0);
    driver.connection.accept_append();
    assert_eq!(message(&mut driver), (vec![], Some(Event::AppendEnd)));
}

#[test]
fn messages_follow_each_other() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a APPEND INBOX {3}\r\n");
    assert_eq!(start(&mut driver), 3);
    driver.connection.accept_append();
    driver.receive("one (\\Seen) ~{4}\r\n");
    let (bytes, next) = message(&mut driver);
    assert!(matches!((&bytes[..], next), (b"one", Some(Event::AppendMessage(_)))));
    driver.connection.accept_append();
    assert_eq!((start(&mut driver), driver.output()), (4, "+ OK\r\n".into()), "the second is not promised yet");
    driver.connection.accept_append();
    driver.receive("t\0wo CATENATE (URL {1}\r\n");
    assert_eq!(message(&mut driver), (b"t\0wo".to_vec(), None), "a URL is to come");
    assert_eq!(driver.output(), "+ OK\r\n+ OK\r\n");
    driver.receive("/ TEXT {2+}\r\n..)\r\nb NOOP\r\n");
    assert_eq!(start(&mut driver), 2);
    driver.connection.accept_append();
    assert_eq!(message(&mut driver), (b"..".to_vec(), Some(Event::AppendEnd)));
    driver.ok("a");
    assert_eq!(driver.command().0, "b");
}

#[test]
fn an_append_without_a_literal_is_one_as_well() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a APPEND INBOX CATENATE (URL /x)\r\nb NOOP\r\n");
    assert!(matches!(driver.poll(), Some(Event::AppendStart { .. })));
    driver.connection.accept_append();
    assert!(matches!(driver.poll(), Some(Event::AppendMessage(_))));
    driver.connection.accept_append();
    assert!(matches!(driver.poll(), Some(Event::AppendUrl(_))));
    driver.connection.accept_append();
    assert_eq!((driver.poll(), driver.poll()), (Some(Event::AppendEnd), None));
    driver.ok("a");
    assert_eq!(driver.command().0, "b");
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
fn a_second_message_may_be_refused_at_each_of_its_pieces() {
    for (tail, pieces) in [(" {3+}\r\nabc {3+}\r\nabc\r\n", 1), (" {3+}\r\nabc {3+}\r\nabc\r\n", 2), (" {3}\r\n", 2)] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive("a APPEND INBOX {1+}\r\n.");
        start(&mut driver);
        driver.connection.accept_append();
        driver.receive(tail);
        for piece in 1..pieces {
            assert!(driver.poll().is_some(), "{piece}");
            assert!(matches!(driver.poll(), Some(Event::AppendMessage(_))));
            driver.connection.accept_append();
        }
        driver.poll();
        driver.connection.finish(&Tag::new("a"), &Status::no(Code::OverQuota, "Full"));
        driver.receive("b NOOP\r\n");
        assert_eq!(driver.command().0, "b", "{tail}");
        assert_eq!(driver.output(), "a NO [OVERQUOTA] Full\r\n");
    }
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
fn what_cannot_be_read_behind_a_message_is_bad() {
    for (tail, answer) in [
        (" INBOX {3+}\r\nabc\r\n", "a BAD APPEND takes a mailbox, flags, a date and a literal\r\n"),
        ("x\r\n", "a BAD Unexpected text after the message\r\n"),
        (" (\\Seen) {9999}x\r\n", "a BAD A message is a literal\r\n"),
        (" (\\Frob) {9999}\r\n", "a BAD There is no such system flag, or it can not be set\r\n"),
        (" CATENATE (URL {70000+}\r\n", "a NO [LIMIT] The literal is too large\r\n"),
    ] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive("a APPEND INBOX {1+}\r\n.");
        start(&mut driver);
        driver.connection.accept_append();
        driver.receive(tail);
        let (bytes, next) = message(&mut driver);
        assert_eq!((&bytes[..], next), (&b"."[..], Some(Event::Aborted)), "{tail}");
        if tail.contains("70000") {
            driver.receive(&"x".repeat(70_000));
            driver.receive(")\r\n");
        }
        driver.receive("b NOOP\r\n");
        assert_eq!(driver.command().0, "b", "{tail}");
        assert!(driver.output().starts_with(answer), "{tail}");
    }
}

#[test]
fn a_line_behind_a_message_is_no_longer_than_a_command() {
    for (length, fits) in [(65_536, true), (65_537, false)] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive("a APPEND x {1+}\r\n.");
        start(&mut driver);
        driver.connection.accept_append();
        driver.receive(&format!("{}\r\nb NOOP\r\n", " ".repeat(length - 2)));
        assert_eq!(message(&mut driver).1, Some(if fits { Event::AppendEnd } else { Event::Aborted }));
    }
}

#[test]
fn messages_of_one_command_have_a_limit() {
    for (count, fits) in [(3, true), (4, false)] {
        let mut driver = Driver::logged_in(Limits { append_messages_max: 3, ..Limits::default() });
        driver.receive(&format!("a APPEND x{}\r\n", " {1+}\r\n.".repeat(count)));
        let mut last = None;
        while let Some(event) = driver.poll() {
            driver.connection.accept_append();
            last = Some(event);
        }
        assert_eq!(last, Some(if fits { Event::AppendEnd } else { Event::Aborted }));
        let refused = driver.output().starts_with("a NO [LIMIT] More messages than one command may bring\r\n");
        assert_eq!(refused, !fits);
    }
}

#[test]
fn parts_of_one_message_have_a_limit_however_they_come() {
    let most = CATENATE_PARTS_MAX;
    for (parts, more, fits) in [(most, most, true), (most + 1, 1, false), (1, most + 1, false)] {
        let mut driver = Driver::logged_in(Limits::default());
        let of = |count: usize| {
            let parts: Vec<_> = (0..count).map(|n| if n % 2 == 0 { "URL /x" } else { "TEXT {1+}\r\n." }).collect();
            format!(" CATENATE ({})", parts.join(" "))
        };
        driver.receive("a APPEND x");
        driver.receive(&of(parts));
        driver.receive(&format!("{}\r\n", of(more)));
        let (mut seen, mut last) = (0, None);
        while let Some(event) = driver.poll() {
            driver.connection.accept_append();
            seen += usize::from(matches!(event, Event::AppendUrl(_) | Event::AppendLiteral(_)));
            last = Some(event);
        }
        assert_eq!(last, Some(if fits { Event::AppendEnd } else { Event::Aborted }));
        assert!(seen <= 2 * most);
        let refused = driver.output().starts_with("a NO [LIMIT] More parts than one message may have\r\n");
        assert_eq!(refused, !fits);
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
