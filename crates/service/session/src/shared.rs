//! What every session is handed.

use domain::{Directory, Mail};
use net::{Connection, Peer, ShutdownToken, Stream, Ticket, TlsServer};
use std::sync::Arc;
use types::{AccountId, Clock, DomainName};

/// The server behind the sessions. Cheap to clone.
#[derive(Clone)]
pub struct Shared {
    /// The mail.
    pub mail: Arc<Mail>,
    /// Who may sign in.
    pub directory: Arc<Directory>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// The name that we greet with.
    pub hostname: DomainName,
    /// What STARTTLS and STLS use; `None` where there is no TLS.
    pub tls: Option<Arc<TlsServer>>,
}

impl Shared {
    /// Whether the account of a session was removed under it, which ends the session. If that cannot be found out now,
    /// the command itself will tell of the trouble.
    pub async fn is_removed(&self, account: AccountId) -> bool {
        matches!(self.directory.is_active(account).await, Ok(false))
    }
}

/// A connection that a session is to serve.
pub struct Arrival<S> {
    /// Its bytes.
    pub stream: S,
    /// The other end.
    pub peer: Peer,
    /// Its place among the connections.
    pub ticket: Ticket,
    /// Tells when the server is about to stop.
    pub shutdown: ShutdownToken,
    /// Its number since the start, for the log.
    pub id: u64,
}

impl From<Connection> for Arrival<Stream> {
    fn from(connection: Connection) -> Self {
        let Connection { stream, peer, ticket, shutdown, id } = connection;
        Self { stream, peer, ticket, shutdown, id }
    }
}
