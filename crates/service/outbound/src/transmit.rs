//! One message over one connection: the client's machine with a socket under it.

use bytes::Bytes;
use domain::MailError;
use net::{Stream, TlsClient, connect};
use proto_smtp::client::{Answer, ClientFailure, ClientTls, Credentials, Envelope, Origin, Verdict};
use proto_smtp::{Client, ClientEvent, ClientOptions, Reply};
use rustls_pki_types::ServerName;
use service_session::Wire;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::sleep_until;
use tracing::debug;
use types::DomainName;

/// How long a connection may take to come about (RFC 5321 §4.5.4.1 leaves it open).
const CONNECT_PATIENCE: Duration = Duration::from_secs(30);

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
    /// Nobody was there, or it broke before anything was said about the message: the next address may do better.
    Unreached(String),
    /// The body cannot be read: ours.
    Fault(MailError),
}

/// Hands one message over at one address.
pub(crate) async fn transmit<B: BodySource>(
    address: SocketAddr,
    host: &DomainName,
    manner: &Manner,
    envelope: &Envelope,
    body: &mut B,
) -> Sent {
    let stream = match connect(address, None, CONNECT_PATIENCE).await {
        Ok((stream, _)) => stream,
        Err(error) => return Sent::Unreached(error.to_string()),
    };
    let options = ClientOptions {
        tls: manner.tls,
        credentials: manner.credentials.clone(),
        ..ClientOptions::new(&manner.hello_name)
    };
    let mut conversation = Conversation {
        client: Client::new(options, Instant::now()),
        wire: Some(Wire::new(stream)),
        envelope: Some(envelope.clone()),
        answers: None,
        fault: None,
    };
    let ended = conversation.run(host, manner, body).await;
    if let Some(fault) = conversation.fault {
        return Sent::Fault(fault);
    }
    match (conversation.answers, ended) {
        (Some(answers), _) => Sent::Answered(answers),
        (None, Err(Ended::Refused(reply))) => {
            // A refusal before the message counts for every recipient, in the peer's words.
            let verdict = if reply.is_permanent() { Verdict::Permanent } else { Verdict::Temporary };
            let answer = Answer { verdict, reply, origin: Origin::Peer };
            Sent::Answered(envelope.recipients.iter().map(|_| answer.clone()).collect())
        }
        (None, Err(Ended::Broken(why))) => Sent::Unreached(why),
        (None, Ok(())) => Sent::Unreached("the conversation ended without an answer".into()),
    }
}

/// Why a conversation ended early.
enum Ended {
    Refused(Reply),
    Broken(String),
}

impl From<io::Error> for Ended {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

struct Conversation {
    client: Client,
    wire: Option<Wire<Stream>>,
    envelope: Option<Envelope>,
    answers: Option<Vec<Answer>>,
    fault: Option<MailError>,
}

impl Conversation {
    async fn run<B: BodySource>(&mut self, host: &DomainName, manner: &Manner, body: &mut B) -> Result<(), Ended> {
        loop {
            while let Some(event) = self.client.poll_event() {
                match event {
                    ClientEvent::StartTls => self.start_tls(host, manner).await?,
                    ClientEvent::Ready => match self.envelope.take() {
                        Some(envelope) => self.client.send(envelope, Instant::now()),
                        None => self.client.quit(Instant::now()),
                    },
                    ClientEvent::SendBody => self.send_body(body).await?,
                    ClientEvent::Finished(answers) => self.answers = Some(answers),
                    ClientEvent::Failed(ClientFailure::Refused { reply, .. }) => return Err(Ended::Refused(reply)),
                    ClientEvent::Failed(failure) => return Err(Ended::Broken(failure.to_string())),
                    ClientEvent::Closed => return Ok(()),
                }
            }
            if !self.client.output().is_empty() {
                self.flush().await?;
                continue;
            }
            self.wait().await?;
        }
    }

    async fn flush(&mut self) -> Result<(), Ended> {
        let Self { client, wire: Some(wire), .. } = self else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        wire.send(client.output()).await?;
        client.flushed(Instant::now());
        Ok(())
    }

    async fn wait(&mut self) -> Result<(), Ended> {
        let deadline = self.client.next_deadline();
        let Self { client, wire: Some(wire), .. } = self else {
            return Err(io::Error::from(io::ErrorKind::NotConnected).into());
        };
        let timer = async {
            match deadline {
                Some(deadline) => sleep_until(deadline.into()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            received = wire.receive(|bytes| client.receive(Instant::now(), bytes)) => match received {
                Ok(0) => client.connection_lost(),
                Ok(_) => {}
                Err(error) => {
                    debug!(%error, "connection broke");
                    client.connection_lost();
                }
            },
            () = timer => client.handle_timeout(Instant::now()),
        }
        Ok(())
    }

    async fn start_tls(&mut self, host: &DomainName, manner: &Manner) -> Result<(), Ended> {
        self.flush().await?;
        let Some(wire) = self.wire.take() else { return Err(Ended::Broken("no connection".into())) };
        let name = ServerName::try_from(host.as_str().trim_matches(['[', ']']).to_owned());
        let name = name.map_err(|_| Ended::Broken(format!("{host} is no name for a certificate")))?;
        let stream = wire.into_stream().connect_tls(&manner.tls_client, name).await;
        let stream = stream.map_err(|error| Ended::Broken(error.to_string()))?;
        self.wire = Some(Wire::new(stream));
        self.client.tls_started(Instant::now());
        Ok(())
    }

    async fn send_body<B: BodySource>(&mut self, body: &mut B) -> Result<(), Ended> {
        body.rewind();
        loop {
            match body.next().await {
                Ok(piece) if piece.is_empty() => break,
                Ok(piece) => self.client.body_chunk(&piece),
                Err(fault) => {
                    self.fault = Some(fault);
                    return Err(Ended::Broken("the message cannot be read".into()));
                }
            }
            let Self { client, wire: Some(wire), .. } = self else { return Err(Ended::Broken("no connection".into())) };
            wire.send_when_high(client.output()).await?;
        }
        self.client.body_end(Instant::now());
        Ok(())
    }
}
