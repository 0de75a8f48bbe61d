//! MAIL to the last answer, with and without PIPELINING, in SMTP and LMTP.

use super::*;

fn two() -> Envelope {
    Envelope::new(from("anna@us.example"), vec![to("ben@them.example"), to("cara@them.example")])
}

fn plain(extensions: &[&str]) -> Dialogue {
    Dialogue::ready(ClientOptions::new("us.example"), extensions)
}

fn lmtp() -> Dialogue {
    let options = ClientOptions { protocol: Protocol::Lmtp, tls: ClientTls::Never, ..ClientOptions::new("us.example") };
    Dialogue::ready(options, &["PIPELINING"])
}

fn peer(code: u16, text: &str) -> Answer {
    let verdict = match code / 100 {
        2 => Verdict::Accepted,
        4 => Verdict::Temporary,
        _ => Verdict::Permanent,
    };
    Answer { verdict, reply: Reply::read(code, None, text.into()), origin: Origin::Peer }
}

fn finished(answers: &[Answer]) -> ClientEvent {
    ClientEvent::Finished(answers.to_vec())
}

#[test]
fn without_pipelining_each_command_waits() {
    let mut dialogue = plain(&[]);
    assert_eq!(dialogue.send(two()), "MAIL FROM:<anna@us.example>\r\n");
    assert_eq!(dialogue.says("250 ok\r\n"), []);
    assert_eq!(dialogue.output(), "RCPT TO:<ben@them.example>\r\n");
    assert_eq!(dialogue.says("550 no\r\n"), []);
    assert_eq!(dialogue.output(), "RCPT TO:<cara@them.example>\r\n");
    assert_eq!(dialogue.says("250 ok\r\n"), []);
    assert_eq!(dialogue.output(), "DATA\r\n");
    assert_eq!(dialogue.says("354 go\r\n"), [ClientEvent::SendBody]);
    dialogue.client.body_chunk(b"A: b\r\n\r\n.c");
    dialogue.client.body_end(dialogue.now);
    assert_eq!(dialogue.output(), "A: b\r\n\r\n..c\r\n.\r\n");
    let answers = [peer(550, "no"), peer(250, "queued")];
    assert_eq!(dialogue.says("250 queued\r\n"), [finished(&answers), ClientEvent::Ready]);
    assert_eq!(dialogue.send(two()), "MAIL FROM:<anna@us.example>\r\n", "and again");
}

#[test]
fn with_pipelining_all_goes_in_one_group() {
    let mut dialogue = plain(&["PIPELINING"]);
    let group = "MAIL FROM:<anna@us.example>\r\nRCPT TO:<ben@them.example>\r\nRCPT TO:<cara@them.example>\r\nDATA\r\n";
    assert_eq!(dialogue.send(two()), group);
    assert_eq!(dialogue.says("250 ok\r\n250 ok\r\n450 later\r\n354 go\r\n"), [ClientEvent::SendBody]);
    dialogue.client.body_end(dialogue.now);
    assert_eq!(dialogue.output(), ".\r\n");
    let answers = [peer(554, "bad"), peer(450, "later")];
    assert_eq!(dialogue.says("554 bad\r\n"), [finished(&answers)]);
    assert_eq!(dialogue.output(), "RSET\r\n");
    assert_eq!(dialogue.says("250 ok\r\n"), [ClientEvent::Ready]);
}

#[test]
fn when_nobody_is_accepted_no_message_goes_out() {
    let mut dialogue = plain(&["PIPELINING"]);
    dialogue.send(two());
    assert_eq!(dialogue.says("250 ok\r\n550 no\r\n550 nor\r\n"), []);
    let answers = [peer(550, "no"), peer(550, "nor")];
    assert_eq!(dialogue.says("554 nobody\r\n"), [finished(&answers)]);
    let mut dialogue = plain(&["PIPELINING"]);
    dialogue.send(two());
    assert_eq!(dialogue.says("250 ok\r\n550 no\r\n550 nor\r\n354 go\r\n"), [], "a careless server");
    assert_eq!(dialogue.output(), ".\r\n");
    assert_eq!(dialogue.says("250 an empty one\r\n"), [finished(&answers)]);
    let mut dialogue = plain(&[]);
    dialogue.send(two());
    assert_eq!(dialogue.says("250 ok\r\n550 no\r\n550 nor\r\n"), [finished(&answers)]);
    assert!(dialogue.output().ends_with("RCPT TO:<cara@them.example>\r\nRSET\r\n"));
}

#[test]
fn a_refused_mail_answers_for_all() {
    for extensions in [&[][..], &["PIPELINING"]] {
        let mut dialogue = plain(extensions);
        dialogue.send(two());
        let rest = if extensions.is_empty() { "" } else { "503 a\r\n503 b\r\n503 c\r\n" };
        let answers = [peer(550, "not you"), peer(550, "not you")];
        assert_eq!(dialogue.says(&format!("550 not you\r\n{rest}")), [finished(&answers)]);
        assert_eq!(dialogue.says("250 reset\r\n"), [ClientEvent::Ready]);
    }
}

#[test]
fn a_refused_data_answers_for_the_accepted() {
    let mut dialogue = plain(&[]);
    dialogue.send(two());
    let events = dialogue.says("250 ok\r\n250 ok\r\n550 no\r\n452 full\r\n");
    assert_eq!(events, [finished(&[peer(452, "full"), peer(550, "no")])]);
}

#[test]
fn many_recipients_go_out_in_windows() {
    let recipients = (0..120).map(|number| to(&format!("r{number}@them.example"))).collect();
    let mut dialogue = plain(&["PIPELINING"]);
    let mut sent = dialogue.send(Envelope::new(ReversePath::Null, recipients)).lines().count();
    assert_eq!(sent, PIPELINE_MAX);
    let mut answered = 0;
    while answered < 121 {
        assert_eq!(dialogue.says("250 ok\r\n"), []);
        answered += 1;
        sent += dialogue.output().lines().count();
        assert!(sent - answered <= PIPELINE_MAX);
    }
    assert_eq!(sent, 122);
    assert_eq!(dialogue.says("354 go\r\n"), [ClientEvent::SendBody]);
}

#[test]
fn too_many_recipients_in_old_words_is_temporary() {
    let mut dialogue = plain(&[]);
    dialogue.send(two());
    let events = dialogue.says("250 ok\r\n552 too many\r\n552 5.2.2 full\r\n");
    let [ClientEvent::Finished(answers)] = &events[..] else { panic!("{events:?}") };
    assert_eq!([answers[0].verdict, answers[1].verdict], [Verdict::Temporary, Verdict::Permanent]);
}

#[test]
fn parameters_follow_what_is_offered() {
    let envelope = Envelope { size: Some(Octets(100)), body: Body::EightBitMime, utf8: false, ..two() };
    assert_eq!(plain(&[]).send(envelope.clone()), "MAIL FROM:<anna@us.example>\r\n");
    let mail = plain(&["SIZE 100", "8BITMIME"]).send(envelope.clone());
    assert_eq!(mail, "MAIL FROM:<anna@us.example> SIZE=100 BODY=8BITMIME\r\n");
    let utf8 = Envelope { utf8: true, body: Body::SevenBit, ..envelope.clone() };
    let mail = plain(&["8BITMIME", "SMTPUTF8"]).send(utf8.clone());
    assert_eq!(mail, "MAIL FROM:<anna@us.example> BODY=8BITMIME SMTPUTF8\r\n");
    let mail = plain(&["8BITMIME", "SMTPUTF8"]).send(Envelope::new(ReversePath::Null, vec![to("jörg@them.example")]));
    assert_eq!(mail, "MAIL FROM:<> BODY=8BITMIME SMTPUTF8\r\n");
    let refuse = ClientOptions { eight_bit: EightBitFallback::Refuse, ..ClientOptions::new("us.example") };
    for (mut dialogue, envelope, code) in [
        (plain(&["SIZE 99"]), envelope.clone(), 552),
        (plain(&["8BITMIME"]), utf8, 550),
        (Dialogue::ready(refuse, &[]), envelope, 554),
    ] {
        assert_eq!(dialogue.send(envelope), "RSET\r\n");
        let events = dialogue.says("250 ok\r\n");
        let [ClientEvent::Finished(answers), ClientEvent::Ready] = &events[..] else { panic!("{events:?}") };
        assert!(answers.iter().all(|answer| answer.verdict == Verdict::Permanent && answer.origin == Origin::Ours));
        assert_eq!((answers.len(), answers[0].reply.code()), (2, code));
    }
}

#[test]
fn lmtp_has_an_answer_for_each_recipient() {
    let mut dialogue = lmtp();
    let group = "MAIL FROM:<anna@us.example>\r\nRCPT TO:<ben@them.example>\r\nRCPT TO:<cara@them.example>\r\n";
    assert_eq!(dialogue.send(two()), group, "DATA waits for the number of answers");
    assert_eq!(dialogue.says("250 ok\r\n250 ok\r\n250 ok\r\n"), []);
    assert_eq!(dialogue.output(), "DATA\r\n");
    assert_eq!(dialogue.says("354 go\r\n"), [ClientEvent::SendBody]);
    dialogue.client.body_end(dialogue.now);
    dialogue.output();
    assert_eq!(dialogue.says("250 one\r\n"), []);
    let answers = [peer(250, "one"), peer(452, "two")];
    assert_eq!(dialogue.says("452 two\r\n"), [finished(&answers), ClientEvent::Ready]);
}

#[test]
fn a_broken_connection_leaves_what_was_decided() {
    let lost = "the server closed the connection at Transaction";
    let ours = Answer { verdict: Verdict::Temporary, reply: Reply::new(451, 4, 2, lost), origin: Origin::Ours };
    let mut dialogue = plain(&["PIPELINING"]);
    dialogue.send(two());
    dialogue.says("250 ok\r\n550 no\r\n");
    dialogue.client.connection_lost();
    let failed = ClientEvent::Failed(ClientFailure::ClosedByPeer { stage: Stage::Transaction });
    assert_eq!(dialogue.says(""), [finished(&[peer(550, "no"), ours]), failed]);
    dialogue.client.body_chunk(b"x");
    dialogue.client.body_end(dialogue.now);
    dialogue.client.connection_lost();
    assert_eq!(dialogue.says("250 ok\r\n"), []);
    assert_eq!(dialogue.output(), "");
}

#[test]
fn a_refusal_in_the_middle_of_the_message_counts() {
    let mut dialogue = plain(&[]);
    dialogue.send(two());
    assert_eq!(dialogue.says("250 ok\r\n250 ok\r\n250 ok\r\n354 go\r\n"), [ClientEvent::SendBody]);
    dialogue.client.body_chunk(b"x");
    let reply = Reply::read(552, None, "too much".into());
    let failed = ClientEvent::Failed(ClientFailure::Refused { stage: Stage::Transaction, reply });
    let answers = [peer(552, "too much"), peer(552, "too much")];
    assert_eq!(dialogue.says("552 too much\r\n"), [finished(&answers), failed]);
}

#[test]
fn answers_out_of_place_are_no_smtp() {
    for replies in ["354 go\r\n", "250 ok\r\n354 go\r\n", "250 ok\r\n250 ok\r\n250 ok\r\n250 what\r\n"] {
        let mut dialogue = plain(&[]);
        dialogue.send(two());
        let events = dialogue.says(replies);
        let failed = ClientEvent::Failed(ClientFailure::Protocol { stage: Stage::Transaction });
        assert!(matches!(&events[..], [ClientEvent::Finished(_), last] if *last == failed), "{replies}: {events:?}");
    }
}
