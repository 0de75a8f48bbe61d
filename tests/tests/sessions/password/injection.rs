//! STARTTLS and what stands around it in the same packet: nothing said in clear counts inside TLS (RFC 3207 §4.2,
//! RFC 3501 §6.2.1, RFC 2595 §4).

use super::exchange::{self, Outcome};
use super::ways::{self, Begin, Kind, Way};
use super::{PIPE, hello, is_accepted, is_signed_in, starttls};
use crate::client::Client;
use crate::server::{ANNA, Listener, PASSWORD, Server, Service};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use store_kv::Memory;

/// Everything that could sign in, or be the half of it, as a client would write it in one piece.
pub(super) fn secrets(service: Service) -> Vec<String> {
    let plain = BASE64.encode(format!("\0{ANNA}\0{PASSWORD}"));
    let (user, password) = (BASE64.encode(ANNA), BASE64.encode(PASSWORD));
    let length = PASSWORD.len();
    match service {
        Service::Imap => vec![
            format!("p LOGIN {ANNA} {PASSWORD}\r\n"),
            format!("p LOGIN \"{ANNA}\" {{{length}+}}\r\n{PASSWORD}\r\n"),
            format!("p AUTHENTICATE PLAIN {plain}\r\n"),
            format!("p AUTHENTICATE PLAIN\r\n{plain}\r\n"),
            format!("p AUTHENTICATE LOGIN\r\n{user}\r\n{password}\r\n"),
            format!("p LOGIN {{{}}}\r\n{ANNA} {PASSWORD}\r\n", ANNA.len()),
        ],
        Service::Pop3 => vec![
            format!("USER {ANNA}\r\nPASS {PASSWORD}\r\n"),
            format!("USER {ANNA}\r\n"),
            format!("AUTH PLAIN {plain}\r\n"),
            format!("AUTH PLAIN\r\n{plain}\r\n"),
            format!("AUTH LOGIN\r\n{user}\r\n{password}\r\n"),
        ],
        Service::Submission | Service::Mx | Service::Lmtp => vec![
            format!("AUTH PLAIN {plain}\r\n"),
            format!("AUTH PLAIN\r\n{plain}\r\n"),
            format!("AUTH LOGIN\r\n{user}\r\n{password}\r\n"),
            format!("EHLO injected.example\r\nAUTH PLAIN {plain}\r\n"),
            "MAIL FROM:<anna@example.test>\r\nRCPT TO:<ben@example.test>\r\nDATA\r\n".to_owned(),
        ],
    }
}

async fn in_clear(server: &Server, service: Service) -> Client {
    let (mut client, _) = server.connect(service, Listener::StartTls, PIPE);
    client.greeting().await;
    hello(&mut client, service).await;
    client
}

pub(super) fn is_begun(service: Service, answer: &str) -> bool {
    match service {
        Service::Imap => answer.starts_with("s OK"),
        Service::Pop3 => answer.starts_with("+OK Begin TLS"),
        Service::Submission | Service::Mx | Service::Lmtp => answer.starts_with("220 "),
    }
}

/// Something harmless, by whose answer it can be seen that no other answer stands before it.
async fn is_in_step(client: &mut Client, service: Service) -> bool {
    match service {
        Service::Imap => client.ask("step NOOP\r\n").await.starts_with("step OK"),
        Service::Pop3 => client.ask("NOSUCH\r\n").await == "-ERR Unknown command",
        Service::Submission | Service::Mx | Service::Lmtp => client.ask("NOOP\r\n").await == "250 2.0.0 Fine",
    }
}

/// Inside TLS, behind something that was slipped in: nobody is signed in, nothing of it is answered, the protocol is at
/// its beginning, and who signs in properly is let in.
pub(super) async fn check_after(client: &mut Client, service: Service, case: &str) {
    assert!(is_in_step(client, service).await, "{case}: an answer to what was said in clear");
    if service == Service::Pop3 {
        let answer = client.ask(&format!("PASS {PASSWORD}\r\n")).await;
        assert!(answer.starts_with("-ERR"), "{case}: the name of before was kept: {answer}");
    }
    if super::hello_of(service).is_some() {
        let answer = client.ask("MAIL FROM:<anna@example.test>\r\n").await;
        assert!(answer.starts_with("503 5.5.1 "), "{case}: EHLO of before was kept: {answer}");
        hello(client, service).await;
    }
    assert!(!is_signed_in(client, service).await, "{case}");
    let way = Way { begin: Begin::Initial, ..ways::named("PLAIN") };
    assert_eq!((way.kind, way.mechanism), (Kind::Sasl, "PLAIN"));
    let Outcome { answer, .. } = exchange::play(client, service, &way, PASSWORD).await;
    let has_auth = matches!(service, Service::Imap | Service::Pop3 | Service::Submission);
    assert_eq!(is_accepted(service, &answer), has_auth, "{case}: {answer}");
}

#[tokio::test]
async fn what_comes_before_starttls_in_the_same_packet_counts_for_nothing() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for secret in secrets(service) {
            let case = format!("{service:?} {secret:?}");
            let mut client = in_clear(&server, service).await;
            client.send(&(secret.clone() + starttls(service))).await;
            let mut answer = client.last().await;
            while !is_begun(service, &answer) {
                let is_mail = answer.starts_with("250") || answer.starts_with("354");
                assert!(is_mail || !is_accepted(service, &answer), "{case}: {answer}");
                if answer.starts_with("354") {
                    // STARTTLS became text of the message, which is not ended: nothing more to see.
                    break;
                }
                answer = client.last().await;
            }
            if is_begun(service, &answer) {
                check_after(&mut client, service, &case).await;
            }
        }
    }
}

#[tokio::test]
async fn what_comes_behind_starttls_in_the_same_packet_counts_for_nothing() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for secret in secrets(service) {
            let case = format!("{service:?} {secret:?}");
            let mut client = in_clear(&server, service).await;
            client.send(&(starttls(service).to_owned() + &secret)).await;
            if service == Service::Imap {
                // Here the client is told, and the connection ends: TLS never begins.
                let heard = client.rest().await;
                assert!(heard[0].starts_with("s BAD [CLIENTBUG] "), "{case}: {heard:?}");
                assert!(heard[1].starts_with("* BYE "), "{case}: {heard:?}");
                assert_eq!(heard.len(), 2, "{case}");
                continue;
            }
            let answer = client.last().await;
            assert!(is_begun(service, &answer), "{case}: {answer}");
            check_after(&mut client, service, &case).await;
        }
    }
}

#[tokio::test]
async fn a_command_cut_in_two_by_starttls_is_not_put_together_again() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for secret in secrets(service) {
            for cut in [1, secret.len() / 2, secret.len() - 2] {
                let (front, back) = secret.split_at(cut);
                let case = format!("{service:?} {front:?} {back:?}");
                let mut client = in_clear(&server, service).await;
                client.send(&(starttls(service).to_owned() + front)).await;
                if service == Service::Imap {
                    assert!(client.rest().await[1].starts_with("* BYE "), "{case}");
                    continue;
                }
                let answer = client.last().await;
                assert!(is_begun(service, &answer), "{case}: {answer}");
                // Inside TLS the rest of it is a line of its own: whatever is answered, nobody is signed in.
                client.send(&format!("{back}\r\n")).await;
                assert!(!is_accepted(service, &client.last().await), "{case}");
                client.send("QUIT\r\n").await;
                let heard = client.rest().await;
                assert!(heard.iter().all(|line| !line.starts_with("235")), "{case}: {heard:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_sign_in_right_behind_the_handshake_is_taken() {
    let server = Server::start(Memory::new()).await;
    for service in [Service::Imap, Service::Pop3, Service::Submission] {
        let there_is = |way: &ways::Way| way.kind != Kind::Unknown && !way.begin.is_in_vain();
        for way in ways::all(service).into_iter().filter(there_is) {
            let mut client = in_clear(&server, service).await;
            assert!(is_begun(service, &client.ask(starttls(service)).await));
            hello(&mut client, service).await;
            let Outcome { answer, .. } = exchange::play(&mut client, service, &way, PASSWORD).await;
            assert!(is_accepted(service, &answer), "{service:?} {way:?}: {answer}");
        }
    }
}
