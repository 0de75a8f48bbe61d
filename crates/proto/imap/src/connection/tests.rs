//! The machine as a session and a client see it. [`harness`] drives it.

mod any_bytes;
mod append;
mod dictionary;
mod exchanges;
pub(super) mod harness;
mod limits;
mod nesting;

use super::*;
use crate::command::Command;
use harness::{Driver, inside_tls};

#[test]
fn the_greeting_tells_what_holds_before_login() {
    let mut driver = Driver::new(Policy { login: LoginPolicy::Disabled, mechanisms: vec![], starttls: true });
    driver.connection.greet("Postamt ready");
    let greeting = driver.output();
    assert!(greeting.starts_with("* OK [CAPABILITY IMAP4rev1 ") && !greeting.contains("AUTH="), "{greeting}");
    assert!(greeting.ends_with(" STARTTLS LOGINDISABLED] Postamt ready\r\n"), "{greeting}");
    let mut driver = Driver::new(inside_tls());
    let capabilities = driver.connection.capabilities();
    assert!(capabilities.as_str().ends_with(" APPENDLIMIT=52428800 AUTH=PLAIN AUTH=SCRAM-SHA-256"), "{capabilities:?}");
    driver.connection.authenticated();
    assert!(driver.connection.capabilities().as_str().ends_with(" APPENDLIMIT=52428800"));
}

#[test]
fn a_message_limit_is_announced_where_there_is_one() {
    let limit = 5000.try_into().unwrap();
    let limits = [(MessageLimit::Every(limit), " MESSAGELIMIT=5000"), (MessageLimit::Saving(limit), " SAVELIMIT=5000")];
    for (message_limit, announced) in limits {
        let driver = Driver::logged_in(Limits { message_limit, ..Limits::default() });
        assert!(driver.connection.capabilities().as_str().ends_with(announced));
    }
}

#[test]
fn what_is_withheld_is_neither_announced_nor_understood() {
    let mut driver = Driver::new(inside_tls());
    assert!(driver.connection.capabilities().as_str().contains(" UNAUTHENTICATE"));
    driver.connection.withhold("UNAUTHENTICATE");
    assert!(!driver.connection.capabilities().as_str().contains("UNAUTHENTICATE"));
    driver.login();
    driver.receive("a UNAUTHENTICATE\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "a BAD UNAUTHENTICATE is not offered here\r\n");
}

#[test]
fn one_command_is_handed_out_at_a_time() {
    let mut driver = Driver::new(inside_tls());
    driver.receive("a NOOP\r\nb CAPABILITY\nc LOGOUT\r\n");
    assert_eq!(driver.command(), ("a".into(), Command::Noop));
    assert_eq!(driver.poll(), None, "the first is not answered yet");
    driver.ok("a");
    assert_eq!(driver.command(), ("b".into(), Command::Capability));
    driver.connection.proceed();
    assert_eq!(driver.command(), ("c".into(), Command::Logout));
    driver.connection.logout(&Tag::new("c"));
    assert_eq!(driver.output(), "a OK done\r\n* BYE Logging out\r\nc OK LOGOUT completed\r\n");
    assert!(driver.connection.is_closed() && driver.connection.state() == State::Logout);
    driver.receive("d NOOP\r\n");
    assert_eq!(driver.poll(), None, "nothing is read after BYE");
    assert_eq!(driver.output(), "");
}

#[test]
fn broken_commands_are_answered_with_their_tag_where_one_can_be_read() {
    let mut driver = Driver::new(inside_tls());
    driver.receive("a FROB\r\n\r\nb\r\n* NOOP\r\nc SELECT INBOX\r\nd LOGIN x\r\n+ NOOP\r\ne noop x\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(
        driver.output(),
        "a BAD There is no such command\r\n* BAD A tag is missing\r\nb BAD A space is missing\r\n* BAD A tag is missing\r\n\
         c BAD Log in first\r\nd BAD A space is missing\r\n* BAD A tag is missing\r\ne BAD Unexpected text after the arguments\r\n"
    );
}

#[test]
fn states_decide_what_is_legal() {
    let mut driver = Driver::new(inside_tls());
    driver.login();
    driver.receive("a LOGIN x y\r\nb FETCH 1 FLAGS\r\nc UID FETCH 1 FLAGS\r\n");
    assert_eq!(driver.poll(), None);
    let expected = "a BAD Already logged in\r\nb BAD Select a mailbox first\r\nc BAD Select a mailbox first\r\n";
    assert_eq!(driver.output(), expected);
    driver.connection.selected();
    driver.receive("d FETCH 1 FLAGS\r\n");
    assert!(matches!(driver.command(), (_, Command::Fetch(_))));
    driver.ok("d");
    driver.connection.deselected();
    driver.receive("e CLOSE\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "d OK done\r\ne BAD Select a mailbox first\r\n");
}

#[test]
fn a_rule_that_is_broken_is_answered_with_no() {
    let mut driver = Driver::new(inside_tls());
    driver.login();
    driver.receive("a CREATE a//b\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "a NO [CANNOT] A mailbox name has no empty level\r\n");
}

#[test]
fn time_outs_follow_the_state() {
    let seconds = Duration::from_secs;
    let mut driver = Driver::new(inside_tls());
    assert_eq!(driver.connection.next_deadline(), Some(seconds(120)));
    // A drip of bytes does not help before login; a whole command does.
    driver.now = seconds(60);
    driver.receive("a NO");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.connection.next_deadline(), Some(seconds(120)));
    driver.receive("OP\r\n");
    assert_eq!(driver.command().0, "a");
    assert_eq!(driver.connection.next_deadline(), None, "a command that runs is our time, not the client's");
    driver.now = seconds(100);
    driver.ok("a");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.connection.next_deadline(), Some(seconds(220)));
    driver.receive("b FROB\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.connection.next_deadline(), Some(seconds(220)));
    driver.login();
    driver.now = seconds(200);
    driver.receive("x");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.connection.next_deadline(), Some(seconds(2000)));
    driver.connection.handle_timeout(seconds(1999));
    assert!(!driver.connection.is_closed());
    driver.connection.handle_timeout(seconds(2000));
    assert!(driver.connection.is_closed());
    assert!(driver.output().ends_with("* BYE Nothing was heard for too long\r\n"));
}

#[test]
fn buffers_are_given_back_but_never_with_something_in_them() {
    let mut driver = Driver::new(inside_tls());
    driver.receive("a NOOP\r\nb");
    assert_eq!(driver.command().0, "a");
    driver.connection.release_buffers();
    driver.receive(" NOOP\r\n");
    driver.ok("a");
    driver.connection.release_buffers();
    assert_eq!(driver.output(), "a OK done\r\n");
    assert_eq!(driver.command().0, "b");
    driver.connection.release_buffers();
    assert_eq!((driver.connection.input.capacity(), driver.connection.output.capacity()), (0, 0));
}
