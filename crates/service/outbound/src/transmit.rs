//! One message over one connection: the client's machine with a socket under it.

use crate::destinations::Slot;
use bytes::Bytes;
use domain::MailError;
use net::{Stream, TlsClient, connect};
use proto_smtp::client::{Answer, ClientFailure, ClientTls, Credentials, Envelope, Stage};
use proto_smtp::{Client, ClientEvent, ClientOptions, Reply};
use rustls_pki_types::ServerName;
use service_session::Wire;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::{sleep_until, timeout};
use tracing::debug;
use types::DomainName;

/// How long a connection may take to come about (RFC 5321 §4.5.4.1 leaves it open).
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);
/// How long is listened to a peer that takes nothing more.
const LAST_WORDS: Duration = Duration::from_secs(5);
/// How long a connection may take to end when all is said.
const LEAVE_PATIENCE: Duration = Duration::from_secs(30);

/// Where the bytes of the message come from, in pieces; an empty one is the end.
pub(crate) trait BodySource: Send {
    fn next(&mut self) -> impl Future<Output = Result<Bytes, MailError>> + Send;
    /// Starts again from the beginning, for the next host.
    fn rewind(&mut self);
}

/// How a host is spoken to.
pub(crate) struct Manner {
    pub(crate) hello_name: String,
    pub(crate) tls: ClientTls,
    pub(crate) tls_client: Arc<TlsClient>,
    pub(crate) credentials: Option<Credentials>,
}

/// What came of it.
pub(crate) enum Sent {
    /// An answer for each recipient.
    Answered(Vec<Answer>),
    /// The server does not want to speak to us at all: another one may.
    Refused(Stage, Reply),
    /// TLS did not come about: it may go without, where nothing demands it.
    NoTls(String),
    /// Nobody was there, or it broke before anything was said about the message: the next address may do better.
    Unreached(String),
    /// The body cannot be read: ours.
    Fault(MailError),
}

/// Hands one message over at one address. The slot is kept until the connection is closed, which may take longer than
/// the answer.
pub(crate) async fn transmit<B: BodySource>(
    address: SocketAddr,
    host: &DomainName,
    manner: &Manner,
    envelope: &Envelope,
    body: &mut B,
    slot: &Arc<Slot>,
) -> Sent {
    let mut stream = match connect(address, None, CONNECT_PATIENCE).await {
        Ok((stream, _)) => stream,
        Err(error) => return Sent::Unreached(error.to_string()),
    };
    if manner.tls == ClientTls::Active {
        stream = match shake_hands(stream, host, manner).await {
            Ok(stream) => stream,
            Err(why) => return Sent::NoTls(why),
        };
    }
    let options = ClientOptions {
        tls: manner.tls,
        credentials: manner.credentials.clone(),
        ..ClientOptions::new(&manner.hello_name)
    };
    let mut conversation = Conversation {
        client: Client::new(options, Instant::now()),
        wire: Some(Wire::new(stream)),
        envelope: Some(envelope.clone()),
        is_lost: false,
    };
    let ended = conversation.run(host, manner, body).await;
    match ended {
        Ok(answers) => {
            // What was said counts now: it must not wait for the goodbye.
            let slot = Arc::clone(slot);
            tokio::spawn(async move {
                let _ = timeout(LEAVE_PATIENCE, conversation.leave()).await;
                drop(slot);
            });
            Sent::Answered(answers)
        }
        Err(Ended::Refused(stage, reply)) => Sent::Refused(stage, reply),
        Err(Ended::Tls(why)) => Sent::NoTls(why),
        // TLS that breaks right after the handshake is as good as none.
        Err(Ended::Broken(why)) if conversation.is_tls_before_the_message() => Sent::NoTls(why),
        Err(Ended::Broken(why)) => Sent::Unreached(why),
        Err(Ended::Fault(fault)) => Sent::Fault(fault),
    }
}

async fn shake_hands(stream: Stream, host: &DomainName, manner: &Manner) -> Result<Stream, String> {
    let name = host.as_str().trim_matches(['[', ']']);
    let name = ServerName::try_from(name.strip_prefix("ipv6:").unwrap_or(name).to_owned());
    let name = name.map_err(|_| format!("{host} is no name for a certificate"))?;
    stream.connect_tls(&manner.tls_client, name).await.map_err(|error| error.to_string())
}

/// Why a conversation ended early.
enum Ended {
    Refused(Stage, Reply),
    Tls(String),
    Broken(String),
    Fault(MailError),
}

struct Conversation {
    client: Client,
    /// `None` only while it is turned into a TLS one.
    wire: Option<Wire<Stream>>,
    /// Until it is sent.
    envelope: Option<Envelope>,
    /// The peer takes nothing more.
    is_lost: bool,
}

impl Conversation {
    async fn run<B: BodySource>(
        &mut self,
        host: &DomainName,
        manner: &Manner,
        body: &mut B,
    ) -> Result<Vec<Answer>, Ended> {
        loop {
            while let Some(event) = self.client.poll_event() {
                match event {
                    ClientEvent::StartTls => self.start_tls(host, manner).await?,
                    ClientEvent::Ready => match self.envelope.take() {
                        Some(envelope) => self.client.send(envelope, Instant::now()),
                        None => return Err(broken("the conversation ended without an answer")),
                    },
                    ClientEvent::SendBody => self.send_body(body).await?,
                    ClientEvent::Finished(answers) => return Ok(answers),
                    ClientEvent::Failed(ClientFailure::Refused { stage, reply }) => {
                        return Err(Ended::Refused(stage, reply));
                    }
                    ClientEvent::Failed(failure) => return Err(broken(&failure.to_string())),
                    ClientEvent::Closed => return Err(broken("the server closed the connection")),
                }
            }
            self.step().await;
        }
    }

    /// QUIT and its answer.
    async fn leave(mut self) {
        loop {
            while let Some(event) = self.client.poll_event() {
                match event {
                    ClientEvent::Ready => self.client.quit(Instant::now()),
                    ClientEvent::Closed | ClientEvent::Failed(_) => {
                        if let Some(wire) = self.wire.take() {
                            wire.close().await;
                        }
                        return;
                    }
                    ClientEvent::StartTls | ClientEvent::SendBody | ClientEvent::Finished(_) => {}
                }
            }
            self.step().await;
        }
    }

    fn is_tls_before_the_message(&self) -> bool {
        self.client.is_tls_active() && self.envelope.is_some()
    }

    /// Writes what there is to write, else waits for the peer. What breaks, the machine is told, which knows what
    /// follows from it.
    async fn step(&mut self) {
        if self.is_lost {
            self.client.connection_lost();
        } else if self.client.output().is_empty() {
            self.wait().await;
        } else {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        let Self { client, wire: Some(wire), .. } = self else { return self.is_lost = true };
        match wire.send(client.output()).await {
            Ok(()) => client.flushed(Instant::now()),
            Err(error) => self.lost(&error).await,
        }
    }

    /// A peer that refuses a message in the middle says why and closes: its words may still be there to be read.
    async fn lost(&mut self, error: &io::Error) {
        debug!(%error, "connection broke");
        self.is_lost = true;
        if let Self { client, wire: Some(wire), .. } = self {
            let _ = timeout(LAST_WORDS, wire.receive(|bytes| client.receive(Instant::now(), bytes))).await;
        }
    }

    async fn wait(&mut self) {
        let deadline = self.client.next_deadline();
        let Self { client, wire: Some(wire), .. } = self else { return self.is_lost = true };
        let timer = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            received = wire.receive(|bytes| client.receive(Instant::now(), bytes)) => match received {
                Ok(0) => self.is_lost = true,
                Ok(_) => {}
                Err(error) => {
                    debug!(%error, "connection broke");
                    self.is_lost = true;
                }
            },
            () = timer => client.handle_timeout(Instant::now()),
        }
    }

    async fn start_tls(&mut self, host: &DomainName, manner: &Manner) -> Result<(), Ended> {
        self.flush().await;
        let Some(wire) = self.wire.take().filter(|_| !self.is_lost) else { return Err(broken("no connection")) };
        let stream = shake_hands(wire.into_stream(), host, manner).await.map_err(Ended::Tls)?;
        self.wire = Some(Wire::new(stream));
        self.client.tls_started(Instant::now());
        Ok(())
    }

    async fn send_body<B: BodySource>(&mut self, body: &mut B) -> Result<(), Ended> {
        body.rewind();
        loop {
            let piece = body.next().await.map_err(Ended::Fault)?;
            if piece.is_empty() {
                break;
            }
            self.client.body_chunk(&piece);
            let Self { client, wire: Some(wire), .. } = self else { return Err(broken("no connection")) };
            if let Err(error) = wire.send_when_high(client.output()).await {
                self.lost(&error).await;
                return Ok(());
            }
        }
        self.client.body_end(Instant::now());
        Ok(())
    }
}

fn broken(why: &str) -> Ended {
    Ended::Broken(why.to_owned())
}
