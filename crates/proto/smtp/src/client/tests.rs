//! Dialogues with the machine, and with our own server machine.

use super::*;
use crate::{Body, EnhancedCode, ForwardPath};
use types::{Address, Octets};

mod fuzz;
mod talk;
mod transactions;

fn to(address: &str) -> ForwardPath {
    ForwardPath::Address(Address::parse(address).unwrap())
}

fn from(address: &str) -> ReversePath {
    ReversePath::Address(Address::parse(address).unwrap())
}

struct Dialogue {
    client: Client,
    now: Instant,
}

impl Dialogue {
    fn with(options: ClientOptions) -> Self {
        let now = Instant::now();
        Self { client: Client::new(options, now), now }
    }

    fn mx() -> Self {
        Self::with(ClientOptions::new("us.example"))
    }

    /// After EHLO: the peer offers these.
    fn ready(options: ClientOptions, extensions: &[&str]) -> Self {
        let mut dialogue = Self::with(options);
        dialogue.says("220 them ESMTP\r\n");
        dialogue.output();
        let mut lines = vec!["them"];
        lines.extend(extensions);
        let (last, head) = lines.split_last().unwrap();
        let head = head.iter().fold(String::new(), |head, line| head + "250-" + line + "\r\n");
        assert_eq!(dialogue.says(&format!("{head}250 {last}\r\n")), [ClientEvent::Ready]);
        assert_eq!(dialogue.output(), "");
        dialogue
    }

    fn send(&mut self, envelope: Envelope) -> String {
        self.client.send(envelope, self.now);
        self.output()
    }

    fn output(&mut self) -> String {
        String::from_utf8(self.client.take_output().to_vec()).unwrap()
    }

    /// The peer says this; gives all events.
    fn says(&mut self, text: &str) -> Vec<ClientEvent> {
        assert_eq!(self.client.receive(self.now, text.as_bytes()), text.len());
        std::iter::from_fn(|| self.client.poll_event()).collect()
    }

    fn fails(&mut self, text: &str) -> ClientFailure {
        match self.says(text).pop() {
            Some(ClientEvent::Failed(failure)) => failure,
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn ehlo_then_ready_then_quit() {
    let mut dialogue = Dialogue::mx();
    assert_eq!(dialogue.says("220-hello\r\n220 world\r\n"), []);
    assert_eq!(dialogue.output(), "EHLO us.example\r\n");
    assert_eq!(dialogue.says("250-them\r\n250 SIZE 1000\r\n"), [ClientEvent::Ready]);
    assert_eq!(dialogue.client.capabilities().size_max, Some(Octets(1000)));
    dialogue.client.quit(dialogue.now);
    assert_eq!(dialogue.output(), "QUIT\r\n");
    assert_eq!(dialogue.says("221 bye\r\n"), [ClientEvent::Closed]);
    assert_eq!(dialogue.says("250 more\r\n"), []);
}

#[test]
fn an_old_server_gets_helo() {
    let mut dialogue = Dialogue::mx();
    dialogue.says("220 them\r\n");
    dialogue.output();
    assert_eq!(dialogue.says("502 what\r\n"), []);
    assert_eq!(dialogue.output(), "HELO us.example\r\n");
    assert_eq!(dialogue.says("250 them\r\n"), [ClientEvent::Ready]);
    assert_eq!(dialogue.client.capabilities(), &Capabilities::default());
}

#[test]
fn starttls_forgets_what_came_before() {
    let mut dialogue = Dialogue::mx();
    dialogue.says("220 them\r\n");
    dialogue.says("250-them\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
    assert_eq!(dialogue.output(), "EHLO us.example\r\nSTARTTLS\r\n");
    let injected = "220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n";
    assert_eq!(dialogue.says(injected), [ClientEvent::StartTls]);
    assert_eq!(dialogue.says("250 evil\r\n"), [], "still before TLS");
    assert_eq!(dialogue.client.next_deadline(), None, "the handshake is the session's");
    dialogue.client.tls_started(dialogue.now);
    assert_eq!(dialogue.output(), "EHLO us.example\r\n");
    assert_eq!(dialogue.says(""), []);
    assert_eq!(dialogue.says("250-them\r\n250 STARTTLS\r\n"), [ClientEvent::Ready], "not twice");
    assert!(dialogue.client.is_tls_active() && dialogue.client.capabilities().auth.is_empty());
}

#[test]
fn answers_slipped_in_behind_the_220_count_for_nothing_wherever_they_are_cut() {
    let go = "220 go\r\n";
    let slipped = [
        "250-evil\r\n250 AUTH PLAIN\r\n",
        "250 evil\r\n250 2.1.0 fine\r\n250 2.1.5 fine\r\n354 on\r\n250 2.0.0 taken\r\n",
        "250-half of an ans",
        "535 5.7.8 no\r\n421 4.3.2 bye\r\n",
        "\r\n",
    ];
    for slipped in slipped {
        let all = format!("{go}{slipped}");
        for cut in 1..all.len() {
            let mut dialogue = Dialogue::mx();
            dialogue.says("220 them\r\n");
            dialogue.says("250-them\r\n250-PIPELINING\r\n250 STARTTLS\r\n");
            dialogue.output();
            let (front, back) = all.split_at(cut);
            let mut events = dialogue.says(front);
            events.extend(dialogue.says(back));
            assert_eq!(events, [ClientEvent::StartTls], "{front:?} {back:?}");
            dialogue.client.tls_started(dialogue.now);
            assert_eq!(dialogue.output(), "EHLO us.example\r\n", "{front:?} {back:?}");
            assert_eq!(dialogue.says(""), [], "{front:?} {back:?}");
            assert_eq!(dialogue.says("250-them\r\n250 SIZE 7\r\n"), [ClientEvent::Ready]);
            assert!(dialogue.client.capabilities().auth.is_empty() && !dialogue.client.capabilities().pipelining);
        }
    }
}

#[test]
fn where_tls_is_required_nothing_goes_in_clear() {
    let options = ClientOptions { tls: ClientTls::Required, ..ClientOptions::new("us.example") };
    let mut dialogue = Dialogue::with(options.clone());
    dialogue.says("220 them\r\n");
    dialogue.output();
    assert_eq!(dialogue.fails("250 them\r\n"), ClientFailure::NoTls);
    assert_eq!(dialogue.output(), "QUIT\r\n");
    let mut dialogue = Dialogue::with(options);
    dialogue.says("220 them\r\n250-them\r\n250 STARTTLS\r\n");
    let reply = Reply::read(454, EnhancedCode::parse("4.7.0"), "no".into());
    assert_eq!(dialogue.fails("454 4.7.0 no\r\n"), ClientFailure::Refused { stage: Stage::StartTls, reply });
    let mut dialogue = Dialogue::mx();
    dialogue.says("220 them\r\n250-them\r\n250 STARTTLS\r\n");
    assert_eq!(dialogue.says("454 no\r\n"), [ClientEvent::Ready], "opportunistic: in clear then");
}

fn relay() -> ClientOptions {
    let credentials = Credentials { user: "anna".into(), password: Secret::new("secret".into()) };
    let tls = ClientTls::Active;
    ClientOptions { tls, credentials: Some(credentials), ..ClientOptions::new("us.example") }
}

#[test]
fn a_relay_gets_auth_plain_inside_tls_only() {
    let mut dialogue = Dialogue::with(relay());
    dialogue.says("220 them\r\n");
    dialogue.output();
    assert_eq!(dialogue.says("250-them\r\n250 AUTH LOGIN PLAIN\r\n"), []);
    assert_eq!(dialogue.output(), "AUTH PLAIN AGFubmEAc2VjcmV0\r\n");
    assert_eq!(dialogue.says("235 2.7.0 yes\r\n"), [ClientEvent::Ready]);
    let mut dialogue = Dialogue::with(relay());
    dialogue.says("220 them\r\n250-them\r\n250 AUTH PLAIN\r\n");
    let reply = Reply::read(535, EnhancedCode::parse("5.7.8"), "no".into());
    assert_eq!(dialogue.fails("535 5.7.8 no\r\n"), ClientFailure::Refused { stage: Stage::Auth, reply });
    let mut dialogue = Dialogue::with(relay());
    assert_eq!(dialogue.fails("220 them\r\n250-them\r\n250 AUTH LOGIN\r\n"), ClientFailure::NoAuth);
    for tls in [ClientTls::IfOffered, ClientTls::Never] {
        let mut dialogue = Dialogue::with(ClientOptions { tls, ..relay() });
        assert_eq!(dialogue.fails("220 them\r\n250-them\r\n250 AUTH PLAIN\r\n"), ClientFailure::NoTls);
        assert!(!dialogue.output().contains("AUTH"));
    }
}

#[test]
fn what_is_no_smtp_or_a_refusal_fails_with_its_stage() {
    assert_eq!(Dialogue::mx().fails("SSH-2.0\r\n"), ClientFailure::Protocol { stage: Stage::Greeting });
    assert_eq!(Dialogue::mx().fails("250 hm\r\n"), ClientFailure::Protocol { stage: Stage::Greeting });
    let reply = Reply::read(554, None, "no".into());
    assert_eq!(Dialogue::mx().fails("554 no\r\n"), ClientFailure::Refused { stage: Stage::Greeting, reply });
    let reply = Reply::read(421, None, "busy".into());
    let failure = ClientFailure::Refused { stage: Stage::Hello, reply: reply.clone() };
    assert_eq!(Dialogue::mx().fails("220 x\r\n421 busy\r\n"), failure);
    let mut dialogue = Dialogue::ready(ClientOptions::new("us.example"), &[]);
    assert_eq!(dialogue.fails("421 busy\r\n"), ClientFailure::Refused { stage: Stage::Idle, reply });
    let mut dialogue = Dialogue::ready(ClientOptions::new("us.example"), &[]);
    assert_eq!(dialogue.fails("250 what\r\n"), ClientFailure::Protocol { stage: Stage::Idle });
    let mut dialogue = Dialogue::mx();
    dialogue.client.connection_lost();
    assert_eq!(dialogue.fails(""), ClientFailure::ClosedByPeer { stage: Stage::Greeting });
}

#[test]
fn each_answer_has_its_time() {
    let mut dialogue = Dialogue::mx();
    let timeouts = Timeouts::default();
    assert_eq!(dialogue.client.next_deadline(), Some(dialogue.now + timeouts.greeting));
    dialogue.now += Duration::from_mins(4);
    dialogue.says("220 half a li");
    let deadline = dialogue.client.next_deadline().unwrap();
    assert_eq!(deadline, dialogue.now + Duration::from_mins(1), "half a line buys no time");
    dialogue.client.handle_timeout(deadline.checked_sub(Duration::from_millis(1)).unwrap());
    assert_eq!(dialogue.says(""), []);
    dialogue.client.handle_timeout(deadline);
    assert_eq!(dialogue.fails(""), ClientFailure::Timeout { stage: Stage::Greeting });
    let mut dialogue = Dialogue::ready(ClientOptions::new("us.example"), &[]);
    assert_eq!(dialogue.client.next_deadline(), None, "idle");
    dialogue.client.quit(dialogue.now);
    dialogue.client.handle_timeout(dialogue.now + timeouts.quit);
    assert_eq!(dialogue.says(""), [ClientEvent::Closed]);
    let mut dialogue = Dialogue::ready(ClientOptions::new("us.example"), &[]);
    dialogue.send(Envelope::new(ReversePath::Null, vec![to("a@b.example")]));
    let mut waits = Vec::new();
    for reply in ["250 ok\r\n", "250 ok\r\n", "354 go\r\n"] {
        waits.push(dialogue.client.next_deadline().unwrap() - dialogue.now);
        dialogue.says(reply);
    }
    waits.push(dialogue.client.next_deadline().unwrap() - dialogue.now);
    dialogue.client.body_end(dialogue.now);
    waits.push(dialogue.client.next_deadline().unwrap() - dialogue.now);
    assert_eq!(
        waits,
        [timeouts.command, timeouts.recipient, timeouts.data_start, timeouts.data_block, timeouts.data_end]
    );
}

#[test]
fn input_is_bounded() {
    let mut dialogue = Dialogue::mx();
    let flood = vec![b'2'; 100_000];
    assert_eq!(dialogue.client.receive(dialogue.now, &flood), CLIENT_INPUT_MAX);
    assert_eq!(dialogue.fails(""), ClientFailure::Protocol { stage: Stage::Greeting });
}
