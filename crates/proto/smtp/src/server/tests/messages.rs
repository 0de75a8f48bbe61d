//! DATA and BDAT: what comes out, what is refused, who gets an answer.

use super::*;

fn data(dialogue: Dialogue, recipients: usize) -> Dialogue {
    let mut dialogue = dialogue.hello().transaction(recipients);
    assert_eq!(dialogue.accept("DATA\r\n"), "354 Send the message; end with CR LF . CR LF\r\n");
    dialogue
}

#[test]
fn a_message_streams_through() {
    let mut dialogue = data(Dialogue::mx(), 1);
    dialogue.feed(b"A: b\r\n\r\n..c\r\n");
    assert_eq!(dialogue.content(), (b"A: b\r\n\r\n.c\r\n".to_vec(), None));
    dialogue.feed(b"d\r\n.\r\nNOOP\r\n");
    assert_eq!(dialogue.content(), (b"d\r\n".to_vec(), Some(Event::DataEnd { size: Octets(15) })));
    assert_eq!(dialogue.content(), (Vec::new(), None), "NOOP waits");
    dialogue.server.accept_with("Accepted as 01h");
    assert_eq!(dialogue.answer(""), "250 2.0.0 Accepted as 01h\r\n250 2.0.0 Fine\r\n");
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 MAIL comes first\r\n");
    dialogue.transaction(1);
}

#[test]
fn data_may_be_refused_before_and_after() {
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    dialogue.event("DATA\r\n");
    dialogue.server.refuse(&Reply::new(452, 3, 1, "The disk is full"));
    assert_eq!(dialogue.output(), "452 4.3.1 The disk is full\r\n");
    dialogue.accept("DATA\r\n");
    dialogue.feed(b".\r\n");
    assert_eq!(dialogue.content().1, Some(Event::DataEnd { size: Octets(0) }));
    dialogue.server.refuse(&Reply::new(550, 7, 1, "No"));
    assert_eq!(dialogue.output(), "550 5.7.1 No\r\n");
    dialogue.transaction(1);
}

#[test]
fn bare_newlines_refuse_the_message_and_keep_the_connection() {
    for bad in ["a\nb\r\n.\r\n", "a\rb\r\n.\r\n", "\n.\n\r\n.\r\n", "x\n.\r\nMAIL FROM:<evil@example.org>\r\n.\r\n"] {
        let mut dialogue = data(Dialogue::mx(), 1);
        dialogue.feed(format!("{bad}NOOP\r\n").as_bytes());
        let (_, event) = dialogue.content();
        assert_eq!(event, Some(Event::DataAborted(DataFailure::BareNewline)), "{bad:?}");
        assert_eq!(dialogue.content(), (Vec::new(), None));
        let refusal = "550 5.6.11 Lines of a message end in CR LF, nothing else (RFC 5321)\r\n250 2.0.0 Fine\r\n";
        assert_eq!(dialogue.output(), refusal, "{bad:?}");
        dialogue.transaction(1);
    }
}

#[test]
fn nothing_but_crlf_dot_crlf_ends_data_for_the_server() {
    let line_ends = ["\n", "\r", "\r\r", "\n\r", "\r\0\n", "\r\n"];
    for before in line_ends {
        for after in line_ends {
            if (before, after) == ("\r\n", "\r\n") {
                continue;
            }
            for bare_newline in [BareNewline::Refuse, BareNewline::Fix] {
                let policy = policy(Tls::Offered, Rule::Off, MailNeeds::Nothing);
                let options = Options { bare_newline, ..Options::new(Role::Mx, "mx.example") };
                let mut dialogue = data(Dialogue::with(options, policy), 1);
                // What the smuggler hopes for: a second transaction inside the first one's message.
                dialogue.feed(format!("x{before}.{after}MAIL FROM:<evil@example.org>\r\n").as_bytes());
                let (content, event) = dialogue.content();
                let text = String::from_utf8(content).unwrap();
                assert!(!matches!(event, Some(Event::Mail(_) | Event::DataEnd { .. })), "{before:?} {after:?}");
                assert_eq!(dialogue.output(), "", "{before:?} {after:?}");
                if bare_newline == BareNewline::Fix {
                    assert!(text.ends_with("MAIL FROM:<evil@example.org>\r\n"), "{before:?} {after:?}: {text:?}");
                    assert!(!text.replace("\r\n", "").contains(['\r', '\n']), "{text:?}");
                }
            }
        }
    }
}

#[test]
fn too_large_a_message_is_read_and_thrown_away() {
    let limits = Limits { message_max: Octets(20), ..Limits::default() };
    let mut dialogue = data(Dialogue::mx_with(limits.clone()), 1);
    dialogue.feed(b"012345678901234567\r\n.\r\n");
    assert_eq!(dialogue.content().1, Some(Event::DataEnd { size: Octets(20) }));
    let mut dialogue = data(Dialogue::mx_with(limits), 1);
    dialogue.feed(b"0123456789012345678\r\nmore");
    assert_eq!(dialogue.content().1, Some(Event::DataAborted(DataFailure::TooLarge)));
    assert_eq!(dialogue.answer(""), "");
    assert_eq!(
        dialogue.answer("and more\r\n.\r\nNOOP\r\n"),
        "552 5.3.4 The message is too large\r\n250 2.0.0 Fine\r\n"
    );
}

#[test]
fn a_refused_message_is_not_read_for_ever() {
    let limits = Limits { message_max: Octets(10), discard_max: Octets(1000), ..Limits::default() };
    let mut dialogue = data(Dialogue::mx_with(limits.clone()), 1);
    dialogue.feed(&[b'x'; 1000]);
    assert_eq!(dialogue.content().1, Some(Event::DataAborted(DataFailure::TooLarge)));
    dialogue.feed(b"y");
    assert_eq!(dialogue.content().1, Some(Event::Closed(CloseReason::TooMuchData)));
    assert_eq!(dialogue.output(), "552 5.3.4 The message is too large\r\n");
    let mut dialogue = Dialogue::mx_with(limits.clone()).hello();
    assert_eq!(dialogue.event("BDAT 1001\r\n"), Some(Event::Closed(CloseReason::TooMuchData)));
    let mut dialogue = Dialogue::mx_with(limits).hello();
    assert_eq!(dialogue.event("BDAT 1000\r\n"), None);
}

#[test]
fn lmtp_answers_for_each_recipient() {
    let mut dialogue = data(Dialogue::lmtp(), 3);
    dialogue.feed(b"a\r\n.\r\nNOOP\r\n");
    assert_eq!(dialogue.content().1, Some(Event::DataEnd { size: Octets(3) }));
    assert_eq!(dialogue.server.answers_owed(), 3);
    dialogue.server.accept_with("one");
    dialogue.server.refuse(&Reply::new(452, 2, 2, "two is full"));
    assert_eq!((dialogue.server.poll_event(), dialogue.server.answers_owed()), (None, 1));
    dialogue.server.accept_with("three");
    let answers = "250 2.0.0 one\r\n452 4.2.2 two is full\r\n250 2.0.0 three\r\n";
    assert_eq!(dialogue.answer(""), format!("{answers}250 2.0.0 Fine\r\n"));
    let mut dialogue = data(Dialogue::lmtp(), 2);
    dialogue.feed(b"a\n.\r\n.\r\n");
    assert_eq!(dialogue.content().1, Some(Event::DataAborted(DataFailure::BareNewline)));
    assert_eq!(dialogue.server.poll_event(), None);
    assert_eq!(dialogue.output().matches("550 5.6.11").count(), 2);
}

#[test]
fn chunks_make_a_message() {
    let mut dialogue = Dialogue::mx().hello();
    dialogue.accept("MAIL FROM:<> SIZE=8\r\n");
    dialogue.accept("RCPT TO:<a@b.example>\r\n");
    assert_eq!(
        dialogue.event("BDAT 4\r\n.\r\n\rBDAT 0\r\nBDAT 4 last\r\n\n.\r\nNOOP\r\n"),
        Some(Event::Data(DataStart { size: Some(Octets(8)) }))
    );
    dialogue.server.accept();
    let (content, event) = dialogue.content();
    assert_eq!((content.as_slice(), event), (&b".\r\n\r\n.\r\n"[..], Some(Event::DataEnd { size: Octets(8) })));
    dialogue.server.accept();
    let head = "250 2.0.0 4 octets received\r\n250 2.0.0 0 octets received\r\n250 2.0.0 Message accepted\r\n";
    assert_eq!(dialogue.answer(""), format!("{head}250 2.0.0 Fine\r\n"));
}

#[test]
fn data_and_bdat_do_not_mix_and_a_failed_chunk_wants_rset() {
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    dialogue.event("BDAT 2\r\na\n");
    dialogue.server.accept();
    assert_eq!(dialogue.content().1, Some(Event::DataAborted(DataFailure::BareNewline)));
    assert!(dialogue.output().starts_with("550 5.6.11 "));
    let again = dialogue.answer("BDAT 4 LAST\r\nabcd");
    assert!(again.starts_with("550 5.6.11 "), "what was on its way has the same answer: {again}");
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 RSET comes first\r\n");
    assert_eq!(dialogue.event("RSET\r\n"), Some(Event::Reset));
    dialogue.output();
    let mut dialogue = dialogue.transaction(1);
    dialogue.event("BDAT 2\r\nab");
    dialogue.server.accept();
    assert_eq!(dialogue.content(), (b"ab".to_vec(), None));
    dialogue.output();
    assert_eq!(dialogue.answer("DATA\r\n"), "503 5.5.1 The message has begun with BDAT\r\n");
    assert_eq!(dialogue.answer("RCPT TO:<a@b.example>\r\n"), "503 5.5.1 The message has begun\r\n");
    assert_eq!(dialogue.event("RSET\r\n"), Some(Event::Reset));
}

#[test]
fn a_refused_chunk_is_thrown_away_before_the_answer() {
    let mut dialogue = Dialogue::mx().hello().transaction(1);
    dialogue.event("BDAT 6\r\nQUIT");
    dialogue.server.refuse(&Reply::new(452, 3, 1, "The disk is full"));
    assert_eq!(dialogue.answer(""), "");
    assert_eq!(dialogue.answer("\r\nNOOP\r\n"), "452 4.3.1 The disk is full\r\n250 2.0.0 Fine\r\n");
    // Chunks that were sent before the answer was heard: a full disk must not become a permanent refusal.
    let pipelined = "BDAT 3\r\nabcBDAT 0 LAST\r\nDATA\r\nRSET\r\n";
    dialogue.feed(pipelined.as_bytes());
    assert_eq!(dialogue.server.poll_event(), Some(Event::Reset));
    let full = "452 4.3.1 The disk is full\r\n";
    assert_eq!(dialogue.output(), format!("{full}{full}503 5.5.1 RSET comes first\r\n250 2.0.0 Forgotten\r\n"));
}

#[test]
fn lmtp_refuses_the_last_chunk_for_each_recipient_too() {
    for last_first in [true, false] {
        let mut dialogue = Dialogue::lmtp().hello().transaction(3);
        dialogue.event(if last_first { "BDAT 2 LAST\r\nab" } else { "BDAT 2\r\nab" });
        dialogue.server.refuse(&Reply::new(452, 3, 1, "The disk is full"));
        let full = "452 4.3.1 The disk is full\r\n";
        assert_eq!(dialogue.answer(""), full.repeat(if last_first { 3 } else { 1 }));
        if !last_first {
            assert_eq!(dialogue.answer("BDAT 0 LAST\r\n"), full.repeat(3));
        }
    }
    let mut dialogue = Dialogue::lmtp().hello();
    assert_eq!(dialogue.answer("BDAT 2 LAST\r\nab"), "503 5.5.1 MAIL comes first\r\n");
}

#[test]
fn chunks_above_the_size_are_refused_together() {
    let limits = Limits { message_max: Octets(10), ..Limits::default() };
    let mut dialogue = Dialogue::mx_with(limits).hello().transaction(1);
    dialogue.event("BDAT 6\r\nabcdefBDAT 4\r\nabcd");
    dialogue.server.accept();
    assert_eq!(dialogue.content(), (b"abcdefabcd".to_vec(), None));
    dialogue.output();
    dialogue.feed(b"BDAT 1\r\na");
    assert_eq!(dialogue.content(), (Vec::new(), Some(Event::DataAborted(DataFailure::TooLarge))));
    assert_eq!(dialogue.answer("NOOP\r\n"), "552 5.3.4 The message is too large\r\n250 2.0.0 Fine\r\n");
}

#[test]
fn lmtp_answers_only_the_last_chunk_for_each_recipient() {
    let mut dialogue = Dialogue::lmtp().hello().transaction(2);
    dialogue.event("BDAT 2\r\nabBDAT 0 LAST\r\n");
    dialogue.server.accept();
    assert_eq!(dialogue.content(), (b"ab".to_vec(), Some(Event::DataEnd { size: Octets(2) })));
    dialogue.server.accept();
    dialogue.server.accept();
    assert_eq!(dialogue.output().lines().count(), 3);
}
