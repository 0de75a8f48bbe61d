//! SASL, IDLE and STARTTLS.

use super::harness::{Driver, in_clear, inside_tls};
use crate::command::{Authenticate, Betrayed, Command};
use crate::connection::{Event, InjectedBeforeTls, Tag};
use crate::limits::Limits;
use crate::response::{Code, Status};
use types::Secret;

fn response(text: &str) -> Event {
    Event::SaslResponse(Secret::new(text.as_bytes().to_vec()))
}

#[test]
fn a_sasl_exchange_goes_back_and_forth_in_base64() {
    let mut driver = Driver::new(inside_tls());
    driver.receive("a AUTHENTICATE SCRAM-SHA-256\r\n");
    assert!(matches!(driver.command(), (_, Command::Authenticate(_))));
    let tag = Tag::new("a");
    driver.connection.challenge(&tag, b"");
    assert_eq!(driver.output(), "+ \r\n");
    driver.receive("biws\r\n");
    assert_eq!(driver.poll(), Some(response("n,,")));
    assert_eq!(driver.poll(), None);
    driver.connection.challenge(&tag, b"r=1");
    driver.receive("\r\nb NOOP\r\n");
    assert_eq!(driver.poll(), Some(response("")));
    driver.connection.authenticated();
    let code = Code::Capability(driver.connection.capabilities());
    driver.connection.finish(&tag, &Status::ok("Welcome").with_code(code));
    assert_eq!(driver.command().0, "b");
    assert!(driver.output().starts_with("+ cj0x\r\na OK [CAPABILITY IMAP4rev1 "));
}

#[test]
fn a_sasl_exchange_can_be_cancelled_and_must_be_base64() {
    for (line, answer) in
        [("*", "AUTHENTICATE was cancelled"), ("!", "The response is not base64"), ("* ", "The response is not base64")]
    {
        let mut driver = Driver::new(inside_tls());
        driver.receive("a AUTHENTICATE PLAIN\r\n");
        driver.command();
        driver.connection.challenge(&Tag::new("a"), b"");
        driver.receive(&format!("{line}\r\nb NOOP\r\n"));
        assert_eq!(driver.poll(), Some(Event::Aborted));
        assert_eq!(driver.command().0, "b");
        assert_eq!(driver.output(), format!("+ \r\na BAD {answer}\r\n"));
    }
}

#[test]
fn a_sasl_line_has_a_limited_length() {
    let limits = Limits { sasl_line_max: types::Octets(10), ..Limits::default() };
    for (line, ends) in
        [("YWFhYQ==\r\n", false), ("YWFhYWFh\r\n", false), ("YWFhYWFhYWFh\r\n", true), ("YWFhYWFhYWFhYWFh", true)]
    {
        let mut driver = Driver::with_limits(limits.clone(), inside_tls());
        driver.receive("a AUTHENTICATE PLAIN\r\n");
        driver.command();
        driver.connection.challenge(&Tag::new("a"), b"");
        driver.receive(line);
        assert_eq!(driver.poll() == Some(Event::Aborted), ends, "{line}");
        driver.receive("\r\nb NOOP\r\n");
        if ends {
            assert!(driver.poll().is_none() || driver.output().contains("a BAD"), "the rest of the line is no command");
        }
    }
}

#[test]
fn what_may_not_be_sent_in_clear_is_handed_over_to_be_burnt() {
    let mut driver = Driver::new(in_clear());
    driver.receive("a LOGIN anna tinte\r\nb AUTHENTICATE PLAIN AGEAYg==\r\n");
    let Some(Event::RefusedLogin { tag, login }) = driver.poll() else { panic!("LOGIN is disabled") };
    assert_eq!((tag.as_str(), &*login.user, &login.password.expose()[..]), ("a", "anna", &b"tinte"[..]));
    driver.connection.finish(&tag, &Status::no(Code::PrivacyRequired, "Not without TLS"));
    let Some(Event::RefusedAuthenticate { tag, authenticate }) = driver.poll() else { panic!("PLAIN is not offered") };
    assert_eq!((&*authenticate.mechanism, authenticate.initial_response.is_some()), ("PLAIN", true));
    driver.connection.finish(&tag, &Status::no(Code::PrivacyRequired, "Not without TLS"));
    assert_eq!(driver.output(), "a NO [PRIVACYREQUIRED] Not without TLS\r\nb NO [PRIVACYREQUIRED] Not without TLS\r\n");
}

#[test]
fn a_response_that_nobody_asked_for_is_handed_over_to_be_burnt() {
    let uninvited = |text: &str| Some(Event::Uninvited(Secret::new(text.as_bytes().to_vec())));
    let mut driver = Driver::new(in_clear());
    driver.receive("a AUTHENTICATE LOGIN\r\nYW5uYQ==\r\ndGludGU=\r\ndGludGU=\r\nb NOOP\r\n");
    let Some(Event::RefusedAuthenticate { tag, .. }) = driver.poll() else { panic!("LOGIN is not offered") };
    driver.connection.finish(&tag, &Status::no(Code::PrivacyRequired, "Not without TLS"));
    assert_eq!(driver.poll(), uninvited("anna"));
    assert_eq!(driver.poll(), uninvited("tinte"));
    assert_eq!(driver.command().0, "b", "a third one is none");
    let heard = driver.output();
    assert_eq!(heard.matches(" BAD ").count(), 3, "{heard}");
    // Behind another command, or one that is no base64, it is none either.
    for between in ["c NOOP", "!"] {
        let mut driver = Driver::new(in_clear());
        driver.receive(&format!("a AUTHENTICATE PLAIN\r\n{between}\r\nAGEAYg==\r\nz NOOP\r\n"));
        driver.poll();
        driver.connection.finish(&Tag::new("a"), &Status::no(Code::PrivacyRequired, "Not without TLS"));
        if between == "c NOOP" {
            assert_eq!(driver.command().0, "c");
            driver.connection.finish(&Tag::new("c"), &Status::ok("Done"));
        }
        assert_eq!(driver.command().0, "z");
    }
}

fn initial(authenticate: &Authenticate) -> Option<&[u8]> {
    authenticate.initial_response.as_ref().map(|response| response.expose().as_slice())
}

#[test]
fn no_literal_is_asked_for_that_would_bring_a_response() {
    // RFC 3501 §9: AUTHENTICATE has no literal.
    let no = "a NO [PRIVACYREQUIRED] Passwords are taken inside TLS only\r\n";
    for (policy, answer) in [(in_clear(), no), (inside_tls(), "a BAD AUTHENTICATE takes no literal\r\n")] {
        for line in ["a AUTHENTICATE PLAIN {28}", "a AUTHENTICATE {5}", "a authenticate plain x {28}"] {
            let mut driver = Driver::new(policy.clone());
            driver.receive(&format!("{line}\r\n"));
            assert_eq!(driver.poll(), None, "{line}");
            assert_eq!(driver.output(), answer, "{line}");
            driver.receive("b NOOP\r\n");
            assert_eq!(driver.command().0, "b", "who waited goes on with a command");
        }
    }
    let mut driver = Driver::new(inside_tls());
    driver.receive("a AUTHENTICATE PLAIN {8+}\r\nAGEAYg==\r\nb NOOP\r\n");
    assert_eq!(driver.command().0, "b", "what is on its way is thrown away");
    assert_eq!(driver.output(), "a BAD AUTHENTICATE takes no literal\r\n");
}

#[test]
fn a_response_in_a_literal_is_handed_over_to_be_burnt() {
    for argument in ["{8+}\r\nAGEAYg==", "{4+}\r\n\0a\0b"] {
        let mut driver = Driver::new(in_clear());
        driver.receive(&format!("a AUTHENTICATE PLAIN {argument}\r\nb NOOP\r\n"));
        let Some(Event::RefusedAuthenticate { tag, authenticate }) = driver.poll() else { panic!("it is not offered") };
        assert_eq!((&*authenticate.mechanism, initial(&authenticate)), ("PLAIN", Some(&b"\0a\0b"[..])));
        driver.connection.finish(&tag, &Status::no(Code::PrivacyRequired, "Not without TLS"));
        assert_eq!(driver.command().0, "b");
        assert_eq!(driver.output(), "a NO [PRIVACYREQUIRED] Not without TLS\r\n");
    }
    // Without waiting to be asked.
    for argument in ["{8}\r\nAGEAYg==", "{4}\r\n\0a\0b"] {
        let mut driver = Driver::new(in_clear());
        driver.receive(&format!("a AUTHENTICATE PLAIN {argument}\r\nb NOOP\r\n"));
        let Some(Event::Betrayed(Betrayed::Authenticate(authenticate))) = driver.poll() else { panic!("{argument:?}") };
        assert_eq!((&*authenticate.mechanism, initial(&authenticate)), ("PLAIN", Some(&b"\0a\0b"[..])));
        assert_eq!(driver.command().0, "b");
    }
}

#[test]
fn a_login_that_did_not_wait_to_be_asked_is_handed_over_to_be_burnt() {
    for arguments in [
        "{4}\r\nanna {5}\r\ntinte",
        "{4}\r\nanna tinte",
        "{4}\r\nanna \"tinte\"",
        "{4}\r\nanna {5+}\r\ntinte",
        "{4+}\r\nanna {5}\r\ntinte",
        "anna {5}\r\ntinte",
        "\"anna\" {5}\r\ntinte",
    ] {
        let mut driver = Driver::new(in_clear());
        driver.receive(&format!("a LOGIN {arguments}\r\nb NOOP\r\n"));
        let Some(Event::Betrayed(Betrayed::Login(login))) = driver.poll() else { panic!("{arguments:?}") };
        assert_eq!((&*login.user, &login.password.expose()[..]), ("anna", &b"tinte"[..]), "{arguments:?}");
        assert_eq!(driver.command().0, "b", "{arguments:?}");
        let heard = driver.output();
        assert!(heard.starts_with("a NO [PRIVACYREQUIRED] ") && !heard.contains('+'), "{arguments:?}: {heard}");
    }
    // Who waited, and goes on with a command, said no more.
    let mut driver = Driver::new(in_clear());
    driver.receive("a LOGIN anna {5}\r\nb NOOP\r\ntinte\r\nc NOOP\r\n");
    assert_eq!(driver.command().0, "b");
    driver.ok("b");
    assert_eq!(driver.command().0, "c");
    assert!(driver.connection.unasked.is_empty());
}

#[test]
fn of_a_sign_in_that_was_not_waited_for_no_more_is_kept_than_a_command_may_have() {
    let limits = Limits { command_before_login_max: types::Octets(40), ..Limits::default() };
    for (user, kept) in [("x".repeat(17), 40), ("x".repeat(18), 0)] {
        let mut driver = Driver::with_limits(limits.clone(), in_clear());
        driver.receive(&format!("a LOGIN {{99}}\r\n{user} {{5555}}\r\n"));
        assert_eq!(driver.poll(), None);
        assert_eq!(driver.connection.unasked.len(), kept);
    }
}

#[test]
fn a_sign_in_in_clear_that_is_misspelt_is_handed_over_to_be_burnt() {
    for arguments in ["anna blaue tinte", "anna bl\u{e4}ue", "anna (tinte)[1]", "anna \"ti\"nte\""] {
        let mut driver = Driver::new(in_clear());
        driver.receive(&format!("a LOGIN {arguments}\r\n"));
        let Some(Event::RefusedLogin { login, .. }) = driver.poll() else { panic!("{arguments}") };
        let password = arguments.strip_prefix("anna ").unwrap().trim_matches('"');
        assert_eq!((&*login.user, &login.password.expose()[..]), ("anna", password.as_bytes()));
        // Inside TLS it is as bad as ever.
        let mut driver = Driver::new(inside_tls());
        driver.receive(&format!("a LOGIN {arguments}\r\n"));
        assert_eq!(driver.poll(), None);
        assert!(driver.output().starts_with("a BAD "), "{arguments}");
    }
    let mut driver = Driver::new(in_clear());
    driver.receive("a AUTHENTICATE PLAIN AGEAYg and more\r\n");
    let Some(Event::RefusedAuthenticate { authenticate, .. }) = driver.poll() else { panic!("it is not offered") };
    assert_eq!(initial(&authenticate), Some(&b"\0a\0b"[..]));
}

#[test]
fn idle_lasts_until_done() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a IDLE\r\n");
    assert_eq!(driver.command().1, Command::Idle);
    driver.connection.idle(&Tag::new("a"));
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.connection.next_deadline().map(|d| d.as_secs()), Some(1800));
    driver.receive("done\r\nb NOOP\r\n");
    assert_eq!(driver.poll(), Some(Event::IdleDone));
    assert_eq!(driver.poll(), None);
    driver.ok("a");
    assert_eq!(driver.command().0, "b");
    assert_eq!(driver.output(), "+ idling\r\na OK done\r\n");
}

#[test]
fn idle_that_ends_in_something_else_is_bad() {
    for text in ["b NOOP\r\n", "DONE x\r\n", "\r\n", &format!("{}\r\n", "x".repeat(100)), "a {5}\r\n"] {
        let mut driver = Driver::logged_in(Limits::default());
        driver.receive("a IDLE\r\n");
        driver.command();
        driver.connection.idle(&Tag::new("a"));
        driver.receive(text);
        assert_eq!(driver.poll(), Some(Event::Aborted), "{text}");
        driver.receive("c NOOP\r\n");
        assert_eq!(driver.command().0, "c");
        assert_eq!(driver.output(), "+ idling\r\na BAD IDLE ends with DONE\r\n");
    }
}

#[test]
fn what_stands_behind_compress_is_the_beginning_of_the_compressed_stream() {
    let mut driver = Driver::logged_in(Limits::default());
    driver.receive("a compress deflate\r\nb NO");
    assert_eq!(driver.command(), ("a".into(), Command::Compress));
    assert_eq!(&driver.connection.begin_compression(&Tag::new("a"))[..], b"b NO");
    assert_eq!(driver.output(), "a OK Compressed from here on\r\n");
    driver.receive("c NOOP\r\nd COMPRESS GZIP\r\n");
    assert_eq!(driver.command(), ("c".into(), Command::Noop));
    driver.ok("c");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.output(), "c OK done\r\nd BAD DEFLATE is the only way to compress\r\n");
}

#[test]
fn starttls_forgets_everything() {
    let mut driver = Driver::new(in_clear());
    driver.receive("a STARTTLS\r\n");
    assert_eq!(driver.command(), ("a".into(), Command::StartTls));
    assert_eq!(driver.connection.begin_tls(&Tag::new("a")), Ok(()));
    assert_eq!(driver.output(), "a OK Begin TLS now\r\n");
    assert!(!driver.connection.wants_input());
    assert_eq!(driver.connection.tls_established(inside_tls(), driver.now), Ok(()));
    driver.receive("b STARTTLS\r\nc LOGIN anna tinte\r\n");
    assert!(matches!(driver.command(), (tag, Command::Login(_)) if tag == "c"));
    assert_eq!(driver.output(), "b BAD STARTTLS is not offered here\r\n");
}

#[test]
fn nothing_gets_in_between_starttls_and_tls() {
    // Behind the command, in one packet with it.
    let mut driver = Driver::new(in_clear());
    driver.receive("a STARTTLS\r\nb LOGIN anna tinte\r\n");
    assert_eq!(driver.poll(), None);
    assert!(driver.connection.is_closed());
    let refused = "a BAD [CLIENTBUG] Nothing may follow STARTTLS before TLS stands\r\n* BYE Closing\r\n";
    assert_eq!(driver.output(), refused);
    // Before the OK.
    let mut driver = Driver::new(in_clear());
    driver.receive("a STARTTLS\r\n");
    driver.command();
    driver.receive("b");
    assert_eq!(driver.connection.begin_tls(&Tag::new("a")), Err(InjectedBeforeTls));
    assert_eq!(driver.output(), refused);
    // Behind the OK.
    let mut driver = Driver::new(in_clear());
    driver.receive("a STARTTLS\r\n");
    driver.command();
    assert_eq!(driver.connection.begin_tls(&Tag::new("a")), Ok(()));
    driver.receive("b NOOP\r\n");
    assert_eq!(driver.poll(), None);
    assert_eq!(driver.connection.tls_established(inside_tls(), driver.now), Err(InjectedBeforeTls));
    assert_eq!(driver.poll(), None);
    assert!(driver.connection.is_closed());
    assert!(driver.output().contains("* BYE [CLIENTBUG]"));
}
