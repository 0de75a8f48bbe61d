//! What becomes of sessions whose account or password goes under them, and of those who come after it.

#![expect(clippy::unwrap_used, reason = "tests: a panic is their verdict")]

use base64::Engine as _;
use domain::{
    Delivery, DeliveryOptions, Directory, Mail, MailOptions, NewAppPassword, PasswordOptions, Queue, QueueOptions,
    Refusal, Traces,
};
use net::{Admission, ConnectionLimits, Peer, ShutdownToken};
use proto_smtp::Role;
use service_session::{Arrival, LOOK_EVERY, Piped, Shared};
use std::sync::Arc;
use std::time::Duration;
use store_kv::{Engine, Memory};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream};
use tokio::time::Instant;
use types::{AccountId, Address, Clock as _, DomainName, ManualClock, Protocols, Secret, Timestamp};

const ANNA: &str = "anna@example.test";

struct Server {
    engine: Arc<Memory>,
    clock: Arc<ManualClock>,
    shared: Shared,
    delivery: Arc<Delivery>,
    anna: AccountId,
}

/// A client's end, in TLS.
struct Client(BufReader<DuplexStream>);

impl Client {
    /// Says a line, if it is one, and reads up to the line that begins so.
    async fn ask(&mut self, line: &str, answer: &str) {
        if !line.is_empty() {
            self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        }
        let mut heard = String::new();
        while !heard.lines().last().is_some_and(|last| last.starts_with(answer)) {
            let count = self.0.read_line(&mut heard).await.unwrap();
            assert!(count > 0, "{line}: {answer} is not in {heard}");
        }
    }

    /// Reads to the end of the connection.
    async fn last(mut self) -> String {
        let mut heard = String::new();
        self.0.read_to_string(&mut heard).await.unwrap();
        heard
    }
}

fn connect() -> (Client, Arrival<Piped>) {
    let (client, server) = tokio::io::duplex(64 << 10);
    let admission = Admission::new(ConnectionLimits::default());
    let (peer, shutdown) = (Peer::Unix, ShutdownToken::never());
    let ticket = admission.admit(peer).unwrap();
    (Client(BufReader::new(client)), Arrival { stream: Piped::new(server, true), peer, ticket, shutdown, id: 1 })
}

impl Server {
    async fn start() -> Self {
        let clock = Arc::new(ManualClock::at(Timestamp(1_769_904_000_000)));
        let memory = Memory::new();
        let engine: Arc<dyn Engine> = memory.clone();
        let mail = Mail::new(Arc::clone(&engine), clock.clone(), MailOptions::default());
        let passwords = PasswordOptions::for_tests();
        let directory = Directory::new(Arc::clone(&engine), clock.clone(), Arc::clone(&mail), passwords).unwrap();
        directory.domain_add(&DomainName::parse("example.test").unwrap()).await.unwrap();
        let password = Secret::new("tinte".to_owned());
        let anna = directory.account_add(&Address::parse(ANNA).unwrap(), &password, None).await.unwrap();
        let traces = Traces::new(Arc::clone(&engine), clock.clone());
        let queue = Queue::open(engine, clock.clone(), Arc::clone(&traces), QueueOptions::default()).await.unwrap();
        let hostname = DomainName::parse("mail.example.test").unwrap();
        let options = DeliveryOptions { hostname: hostname.as_str().into(), received_max: 100 };
        let delivery = Delivery::new(Arc::clone(&mail), Arc::clone(&directory), queue, traces, options);
        let shared = Shared { mail, directory, clock: clock.clone(), hostname, tls: None };
        Self { engine: memory, clock, shared, delivery, anna }
    }

    async fn imap(&self) -> Client {
        let (mut client, arrival) = connect();
        let service = service_imap::Service { shared: self.shared.clone(), options: service_imap::Options::default() };
        tokio::spawn(service_imap::run(Arc::new(service), arrival));
        client.ask("", "* OK").await;
        client
    }

    async fn pop3(&self) -> Client {
        let (mut client, arrival) = connect();
        let service = service_pop3::Service { shared: self.shared.clone(), options: Arc::default() };
        tokio::spawn(service_pop3::run(Arc::new(service), arrival));
        client.ask("", "+OK").await;
        client
    }

    async fn submission(&self) -> Client {
        let (mut client, arrival) = connect();
        let options = Arc::new(proto_smtp::Options::new(Role::Submission, "mail.example.test"));
        let service =
            service_smtp::Service { shared: self.shared.clone(), delivery: Arc::clone(&self.delivery), options };
        tokio::spawn(service_smtp::run(Arc::new(service), arrival));
        client.ask("", "220").await;
        client.ask("EHLO laptop", "250 ").await;
        client
    }

    async fn remove(&self) {
        self.shared.directory.account_remove(&Address::parse(ANNA).unwrap()).await.unwrap();
    }
}

#[tokio::test]
async fn open_sessions_of_a_removed_account_end_and_new_ones_are_refused() {
    let server = Server::start().await;
    let plain = format!("AUTH PLAIN {}", base64::engine::general_purpose::STANDARD.encode(format!("\0{ANNA}\0tinte")));
    let (mut idle, mut selected, mut unselected) = (server.imap().await, server.imap().await, server.imap().await);
    for client in [&mut idle, &mut selected, &mut unselected] {
        client.ask(&format!("a LOGIN {ANNA} tinte"), "a OK").await;
    }
    idle.ask("b SELECT INBOX", "b OK").await;
    idle.ask("c IDLE", "+").await;
    selected.ask("b SELECT INBOX", "b OK").await;
    let mut pop3 = server.pop3().await;
    pop3.ask(&format!("USER {ANNA}"), "+OK").await;
    pop3.ask("PASS tinte", "+OK").await;
    let mut submission = server.submission().await;
    submission.ask(&plain, "235").await;
    submission.ask(&format!("MAIL FROM:<{ANNA}>"), "250").await;

    server.remove().await;
    assert!(idle.last().await.starts_with("* BYE"), "at once");
    assert_eq!(selected.last().await, "* BYE The account was removed\r\n");
    assert_eq!(unselected.last().await, "* BYE The account was removed\r\n");
    assert_eq!(pop3.last().await, "");
    assert_eq!(submission.last().await, "421 4.7.0 The account was removed\r\n");

    server.imap().await.ask(&format!("a LOGIN {ANNA} tinte"), "a NO [AUTHENTICATIONFAILED]").await;
    let mut pop3 = server.pop3().await;
    pop3.ask(&format!("USER {ANNA}"), "+OK").await;
    pop3.ask("PASS tinte", "-ERR [AUTH]").await;
    server.submission().await.ask(&plain, "535 5.7.8").await;
    let refused = server.delivery.check(&Address::parse(ANNA).unwrap(), None).await;
    assert!(matches!(refused, Err(Refusal::NoSuchUser)));
    let prefix = store_kv::account_prefix(server.anna);
    let rows = server.engine.scan(&store_kv::Scan::prefix(&prefix)).await.unwrap().rows;
    assert_eq!(rows.len(), 1, "nothing is left but the account's counters");
}

#[tokio::test]
async fn a_password_that_is_changed_or_removed_ends_its_sessions_and_no_others() {
    let server = Server::start().await;
    let (directory, anna) = (&server.shared.directory, Address::parse(ANNA).unwrap());
    let new = NewAppPassword { name: "phone".into(), scope: Protocols::ALL, expires: None };
    let phone = directory.app_password_add(&anna, new).await.unwrap();
    let plain = |password: &str| base64::engine::general_purpose::STANDARD.encode(format!("\0{ANNA}\0{password}"));
    let sign_in = async |password: &str| {
        let (mut imap, mut pop3, mut submission) =
            (server.imap().await, server.pop3().await, server.submission().await);
        imap.ask(&format!("a LOGIN {ANNA} {password}"), "a OK").await;
        imap.ask("b SELECT INBOX", "b OK").await;
        imap.ask("c IDLE", "+").await;
        pop3.ask(&format!("USER {ANNA}"), "+OK").await;
        pop3.ask(&format!("PASS {password}"), "+OK").await;
        submission.ask(&format!("AUTH PLAIN {}", plain(password)), "235").await;
        (imap, pop3, submission)
    };
    let (imap, pop3, submission) = sign_in("tinte").await;
    let (mut app_imap, mut app_pop3, mut app_submission) = sign_in(phone.password.expose()).await;

    directory.password_set(&anna, &Secret::new("feder".to_owned())).await.unwrap();
    assert_eq!(imap.last().await, "* BYE The password was changed, sign in again\r\n");
    assert_eq!(pop3.last().await, "");
    assert_eq!(submission.last().await, "421 4.7.0 The password was changed, sign in again\r\n");
    app_imap.ask("DONE", "c OK").await;
    app_imap.ask("d IDLE", "+").await;
    app_pop3.ask("NOOP", "+OK").await;
    app_submission.ask("NOOP", "250").await;

    directory.app_password_remove(&anna, phone.credential).await.unwrap();
    assert!(app_imap.last().await.ends_with("* BYE The password was changed, sign in again\r\n"));
    assert_eq!(app_pop3.last().await, "");
    assert_eq!(app_submission.last().await, "421 4.7.0 The password was changed, sign in again\r\n");
}

#[tokio::test(start_paused = true)]
async fn an_app_password_whose_time_is_over_ends_its_sessions_within_a_minute() {
    let server = Server::start().await;
    let anna = Address::parse(ANNA).unwrap();
    let day = Duration::from_hours(24);
    let expires = Some(server.clock.now().after(day));
    let new = NewAppPassword { name: "phone".into(), scope: Protocols::ALL, expires };
    let phone = server.shared.directory.app_password_add(&anna, new).await.unwrap();
    let password = phone.password.expose();
    let (mut idle, mut submission) = (server.imap().await, server.submission().await);
    idle.ask(&format!("a LOGIN {ANNA} {password}"), "a OK").await;
    idle.ask("b IDLE", "+").await;
    let plain = base64::engine::general_purpose::STANDARD.encode(format!("\0{ANNA}\0{password}"));
    submission.ask(&format!("AUTH PLAIN {plain}"), "235").await;
    tokio::time::sleep(2 * LOOK_EVERY).await;
    submission.ask("NOOP", "250").await;

    server.clock.advance(day);
    let over = Instant::now();
    assert!(idle.last().await.ends_with("* BYE The password was changed, sign in again\r\n"));
    assert_eq!(submission.last().await, "421 4.7.0 The password was changed, sign in again\r\n");
    assert!(over.elapsed() <= LOOK_EVERY);
}
