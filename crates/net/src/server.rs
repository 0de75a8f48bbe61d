//! The accept loop: counts, shakes hands, runs one handler per connection, survives its panics.

use crate::catch::{self, Caught};
use crate::shutdown::Guard;
use crate::{Admission, HandshakeError, Listener, Peer, Shutdown, ShutdownToken, Stream, Ticket, TlsServer};
use std::fmt;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tracing::{debug, error, warn};

/// How long the loop rests after the system had no descriptor, or no memory, for a connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What runs on a listener.
#[derive(Clone, Debug)]
pub struct Service {
    /// Its name in the log.
    pub name: &'static str,
    /// TLS from the first byte; `None` where the session starts it, or never.
    pub implicit_tls: Option<Arc<TlsServer>>,
    /// What a peer is sent that is turned away for lack of places, in clear only, such as `* BYE Too many connections`
    /// with its line end.
    pub refusal: &'static [u8],
}

/// A connection that was let in.
#[derive(Debug)]
pub struct Connection {
    /// Its bytes.
    pub stream: Stream,
    /// The other end.
    pub peer: Peer,
    /// Its place among the connections; drop it when the connection ends.
    pub ticket: Ticket,
    /// Tells when the server is about to stop.
    pub shutdown: ShutdownToken,
    /// Its number since the start, for the log.
    pub id: u64,
}

/// What happened so far, over all listeners.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections let in.
    pub accepted: AtomicU64,
    /// Connections turned away by a limit.
    pub refused: AtomicU64,
    /// Connections closed at once, because nobody may connect from there.
    pub banned: AtomicU64,
    /// Handshakes of implicit TLS that failed.
    pub handshakes_failed: AtomicU64,
    /// Handlers that panicked: each one a defect.
    pub panics: AtomicU64,
}

/// Says who may connect at all. Asked for every TCP connection, before anything is said or read: it must not wait.
pub trait Gate: Send + Sync + 'static {
    /// Whether this address may connect now.
    fn admits(&self, address: IpAddr) -> bool;
}

/// What all listeners share.
pub struct Server {
    admission: Arc<Admission>,
    gate: Option<Arc<dyn Gate>>,
    shutdown: Shutdown,
    counters: Counters,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("admission", &self.admission).finish_non_exhaustive()
    }
}

impl Server {
    /// No listener yet; everybody may connect.
    pub fn new(admission: Arc<Admission>) -> Arc<Self> {
        Self::gated(admission, None)
    }

    /// The same with a gate.
    pub fn gated(admission: Arc<Admission>, gate: Option<Arc<dyn Gate>>) -> Arc<Self> {
        Arc::new(Self { admission, gate, shutdown: Shutdown::new(), counters: Counters::default() })
    }

    /// The places.
    pub fn admission(&self) -> &Arc<Admission> {
        &self.admission
    }

    /// The counters.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Stops it: see [`Shutdown::begin`] and [`Shutdown::drain`].
    pub fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Serves a listener until the shutdown begins, one task per connection. The handler's future is kept boxed; it
    /// ends early, wherever it waits, when the patience of the shutdown is over.
    pub fn serve<H, F>(self: &Arc<Self>, listener: Listener, service: Service, handler: H) -> JoinHandle<()>
    where
        H: Fn(Connection) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let server = Arc::clone(self);
        let guard = self.shutdown.guard();
        tokio::spawn(async move {
            let (service, handler) = (Arc::new(service), Arc::new(handler));
            let mut token = server.shutdown.token();
            loop {
                let accepted = tokio::select! {
                    biased;
                    () = token.requested() => break,
                    accepted = listener.accept() => accepted,
                };
                match accepted {
                    Ok((stream, peer)) => server.admit(stream, peer, &service, &handler),
                    Err(cause) => pause_after(&cause, &service).await,
                }
            }
            drop(guard);
        })
    }

    fn admit<H, F>(self: &Arc<Self>, stream: Stream, peer: Peer, service: &Arc<Service>, handler: &Arc<H>)
    where
        H: Fn(Connection) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        if let (Some(gate), Some(address)) = (&self.gate, peer.ip())
            && !gate.admits(address)
        {
            // Not a word, and no handshake: it costs a guesser as much as us.
            self.counters.banned.fetch_add(1, Ordering::Relaxed);
            debug!(service = service.name, %peer, "connection of a banned address");
            return;
        }
        let ticket = match self.admission.admit(peer) {
            Ok(ticket) => ticket,
            Err(refused) => {
                self.counters.refused.fetch_add(1, Ordering::Relaxed);
                debug!(service = service.name, %peer, %refused, "connection refused");
                if service.implicit_tls.is_none() {
                    stream.say_last(service.refusal);
                }
                return;
            }
        };
        let id = self.counters.accepted.fetch_add(1, Ordering::Relaxed) + 1;
        let connection = Connection { stream, peer, ticket, shutdown: self.shutdown.token(), id };
        let (server, guard) = (Arc::clone(self), self.shutdown.guard());
        tokio::spawn(server.run(connection, guard, Arc::clone(service), Arc::clone(handler)));
    }

    async fn run<H, F>(
        self: Arc<Self>,
        mut connection: Connection,
        guard: Guard,
        service: Arc<Service>,
        handler: Arc<H>,
    ) where
        H: Fn(Connection) -> F + Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (peer, id) = (connection.peer, connection.id);
        let mut token = connection.shutdown.clone();
        if let Some(tls) = &service.implicit_tls {
            let shaken = tokio::select! {
                shaken = connection.stream.start_tls(tls) => shaken,
                () = token.over() => return,
            };
            match shaken {
                Ok(stream) => connection.stream = stream,
                Err(failure) => return self.handshake_failed(&failure, peer, &service),
            }
        }
        let ended = tokio::select! {
            ended = Caught::new(handler(connection)) => ended,
            () = token.over() => {
                warn!(service = service.name, connection = id, %peer, "connection dropped at shutdown");
                Ok(())
            }
        };
        if let Err(panic) = ended {
            self.counters.panics.fetch_add(1, Ordering::Relaxed);
            let text = catch::text(&panic);
            error!(service = service.name, connection = id, %peer, text, "a defect ended a connection");
        }
        drop(guard);
    }

    fn handshake_failed(&self, failure: &HandshakeError, peer: Peer, service: &Service) {
        self.counters.handshakes_failed.fetch_add(1, Ordering::Relaxed);
        debug!(service = service.name, %peer, %failure, "no TLS");
    }
}

async fn pause_after(cause: &io::Error, service: &Service) {
    // A connection that was gone before it was accepted is no reason to rest.
    let gone = [io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset, io::ErrorKind::Interrupted];
    if !gone.contains(&cause.kind()) {
        warn!(service = service.name, error = cause as &dyn std::error::Error, "cannot accept connections");
        tokio::time::sleep(ACCEPT_PAUSE).await;
    }
}
