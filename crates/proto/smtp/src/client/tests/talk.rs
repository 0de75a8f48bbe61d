//! Our client and our server talk to each other in memory.

use super::*;
use crate::{BareNewline, Event, Limits, MailNeeds, Mechanism, Options, Policy, Role, Rule, Server, Tls};

/// Both ends of a wire, cut into pieces of this many bytes.
struct Wire {
    client: Client,
    server: Server,
    now: Instant,
    piece: usize,
    /// What the server's session has seen: envelopes and content.
    seen: Vec<String>,
    content: Vec<u8>,
    client_events: Vec<ClientEvent>,
}

fn policy(tls: Tls, needs: MailNeeds) -> Policy {
    let rule = if tls == Tls::Offered { Rule::RefusedInClear } else { Rule::Offered };
    Policy { tls, mechanisms: vec![Mechanism { name: "PLAIN".into(), rule }], mail_needs: needs }
}

impl Wire {
    fn new(role: Role, piece: usize) -> Self {
        let now = Instant::now();
        let lmtp = role == Role::Lmtp;
        let (tls, needs) = match role {
            Role::Mx => (Tls::Offered, MailNeeds::Nothing),
            Role::Submission => (Tls::Offered, MailNeeds::SignIn),
            Role::Lmtp => (Tls::Unavailable, MailNeeds::Nothing),
        };
        let limits = Limits { message_max: Octets(50_000), ..Limits::default() };
        let server_options =
            Options { limits, bare_newline: BareNewline::Refuse, ..Options::new(role, "them.example") };
        let credentials = Credentials { user: "anna".into(), password: Secret::new("secret".into()) };
        let options = ClientOptions {
            protocol: if lmtp { Protocol::Lmtp } else { Protocol::Smtp },
            tls: if lmtp { ClientTls::Never } else { ClientTls::Required },
            credentials: (role == Role::Submission).then_some(credentials),
            ..ClientOptions::new("us.example")
        };
        let mut server = Server::new(server_options, policy(tls, needs), now);
        server.greet("ready", now);
        let client = Client::new(options, now);
        Self { client, server, now, piece, seen: Vec::new(), content: Vec::new(), client_events: Vec::new() }
    }

    /// Lets both talk until nothing moves; gives the client's events.
    fn run(&mut self) -> Vec<ClientEvent> {
        loop {
            let mut moved = self.serve();
            while let Some(event) = self.client.poll_event() {
                moved = true;
                if event == ClientEvent::StartTls {
                    self.client.tls_started(self.now);
                }
                self.client_events.push(event);
            }
            let (to_server, to_client) =
                (self.piece.min(self.client.output().len()), self.piece.min(self.server.output().len()));
            let bytes = self.client.output().split_to(to_server);
            let taken = self.server.receive(self.now, &bytes);
            let mut rest = BytesMut::from(&bytes[taken..]);
            rest.unsplit(self.client.output().split());
            *self.client.output() = rest;
            let bytes = self.server.output().split_to(to_client);
            assert_eq!(self.client.receive(self.now, &bytes), bytes.len());
            if !moved && to_server == 0 && to_client == 0 {
                return std::mem::take(&mut self.client_events);
            }
        }
    }

    fn serve(&mut self) -> bool {
        let mut moved = false;
        while let Some(event) = self.server.poll_event() {
            moved = true;
            match event {
                Event::Hello(_) => self.server.accept(),
                Event::AuthRefused(_) | Event::Uninvited(_) => panic!("a client speaks only when it may"),
                Event::Auth(start) => {
                    assert_eq!(start.initial_response.unwrap().expose(), b"\0anna\0secret");
                    self.server.accept();
                }
                Event::Mail(mail) => {
                    self.seen.push(format!("{} {:?} {:?} {}", mail.reverse_path, mail.size, mail.body, mail.utf8));
                    self.server.accept();
                }
                Event::Recipient(recipient) => {
                    let path = recipient.forward_path.to_string();
                    if path.starts_with("<no") {
                        self.server.refuse(&Reply::new(550, 1, 1, "No such person here"));
                    } else {
                        self.seen.push(path);
                        self.server.accept();
                    }
                }
                Event::Data(_) => {
                    self.content.clear();
                    self.server.accept();
                }
                Event::DataChunk(chunk) => self.content.extend_from_slice(&chunk),
                Event::DataEnd { .. } => {
                    while self.server.answers_owed() > 1 {
                        self.server.accept_with("yes");
                    }
                    self.server.accept_with("the last");
                }
                Event::StartTls => {
                    assert_eq!(self.client.output().len(), 0);
                    while self.client.poll_event() != Some(ClientEvent::StartTls) {
                        let bytes = self.server.take_output();
                        assert_eq!(self.client.receive(self.now, &bytes), bytes.len());
                    }
                    self.client.tls_started(self.now);
                    let needs = if self.server_is_submission() { MailNeeds::SignIn } else { MailNeeds::Nothing };
                    self.server.tls_started(policy(Tls::Active, needs), self.now);
                }
                Event::Closed(_) | Event::Reset | Event::DataAborted(_) | Event::AuthAborted => {}
                Event::AuthResponse(_) => panic!("PLAIN has no second word"),
            }
        }
        moved
    }

    fn server_is_submission(&self) -> bool {
        self.client.options.credentials.is_some()
    }
}

#[test]
fn a_message_arrives_as_it_was_sent_in_every_role_however_the_wire_cuts_it() {
    let content = b"Subject: x\r\n\r\n.\r\n..\r\nline\r\n.dot\r\n\xc3\xa4\r\n".repeat(20);
    for role in [Role::Mx, Role::Submission, Role::Lmtp] {
        for piece in [1, 2, 3, 7, 64, 100_000] {
            let mut wire = Wire::new(role, piece);
            assert_eq!(wire.run().last(), Some(&ClientEvent::Ready), "{role:?} {piece}");
            assert_eq!(wire.client.is_tls_active(), role != Role::Lmtp);
            for _ in 0..2 {
                let recipients = vec![to("ben@them.example"), to("nobody@them.example"), to("jörg@them.example")];
                let mut envelope = Envelope::new(from("anna@us.example"), recipients);
                envelope.size = Some(Octets(content.len() as u64));
                wire.client.send(envelope, wire.now);
                assert_eq!(wire.run(), [ClientEvent::SendBody], "{role:?} {piece}");
                for chunk in content.chunks(11) {
                    wire.client.body_chunk(chunk);
                }
                wire.client.body_end(wire.now);
                let events = wire.run();
                let [ClientEvent::Finished(answers), ClientEvent::Ready] = &events[..] else { panic!("{events:?}") };
                let verdicts: Vec<Verdict> = answers.iter().map(|answer| answer.verdict).collect();
                assert_eq!(verdicts, [Verdict::Accepted, Verdict::Permanent, Verdict::Accepted]);
                assert_eq!(answers[1].reply, Reply::new(550, 1, 1, "No such person here"));
                assert_eq!(wire.content, content, "{role:?} {piece}");
                let mail = format!("<anna@us.example> Some(Octets({})) EightBitMime true", content.len());
                assert_eq!(
                    std::mem::take(&mut wire.seen),
                    [mail.as_str(), "<ben@them.example>", "<jörg@them.example>"]
                );
            }
            wire.client.quit(wire.now);
            assert_eq!(wire.run(), [ClientEvent::Closed]);
        }
    }
}

#[test]
fn a_message_above_the_size_is_answered_for_every_recipient() {
    for role in [Role::Mx, Role::Lmtp] {
        let mut wire = Wire::new(role, 4096);
        wire.run();
        let recipients = vec![to("ben@them.example"), to("cara@them.example")];
        wire.client.send(Envelope::new(ReversePath::Null, recipients), wire.now);
        assert_eq!(wire.run(), [ClientEvent::SendBody]);
        for _ in 0..100 {
            wire.client.body_chunk(&b"0123456789\r\n".repeat(100));
        }
        wire.client.body_end(wire.now);
        let events = wire.run();
        let [ClientEvent::Finished(answers), ClientEvent::Ready] = &events[..] else { panic!("{events:?}") };
        assert_eq!(answers.len(), 2);
        assert!(answers.iter().all(|answer| answer.verdict == Verdict::Permanent && answer.reply.code() == 552));
    }
}
