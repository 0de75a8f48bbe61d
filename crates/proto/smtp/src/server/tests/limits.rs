//! Each limit, at it and one past it; the clock.

use super::*;

#[test]
fn command_lines_have_their_lengths() {
    let noop = |length: usize| format!("NOOP {}\r\n", "a".repeat(length - 7));
    let mut dialogue = Dialogue::mx().hello();
    assert_eq!(dialogue.answer(&noop(512)), "250 2.0.0 Fine\r\n");
    assert_eq!(dialogue.answer(&noop(513)), "500 5.5.2 The line is too long\r\n");
    let mail = |length: usize| format!("MAIL FROM:<> AUTH={}\r\n", "a".repeat(length - 20));
    // RFC 1870 26, RFC 6152 17, RFC 6531 10, RFC 4954 500.
    let max = 512 + 26 + 17 + 10 + 500;
    assert!(dialogue.event(mail(max)).is_some());
    dialogue.server.refuse(&Reply::new(451, 0, 0, "No"));
    dialogue.output();
    assert_eq!(dialogue.answer(&mail(max + 1)), "500 5.5.2 The line is too long\r\n");
    let mut dialogue = Dialogue::submission().hello();
    let auth = |length: usize| format!("AUTH PLAIN {}\r\n", "A".repeat(length - 13));
    assert!(dialogue.event(auth(12_285)).is_some(), "12,272 is a multiple of 4");
    dialogue.server.challenge(b"");
    dialogue.output();
    assert!(dialogue.event(format!("{}\r\n", "A".repeat(12_284))).is_some());
    dialogue.server.challenge(b"");
    dialogue.output();
    assert_eq!(dialogue.event(format!("{}\r\n", "A".repeat(12_287))), Some(Event::AuthAborted));
    assert_eq!(dialogue.output(), "500 5.5.6 The line is too long\r\n");
    assert_eq!(dialogue.answer(&auth(12_289)), "500 5.5.2 The line is too long\r\n");
}

#[test]
fn an_endless_line_is_answered_once_and_not_kept() {
    let mut dialogue = Dialogue::mx();
    assert_eq!(dialogue.answer(&"x".repeat(10_000)), "500 5.5.2 The line is too long\r\n");
    assert_eq!(dialogue.answer(&"\u{16}".repeat(10_000)), "");
    assert_eq!(dialogue.answer("\r\nNOOP\r\n"), "250 2.0.0 Fine\r\n");
}

#[test]
fn a_bare_newline_is_no_end_of_a_command() {
    let mut dialogue = Dialogue::mx();
    assert_eq!(dialogue.answer("NOOP\nNOOP\r\n"), "500 5.5.2 Lines end in CR LF\r\n250 2.0.0 Fine\r\n");
    assert_eq!(dialogue.answer("NO\rOP\r\n"), "500 5.5.2 There is a control character in the line\r\n");
    let mut dialogue = Dialogue::submission().hello();
    dialogue.event("AUTH PLAIN\r\n");
    dialogue.server.challenge(b"");
    dialogue.output();
    assert_eq!(dialogue.event("AGEAYg==\n"), Some(Event::AuthAborted));
    assert_eq!(dialogue.output(), "500 5.5.2 Lines end in CR LF\r\n");
}

#[test]
fn recipients_past_the_limit_are_put_off() {
    let limits = Limits { recipients_max: 2, ..Limits::default() };
    let mut dialogue = Dialogue::mx_with(limits).hello().transaction(2);
    assert_eq!(dialogue.answer("RCPT TO:<c@example.test>\r\n"), "452 4.5.3 Too many recipients at once\r\n");
    dialogue.accept("DATA\r\n");
}

#[test]
fn too_many_errors_idle_commands_and_failed_sign_ins_end_the_connection() {
    let mut dialogue = Dialogue::mx();
    for _ in 0..crate::limits::ERRORS_MAX {
        assert_eq!(dialogue.answer("XYZZY\r\n"), "500 5.5.1 Unknown command\r\n");
    }
    assert_eq!(dialogue.event("XYZZY\r\n"), Some(Event::Closed(CloseReason::TooManyErrors)));
    assert_eq!(dialogue.output(), "500 5.5.1 Unknown command\r\n421 4.7.0 Too many errors\r\n");
    let mut dialogue = Dialogue::mx();
    for _ in 0..crate::limits::IDLE_COMMANDS_MAX {
        assert_eq!(dialogue.answer("NOOP\r\n"), "250 2.0.0 Fine\r\n");
    }
    assert_eq!(dialogue.event("NOOP\r\n"), Some(Event::Closed(CloseReason::TooManyIdleCommands)));
    let mut dialogue = Dialogue::submission().hello();
    for _ in 0..crate::limits::LOGIN_FAILURES_MAX {
        assert!(dialogue.event("AUTH PLAIN AGEAYg==\r\n").is_some());
        dialogue.server.refuse(&Reply::new(535, 7, 8, "Wrong name or password"));
    }
    assert_eq!(dialogue.event(""), Some(Event::Closed(CloseReason::TooManyLoginFailures)));
    let mut dialogue = Dialogue::submission().hello();
    for _ in 0..20 {
        assert!(dialogue.event("AUTH PLAIN AGEAYg==\r\n").is_some());
        dialogue.server.refuse(&Reply::new(454, 7, 0, "Cannot check it now"));
    }
    assert_eq!(dialogue.event(""), None, "a trouble of ours is no failed sign-in");
}

#[test]
fn a_message_makes_up_for_idle_commands() {
    let mut dialogue = Dialogue::mx().hello();
    for _ in 0..3 {
        for _ in 0..60 {
            dialogue.answer("RSET\r\n");
        }
        dialogue = dialogue.transaction(1);
        dialogue.accept("DATA\r\n");
        assert!(matches!(dialogue.event(".\r\n"), Some(Event::DataEnd { .. })));
        dialogue.server.accept();
        dialogue.output();
    }
}

#[test]
fn input_and_own_output_are_bounded() {
    let mut dialogue = Dialogue::mx().hello();
    let flood = vec![b'x'; 200_000];
    assert_eq!(dialogue.server.receive(dialogue.now, &flood), crate::limits::INPUT_MAX);
    assert_eq!(dialogue.server.receive(dialogue.now, &flood), 0);
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    dialogue.accept("DATA\r\n");
    assert_eq!(dialogue.server.receive(dialogue.now, &flood), crate::limits::BODY_INPUT_MAX);
    let Some(Event::DataChunk(chunk)) = dialogue.server.poll_event() else { panic!() };
    assert_eq!(chunk.len(), crate::limits::BODY_INPUT_MAX);
    let options = Options { help: "h".repeat(400), ..Options::new(Role::Mx, "mx.example") };
    let mut dialogue = Dialogue::with(options, policy(Tls::Offered, Rule::Off, MailNeeds::Nothing));
    dialogue.feed(&b"HELP\r\n".repeat(99));
    assert_eq!(dialogue.server.poll_event(), None);
    let first = dialogue.output();
    assert!(first.len() < crate::limits::OUTPUT_MAX + 512 && first.lines().count() < 99);
    assert_eq!(dialogue.server.poll_event(), None);
    assert_eq!(first.lines().count() + dialogue.output().lines().count(), 99);
}

#[test]
fn the_clock_runs_while_the_client_has_the_turn() {
    let mut dialogue = Dialogue::mx();
    let start = dialogue.now;
    assert_eq!(dialogue.server.next_deadline(), Some(start + crate::limits::COMMAND_TIMEOUT));
    dialogue.now += Duration::from_mins(1);
    dialogue.answer("NOO");
    assert_eq!(
        dialogue.server.next_deadline(),
        Some(start + crate::limits::COMMAND_TIMEOUT),
        "half a line buys no time"
    );
    dialogue.event("P\r\nEHLO a\r\n");
    assert_eq!(dialogue.server.next_deadline(), None, "it is the session's turn");
    dialogue.server.accept();
    dialogue.output();
    let deadline = dialogue.server.next_deadline().unwrap();
    assert_eq!(deadline, dialogue.now + crate::limits::COMMAND_TIMEOUT);
    dialogue.server.handle_timeout(deadline.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(dialogue.event(""), None);
    dialogue.server.handle_timeout(deadline);
    assert_eq!(dialogue.event(""), Some(Event::Closed(CloseReason::Timeout)));
    assert_eq!(dialogue.output(), "421 4.4.2 Nothing came for too long\r\n");
    assert_eq!(dialogue.server.next_deadline(), None);
}

#[test]
fn a_dripping_message_is_ended_too() {
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    dialogue.accept("DATA\r\n");
    let start = dialogue.now;
    let minute = Duration::from_mins(1);
    loop {
        let deadline = dialogue.server.next_deadline().unwrap();
        dialogue.now += minute;
        if deadline <= dialogue.now {
            break;
        }
        assert!(matches!(dialogue.event("x"), Some(Event::DataChunk(_))));
    }
    assert_eq!(dialogue.now, start + crate::limits::TRANSFER_TIMEOUT);
    dialogue.server.handle_timeout(dialogue.now);
    assert_eq!(dialogue.event(""), Some(Event::Closed(CloseReason::Timeout)));
}

#[test]
fn who_tries_names_is_ended() {
    let limits = Limits { refusals_max: 3, ..Limits::default() };
    let mut dialogue = Dialogue::mx_with(limits).hello().transaction(0);
    for _ in 0..4 {
        assert!(dialogue.event("RCPT TO:<a@example.test>\r\n").is_some());
        dialogue.server.refuse(&Reply::new(550, 1, 1, "No such person here"));
    }
    assert_eq!(dialogue.event("NOOP\r\n"), Some(Event::Closed(CloseReason::TooManyRefusals)));
    assert!(dialogue.output().ends_with("421 4.7.0 Too many refused commands\r\n"));
}
