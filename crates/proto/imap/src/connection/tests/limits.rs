//! Each limit, at it and one past it.

use super::harness::{Driver, inside_tls};
use crate::command::Command;
use crate::connection::{Event, LoginPolicy, Policy, Tag};
use crate::limits::Limits;
use crate::response::{Code, Status};
use types::Octets;

/// A command of exactly so many bytes, line end included.
fn sized(length: usize) -> String {
    let frame = "a LOGIN x \"\"\r\n".len();
    format!("a LOGIN x \"{}\"\r\n", "p".repeat(length - frame))
}

#[test]
fn a_command_before_login_has_8_kib() {
    for (length, fits) in [(8192, true), (8193, false)] {
        let mut driver = Driver::new(inside_tls());
        driver.receive(&sized(length));
        driver.receive("b NOOP\r\n");
        if fits {
            assert!(matches!(driver.command(), (_, Command::Login(_))));
        } else {
            assert_eq!(driver.command().0, "b");
            assert_eq!(driver.output(), "a BAD The command is too long\r\n");
        }
    }
}

#[test]
fn a_command_after_login_has_64_kib() {
    for (length, fits) in [(65_536, true), (65_537, false)] {
        let mut driver = Driver::logged_in(Limits::default());
        let frame = "a SUBSCRIBE \"\"\r\n".len();
        driver.receive(&format!("a SUBSCRIBE \"{}\"\r\nb NOOP\r\n", "m".repeat(length - frame)));
        assert_eq!(driver.command().0, "b");
        let why = if fits { "NO [CANNOT] The mailbox name is too long" } else { "BAD The command is too long" };
        assert_eq!(driver.output(), format!("a {why}\r\n"));
    }
}

#[test]
fn a_line_without_an_end_is_cut_and_its_rest_thrown_away() {
    let mut driver = Driver::new(inside_tls());
    driver.receive("a LOGIN x ");
    for _ in 0..3 {
        driver.receive(&"p".repeat(8192));
        assert_eq!(driver.poll(), None);
        assert!(driver.connection.input.len() <= 8192 + 10, "no more is kept than the limit");
    }
    driver.receive("p {4+}\r\nb NO\r\nc NOOP\r\n");
    assert_eq!(driver.command().0, "c", "a literal in the cut line is no command");
    assert_eq!(driver.output(), "a BAD The command is too long\r\n");
    driver.ok("c");
    driver.receive(&"x".repeat(9000));
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "c OK done\r\n* BAD The command is too long\r\n", "there was no tag to read");
}

#[test]
fn a_literal_before_login_has_4_kib() {
    for (length, fits) in [(4096, true), (4097, false)] {
        let mut driver = Driver::new(inside_tls());
        driver.receive(&format!("a LOGIN x {{{length}}}\r\n"));
        assert_eq!(driver.poll(), None);
        assert_eq!(driver.output(), if fits { "+ OK\r\n" } else { "a NO [LIMIT] The literal is too large\r\n" });
        let mut driver = Driver::new(inside_tls());
        driver.receive(&format!("a LOGIN x {{{length}+}}\r\n{}\r\nb NOOP\r\n", "p".repeat(length)));
        assert_eq!(driver.command().0, if fits { "a" } else { "b" });
    }
}

#[test]
fn a_command_and_its_literals_share_one_limit() {
    let head = "a SUBSCRIBE {65000}\r\n".len();
    for (length, fits) in [(65_536 - head, true), (65_536 - head + 1, false)] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive(&format!("a SUBSCRIBE {{{length}}}\r\n"));
        assert_eq!(driver.poll(), None);
        assert_eq!(driver.output(), if fits { "+ OK\r\n" } else { "a NO [LIMIT] The literal is too large\r\n" });
    }
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a LIST {30000+}\r\n");
    driver.receive(&"r".repeat(30_000));
    driver.receive(" {40000}\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "a NO [LIMIT] The literal is too large\r\n");
}

#[test]
fn a_literal_for_a_command_that_is_not_legal_is_never_asked_for() {
    let mut driver = Driver::new(inside_tls());
    driver.receive("a SELECT {5}\r\nb FROB {5}\r\nc UID FROB {5}\r\n{5}\r\nd APPEND INBOX {50}\r\ne NOOP\r\n");
    assert_eq!(driver.command().0, "e");
    assert!(!driver.output().contains('+'));
}

#[test]
fn a_literal_of_login_is_not_asked_for_where_login_is_disabled() {
    let policy = || Policy { login: LoginPolicy::Disabled, mechanisms: vec![], starttls: true };
    for command in ["a login {4}\r\n", "a LOGIN anna {4}\r\n", "a LOGIN {4+}\r\nanna {4}\r\n"] {
        let mut driver = Driver::new(policy());
        driver.receive(command);
        driver.receive("b NOOP\r\n");
        assert_eq!(driver.command().0, "b");
        assert_eq!(driver.output(), "a NO [PRIVACYREQUIRED] Passwords are taken inside TLS only\r\n");
    }
    let mut driver = Driver::new(policy());
    driver.receive("a LOGIN {4+}\r\nanna {4+}\r\nword\r\n");
    assert!(matches!(driver.poll(), Some(Event::RefusedLogin { .. })), "what is on its way is read");
}

#[test]
fn failed_sign_ins_have_a_limit() {
    let mut driver = Driver::new(inside_tls());
    for attempt in 1..=20 {
        driver.receive("a LOGIN anna wrong\r\n");
        assert!(matches!(driver.command(), (_, Command::Login(_))));
        driver.connection.finish(&Tag::new("a"), &Status::no(Code::AuthenticationFailed, "Wrong"));
        assert_eq!(driver.connection.is_closed(), attempt == 20, "attempt {attempt}");
    }
    assert!(
        driver.output().ends_with("a NO [AUTHENTICATIONFAILED] Wrong\r\n* BYE [CLIENTBUG] Too many bad commands\r\n")
    );
}

#[test]
fn lines_for_one_word_are_short() {
    for (length, fits) in [(64, true), (65, false)] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive("a IDLE\r\n");
        driver.command();
        driver.connection.idle(&Tag::new("a"));
        driver.receive(&format!("DONE{}\r\n", " ".repeat(length - 6)));
        assert_eq!(driver.poll(), Some(if fits { Event::IdleDone } else { Event::Aborted }));
    }
}

#[test]
fn a_literal_that_is_too_large_even_to_be_thrown_away_ends_the_connection_at_once() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a SELECT {10000000000}\r\nb SELECT {10000000000+}\r\n");
    assert_eq!(driver.poll(), None);
    assert!(driver.connection.is_closed());
    assert_eq!(
        driver.output(),
        "a NO [LIMIT] The literal is too large\r\nb NO [LIMIT] The literal is too large\r\n* BYE [TOOBIG] The literal is too large\r\n"
    );
}

#[test]
fn what_is_thrown_away_has_a_limit() {
    for (length, ends) in [(65_536, false), (65_537, true)] {
        let mut driver = Driver::new(inside_tls());
        driver.receive(&format!("a LOGIN x {{{length}+}}\r\n"));
        assert_eq!(driver.poll(), None);
        assert_eq!(driver.connection.is_closed(), ends);
    }
    let limits = Limits { discard_max: Octets(100), ..Limits::default() };
    for (length, ends) in [(100, false), (101, true)] {
        let mut driver = Driver::logged_in(limits.clone());
        driver.receive("a FROB {0+}\r\n");
        assert_eq!(driver.poll(), None);
        driver.receive(&"x".repeat(length + crate::codec::ANNOUNCEMENT_MAX));
        assert_eq!(driver.poll(), None);
        assert_eq!(driver.connection.is_closed(), ends, "{length}");
    }
}

#[test]
fn too_many_bad_commands_cost_the_connection() {
    let limits = Limits { bad_commands_max: 3, ..Limits::default() };
    let mut driver = Driver::with_limits(limits.clone(), inside_tls());
    driver.receive("a\r\nb NOOP\r\n");
    driver.command();
    driver.ok("b");
    driver.receive("c\r\nd\r\ne NOOP\r\n");
    assert_eq!(driver.poll(), None);
    assert!(driver.connection.is_closed() && driver.output().ends_with("* BYE [CLIENTBUG] Too many bad commands\r\n"));
    let mut driver = Driver::logged_in(limits);
    for _ in 0..5 {
        driver.receive("a\r\nb\r\nc NOOP\r\n");
        assert_eq!(driver.command().0, "c", "a good command in between makes up for them");
        driver.ok("c");
    }
    driver.receive("a\r\nb\r\nc\r\nd NOOP\r\n");
    assert_eq!(driver.poll(), None);
    assert!(driver.connection.is_closed());
}

#[test]
fn a_client_that_runs_ahead_is_held_back() {
    let mut driver = Driver::logged_in(Limits { pipeline_max: Octets(16), ..Limits::default() });
    driver.receive("a NOOP\r\n");
    assert!(driver.connection.wants_input());
    driver.command();
    driver.receive("b NOOP\r\nc NOO");
    assert!(driver.connection.wants_input());
    driver.receive("P\r\n");
    assert!(!driver.connection.wants_input());
    driver.ok("a");
    assert!(driver.connection.wants_input());
    assert_eq!(driver.command().0, "b");
    assert!(driver.connection.wants_input());
    assert_ne!(driver.poll(), Some(Event::IdleDone));
}

#[test]
fn who_never_signs_in_is_ended() {
    let mut driver = Driver::new(inside_tls());
    for n in 0..crate::limits::COMMANDS_BEFORE_LOGIN_MAX {
        driver.receive("a NOOP\r\n");
        assert_eq!(driver.command().1, Command::Noop, "{n}");
        driver.ok("a");
    }
    driver.output();
    driver.receive("b CAPABILITY\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "* BYE [CLIENTBUG] Too many commands without a sign-in\r\n");
    let mut driver = Driver::logged_in(Limits::default());
    for _ in 0..1000 {
        driver.receive("a NOOP\r\n");
        driver.command();
        driver.ok("a");
    }
    driver.connection.unauthenticated();
    driver.receive("a NOOP\r\n");
    assert_eq!(driver.command().1, Command::Noop, "the count begins with the sign-out");
}
