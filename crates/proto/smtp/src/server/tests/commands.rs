//! Each command: what it leads to, its refusals and their codes.

use super::*;
use crate::Body;

fn mail(dialogue: &mut Dialogue, line: &str) -> Mail {
    match dialogue.event(format!("{line}\r\n")) {
        Some(Event::Mail(mail)) => mail,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_greeting_comes_when_the_session_wants_and_early_talkers_are_noted() {
    let now = Instant::now();
    let policy = policy(Tls::Offered, Rule::Off, MailNeeds::Nothing);
    let mut server = Server::new(Options::new(Role::Mx, "mx.example"), policy.clone(), now);
    assert!(!server.is_early_talker());
    assert_eq!(server.receive(now, b"EHLO x\r\n"), 8);
    assert_eq!((server.poll_event(), server.output().len(), server.is_early_talker()), (None, 0, true));
    server.greet("ready", now);
    assert_eq!(&server.take_output()[..], b"220 mx.example ESMTP ready\r\n");
    assert!(matches!(server.poll_event(), Some(Event::Hello(_))));
    let mut server = Server::new(Options::new(Role::Lmtp, "mx.example"), policy, now);
    server.turn_away(&Reply::new(554, 7, 1, "Not you"));
    assert_eq!(&server.take_output()[..], b"554 5.7.1 Not you\r\n");
    assert_eq!(server.poll_event(), Some(Event::Closed(CloseReason::TurnedAway)));
    assert_eq!(server.poll_event(), None);
}

#[test]
fn ehlo_lists_what_holds_now() {
    let mut dialogue = Dialogue::mx();
    let hello = Hello { verb: HelloVerb::Ehlo, name: "[192.0.2.1]".into() };
    assert_eq!(dialogue.event("ehlo [192.0.2.1]\r\n"), Some(Event::Hello(hello)));
    dialogue.server.accept();
    let lines =
        "250-mx.example\r\n250-PIPELINING\r\n250-SIZE 52428800\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n";
    assert_eq!(dialogue.output(), format!("{lines}250-ENHANCEDSTATUSCODES\r\n250 STARTTLS\r\n"));
    let answer = Dialogue::submission().accept("EHLO a.example\r\n");
    assert_eq!(answer, format!("{lines}250-ENHANCEDSTATUSCODES\r\n250 AUTH SCRAM-SHA-256 PLAIN\r\n"));
    let answer = Dialogue::submission_in_clear().accept("EHLO a.example\r\n");
    assert!(!answer.contains("AUTH") && answer.contains("STARTTLS"));
    assert_eq!(Dialogue::lmtp().accept("LHLO a.example\r\n"), format!("{lines}250 ENHANCEDSTATUSCODES\r\n"));
    assert_eq!(Dialogue::mx().accept("HELO a.example\r\n"), "250 mx.example\r\n");
    for bad in ["EHLO", "EHLO ", "EHLO a b", "HELO \u{e4}", &format!("EHLO {}", "a".repeat(256))] {
        let answer = Dialogue::mx().answer(&format!("{bad}\r\n"));
        assert_eq!(answer, "501 5.5.4 A domain or an address literal is needed\r\n", "{bad}");
    }
}

#[test]
fn each_role_has_its_own_hello() {
    assert_eq!(Dialogue::lmtp().answer("EHLO a\r\n"), "500 5.5.1 Unknown command\r\n");
    assert_eq!(Dialogue::lmtp().answer("HELO a\r\n"), "500 5.5.1 Unknown command\r\n");
    assert_eq!(Dialogue::mx().answer("LHLO a\r\n"), "500 5.5.1 Unknown command\r\n");
    assert_eq!(Dialogue::lmtp().answer("MAIL FROM:<>\r\n"), "503 5.5.1 LHLO comes first\r\n");
}

#[test]
fn a_hello_may_be_refused() {
    let mut dialogue = Dialogue::mx();
    dialogue.event("EHLO localhost\r\n");
    dialogue.server.refuse(&Reply::new(550, 7, 1, "That is us"));
    assert_eq!(dialogue.output(), "550 5.7.1 That is us\r\n");
    assert_eq!(dialogue.answer("MAIL FROM:<>\r\n"), "503 5.5.1 EHLO comes first\r\n");
}

#[test]
fn mail_carries_its_parameters() {
    let mut dialogue = Dialogue::mx().hello();
    let plain = mail(&mut dialogue, "mail from:<>");
    assert_eq!(plain, Mail { reverse_path: ReversePath::Null, size: None, body: Body::SevenBit, utf8: false });
    dialogue.server.refuse(&Reply::new(451, 3, 0, "Later"));
    assert_eq!(dialogue.output(), "451 4.3.0 Later\r\n");
    let all =
        mail(&mut dialogue, "MAIL FROM:<jörg@example.org> size=52428800 BODY=8bitmime SMTPUTF8 AUTH=e+3Dmc2@x.example");
    assert_eq!(all.reverse_path.to_string(), "<jörg@example.org>");
    assert_eq!((all.size, all.body, all.utf8), (Some(Octets(52_428_800)), Body::EightBitMime, true));
    dialogue.server.accept();
    assert_eq!(dialogue.output(), "250 2.1.0 Sender accepted\r\n");
    assert_eq!(dialogue.answer("MAIL FROM:<>\r\n"), "503 5.5.1 There is a MAIL already\r\n");
}

#[test]
fn malformed_mail_is_refused_with_its_code() {
    for (line, answer) in [
        ("MAIL", "501 5.5.2 MAIL FROM:<address> is needed"),
        ("MAIL TO:<a@b.example>", "501 5.5.2 MAIL FROM:<address> is needed"),
        ("MAIL FROM:a@b.example", "501 5.1.7 The sender's address is malformed"),
        ("MAIL FROM:<a>", "501 5.1.7 The sender's address is malformed"),
        ("MAIL FROM:<jörg@b.example>", "553 5.6.7 Such an address needs SMTPUTF8"),
        ("MAIL FROM:<a@bücher.example>", "553 5.6.7 Such an address needs SMTPUTF8"),
        ("MAIL FROM:<> SIZE=52428801", "552 5.3.4 The message is too large"),
        ("MAIL FROM:<> SIZE=99999999999999999999", "552 5.3.4 The message is too large"),
        ("MAIL FROM:<> SIZE", "501 5.5.4 SIZE needs a number"),
        ("MAIL FROM:<> SIZE=-1", "501 5.5.4 SIZE needs a number"),
        ("MAIL FROM:<> SIZE=123456789012345678901", "501 5.5.4 SIZE needs a number"),
        ("MAIL FROM:<> SIZE=1 size=1", "501 5.5.4 A parameter stands there twice"),
        ("MAIL FROM:<> BODY=BINARYMIME", "501 5.5.4 BODY is 7BIT or 8BITMIME"),
        ("MAIL FROM:<> SMTPUTF8=yes", "501 5.5.4 SMTPUTF8 has no value"),
        ("MAIL FROM:<> AUTH=a+3", "501 5.5.4 AUTH needs an address or <>"),
        ("MAIL FROM:<> AUTH=a+zz", "501 5.5.4 AUTH needs an address or <>"),
        ("MAIL FROM:<> RET=HDRS", "555 5.5.4 This parameter is not offered"),
        ("MAIL FROM:<> =x", "501 5.5.4 The parameters are malformed"),
        ("MAIL FROM:<> SIZE=", "501 5.5.4 The parameters are malformed"),
        ("MAIL FROM:<>SIZE=1", "501 5.5.4 The parameters are malformed"),
    ] {
        assert_eq!(Dialogue::mx().hello().answer(&format!("{line}\r\n")), format!("{answer}\r\n"), "{line}");
    }
}

#[test]
fn recipients_are_paths_or_postmaster() {
    let mut dialogue = Dialogue::mx().hello().transaction(0);
    for (line, path) in [
        ("RCPT TO:<ben@example.test>", "<ben@example.test>"),
        ("rcpt to: <@a.example:ben@example.test>", "<ben@example.test>"),
        ("RCPT TO:<postmaster>", "<Postmaster>"),
        ("RCPT TO:<\"a b\"@[192.0.2.1]>", "<\"a b\"@[192.0.2.1]>"),
    ] {
        let Some(Event::Recipient(recipient)) = dialogue.event(format!("{line}\r\n")) else { panic!("{line}") };
        assert_eq!(recipient.forward_path.to_string(), path);
        dialogue.server.accept();
        assert_eq!(dialogue.output(), "250 2.1.5 Recipient accepted\r\n");
    }
    for (line, answer) in [
        ("RCPT", "501 5.5.2 RCPT TO:<address> is needed"),
        ("RCPT TO:<>", "501 5.1.3 The recipient's address is malformed"),
        ("RCPT TO:<jörg@example.test>", "553 5.6.7 Such an address needs SMTPUTF8"),
        ("RCPT TO:<ben@example.test> NOTIFY=NEVER", "555 5.5.4 This parameter is not offered"),
        (&format!("RCPT TO:<{}@x.example>", "l".repeat(65)), "501 5.1.3 The recipient's address is too long"),
    ] {
        assert_eq!(dialogue.answer(&format!("{line}\r\n")), format!("{answer}\r\n"), "{line}");
    }
    dialogue.event("RCPT TO:<nobody@example.test>\r\n");
    dialogue.server.refuse(&Reply::new(550, 1, 1, "No such person here"));
    assert_eq!(dialogue.output(), "550 5.1.1 No such person here\r\n");
    let mut dialogue = Dialogue::mx().hello();
    dialogue.accept("MAIL FROM:<> SMTPUTF8\r\n");
    let Some(Event::Recipient(recipient)) = dialogue.event("RCPT TO:<jörg@example.test>\r\n") else { panic!() };
    assert!(matches!(recipient.forward_path, ForwardPath::Address(address) if address.needs_utf8()));
}

#[test]
fn sequence_is_kept() {
    let mut dialogue = Dialogue::mx();
    assert_eq!(dialogue.answer("MAIL FROM:<>\r\n"), "503 5.5.1 EHLO comes first\r\n");
    assert_eq!(dialogue.answer("RCPT TO:<a@b.example>\r\n"), "503 5.5.1 EHLO comes first\r\n");
    assert_eq!(dialogue.answer("STARTTLS\r\n"), "503 5.5.1 EHLO comes first\r\n");
    let mut dialogue = dialogue.hello();
    assert_eq!(dialogue.answer("RCPT TO:<a@b.example>\r\n"), "503 5.5.1 MAIL comes first\r\n");
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 MAIL comes first\r\n");
    assert_eq!(dialogue.answer("BDAT 3 LAST\r\nabcNOOP\r\n"), "503 5.5.1 MAIL comes first\r\n250 2.0.0 Fine\r\n");
    let mut dialogue = dialogue.transaction(0);
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 There is no recipient\r\n");
    dialogue.event("RCPT TO:<a@b.example>\r\n");
    dialogue.server.refuse(&Reply::new(550, 1, 1, "No"));
    dialogue.output();
    assert_eq!(dialogue.answer("DATA\r\n"), "554 5.5.1 There is no recipient\r\n");
    let mut dialogue = Dialogue::lmtp().hello().transaction(0);
    dialogue.event("RCPT TO:<a@b.example>\r\n");
    dialogue.server.refuse(&Reply::new(550, 1, 1, "No"));
    dialogue.output();
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 There is no recipient\r\n", "RFC 2033 §4.2");
}

#[test]
fn the_small_commands_are_answered_at_once() {
    let mut dialogue = Dialogue::mx().hello();
    for (line, answer) in [
        ("NOOP", "250 2.0.0 Fine"),
        ("noop whatever", "250 2.0.0 Fine"),
        ("RSET", "250 2.0.0 Forgotten"),
        ("RSET now", "501 5.5.4 This command takes no argument"),
        ("DATA now", "501 5.5.4 This command takes no argument"),
        ("QUIT now", "501 5.5.4 This command takes no argument"),
        ("STARTTLS now", "501 5.5.4 This command takes no argument"),
        ("VRFY anna", "252 2.5.0 Send a message and see"),
        ("VRFY", "501 5.5.4 VRFY needs a name"),
        ("EXPN staff", "502 5.5.1 EXPN is not offered"),
        ("HELP", "214 2.0.0 EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY EXPN HELP QUIT"),
        ("BDAT", "501 5.5.4 BDAT needs a size and perhaps LAST"),
        ("BDAT x", "501 5.5.4 BDAT needs a size and perhaps LAST"),
        ("BDAT 1 FIRST", "501 5.5.4 BDAT needs a size and perhaps LAST"),
        ("BDAT 99999999999999999999", "501 5.5.4 BDAT needs a size and perhaps LAST"),
        ("", "500 5.5.1 Unknown command"),
        ("XYZZY", "500 5.5.1 Unknown command"),
        ("NOOP\t", "500 5.5.2 There is a control character in the line"),
    ] {
        assert_eq!(dialogue.answer(&format!("{line}\r\n")), format!("{answer}\r\n"), "{line}");
    }
    assert_eq!(dialogue.event("QUIT\r\nNOOP\r\n"), Some(Event::Closed(CloseReason::Quit)));
    assert_eq!(dialogue.output(), "221 2.0.0 Bye\r\n");
    assert_eq!(dialogue.answer("NOOP\r\n"), "");
}

#[test]
fn rset_and_ehlo_end_a_transaction() {
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    assert_eq!(dialogue.event("RSET\r\n"), Some(Event::Reset));
    assert_eq!(dialogue.output(), "250 2.0.0 Forgotten\r\n");
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 MAIL comes first\r\n");
    let mut dialogue = dialogue.transaction(1).hello();
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 MAIL comes first\r\n");
}

#[test]
fn pipelined_commands_wait_for_their_turn() {
    let mut dialogue = Dialogue::mx().hello();
    dialogue.feed(b"MAIL FROM:<>\r\nRCPT TO:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nNOOP\r\nDATA\r\n");
    assert!(matches!(dialogue.server.poll_event(), Some(Event::Mail(_))));
    assert_eq!(dialogue.server.poll_event(), None);
    dialogue.server.accept();
    assert!(matches!(dialogue.server.poll_event(), Some(Event::Recipient(_))));
    dialogue.server.refuse(&Reply::new(450, 2, 0, "Later"));
    assert!(matches!(dialogue.server.poll_event(), Some(Event::Recipient(_))));
    dialogue.server.accept_with("Fine\nby me");
    assert!(matches!(dialogue.server.poll_event(), Some(Event::Data(DataStart { size: None }))));
    let head = "250 2.1.0 Sender accepted\r\n450 4.2.0 Later\r\n250-2.1.5 Fine\r\n250 2.1.5 by me\r\n";
    assert_eq!(dialogue.output(), format!("{head}250 2.0.0 Fine\r\n"));
}

#[test]
fn starttls_discards_what_came_before_tls() {
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    let injected = "STARTTLS\r\nEHLO evil.example\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<b@c.ex";
    assert_eq!(dialogue.event(injected), Some(Event::StartTls));
    assert_eq!(dialogue.output(), "220 2.0.0 Begin TLS\r\n");
    assert_eq!(dialogue.event("ample>\r\nNOOP\r\n"), None, "still before TLS");
    dialogue.server.tls_started(policy(Tls::Active, Rule::Offered, MailNeeds::Nothing), dialogue.now);
    assert_eq!((dialogue.event(""), dialogue.output().as_str()), (None, ""));
    assert_eq!(dialogue.answer("MAIL FROM:<>\r\n"), "503 5.5.1 EHLO comes first\r\n");
    let answer = dialogue.accept("EHLO a.example\r\n");
    assert!(answer.contains("AUTH SCRAM-SHA-256 PLAIN") && !answer.contains("STARTTLS"));
    assert_eq!(dialogue.answer("STARTTLS\r\n"), "503 5.5.1 TLS runs already\r\n");
    assert_eq!(Dialogue::lmtp().hello().answer("STARTTLS\r\n"), "502 5.5.1 STARTTLS is not offered\r\n");
}

#[test]
fn submission_wants_tls_then_a_sign_in() {
    let mut dialogue = Dialogue::submission_in_clear().hello();
    assert_eq!(dialogue.answer("MAIL FROM:<>\r\n"), "530 5.7.0 STARTTLS comes first\r\n");
    let mut dialogue = Dialogue::submission().hello();
    assert_eq!(dialogue.answer("MAIL FROM:<>\r\n"), "530 5.7.0 Sign in first\r\n");
    let Some(Event::Auth(start)) = dialogue.event("auth plain AGFubmEAc2VjcmV0\r\n") else { panic!() };
    assert_eq!((start.mechanism.as_str(), start.exposure), ("PLAIN", Exposure::Permitted));
    assert_eq!(start.initial_response.unwrap().expose(), b"\0anna\0secret");
    dialogue.server.accept();
    assert_eq!(dialogue.output(), "235 2.7.0 Signed in\r\n");
    assert!(dialogue.server.is_signed_in());
    assert_eq!(dialogue.answer("AUTH PLAIN\r\n"), "503 5.5.1 It is too late for AUTH\r\n");
    dialogue.transaction(1);
}

#[test]
fn auth_exchanges_base64_and_can_be_cancelled() {
    let mut dialogue = Dialogue::submission();
    assert_eq!(dialogue.answer("AUTH PLAIN\r\n"), "503 5.5.1 EHLO comes first\r\n");
    let mut dialogue = dialogue.hello();
    assert!(matches!(
        dialogue.event("AUTH SCRAM-SHA-256\r\n"),
        Some(Event::Auth(AuthStart { initial_response: None, .. }))
    ));
    dialogue.server.challenge(b"");
    assert_eq!(dialogue.output(), "334 \r\n");
    assert_eq!(dialogue.event("bj0=\r\n"), Some(Event::AuthResponse(Secret::new(b"n=".to_vec()))));
    dialogue.server.challenge(b"r=1");
    assert_eq!(dialogue.output(), "334 cj0x\r\n");
    assert_eq!(dialogue.event("*\r\n"), Some(Event::AuthAborted));
    assert_eq!(dialogue.output(), "501 5.7.0 Cancelled\r\n");
    dialogue.event("AUTH PLAIN =\r\n");
    dialogue.server.challenge(b"");
    dialogue.output();
    assert_eq!(dialogue.event("QUIT\r\n\r\n"), Some(Event::AuthResponse(Secret::new(vec![0x41, 0x42, 0x13]))));
    dialogue.server.refuse(&Reply::new(535, 7, 8, "Wrong name or password"));
    assert_eq!(dialogue.output(), "535 5.7.8 Wrong name or password\r\n");
    assert_eq!(
        dialogue.answer("AUTH X-NONE\r\n"),
        "500 5.5.1 Unknown command\r\n504 5.5.4 This mechanism is not offered\r\n"
    );
    assert_eq!(dialogue.answer("AUTH PLAIN ???\r\n"), "501 5.5.2 This is not base64\r\n");
    assert_eq!(dialogue.answer("AUTH\r\n"), "501 5.5.4 AUTH needs a mechanism and perhaps an initial response\r\n");
}

#[test]
fn a_password_in_clear_is_refused_and_handed_out_to_be_burnt() {
    let mut dialogue = Dialogue::submission_in_clear().hello();
    assert_eq!(dialogue.event("AUTH PLAIN\r\n"), Some(Event::AuthRefused("PLAIN".into())));
    assert_eq!(dialogue.output(), "538 5.7.11 Passwords are taken inside TLS only\r\n");
    let Some(Event::Auth(start)) = dialogue.event("AUTH PLAIN AGFubmEAc2VjcmV0\r\n") else { panic!() };
    assert_eq!((start.exposure, start.initial_response.is_some()), (Exposure::InClear, true));
    dialogue.server.refuse(&Reply::new(538, 7, 11, "Passwords are taken inside TLS only"));
    assert!(!dialogue.server.is_signed_in());
}

#[test]
fn where_auth_has_no_place_a_password_in_clear_is_handed_out_all_the_same() {
    for mut dialogue in [Dialogue::mx().hello(), Dialogue::mx(), Dialogue::submission_in_clear()] {
        for mechanism in ["PLAIN", "X-NONE"] {
            let Some(Event::Auth(start)) = dialogue.event(format!("AUTH {mechanism} AGFubmEAc2VjcmV0\r\n")) else {
                panic!("{mechanism}")
            };
            assert_eq!((start.mechanism.as_str(), start.exposure), (mechanism, Exposure::InClear));
            dialogue.server.refuse(&Reply::new(502, 5, 1, "AUTH is not offered"));
        }
    }
}

#[test]
fn a_response_that_nobody_asked_for_is_handed_out_to_be_burnt() {
    let uninvited = |text: &str| Some(Event::Uninvited(types::Secret::new(text.as_bytes().to_vec())));
    for (mut dialogue, refusal) in [
        (Dialogue::submission_in_clear().hello(), "538 5.7.11 Passwords are taken inside TLS only"),
        (Dialogue::mx().hello(), "502 5.5.1 AUTH is not offered"),
    ] {
        assert_eq!(dialogue.event("AUTH PLAIN\r\nYW5uYQ==\r\n"), Some(Event::AuthRefused("PLAIN".into())));
        assert_eq!(dialogue.event(""), uninvited("anna"));
        assert_eq!(dialogue.event("dGludGU=\r\n"), uninvited("tinte"));
        assert_eq!(dialogue.event("dGludGU=\r\n"), None, "a third one is none");
        let unknown = "500 5.5.1 Unknown command\r\n".repeat(3);
        assert_eq!(dialogue.output(), format!("{refusal}\r\n{unknown}"));
    }
    for between in ["NOOP", "!"] {
        let mut dialogue = Dialogue::mx().hello();
        assert_eq!(dialogue.event("AUTH PLAIN\r\n"), Some(Event::AuthRefused("PLAIN".into())));
        assert_eq!(dialogue.event(format!("{between}\r\nAGEAYg==\r\n")), None, "{between}");
    }
}

#[test]
fn a_response_that_nobody_asked_for_may_be_as_long_as_one_that_was() {
    let longest = crate::limits::AUTH_LINE_MAX - 4;
    for (length, is_heard) in [(longest, true), (longest + 4, false)] {
        let mut dialogue = Dialogue::submission_in_clear().hello();
        assert!(dialogue.event("AUTH PLAIN\r\n").is_some());
        let event = dialogue.event(format!("{}\r\n", "A".repeat(length)));
        assert_eq!(matches!(event, Some(Event::Uninvited(_))), is_heard, "{length}");
    }
}

#[test]
#[should_panic(expected = "a secret sent in the clear is refused")]
fn a_password_in_clear_can_not_be_accepted() {
    let mut dialogue = Dialogue::submission_in_clear().hello();
    dialogue.event("AUTH PLAIN AGFubmEAc2VjcmV0\r\n");
    dialogue.server.accept();
}

#[test]
fn http_and_tls_on_the_wrong_port_are_cut_off() {
    for line in ["GET / HTTP/1.1", "post /x HTTP/1.0", "CONNECT mx.example:25 HTTP/1.1", "PRI * HTTP/2.0"] {
        let mut dialogue = Dialogue::mx();
        let event = dialogue.event(format!("{line}\r\nHost: x\r\n\r\nMAIL FROM:<>\r\n"));
        assert_eq!(event, Some(Event::Closed(CloseReason::NotSmtp)), "{line}");
        assert_eq!(dialogue.output(), "421 4.7.0 This is a mail server\r\n");
    }
    let mut dialogue = Dialogue::mx();
    assert_eq!(dialogue.event([0x16, 3, 1]), Some(Event::Closed(CloseReason::NotSmtp)));
}

#[test]
fn the_session_can_end_it_at_any_time() {
    let mut dialogue = Dialogue::mx().hello();
    dialogue.event("MAIL FROM:<>\r\n");
    dialogue.server.shut_down(&Reply::new(421, 3, 2, "Shutting down"));
    assert_eq!(dialogue.server.poll_event(), Some(Event::Closed(CloseReason::ShutDown)));
    assert_eq!(dialogue.output(), "421 4.3.2 Shutting down\r\n");
    assert_eq!(dialogue.answer("NOOP\r\n"), "");
}
