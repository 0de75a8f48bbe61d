//! Dialogues with the machine.

use super::*;
use crate::{AuthStart, Mechanism, MessageNumber, PasswordAttempt, Progress, Rule, Top};
use std::num::NonZeroU32;
use types::Octets;

mod fuzz;

fn policy(tls: Tls, rule: Rule) -> Policy {
    let mechanisms = ["SCRAM-SHA-256", "PLAIN"].map(|name| Mechanism { name: name.into(), rule });
    Policy { tls, password: rule, mechanisms: mechanisms.into() }
}

fn number(value: u32) -> MessageNumber {
    MessageNumber(NonZeroU32::new(value).unwrap())
}

struct Dialogue {
    connection: Connection,
    now: Instant,
}

impl Dialogue {
    fn with(options: Options, policy: Policy) -> Self {
        let now = Instant::now();
        let mut dialogue = Self { connection: Connection::new(options, policy, now), now };
        assert_eq!(dialogue.output(), "+OK Postamt POP3 ready\r\n");
        dialogue
    }

    fn in_tls() -> Self {
        Self::with(Options::default(), policy(Tls::Active, Rule::Offered))
    }

    fn in_clear() -> Self {
        Self::with(Options::default(), policy(Tls::Offered, Rule::RefusedInClear))
    }

    fn signed_in() -> Self {
        let mut dialogue = Self::in_tls();
        assert!(dialogue.command("USER anna\r\nPASS x\r\n").is_some());
        dialogue.connection.login_succeeded("Welcome");
        dialogue.output();
        dialogue
    }

    fn output(&mut self) -> String {
        String::from_utf8(self.connection.take_output().to_vec()).unwrap()
    }

    fn feed(&mut self, bytes: &[u8]) {
        assert_eq!(self.connection.receive(self.now, bytes), bytes.len());
    }

    /// Says this; gives the next event.
    fn event(&mut self, text: &str) -> Option<Event> {
        self.feed(text.as_bytes());
        self.connection.poll_event()
    }

    fn command(&mut self, text: &str) -> Option<Command> {
        match self.event(text) {
            Some(Event::Command(command)) => Some(command),
            None => None,
            other => panic!("{other:?}"),
        }
    }

    /// Says this, which the machine answers alone.
    fn answer(&mut self, text: &str) -> String {
        assert_eq!(self.event(text), None, "{text}");
        self.output()
    }
}

#[test]
fn user_and_pass_sign_in() {
    let mut dialogue = Dialogue::in_tls();
    assert_eq!(dialogue.answer("USER anna@example.test\r\n"), "+OK Password, please\r\n");
    let Some(Command::Password(attempt)) = dialogue.command("PASS  two words \r\nSTAT\r\n") else { panic!() };
    assert_eq!((attempt.user.as_str(), attempt.exposure), ("anna@example.test", Exposure::Permitted));
    assert_eq!(attempt.password.expose(), b" two words ");
    assert_eq!(dialogue.event(""), None, "STAT waits for the answer to PASS");
    dialogue.connection.login_succeeded("Welcome");
    assert_eq!(dialogue.command(""), Some(Command::Stat));
    dialogue.connection.stat(2, Octets(320));
    assert_eq!(dialogue.output(), "+OK Welcome\r\n+OK 2 320\r\n");
}

#[test]
fn a_failed_sign_in_starts_over_and_too_many_end_the_connection() {
    let mut dialogue = Dialogue::in_tls();
    for attempt in 1..=crate::limits::LOGIN_FAILURES_MAX {
        assert!(dialogue.command("USER anna\r\nPASS x\r\n").is_some(), "{attempt}");
        dialogue.connection.login_failed(ResponseCode::Auth, "Wrong name or password");
        assert!(dialogue.output().ends_with("-ERR [AUTH] Wrong name or password\r\n"));
    }
    assert_eq!(dialogue.event("NOOP\r\n"), Some(Event::Closed(CloseReason::TooManyLoginFailures)));
    assert_eq!(dialogue.answer("NOOP\r\n"), "");
}

#[test]
fn what_time_mends_is_no_failed_sign_in() {
    let mut dialogue = Dialogue::in_tls();
    for code in [ResponseCode::SysTemp, ResponseCode::InUse, ResponseCode::LoginDelay].repeat(6) {
        assert!(dialogue.command("USER anna\r\nPASS x\r\n").is_some());
        dialogue.connection.login_failed(code, "Try again later");
    }
    assert_eq!(dialogue.event(""), None);
}

#[test]
fn a_password_in_clear_is_refused_and_handed_out_to_be_burnt() {
    let mut dialogue = Dialogue::in_clear();
    let refusal = "-ERR [SYS/PERM] Passwords are taken inside TLS only\r\n";
    assert_eq!(dialogue.answer("USER anna\r\n"), refusal);
    let Some(Command::Password(attempt)) = dialogue.command("PASS secret\r\n") else { panic!() };
    assert_eq!((attempt.user.as_str(), attempt.exposure), ("anna", Exposure::InClear));
    dialogue.connection.login_failed(ResponseCode::SysPerm, "Passwords are taken inside TLS only");
    assert_eq!(dialogue.output(), refusal);
    assert_eq!(dialogue.event("AUTH PLAIN\r\n"), Some(Event::AuthRefused("PLAIN".into())));
    assert_eq!(dialogue.output(), refusal);
    let Some(Command::Auth(start)) = dialogue.command("auth plain AGFubmEAc2VjcmV0\r\n") else { panic!() };
    assert_eq!((start.mechanism.as_str(), start.exposure), ("PLAIN", Exposure::InClear));
    assert_eq!(start.initial_response.unwrap().expose(), b"\0anna\0secret");
    dialogue.connection.login_failed(ResponseCode::SysPerm, "Passwords are taken inside TLS only");
    assert_eq!(dialogue.output(), refusal);
    assert!(!dialogue.connection.is_signed_in());
}

#[test]
fn a_response_that_nobody_asked_for_is_handed_out_to_be_burnt() {
    let uninvited = |text: &str| Some(Event::Uninvited(Secret::new(text.as_bytes().to_vec())));
    let mut dialogue = Dialogue::in_clear();
    assert_eq!(dialogue.event("AUTH PLAIN\r\nYW5uYQ==\r\n"), Some(Event::AuthRefused("PLAIN".into())));
    assert_eq!(dialogue.event(""), uninvited("anna"));
    assert_eq!(dialogue.event("dGludGU=\r\n"), uninvited("tinte"));
    assert_eq!(dialogue.event("dGludGU=\r\n"), None, "a third one is none");
    let unknown = "-ERR Unknown command\r\n".repeat(3);
    assert_eq!(dialogue.output(), format!("-ERR [SYS/PERM] Passwords are taken inside TLS only\r\n{unknown}"));
    for between in ["NOOP", "!"] {
        let mut dialogue = Dialogue::in_clear();
        assert_eq!(dialogue.event("AUTH PLAIN\r\n"), Some(Event::AuthRefused("PLAIN".into())));
        assert_eq!(dialogue.event(&format!("{between}\r\nAGEAYg==\r\n")), None, "{between}");
    }
}

#[test]
#[should_panic(expected = "no sign-in that may succeed waits")]
fn a_password_in_clear_can_not_be_accepted() {
    let mut dialogue = Dialogue::in_clear();
    assert!(dialogue.command("USER anna\r\nPASS secret\r\n").is_some());
    dialogue.connection.login_succeeded("Welcome");
}

#[test]
fn auth_exchanges_base64_can_be_cancelled_and_takes_initial_responses() {
    let mut dialogue = Dialogue::in_tls();
    let Some(Command::Auth(start)) = dialogue.command("AUTH scram-sha-256\r\n") else { panic!() };
    assert_eq!((start.mechanism.as_str(), start.initial_response), ("SCRAM-SHA-256", None));
    dialogue.connection.challenge(b"");
    assert_eq!(dialogue.output(), "+ \r\n");
    let Some(Command::AuthResponse(response)) = dialogue.command("bj0=\r\n") else { panic!() };
    assert_eq!(response.expose(), b"n=");
    dialogue.connection.challenge(b"r=1");
    assert_eq!(dialogue.output(), "+ cj0x\r\n");
    assert_eq!(dialogue.event("*\r\n"), Some(Event::AuthAborted));
    assert_eq!(dialogue.output(), "-ERR Cancelled\r\n");
    let Some(Command::Auth(start)) = dialogue.command("AUTH PLAIN =\r\n") else { panic!() };
    assert_eq!(start.initial_response.unwrap().expose(), b"");
    dialogue.connection.challenge(b"");
    dialogue.output();
    assert_eq!(dialogue.event("no base64\r\n"), Some(Event::AuthAborted));
    assert_eq!(dialogue.output(), "-ERR The response is not valid base64\r\n");
    assert!(dialogue.command("AUTH PLAIN AGEAYg==\r\n").is_some());
    dialogue.connection.login_succeeded("");
    assert_eq!(dialogue.output(), "+OK\r\n");
    assert_eq!(dialogue.answer("AUTH PLAIN\r\n"), "-ERR You are signed in already\r\n");
}

#[test]
fn auth_lines_are_bounded_at_their_own_limit() {
    let limits = Limits { auth_line_max: 400, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let mut dialogue = Dialogue::with(options, policy(Tls::Active, Rule::Offered));
    let line = |length: usize| format!("AUTH PLAIN {}\r\n", "A".repeat(length - 13));
    assert!(dialogue.command(&line(397)).is_some(), "384 is a multiple of 4");
    dialogue.connection.challenge(b"");
    dialogue.output();
    assert!(dialogue.command(&format!("{}\r\n", "A".repeat(396))).is_some());
    dialogue.connection.challenge(b"");
    dialogue.output();
    assert_eq!(dialogue.event(&format!("{}\r\n", "A".repeat(399))), Some(Event::AuthAborted));
    assert_eq!(dialogue.output(), "-ERR The line is too long\r\n");
    assert_eq!(dialogue.answer(&line(401)), "-ERR The line is too long\r\n");
}

#[test]
fn a_response_that_nobody_asked_for_may_be_as_long_as_one_that_was() {
    let limits = Limits { auth_line_max: 402, ..Limits::default() };
    let options = Options { limits, ..Options::default() };
    let line = |length: usize| format!("{}\r\n", "A".repeat(length));
    for (length, is_heard) in [(400, true), (404, false)] {
        let mut dialogue = Dialogue::with(options.clone(), policy(Tls::Offered, Rule::RefusedInClear));
        assert!(dialogue.event("AUTH PLAIN\r\n").is_some());
        assert_eq!(matches!(dialogue.event(&line(length)), Some(Event::Uninvited(_))), is_heard, "{length}");
    }
    let mut dialogue = Dialogue::in_clear();
    assert_eq!(dialogue.event(&line(400)), None);
    assert_eq!(dialogue.output(), "-ERR The line is too long\r\n", "where none was refused, it is a command");
}

#[test]
fn a_password_of_the_greatest_length_is_heard_in_tls_and_in_clear() {
    for mut dialogue in [Dialogue::in_tls(), Dialogue::in_clear()] {
        let line = |length: usize| format!("PASS {}\r\n", "x".repeat(length));
        dialogue.event("USER anna\r\n");
        let Some(Command::Password(attempt)) = dialogue.command(&line(types::PASSWORD_MAX)) else { panic!() };
        assert_eq!(attempt.password.expose().len(), types::PASSWORD_MAX);
        dialogue.connection.login_failed(ResponseCode::Auth, "No");
        dialogue.output();
        assert_eq!(dialogue.answer(&line(types::PASSWORD_MAX + 1)), "-ERR The line is too long\r\n");
    }
}

#[test]
fn unknown_mechanisms_and_malformed_auth_are_refused() {
    let mut dialogue = Dialogue::in_tls();
    assert_eq!(dialogue.answer("AUTH X-NONE\r\n"), "-ERR This mechanism is not offered\r\n");
    assert_eq!(dialogue.answer("AUTH\r\n"), "-ERR A mechanism is needed\r\n");
    assert_eq!(dialogue.answer("AUTH pl/ain\r\n"), "-ERR A mechanism is needed\r\n");
    assert_eq!(dialogue.answer("AUTH PLAIN !!!!\r\n"), "-ERR The response is not valid base64\r\n");
    assert_eq!(dialogue.answer("AUTH PLAIN AAAA B\r\n"), "-ERR This command takes no argument\r\n");
}

#[test]
fn capa_says_what_holds_in_each_state() {
    let tail = "RESP-CODES\r\nAUTH-RESP-CODE\r\nPIPELINING\r\nEXPIRE NEVER\r\nIMPLEMENTATION Postamt\r\n.\r\n";
    let head = "+OK Capabilities follow\r\nTOP\r\nUIDL\r\n";
    assert_eq!(Dialogue::in_clear().answer("CAPA\r\n"), format!("{head}STLS\r\nUTF8 USER\r\nLANG\r\n{tail}"));
    let offered = format!("{head}USER\r\nSASL SCRAM-SHA-256 PLAIN\r\nUTF8 USER\r\nLANG\r\n{tail}");
    assert_eq!(Dialogue::in_tls().answer("capa\r\n"), offered);
    assert_eq!(Dialogue::signed_in().answer("CAPA\r\n"), offered);
    let mut options = Options { expire: Some(Expire::Days(60)), ..Options::default() };
    options.login_delay = Some(LoginDelay::AtMost(Duration::from_mins(15)));
    let mut dialogue = Dialogue::with(options, policy(Tls::Unavailable, Rule::Off));
    let answer = dialogue.answer("CAPA\r\n");
    assert!(answer.contains("\r\nEXPIRE 60\r\nLOGIN-DELAY 900 USER\r\n") && !answer.contains("STLS"), "{answer}");
    assert_eq!(dialogue.answer("STLS\r\n"), "-ERR STLS is not offered here\r\n");
    assert_eq!(dialogue.answer("USER a\r\n"), "-ERR USER is not offered here\r\n");
    assert_eq!(dialogue.answer("PASS a\r\n"), "-ERR PASS is not offered here\r\n");
}

#[test]
fn stls_discards_what_came_before_tls() {
    let mut dialogue = Dialogue::in_clear();
    dialogue.answer("USER mallory\r\n");
    assert_eq!(dialogue.event("STLS\r\nUSER mallory\r\nPASS x\r\nSTAT"), Some(Event::StartTls));
    assert_eq!(dialogue.output(), "+OK Begin TLS\r\n");
    assert_eq!(dialogue.event("USER mallory\r\n"), None, "still before TLS");
    dialogue.connection.tls_started(policy(Tls::Active, Rule::Offered), dialogue.now);
    assert_eq!((dialogue.event(""), dialogue.connection.waiting()), (None, 0));
    assert_eq!(dialogue.answer("PASS x\r\n"), "-ERR USER comes before PASS\r\n");
    assert_eq!(dialogue.answer("STLS\r\n"), "-ERR TLS runs already\r\n");
    assert_eq!(dialogue.answer("USER anna\r\n"), "+OK Password, please\r\n");
}

#[test]
fn lang_lists_and_chooses_and_keeps_what_was_when_it_cannot() {
    let mut dialogue = Dialogue::in_tls();
    assert_eq!(dialogue.answer("LANG\r\n"), "+OK Languages follow\r\nen English\r\nde Deutsch\r\n.\r\n");
    assert_eq!(dialogue.answer("LANG MUL\r\n"), "-ERR There is no such language\r\n");
    assert_eq!(dialogue.answer("lang de-AT\r\n"), "+OK de Ab jetzt in dieser Sprache\r\n");
    assert_eq!(dialogue.answer("LANG mul\r\n"), "-ERR Diese Sprache gibt es hier nicht\r\n");
    assert_eq!(dialogue.answer("LANG d_e\r\n"), "-ERR Eine Sprache wird gebraucht\r\n");
    assert_eq!(dialogue.answer("CAPA x\r\n"), "-ERR Dieser Befehl nimmt kein Argument\r\n");
    assert_eq!(dialogue.answer("LANG *\r\n"), "+OK en From now on in this language\r\n");
    assert!(dialogue.command("USER anna\r\nPASS x\r\n").is_some());
    dialogue.connection.login_succeeded("The maildrop is open");
    dialogue.connection.set_preferred_language(Language::German);
    dialogue.output();
    assert_eq!(dialogue.answer("LANG *\r\n"), "+OK de Ab jetzt in dieser Sprache\r\n");
    dialogue.command("LIST\r\n");
    dialogue.connection.begin_list("Sizes follow");
    dialogue.connection.end_list();
    assert_eq!(dialogue.output(), "+OK Die Größen folgen\r\n.\r\n");
}

#[test]
fn utf8_is_said_before_the_sign_in_and_after_stls() {
    let mut dialogue = Dialogue::in_clear();
    assert_eq!(dialogue.answer("UTF8 now\r\n"), "-ERR This command takes no argument\r\n");
    assert!(!dialogue.connection.is_utf8());
    assert_eq!(
        dialogue.answer("LANG de\r\nUTF8\r\n"),
        "+OK de Ab jetzt in dieser Sprache\r\n+OK Ab jetzt in UTF-8\r\n"
    );
    assert!(dialogue.connection.is_utf8());
    assert_eq!(dialogue.answer("STLS\r\n"), "-ERR STLS kommt vor UTF8\r\n");
    let mut dialogue = Dialogue::in_clear();
    dialogue.answer("LANG de\r\n");
    assert_eq!(dialogue.event("STLS\r\n"), Some(Event::StartTls));
    dialogue.output();
    dialogue.connection.tls_started(policy(Tls::Active, Rule::Offered), dialogue.now);
    assert_eq!(dialogue.answer("UTF8\r\n"), "+OK From now on in UTF-8\r\n", "RFC 2595 §4: the language is forgotten");
    let Some(Command::Password(attempt)) = dialogue.command("USER j\u{f6}rg\r\nPASS p\u{e4}ss\r\n") else { panic!() };
    assert_eq!((attempt.user.as_str(), attempt.password.expose().as_slice()), ("j\u{f6}rg", "p\u{e4}ss".as_bytes()));
    dialogue.connection.login_succeeded("");
    assert!(dialogue.connection.is_utf8());
}

#[test]
fn commands_belong_to_their_states() {
    let mut dialogue = Dialogue::in_tls();
    for verb in ["STAT", "LIST", "UIDL", "RETR 1", "TOP 1 0", "DELE 1", "NOOP", "RSET"] {
        assert_eq!(dialogue.answer(&format!("{verb}\r\n")), "-ERR Sign in first\r\n", "{verb}");
    }
    let mut dialogue = Dialogue::signed_in();
    for verb in ["USER a", "PASS a", "AUTH PLAIN", "STLS", "UTF8"] {
        assert_eq!(dialogue.answer(&format!("{verb}\r\n")), "-ERR You are signed in already\r\n", "{verb}");
    }
}

#[test]
fn every_command_of_the_transaction_state_comes_out_typed() {
    let mut dialogue = Dialogue::signed_in();
    for (line, command) in [
        ("STAT", Command::Stat),
        ("stat ", Command::Stat),
        ("LIST", Command::List(None)),
        ("LIST 3", Command::List(Some(number(3)))),
        ("UIDL", Command::Uidl(None)),
        ("UIDL 4294967295", Command::Uidl(Some(number(u32::MAX)))),
        ("RETR 007", Command::Retr(number(7))),
        ("TOP 1 0", Command::Top(Top { message: number(1), lines: 0 })),
        ("DELE 2", Command::Dele(number(2))),
        ("RSET", Command::Rset),
        ("QUIT", Command::Quit),
    ] {
        assert_eq!(dialogue.command(&format!("{line}\r\n")), Some(command), "{line}");
        dialogue.connection.err(None, "No");
        assert_eq!(dialogue.output(), "-ERR No\r\n");
    }
    assert_eq!(dialogue.event(""), Some(Event::Closed(CloseReason::Quit)), "QUIT ends it, whatever the answer");
    let mut dialogue = Dialogue::signed_in();
    assert_eq!(dialogue.answer("noop\r\n"), "+OK\r\n");
    assert_eq!(dialogue.answer("NOOP\n"), "+OK\r\n", "a bare LF ends a command");
    for line in ["RETR", "RETR 0", "RETR -1", "RETR x", "RETR 4294967296", "DELE 1 2", "LIST 0", "UIDL a"] {
        assert_eq!(dialogue.answer(&format!("{line}\r\n")), "-ERR A message number is needed\r\n", "{line}");
    }
    for line in ["TOP", "TOP 1", "TOP 1 x", "TOP 1 2 3"] {
        let answer = dialogue.answer(&format!("{line}\r\n"));
        assert_eq!(answer, "-ERR TOP needs a message number and a number of lines\r\n", "{line}");
    }
}

#[test]
fn lists_and_messages_are_multi_line_answers() {
    let mut dialogue = Dialogue::signed_in();
    assert_eq!(dialogue.command("LIST\r\n"), Some(Command::List(None)));
    dialogue.connection.begin_list("2 messages");
    dialogue.connection.list_line(number(1), Octets(120));
    dialogue.connection.list_line(number(2), Octets(200));
    dialogue.connection.end_list();
    assert_eq!(dialogue.output(), "+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n");
    dialogue.command("LIST 2\r\n");
    dialogue.connection.list_one(number(2), Octets(200));
    dialogue.command("UIDL 2\r\n");
    dialogue.connection.uidl_one(number(2), "a1");
    assert_eq!(dialogue.output(), "+OK 2 200\r\n+OK 2 a1\r\n");
    dialogue.command("UIDL\r\n");
    dialogue.connection.begin_list("");
    dialogue.connection.uidl_line(number(1), "a0");
    dialogue.connection.end_list();
    assert_eq!(dialogue.output(), "+OK\r\n1 a0\r\n.\r\n");
    dialogue.command("RETR 1\r\n");
    dialogue.connection.begin_message("11 octets");
    assert_eq!(dialogue.connection.message_chunk(b"A: b\r\n\r\n.c"), Progress::More);
    dialogue.connection.end_message();
    assert_eq!(dialogue.output(), "+OK 11 octets\r\nA: b\r\n\r\n..c\r\n.\r\n");
    dialogue.command("TOP 1 0\r\n");
    dialogue.connection.begin_message("");
    assert_eq!(dialogue.connection.message_chunk(b"A: b\r\n\r\n.c"), Progress::Enough);
    dialogue.connection.end_message();
    assert_eq!(dialogue.output(), "+OK\r\nA: b\r\n\r\n.\r\n");
    dialogue.command("TOP 9 0\r\n");
    dialogue.connection.err(None, "No such message");
    dialogue.command("RETR 1\r\n");
    dialogue.connection.begin_message("");
    assert_eq!(dialogue.connection.message_chunk(b"\r\nx\r\n"), Progress::More, "the TOP before it is forgotten");
    dialogue.connection.end_message();
    assert_eq!(dialogue.output(), "-ERR No such message\r\n+OK\r\n\r\nx\r\n.\r\n");
}

#[test]
fn quit_before_the_sign_in_just_ends() {
    let mut dialogue = Dialogue::in_tls();
    assert_eq!(dialogue.event("QUIT\r\nNOOP\r\n"), Some(Event::Closed(CloseReason::Quit)));
    assert_eq!(dialogue.output(), "+OK Bye\r\n");
    assert_eq!((dialogue.event("NOOP\r\n"), dialogue.connection.waiting()), (None, 0));
}

#[test]
fn a_command_line_has_255_octets_and_no_more() {
    let mut dialogue = Dialogue::in_tls();
    let line = |length: usize| format!("USER {}\r\n", "a".repeat(length - 7));
    assert_eq!(dialogue.answer(&line(255)), "+OK Password, please\r\n");
    assert_eq!(dialogue.answer(&line(256)), "-ERR The line is too long\r\n");
    assert_eq!(dialogue.answer(&"x".repeat(10_000)), "-ERR The line is too long\r\n");
    assert_eq!(dialogue.answer(&"y".repeat(10_000)), "", "told once");
    assert_eq!(dialogue.connection.waiting(), 0);
    assert_eq!(dialogue.answer("z\r\nUSER a\r\n"), "+OK Password, please\r\n");
}

#[test]
fn input_and_own_output_are_bounded() {
    let mut dialogue = Dialogue::signed_in();
    let flood = b"STAT\r\n".repeat(10_000);
    let max = crate::limits::INPUT_MAX;
    assert_eq!(dialogue.connection.receive(dialogue.now, &flood), max);
    assert_eq!(dialogue.connection.receive(dialogue.now, &flood), 0);
    assert!(dialogue.connection.poll_event().is_some());
    assert_eq!(dialogue.connection.receive(dialogue.now, &flood), 6);
    let limits = Limits { commands_before_login_max: u32::MAX, ..Limits::default() };
    let mut dialogue = Dialogue::with(Options { limits, ..Options::default() }, policy(Tls::Active, Rule::Offered));
    let mut fed = 0;
    while fed < 60_000 {
        fed += dialogue.connection.receive(dialogue.now, &b"CAPA\r\n".repeat(10_000));
        assert_eq!(dialogue.connection.poll_event(), None);
        assert!(dialogue.connection.output().len() < crate::limits::OUTPUT_MAX + 1000);
        dialogue.connection.take_output();
    }
}

#[test]
fn too_many_errors_end_the_connection() {
    let mut dialogue = Dialogue::in_tls();
    for error in 0..crate::limits::ERRORS_MAX {
        assert_eq!(dialogue.answer("XYZZY\r\n"), "-ERR Unknown command\r\n", "{error}");
    }
    assert_eq!(dialogue.event("\r\n"), Some(Event::Closed(CloseReason::TooManyErrors)));
}

#[test]
fn who_never_signs_in_is_ended() {
    let mut dialogue = Dialogue::in_tls();
    for _ in 0..crate::limits::COMMANDS_BEFORE_LOGIN_MAX {
        assert!(dialogue.answer("CAPA\r\n").starts_with("+OK"));
    }
    assert_eq!(dialogue.event("CAPA\r\n"), Some(Event::Closed(CloseReason::TooManyCommands)));
    assert_eq!(dialogue.output(), "-ERR Too many commands without a sign-in\r\n");
    let mut dialogue = Dialogue::signed_in();
    for _ in 0..1000 {
        assert_eq!(dialogue.answer("NOOP\r\n"), "+OK\r\n");
    }
}

#[test]
fn a_unique_id_writes_no_lines_of_its_own() {
    let mut dialogue = Dialogue::signed_in();
    dialogue.command("UIDL 1\r\n");
    dialogue.connection.uidl_one(number(1), "a\r\n.\r\n-b");
    assert_eq!(dialogue.output(), "+OK 1 a??.??-b\r\n");
}

#[test]
fn idle_connections_end_silently_at_their_time() {
    let mut dialogue = Dialogue::in_tls();
    let deadline = dialogue.connection.next_deadline().unwrap();
    assert_eq!(deadline, dialogue.now + crate::limits::IDLE_BEFORE_LOGIN);
    dialogue.now += Duration::from_mins(1);
    dialogue.answer("USER an");
    assert_eq!(dialogue.connection.next_deadline(), Some(deadline), "half a line buys no time");
    dialogue.answer("na\r\n");
    assert_eq!(dialogue.connection.next_deadline(), Some(deadline + Duration::from_mins(1)));
    assert!(dialogue.command("PASS x\r\n").is_some());
    assert_eq!(dialogue.connection.next_deadline(), None, "it is the session's turn");
    dialogue.connection.login_succeeded("");
    dialogue.now += Duration::from_mins(2);
    dialogue.connection.flushed(dialogue.now);
    dialogue.output();
    let deadline = dialogue.connection.next_deadline().unwrap();
    assert_eq!(deadline, dialogue.now + crate::limits::IDLE);
    dialogue.connection.handle_timeout(deadline.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(dialogue.event(""), None);
    dialogue.connection.handle_timeout(deadline);
    assert_eq!(dialogue.event(""), Some(Event::Closed(CloseReason::IdleTimeout)));
    assert_eq!(dialogue.output(), "");
}

#[test]
fn the_greeting_never_looks_like_apop() {
    let options = Options { greeting: "hi <1.2@x>".into(), ..Options::default() };
    let mut connection = Connection::new(options, policy(Tls::Active, Rule::Offered), Instant::now());
    assert_eq!(&connection.take_output()[..], b"+OK hi 1.2@x\r\n");
}
