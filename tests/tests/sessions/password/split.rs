//! The same over sockets with real TLS, cut into two packets at every place: what is said in clear behind STARTTLS is
//! thrown away with the command, or comes where the handshake should, which fails. It never counts inside TLS.
//!
//! RFC 3207 §4.2, RFC 9051 §6.2.1, RFC 2595 §4.

use super::injection::{check_after, is_begun, secrets};
use super::{PIPE, hello_of, starttls};
use crate::client::{Client, PATIENCE};
use crate::server::{ANNA, Server, Service};
use net::{Stream, TlsClient};
use rustls_pki_types::ServerName;
use store_kv::Memory;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::time::timeout;

/// A connection in clear. It reads byte by byte, so that nothing is taken that belongs to TLS.
struct Bare(Stream);

impl Bare {
    /// Greeted, and with all that a client can have said of itself before TLS.
    async fn connect(server: &Server, service: Service) -> Self {
        let mut bare = Self(server.connect_socket(service).0);
        bare.line().await.unwrap();
        match (service, hello_of(service)) {
            (Service::Imap, _) => {
                bare.send("i ID (\"name\" \"in clear\")\r\n").await;
                while !bare.line().await.unwrap().starts_with("i ") {}
            }
            (Service::Pop3, _) => bare.send("").await,
            (_, Some(hello)) => {
                bare.send(hello).await;
                while !bare.line().await.unwrap().starts_with("250 ") {}
            }
            (_, None) => {}
        }
        bare
    }

    async fn send(&mut self, text: &str) {
        // A server that has closed hears nothing; what it said is still to be read.
        let _ = self.0.write_all(text.as_bytes()).await;
        let _ = self.0.flush().await;
    }

    async fn line(&mut self) -> Option<String> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let mut byte = [0];
            match timeout(PATIENCE, self.0.read(&mut byte)).await.expect("an answer in time") {
                Ok(1) => line.push(byte[0]),
                _ => return None,
            }
        }
        line.truncate(line.len() - 2);
        Some(String::from_utf8(line).unwrap())
    }

    /// The answer to STARTTLS.
    async fn answer(&mut self) -> String {
        self.line().await.unwrap_or_default()
    }

    /// Shakes hands; a client that speaks through TLS if that worked.
    async fn start_tls(self, service: Service) -> Option<Client> {
        let any = TlsClient::opportunistic().unwrap();
        let name = ServerName::try_from("mail.example.test").unwrap();
        let mut stream = timeout(PATIENCE, self.0.connect_tls(&any, name)).await.expect("an end in time").ok()?;
        let (near, mut far) = tokio::io::duplex(PIPE);
        tokio::spawn(async move { tokio::io::copy_bidirectional(&mut far, &mut stream).await });
        Some(Client::new(near, service))
    }
}

/// Whether the server, told of an injection, ends the connection at once.
fn ends_it(service: Service) -> bool {
    service == Service::Imap
}

async fn play(server: &Server, service: Service, slipped: &str, cut: usize) {
    let command = starttls(service);
    let all = format!("{command}{slipped}");
    let (front, back) = all.split_at(cut);
    let case = format!("{service:?} {front:?} {back:?}");
    let mut bare = Bare::connect(server, service).await;
    bare.send(front).await;
    // Its answer shows that the first packet was taken before the second was sent.
    let is_answered_first = front.len() >= command.len();
    let mut answer = if is_answered_first { bare.answer().await } else { String::new() };
    bare.send(back).await;
    if !is_answered_first {
        answer = bare.answer().await;
    }
    let is_told = ends_it(service) && !slipped.is_empty() && (!is_answered_first || front.len() > command.len());
    if is_told {
        assert!(answer.starts_with("s BAD [CLIENTBUG] "), "{case}: {answer}");
        assert!(bare.answer().await.starts_with("* BYE "), "{case}");
        assert_eq!(bare.line().await, None, "{case}");
        return;
    }
    assert!(is_begun(service, &answer), "{case}: {answer}");
    let client = bare.start_tls(service).await;
    if is_answered_first && !back.is_empty() {
        assert!(client.is_none(), "{case}: a handshake over what was no part of one");
    } else {
        check_after(&mut client.expect(&case), service, &case).await;
    }
}

#[tokio::test]
async fn what_comes_behind_starttls_counts_for_nothing_wherever_it_is_cut() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for slipped in secrets(service) {
            for cut in 1..=starttls(service).len() + slipped.len() {
                play(&server, service, &slipped, cut).await;
            }
        }
    }
}

#[tokio::test]
async fn what_a_client_said_of_itself_before_tls_is_forgotten() {
    let server = Server::start(Memory::new()).await;
    for service in Service::ALL {
        for cut in 1..=starttls(service).len() {
            play(&server, service, "", cut).await;
        }
    }
    let mut bare = Bare::connect(&server, Service::Pop3).await;
    bare.send(&format!("USER {ANNA}\r\n")).await;
    bare.line().await.unwrap();
    bare.send("STLS\r\n").await;
    assert!(is_begun(Service::Pop3, &bare.answer().await));
    check_after(&mut bare.start_tls(Service::Pop3).await.unwrap(), Service::Pop3, "USER before STLS").await;
}
