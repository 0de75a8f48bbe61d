//! Servers and clients over the loopback, on ports that the system picks.

use crate::{
    Admission, Certificates, Connection, ConnectionLimits, Drained, Endpoint, HandshakeError, Listener, Peer, Server,
    Service, Stream, SystemClock, TlsClient, TlsOptions, TlsServer, connect, read_with, self_made,
};
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use types::{AccountId, Clock};

const PATIENCE: Duration = Duration::from_secs(20);
const NAME: &str = "mail.example.org";

/// A server with a certificate, and a client that trusts it.
struct Place {
    server: Arc<Server>,
    tls: Arc<TlsServer>,
    client: Arc<TlsClient>,
}

fn place_with(limits: ConnectionLimits, options: TlsOptions) -> Place {
    let made = self_made(&[NAME, "127.0.0.1"], SystemClock.now()).unwrap();
    let certificates = Certificates::from_pem(&made.chain_pem, made.key_pem.expose()).unwrap();
    let tls = TlsServer::for_servers(certificates, options);
    let client = TlsClient::verified(&made.authority_pem).unwrap();
    Place { server: Server::new(Admission::new(limits)), tls, client }
}

fn place() -> Place {
    place_with(ConnectionLimits::default(), TlsOptions::default())
}

fn listener() -> (Listener, SocketAddr) {
    let listener = Listener::bind(&Endpoint::Tcp("127.0.0.1:0".parse().unwrap())).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

fn service(implicit_tls: Option<Arc<TlsServer>>) -> Service {
    Service { name: "echo", implicit_tls, refusal: b"* BYE Too many connections\r\n" }
}

async fn echo(mut connection: Connection) {
    let mut heard = Vec::new();
    loop {
        heard.clear();
        match read_with(&mut connection.stream, 1 << 20, |bytes| heard.extend_from_slice(bytes)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        assert!(!heard.starts_with(b"panic"), "as it was asked to");
        if connection.stream.write_all(&heard).await.is_err() || connection.stream.flush().await.is_err() {
            return;
        }
    }
}

async fn dial(address: SocketAddr) -> Stream {
    connect(address, None, PATIENCE).await.unwrap().0
}

fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

async fn ask(stream: &mut Stream, question: &[u8]) -> std::io::Result<Vec<u8>> {
    stream.write_all(question).await?;
    stream.flush().await?;
    let mut answer = vec![0; question.len()];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("no answer")?;
    Ok(answer)
}

#[tokio::test]
async fn implicit_tls_carries_bytes_both_ways() {
    let place = place();
    let (listener, address) = listener();
    let accepting = place.server.serve(listener, service(Some(place.tls.clone())), echo);
    let mut stream = dial(address).await.connect_tls(&place.client, name()).await.unwrap();
    let long: Vec<u8> = (0..200_000_u32).flat_map(u32::to_le_bytes).take(100_000).collect();
    for question in [&b"hello"[..], &long] {
        assert_eq!(ask(&mut stream, question).await.unwrap(), question);
    }
    let info = stream.tls().unwrap();
    assert_eq!((info.version, info.cipher.starts_with("TLS_")), ("TLS1.3", true), "{info:?}");
    drop(stream);
    assert_eq!(place.server.shutdown().drain(PATIENCE).await, Drained { dropped: 0 });
    accepting.await.unwrap();
    assert_eq!(place.server.admission().open(), 0);
}

#[tokio::test]
async fn start_tls_begins_afresh_and_both_ends_can_bind_to_it() {
    let place = place();
    let (listener, address) = listener();
    let tls = place.tls.clone();
    place.server.serve(listener, service(None), move |mut connection: Connection| {
        let tls = tls.clone();
        async move {
            assert_eq!(connection.stream.tls(), None);
            let mut go = [0; 4];
            connection.stream.read_exact(&mut go).await.unwrap();
            let mut stream = connection.stream.start_tls(&tls).await.unwrap();
            let info = stream.tls().unwrap();
            assert_eq!((info.server_name.as_deref(), info.client_certificate), (Some(NAME), None));
            stream.write_all(&info.exporter.unwrap()).await.unwrap();
            stream.write_all(&info.server_end_point.unwrap()).await.unwrap();
            stream.flush().await.unwrap();
        }
    });
    let mut stream = dial(address).await;
    stream.write_all(b"STLS").await.unwrap();
    let mut stream = stream.connect_tls(&place.client, name()).await.unwrap();
    let ours = stream.tls().unwrap();
    let mut theirs = [0; 64];
    stream.read_exact(&mut theirs).await.unwrap();
    assert_eq!(theirs.split_at(32), (&ours.exporter.unwrap()[..], &ours.server_end_point.unwrap()[..]));
    assert_eq!(place.server.counters().panics.load(Ordering::Relaxed), 0);
    let again = stream.connect_tls(&place.client, name()).await;
    assert!(matches!(again, Err(HandshakeError::Already)));
}

#[tokio::test]
async fn plaintext_in_place_of_a_handshake_is_refused() {
    let place = place();
    let (listener, address) = listener();
    place.server.serve(listener, service(Some(place.tls.clone())), echo);
    let mut stream = dial(address).await;
    stream.write_all(b"a LOGIN ann tinte\r\n").await.unwrap();
    let mut rest = Vec::new();
    // An alert, then the end.
    let _reset = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    assert!(!rest.windows(3).any(|w| w == b"ann"));
    place.server.shutdown().drain(PATIENCE).await;
    assert_eq!(place.server.counters().handshakes_failed.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn a_silent_peer_gets_no_handshake_for_ever() {
    let options = TlsOptions { handshake_timeout: Duration::from_millis(50), ..TlsOptions::default() };
    let place = place_with(ConnectionLimits::default(), options);
    let (listener, address) = listener();
    place.server.serve(listener, service(Some(place.tls.clone())), echo);
    let mut stream = dial(address).await;
    let mut rest = Vec::new();
    tokio::time::timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap().unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_certificate_of_nobody_we_trust_is_refused_unless_any_will_do() {
    let place = place();
    let (listener, address) = listener();
    place.server.serve(listener, service(Some(place.tls.clone())), echo);
    let stranger = self_made(&[NAME], SystemClock.now()).unwrap();
    let distrusting = TlsClient::verified(&stranger.authority_pem).unwrap();
    let refused = dial(address).await.connect_tls(&distrusting, name()).await;
    assert!(matches!(refused, Err(HandshakeError::Failed(_))));
    let wrong_name = ServerName::try_from("other.example.org").unwrap();
    let refused = dial(address).await.connect_tls(&place.client, wrong_name.clone()).await;
    assert!(matches!(refused, Err(HandshakeError::Failed(_))));
    let any = TlsClient::opportunistic().unwrap();
    let mut stream = dial(address).await.connect_tls(&any, wrong_name).await.unwrap();
    assert_eq!(ask(&mut stream, b"hello").await.unwrap(), b"hello");
}

#[tokio::test]
async fn one_connection_too_many_is_told_so() {
    let limits = ConnectionLimits { per_address: 2, ..ConnectionLimits::default() };
    let place = place_with(limits, TlsOptions::default());
    let (listener, address) = listener();
    place.server.serve(listener, service(None), |mut connection: Connection| async move {
        connection.ticket.signed_in(AccountId(7)).unwrap();
        echo(connection).await;
    });
    let mut first = dial(address).await;
    assert_eq!(ask(&mut first, b"a").await.unwrap(), b"a", "it is counted under its account by now");
    let mut held = vec![first];
    for _ in 0..3 {
        let mut next = dial(address).await;
        assert_eq!(ask(&mut next, b"b").await.unwrap(), b"b");
        held.push(next);
    }
    assert_eq!(place.server.admission().open_of(AccountId(7)), 4);
}

#[tokio::test]
async fn an_address_that_has_all_its_places_is_refused_with_a_word() {
    let limits = ConnectionLimits { per_address: 1, ..ConnectionLimits::default() };
    let place = place_with(limits, TlsOptions::default());
    let (listener, address) = listener();
    place.server.serve(listener, service(None), echo);
    let mut first = dial(address).await;
    assert_eq!(ask(&mut first, b"a").await.unwrap(), b"a");
    let mut second = dial(address).await;
    let mut told = String::new();
    tokio::time::timeout(PATIENCE, second.read_to_string(&mut told)).await.unwrap().unwrap();
    assert_eq!(told, "* BYE Too many connections\r\n");
    assert_eq!(place.server.counters().refused.load(Ordering::Relaxed), 1);
}

/// Lets in who comes from one address less than all.
struct NotFrom(std::net::IpAddr);

impl crate::Gate for NotFrom {
    fn admits(&self, address: std::net::IpAddr) -> bool {
        address != self.0
    }
}

#[tokio::test]
async fn a_banned_address_hears_nothing_and_takes_no_place() {
    for (banned, heard) in [("127.0.0.1", 0), ("127.0.0.2", 5)] {
        let gate: Arc<dyn crate::Gate> = Arc::new(NotFrom(banned.parse().unwrap()));
        let server = Server::gated(Admission::new(ConnectionLimits::default()), Some(gate));
        let (listener, address) = listener();
        server.serve(listener, service(None), echo);
        let mut stream = dial(address).await;
        let answer = ask(&mut stream, b"hello").await.unwrap_or_default();
        assert_eq!(answer.len(), heard, "{banned}");
        assert_eq!(server.counters().banned.load(Ordering::Relaxed), u64::from(heard == 0));
        assert_eq!(server.counters().accepted.load(Ordering::Relaxed), u64::from(heard != 0));
    }
}

#[tokio::test]
async fn a_panic_ends_its_own_connection_and_is_counted() {
    let place = place();
    let (listener, address) = listener();
    place.server.serve(listener, service(None), echo);
    let mut bystander = dial(address).await;
    assert_eq!(ask(&mut bystander, b"a").await.unwrap(), b"a");
    let mut victim = dial(address).await;
    assert!(ask(&mut victim, b"panic").await.is_err());
    assert_eq!(ask(&mut bystander, b"b").await.unwrap(), b"b");
    drop((bystander, victim));
    place.server.shutdown().drain(PATIENCE).await;
    assert_eq!(place.server.counters().panics.load(Ordering::Relaxed), 1);
    assert_eq!(place.server.admission().open(), 0);
}

#[tokio::test]
async fn a_shutdown_tells_the_sessions_and_drops_those_that_do_not_listen() {
    let place = place();
    let (listener, address) = listener();
    place.server.serve(listener, service(None), |mut connection: Connection| async move {
        let mut kind = [0];
        connection.stream.read_exact(&mut kind).await.unwrap();
        connection.stream.write_all(&kind).await.unwrap();
        if kind == *b"p" {
            connection.shutdown.requested().await;
            connection.stream.write_all(b"* BYE\r\n").await.unwrap();
        } else {
            std::future::pending::<()>().await;
        }
    });
    let (mut polite, mut deaf) = (dial(address).await, dial(address).await);
    ask(&mut polite, b"p").await.unwrap();
    ask(&mut deaf, b"d").await.unwrap();
    let drained = place.server.shutdown().drain(Duration::from_millis(100)).await;
    assert_eq!(drained, Drained { dropped: 1 });
    let mut told = String::new();
    polite.read_to_string(&mut told).await.unwrap();
    assert_eq!(told, "* BYE\r\n");
    assert!(connect(address, None, PATIENCE).await.is_err(), "the listener is closed");
}

#[tokio::test]
async fn a_unix_socket_is_replaced_when_stale_and_not_when_in_use() {
    let directory = std::env::temp_dir().join(format!("postamt-net-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("lmtp");
    let endpoint = Endpoint::Unix { path: path.clone(), mode: 0o600 };
    // Left over by somebody who did not clean up.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let place = place();
    let listener = Listener::bind(&endpoint).unwrap();
    assert!(Listener::bind(&endpoint).is_err(), "somebody listens there");
    place.server.serve(listener, service(None), |connection: Connection| async move {
        assert_eq!(connection.peer, Peer::Unix);
        echo(connection).await;
    });
    let mut stream = Stream::from(tokio::net::UnixStream::connect(&path).await.unwrap());
    assert_eq!(ask(&mut stream, b"hello").await.unwrap(), b"hello");
    drop(stream);
    place.server.shutdown().drain(PATIENCE).await;
    assert!(!path.exists(), "the socket goes with the listener");
    std::fs::remove_dir_all(&directory).unwrap();
}
