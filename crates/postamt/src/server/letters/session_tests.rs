//! The whole way: a program that ignores LOGINDISABLED sends a password in clear, and everything that follows, on a clock
//! that is moved by hand.

use super::tests::{ANNA, PASSWORD, World, anna};
use domain::NewAppPassword;
use net::{Admission, ConnectionLimits, Peer, ShutdownToken};
use proto_smtp::Role;
use service_session::{Arrival, Piped};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::time::timeout;
use types::{MailProtocol, Protocols, Secret};

/// How long an answer may take before the session counts as stuck.
const PATIENCE: Duration = Duration::from_secs(30);
const NEW_PASSWORD: &str = "moos-lampe-fjord-17";

/// A client that says lines and hears lines.
struct Client(BufReader<DuplexStream>);

impl Client {
    /// Connects, in clear or inside TLS, and hears the greeting.
    async fn connect(world: &World, protocol: MailProtocol, tls: bool) -> Self {
        let (near, far) = tokio::io::duplex(64 << 10);
        let peer = Peer::Tcp(SocketAddr::from((Ipv4Addr::new(203, 0, 113, 9), 40_000)));
        let ticket = Admission::new(ConnectionLimits::default()).admit(peer).unwrap();
        let shutdown = ShutdownToken::never();
        let arrival = Arrival { stream: Piped::new(far, tls), peer, ticket, shutdown, id: 1 };
        let shared = world.writer.shared.clone();
        match protocol {
            MailProtocol::Imap => {
                let service = service_imap::Service { shared, options: service_imap::Options::default() };
                drop(tokio::spawn(service_imap::run(Arc::new(service), arrival)));
            }
            MailProtocol::Pop3 => {
                let service = service_pop3::Service { shared, options: Arc::default() };
                drop(tokio::spawn(service_pop3::run(Arc::new(service), arrival)));
            }
            MailProtocol::Smtp => {
                let options = Arc::new(proto_smtp::Options::new(Role::Submission, "mail.example.test"));
                let delivery = Arc::clone(&world.writer.delivery);
                let service = service_smtp::Service { shared, delivery, options };
                drop(tokio::spawn(service_smtp::run(Arc::new(service), arrival)));
            }
        }
        let mut client = Self(BufReader::new(near));
        client.line().await.expect("a greeting");
        client
    }

    /// The next line; `None` when the server has closed.
    async fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = timeout(PATIENCE, self.0.read_line(&mut line)).await.expect("an answer in time");
        (read.unwrap() > 0).then(|| line.trim_end().to_owned())
    }

    async fn send(&mut self, line: &str) {
        let _ = self.0.write_all(format!("{line}\r\n").as_bytes()).await;
    }

    /// All lines of an answer, which ends with one that begins so.
    async fn says(&mut self, line: &str, end: &str) -> String {
        self.send(line).await;
        let mut answer = String::new();
        while let Some(line) = self.line().await {
            answer.push_str(&line);
            answer.push('\n');
            if line.starts_with(end) {
                return answer;
            }
        }
        answer
    }

    /// The answer to IMAP's LOGIN.
    async fn login(&mut self, password: &str) -> String {
        self.says(&format!("a LOGIN {ANNA} {password}"), "a ").await
    }
}

impl World {
    /// What is under way is done, and the letters about it are there.
    async fn settle(&self) -> Vec<String> {
        self.directory().settled(None).await;
        assert!(self.writer.write_due().await.unwrap());
        self.subjects().await
    }

    async fn login(&self, password: &str) -> (Client, String) {
        let mut client = Client::connect(self, MailProtocol::Imap, true).await;
        let answer = client.login(password).await;
        (client, answer)
    }
}

#[tokio::test]
async fn a_program_that_ignores_logindisabled_costs_its_owner_the_password_after_the_grace_time() {
    let world = World::new().await;
    let mut careless = Client::connect(&world, MailProtocol::Imap, false).await;
    assert!(careless.says("a CAPABILITY", "a ").await.contains(" LOGINDISABLED"));
    let wrong = careless.login("tinte-hafen-grau-42").await;
    assert!(wrong.starts_with("a NO [PRIVACYREQUIRED]"), "{wrong}");
    assert!(world.settle().await.is_empty(), "a wrong one is nobody's business");
    assert_eq!(careless.login(PASSWORD).await, wrong, "no answer tells whether it was right");
    let until = "Your password could be read on its way: please change it by 27 November";
    assert_eq!(world.settle().await, [until]);

    // The devices that are set up well go on, and one of them reads the letter.
    let (mut phone, answer) = world.login(PASSWORD).await;
    assert!(answer.contains("a OK "), "{answer}");
    assert!(phone.says("b SELECT INBOX", "b ").await.contains("* 1 EXISTS"));
    let letter = phone.says("c FETCH 1 BODY.PEEK[TEXT]", "c ").await;
    assert!(letter.contains("Sent from: 203.0.113.9") && letter.contains("By way of: IMAP"), "{letter}");

    world.clock.advance(Duration::from_hours(48));
    assert_eq!(world.settle().await[1..], ["Reminder: your password is only valid until 27 November"]);
    assert!(world.login(PASSWORD).await.1.contains("a OK "));
    world.clock.advance(Duration::from_hours(24));
    let (_, answer) = world.login(PASSWORD).await;
    assert!(answer.contains("a NO [EXPIRED]"), "{answer}");
    assert!(phone.says("d NOOP", "d ").await.contains("d OK"), "who is signed in reads on");

    let again = world.directory().password_set(&anna(), &Secret::new(PASSWORD.to_owned())).await;
    assert!(again.is_err(), "the one that is known cannot be the new one");
    world.directory().password_set(&anna(), &Secret::new(NEW_PASSWORD.to_owned())).await.unwrap();
    assert!(world.login(NEW_PASSWORD).await.1.contains("a OK "));
    let (_, answer) = world.login(PASSWORD).await;
    assert!(answer.contains("a NO [AUTHENTICATIONFAILED]"), "{answer}");
    let ended = phone.says("e NOOP", "* BYE").await;
    assert!(ended.contains("* BYE") && phone.line().await.is_none(), "its password is none any more: {ended}");
    assert_eq!(world.settle().await.len(), 2, "nothing more is to be told");
    assert!(world.directory().exposed_list(9).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_app_password_in_clear_is_locked_at_once_and_nothing_else() {
    for protocol in [MailProtocol::Pop3, MailProtocol::Smtp] {
        let world = World::new().await;
        let new = NewAppPassword { name: "old computer".to_owned(), scope: Protocols::ALL, expires: None };
        let made = world.directory().app_password_add(&anna(), new).await.unwrap();
        let app = made.password.expose();
        let mut careless = Client::connect(&world, protocol, false).await;
        let plain = encoded(&format!("\0{ANNA}\0{app}"));
        if protocol == MailProtocol::Smtp {
            careless.says("EHLO [192.0.2.1]", "250 ").await;
            let answer = careless.says(&format!("AUTH PLAIN {plain}"), "5").await;
            assert!(answer.starts_with("538 "), "{answer}");
        } else {
            careless.says(&format!("USER {ANNA}"), "-ERR").await;
            let answer = careless.says(&format!("PASS {app}"), "-ERR").await;
            assert!(answer.starts_with("-ERR [SYS/PERM]"), "{answer}");
        }
        assert_eq!(world.settle().await, ["An app password could be read on its way and is no longer valid"]);
        assert!(world.letters().await[0].contains("old computer"));
        let (_, answer) = world.login(app).await;
        assert!(answer.contains("a NO [EXPIRED]"), "{protocol} {answer}");
        let (_, answer) = world.login(PASSWORD).await;
        assert!(answer.contains("a OK "), "{protocol} {answer}");
    }
}

/// Base64 (RFC 4648 §4).
fn encoded(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let bits = (0..3).fold(0_usize, |sum, at| sum << 8 | usize::from(group.get(at).copied().unwrap_or(0)));
        let digit = |at: usize| if at > group.len() { '=' } else { char::from(ALPHABET[bits >> (18 - 6 * at) & 63]) };
        (0..4).map(digit).collect::<String>()
    };
    text.as_bytes().chunks(3).map(digits).collect()
}
