//! Sockets: listeners, TLS, connection limits, orderly shutdown, the system's clock. Knows no protocol.
//!
//! [`Server::serve`] accepts, counts, shakes hands and runs one handler per [`Connection`]; a session reads and writes
//! its [`Stream`] and turns it into a TLS one with [`Stream::start_tls`].

mod catch;
mod client;
mod clock;
mod limits;
mod listener;
mod resolver;
mod server;
mod shutdown;
mod stream;
mod tls;

pub use client::{ConnectError, TlsClient, connect};
pub use clock::SystemClock;
pub use limits::{Admission, ConnectionLimits, Refused, Ticket};
pub use listener::{BindError, Endpoint, Listener};
pub use resolver::{ADDRESSES_MAX, MX_HOSTS_MAX, MailHosts, ResolveError, Resolver, ZoneEntry};
pub use server::{Connection, Counters, Gate, Server, Service};
pub use shutdown::{Drained, Shutdown, ShutdownToken};
pub use stream::{HandshakeError, Peer, Stream, TlsInfo, read_with};
pub use tls::{
    CertificateFiles, CertificateStatus, Certificates, SelfMade, TlsError, TlsOptions, TlsServer, certificate_sha256,
    self_made,
};

#[cfg(test)]
mod tests;
